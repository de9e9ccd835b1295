import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import {
  type AuditEvent,
  AuditLog,
  type AuditRecord,
  isSelected,
  lastEntries,
  readAudit,
  reportAudit,
  verifyAudit,
} from './index.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'audit-'));
});

afterEach(() => rm(directory, { recursive: true }));

const FIRST = 'audit-000001.jsonl';

function event(resource: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return { kind: 'capability', action: 'filesystem.read', outcome: 'deny', component: 'parse', resource, ...more };
}

async function write(events: readonly AuditEvent[], clock = new ManualClock()): Promise<void> {
  await using log = await AuditLog.open({ directory, durability: 'process', clock });
  await Promise.all(events.map((item) => log.append(item)));
}

async function records(): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  for await (const { record } of readAudit(directory)) if (record !== undefined) found.push(record);
  return found;
}

async function kinds(): Promise<string[]> {
  return (await verifyAudit(directory)).problems.map(({ kind }) => kind);
}

const isCorrupt = (error: unknown): boolean => RuntimeError.is(error, 'AUDIT_CORRUPT');

test('AuditLog writes one line whatever a text holds: a forged record, keys of prototypes, halves of characters', async () => {
  const forged =
    '"}\n{"seq":9,"time":"2026-01-01T00:00:00.000Z","kind":"grant","action":"all","prev":"0","hash":"0"}\n';
  const details = Object.fromEntries([
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['\ud800', '\udfff'],
    ['\u2028', forged],
  ]);
  await write([event(forged, { details, actor: '\ud800', reason: '\u0000\u001b[2J' })]);
  const found = (await records()).filter(({ kind }) => kind !== 'log');
  assert.equal(found.length, 1);
  assert.equal(found[0]?.resource, forged);
  assert.equal(found[0]?.actor, '\ufffd');
  assert.ok(Object.hasOwn(found[0]?.details ?? {}, '__proto__'));
  assert.equal(({} as Record<string, unknown>).x, undefined);
  assert.deepEqual(await kinds(), []);
});

test('reportAudit and the filter take names of prototypes for names', async () => {
  await write([
    event('/', { component: '__proto__', rule: 'constructor', kind: 'limit', action: 'limit.reached' }),
    event('__proto__', { component: 'constructor' }),
  ]);
  const { components } = await reportAudit(directory);
  assert.deepEqual(
    components.map(({ component, limits, denied }) => [component, { ...limits }, denied.length]),
    [
      ['__proto__', { constructor: 1 }, 0],
      ['constructor', {}, 1],
    ],
  );
  const [, first] = await records();
  assert.ok(first !== undefined && isSelected(first, { component: '__proto__' }));
  assert.ok(!isSelected(first, { component: 'parse' }));
});

test('verifyAudit finds bytes that read like those that were written, and are others', async () => {
  await write([event('\ud800')]);
  const path = join(directory, FIRST);
  const whole = await readFile(path);
  const at = whole.indexOf(Buffer.from('\ufffd'));
  await writeFile(path, Buffer.concat([whole.subarray(0, at), Buffer.from([0xff]), whole.subarray(at + 3)]));
  assert.ok((await kinds()).includes('damaged'));
});

test('S91: verifyAudit and AuditLog find that what says where the log ended was taken away, with the end or without it', async () => {
  await write([event('/1'), event('/2')]);
  await rm(join(directory, 'head.json'));
  assert.deepEqual(await kinds(), ['truncated']);
  await assert.rejects(AuditLog.open({ directory }), isCorrupt);
  await writeFile(join(directory, 'head.json'), '{"seq":1}');
  assert.deepEqual(await kinds(), ['truncated']);
  await assert.rejects(AuditLog.open({ directory }), isCorrupt);
});

test('verifyAudit finds a chain that was made anew after the head was written', async () => {
  await write([event('/1'), event('/2')]);
  const head = await readFile(join(directory, 'head.json'));
  await rm(directory, { recursive: true });
  await write([event('/x'), event('/y'), event('/z')]);
  await writeFile(join(directory, 'head.json'), head);
  assert.deepEqual(await kinds(), ['head']);
  await assert.rejects(AuditLog.open({ directory }), isCorrupt);
});

test('AuditLog takes what a loss of power left behind the head for torn, whatever it is', async () => {
  await write([event('/1')]);
  const path = join(directory, FIRST);
  const whole = await readFile(path, 'utf8');
  const remains = [
    Buffer.alloc(1_500_000),
    Buffer.from(`\0\0\0\0${whole}`),
    Buffer.from(`${whole.split('\n')[0]}\n${whole.split('\n')[1]}\n`),
    Buffer.from('\n\n\n'),
  ];
  let count = (await records()).length;
  for (const remain of remains) {
    await appendFile(path, remain);
    await write([event('/more')]);
    const found = await records();
    assert.equal(found.length, count + 2);
    assert.deepEqual(found.at(-2)?.details, { tornBytes: remain.length });
    count = found.length;
    assert.deepEqual(await kinds(), []);
  }
});

test('AuditLog keeps its order when the clock is set back, and verifyAudit says so', async () => {
  const clock = new ManualClock();
  clock.advance(10_000_000);
  await write([event('/1')], clock);
  await write([event('/2')], new ManualClock());
  const report = await verifyAudit(directory);
  assert.deepEqual([report.ok, report.clockSteps], [true, 1]);
  assert.deepEqual(
    (await records()).flatMap(({ kind, resource }) => (kind === 'log' ? [] : [resource])),
    ['/1', '/2'],
  );
});

test('readAudit goes on where it was, over files that came and went meanwhile', async () => {
  const clock = new ManualClock();
  await write([event('/1')], clock);
  const before = (await lastEntries(directory, 1))[0];
  clock.advance(86_400_000);
  await write([event('/2')], clock);
  const seen: (string | undefined)[] = [];
  for await (const { record } of readAudit(directory, before?.next))
    if (record?.kind !== 'log') seen.push(record?.resource);
  assert.deepEqual(seen, ['/2']);
  await rm(join(directory, FIRST));
  const rest: (string | undefined)[] = [];
  for await (const { record } of readAudit(directory, before?.next))
    if (record?.kind !== 'log') rest.push(record?.resource);
  assert.deepEqual(rest, ['/2']);
});

test('lastEntries gives the last lines over several files', async () => {
  const clock = new ManualClock();
  for (let day = 0; day < 3; day++) {
    await write([event(`/${day}`)], clock);
    clock.advance(86_400_000);
  }
  const all = await records();
  const last = await lastEntries(directory, 5);
  assert.deepEqual(
    last.map(({ record }) => record?.seq),
    all.slice(-5).map(({ seq }) => seq),
  );
  assert.equal((await lastEntries(directory, 1_000)).length, all.length);
});

test('AuditLog refuses more than waits for the disk at most, by name', async () => {
  await using log = await AuditLog.open({ directory, durability: 'process' });
  const outcomes = await Promise.allSettled(Array.from({ length: 65_600 }, () => log.append(event('/'))));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, 64);
  assert.ok(refused.every(({ reason }) => RuntimeError.is(reason, 'AUDIT_UNAVAILABLE')));
  await log.append(event('/'));
});

test('verifyAudit says how far it is, and ends when it is told to', async () => {
  await write(Array.from({ length: 25_000 }, (_, at) => event(`/${at}`)));
  const told: number[] = [];
  await verifyAudit(directory, { onProgress: (bytes, total) => told.push(bytes / total) });
  assert.equal(told.length, 2);
  assert.ok(
    told.every((share, at) => share > (told[at - 1] ?? 0) && share < 1),
    `${told}`,
  );
  const ended = new AbortController();
  const verifying = verifyAudit(directory, { signal: ended.signal, onProgress: () => ended.abort() });
  await assert.rejects(verifying, { name: 'AbortError' });
});
