import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import {
  type AuditEntry,
  type AuditEvent,
  type AuditFiles,
  AuditLog,
  type AuditOptions,
  type AuditSink,
  AuditTally,
  DISK,
  readAudit,
  verifyAudit,
} from './index.ts';
import { decodeRecord, describeEvent, LINE_BYTES_MAX, NO_HASH, sealRecord } from './record.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'audit-'));
});

afterEach(() => rm(directory, { recursive: true }));

const FIRST = 'audit-000001.jsonl';

function open(options: Partial<AuditOptions> = {}): Promise<AuditLog> {
  return AuditLog.open({ directory, durability: 'process', ...options });
}

function denied(resource: string): AuditEvent {
  return { kind: 'capability', action: 'filesystem.read', outcome: 'deny', actor: 'parse', resource };
}

async function fill(count: number, options: Partial<AuditOptions> = {}): Promise<void> {
  const log = await open(options);
  await Promise.all(Array.from({ length: count }, (_, index) => log.append(denied(`/${index}`))));
  await log.close();
}

async function resources(): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for await (const { record } of readAudit(directory)) if (record?.kind !== 'log') found.push(record?.resource);
  return found;
}

async function edit(change: (lines: string[]) => string[], file = FIRST): Promise<void> {
  const path = join(directory, file);
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

async function problems(head?: string): Promise<string[]> {
  const report = await verifyAudit(directory, { head });
  assert.equal(report.ok, report.problems.length === 0);
  return report.problems.map(({ kind }) => kind);
}

function lineOf(event: AuditEvent, seq = 1): string {
  return sealRecord(describeEvent(event, 0), { seq, prev: NO_HASH }).line;
}

async function entriesOf(): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readAudit(directory)) entries.push(entry);
  return entries;
}

function isCode(code: string) {
  return (error: unknown): boolean => RuntimeError.is(error, code as RuntimeError['code']);
}

test('AuditLog has on disk what was acknowledged, in order, across runs', async () => {
  await fill(3);
  await fill(2);
  assert.deepEqual(await resources(), ['/0', '/1', '/2', '/0', '/1']);
  const report = await verifyAudit(directory);
  assert.deepEqual([report.ok, report.records, report.first, report.last], [true, 7, 1, 7]);
});

test("AuditLog: any texts, also a guest's, make records that are read as they were written", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1_024 }), (text) => {
      const line = lineOf({ ...denied(text), reason: text, details: { text } });
      assert.ok(!line.includes('\n'));
      assert.equal(decodeRecord(line)?.resource, text.toWellFormed());
    }),
  );
});

test('AuditLog cuts what is longer than a record may be', () => {
  const long = '\u0001'.repeat(1_000_000);
  const texts = { action: long, actor: long, component: long, revision: long, principal: long, rule: long };
  const details = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}${long}`, long]));
  const event: AuditEvent = { ...denied(long), ...texts, reason: long, traceId: long, details };
  const line = lineOf(event);
  assert.ok(Buffer.byteLength(line) <= LINE_BYTES_MAX, `${Buffer.byteLength(line)} bytes`);
  assert.notEqual(decodeRecord(line), undefined);
});

test('S91: verifyAudit finds any single change of a byte', async () => {
  await fill(5);
  const path = join(directory, FIRST);
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ by;
      await writeFile(path, changed);
      assert.notDeepEqual(await problems(), []);
    }),
    { numRuns: 200 },
  );
});

test('S91: verifyAudit finds records that were taken out, doubled, exchanged or made up', async () => {
  await fill(5);
  const original = await readFile(join(directory, FIRST));
  const changes: [string[], (lines: string[]) => string[]][] = [
    [['sequence'], (lines) => lines.toSpliced(2, 1)],
    [['sequence'], (lines) => lines.toSpliced(2, 0, lines[2] as string)],
    [['sequence', 'sequence', 'sequence'], (lines) => lines.with(2, lines[3] as string).with(3, lines[2] as string)],
    [['truncated'], (lines) => lines.slice(1)],
    [['truncated'], (lines) => lines.slice(0, -1)],
    [['chain'], (lines) => lines.with(2, lineOf(denied('/made-up'), 3))],
    [['damaged'], (lines) => lines.with(2, 'x'.repeat(LINE_BYTES_MAX + 1))],
  ];
  for (const [expected, change] of changes) {
    await writeFile(join(directory, FIRST), original);
    await edit(change);
    const found = await problems();
    assert.ok(
      expected.every((kind) => found.includes(kind)),
      `${found} of ${expected}`,
    );
  }
});

test('verifyAudit finds a chain that was made anew, by a hash that was noted elsewhere', async () => {
  const log = await open();
  await log.append(denied('/1'));
  const noted = log.status.hash;
  await log.close();
  assert.deepEqual(await problems(noted), []);
  await rm(directory, { recursive: true });
  await fill(4);
  assert.deepEqual(await problems(), []);
  assert.deepEqual(await problems(noted), ['head']);
});

test('AuditLog refuses to go on where records were cut off or damaged', async () => {
  await fill(5);
  const whole = await readFile(join(directory, FIRST));
  await edit((lines) => lines.slice(0, -2));
  await assert.rejects(open(), isCode('AUDIT_CORRUPT'));
  await writeFile(join(directory, FIRST), whole);
  await edit((lines) => lines.with(-1, (lines.at(-1) as string).replace('deny', 'allow')));
  await assert.rejects(open(), isCode('AUDIT_CORRUPT'));
  await writeFile(join(directory, FIRST), whole);
  await fill(1);
});

test('AuditLog puts a torn record aside, and says so', async () => {
  await fill(2);
  const path = join(directory, FIRST);
  await appendFile(path, '{"seq":4,"time":"20');
  assert.deepEqual(await problems(), []);
  await fill(1);
  assert.deepEqual(await resources(), ['/0', '/1', '/0']);
  const entries = await entriesOf();
  const resumed = entries.find(({ record }) => record?.action === 'log.resumed')?.record;
  assert.deepEqual(resumed?.details, { tornBytes: 19 });
  assert.equal(await readFile(`${path}.torn`, 'utf8'), '{"seq":4,"time":"20');
  assert.deepEqual(await problems(), []);
});

test('AuditLog begins a file when one is full, and removes those that are older than they are kept', async () => {
  const clock = new ManualClock();
  const day = 86_400_000;
  // Within a day by size, then by the day.
  for (let round = 0; round < 10; round++) await fill(100, { clock, segmentBytes: 65_536 });
  const perDay = new Set((await entriesOf()).map(({ file }) => file)).size;
  assert.ok(perDay > 3, `${perDay} files`);
  clock.advance(day);
  await fill(1, { clock });
  clock.advance(8 * day - 1);
  await fill(1, { clock, retentionMs: 9 * day });
  const files = [...new Set((await entriesOf()).map(({ file }) => file))];
  assert.equal(files.length, perDay + 2);
  assert.deepEqual(await problems(), []);
  clock.advance(1);
  await fill(1, { clock, retentionMs: 9 * day });
  const entries = await entriesOf();
  const expired = entries.flatMap(({ record }) => (record?.action === 'log.expired' ? [record.resource] : []));
  assert.deepEqual(expired, files.slice(0, perDay - 1));
  assert.equal(new Set(entries.map(({ file }) => file)).size, files.length - perDay + 1);
  assert.deepEqual(await problems(), []);
  // Nothing says that this one was old.
  await rm(join(directory, files[perDay - 1] as string));
  assert.deepEqual(await problems(), ['truncated']);
});

test('AuditLog is written by one process at a time', async () => {
  await using log = await open();
  await assert.rejects(open(), isCode('AUDIT_LOCKED'));
  await log.append(denied('/'));
});

/** A disk that is full while `isFull`; a write that fails leaves half of what it should have written. */
function fullDisk() {
  const disk = { isFull: false, writes: 0 };
  const files: AuditFiles = {
    async open(path, isNew) {
      const file = await DISK.open(path, isNew);
      return {
        async append(bytes) {
          disk.writes++;
          if (!disk.isFull) return file.append(bytes);
          await file.append(bytes.subarray(0, bytes.length / 2));
          throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        },
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        close: () => file.close(),
      };
    },
  };
  return { disk, files };
}

test('AuditLog acknowledges nothing while the disk is full, and says later how much was lost', async () => {
  const clock = new ManualClock();
  const { disk, files } = fullDisk();
  const failures: string[] = [];
  const log = await open({ clock, files, onFailure: ({ message }) => failures.push(message) });
  await log.append(denied('/1'));
  disk.isFull = true;
  await assert.rejects(log.append(denied('/2')), /the disk is full/);
  assert.equal(log.status.state, 'failing');
  const before = disk.writes;
  await assert.rejects(log.append(denied('/3')), isCode('AUDIT_UNAVAILABLE'));
  log.note(denied('/4'));
  assert.equal(disk.writes, before, 'it is not tried again for each');
  clock.advance(1_000);
  await log.flush();
  assert.equal(log.status.state, 'failing');
  disk.isFull = false;
  clock.advance(1_000);
  await log.flush();
  assert.equal(log.status.state, 'open');
  await log.append(denied('/5'));
  await log.close();
  assert.deepEqual(await resources(), ['/1', '/5']);
  const lost = (await entriesOf()).find(({ record }) => record?.action === 'log.lost')?.record;
  assert.equal(lost?.count, 2, "the refused one is its caller's to know");
  assert.match(lost?.reason ?? '', /the disk is full/);
  assert.equal(failures.length, 1);
  assert.deepEqual(await problems(), []);
});

test('AuditLog takes nothing more when it is closed', async () => {
  const log = await open();
  log.note(denied('/1'));
  await log.close();
  await log.close();
  await assert.rejects(log.append(denied('/2')), isCode('AUDIT_UNAVAILABLE'));
  assert.deepEqual(await resources(), ['/1']);
});

test('AuditLog and its readers name what is wrong with folder and options', async () => {
  await assert.rejects(open({ segmentBytes: 1 }), /segmentBytes is 1; use an integer from 65536 to 1073741824/);
  await assert.rejects(open({ retentionMs: Number.NaN }), RangeError);
  await assert.rejects(verifyAudit(directory), isCode('FILE_NOT_FOUND'));
  await assert.rejects(verifyAudit(join(directory, 'none')), isCode('FILE_NOT_FOUND'));
  await writeFile(join(directory, 'file'), '');
  await assert.rejects(open({ directory: join(directory, 'file') }), isCode('AUDIT_UNAVAILABLE'));
});

test('AuditLog: nobody else can read its files', async () => {
  await fill(1);
  assert.equal((await stat(join(directory, FIRST))).mode & 0o077, 0);
  assert.equal((await stat(join(directory, 'head.json'))).mode & 0o077, 0);
});

test('AuditLog goes on after a file that was made and not written', async () => {
  await fill(2);
  await writeFile(join(directory, 'audit-000002.jsonl'), '');
  await fill(2);
  assert.deepEqual(await resources(), ['/0', '/1', '/0', '/1']);
  assert.deepEqual(await problems(), []);
});

function notingSink() {
  const notes: AuditEvent[] = [];
  const sink: AuditSink = {
    failure: undefined,
    counting: new Set(),
    watch: () => () => undefined,
    note: (event) => void notes.push(event),
  };
  return { notes, sink };
}

test('AuditTally puts a flood of events on record as the first of them and a number', () => {
  const clock = new ManualClock();
  const { notes, sink } = notingSink();
  const tally = new AuditTally(sink, clock);
  for (let round = 0; round < 1_000; round++) tally.note(denied('/etc'));
  tally.note(denied('/home'));
  assert.deepEqual(notes, [denied('/etc'), denied('/home')]);
  clock.advance(30_000);
  assert.equal(notes.length, 3);
  assert.partialDeepStrictEqual(notes[2], { ...denied('/etc'), count: 999, sinceMs: clock.wallMs() - 30_000 });
  tally.note(denied('/home'));
  assert.equal(notes.length, 4, 'what was not seen for a while is news again');
  for (let round = 0; round < 10; round++) tally.note(denied('/etc'));
  clock.advance(30_000);
  assert.equal(notes.at(-1)?.count, 10, 'what goes on is one record each time');
  tally.note(denied('/etc'), 5);
  clock.advance(90_000);
  assert.equal(notes.at(-1)?.count, 1);
  const before = notes.length;
  clock.advance(90_000);
  assert.equal(notes.length, before);
});

test('AuditTally holds a bounded number of different events, and counts them all', () => {
  const clock = new ManualClock();
  const { notes, sink } = notingSink();
  const tally = new AuditTally(sink, clock);
  for (let index = 0; index < 100_000; index++) tally.note({ ...denied(`/${index}`), actor: `a${index}` });
  tally.flush();
  const counted = notes.reduce((sum, { count = 1 }) => sum + count, 0);
  assert.equal(counted, 100_000);
  assert.ok(notes.length <= 257, `${notes.length} records`);
});
