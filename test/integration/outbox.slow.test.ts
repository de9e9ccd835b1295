/** Delivery at least once, by processes that are killed at random moments. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, open, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ActorSystem, implement, openStore, protocol, RuntimeError, type } from '../../src/index.ts';

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;

const Ledger = protocol('test:ledger@1.0.0', {
  tell: { add: type<number>() },
  ask: { all: { in: type<void>(), out: type<Map<number, number>>() } },
});

/**
 * Delivers or publishes n, n + 1 … to an actor that keeps how often it got each, or is not there, and says which were
 * accepted, until it is killed.
 */
const WORKER = `
  import { writeSync } from 'node:fs';
  const [url, directory, from, how] = process.argv.slice(1);
  const { ActorSystem, implement, openStore, protocol, type } = await import(url);
  const Ledger = protocol('test:ledger@1.0.0', { tell: { add: type() }, ask: { all: { in: type(), out: type() } } });
  const ledger = implement(Ledger, {
    init: () => new Map(),
    durable: { version: 1 },
    tell: { add: ({ state }, n) => { state.set(n, (state.get(n) ?? 0) + 1); } },
    ask: { all: ({ state }) => state },
  });
  const store = await openStore({ directory });
  const system = await ActorSystem.create({ store });
  const subscribe = [{ topic: 'numbers', op: 'add', delivery: 'at-least-once' }];
  const ref = how === 'asleep' ? undefined : system.spawn(ledger, 'ledger', how === 'deliver' ? {} : { subscribe });
  const send = how === 'deliver' ? ref.deliver.add : (n, options) => system.publishDurably('numbers', n, options);
  // What the reader has no room for is not said: then the test does not count on it.
  const say = (text) => { try { writeSync(1, text + '\\n'); } catch (error) { if (error.code !== 'EAGAIN') throw error; } };
  say('ready');
  for (let n = Number(from); ; n += 16) {
    const batch = Array.from({ length: 16 }, (_, i) => n + i);
    await Promise.all(batch.map((id) => send.call(ref?.deliver, id, { id: String(id) }).then(() => say(id))));
  }
`;

const ledger = implement(Ledger, {
  init: () => new Map<number, number>(),
  durable: { version: 1 },
  tell: { add: ({ state }, n) => void state.set(n, (state.get(n) ?? 0) + 1) },
  ask: { all: ({ state }) => state },
});

interface Round {
  readonly how: 'deliver' | 'publish' | 'asleep';
  readonly afterMs: number;
}

/** Numbers that were accepted by a process that is killed `afterMs` after it was ready. */
async function runAndKill(directory: string, from: number, { how, afterMs }: Round): Promise<number[]> {
  const args = ['--input-type=module', '-e', WORKER, SOURCE, directory, String(from), how];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const accepted: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), afterMs);
    else accepted.push(Number(line));
  }
  return accepted;
}

async function assertNothingLost(rounds: readonly Round[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'troupe-outbox-'));
  try {
    const accepted = new Set<number>();
    // Some numbers are sent again by the next process, whether the one before had accepted them or not.
    for (const [round, how] of rounds.entries()) {
      const last = Math.max(-1, ...accepted);
      for (const n of await runAndKill(directory, Math.max(0, last - 20 * round), how)) accepted.add(n);
    }
    assert.ok(accepted.size > 50, `${accepted.size} were accepted`);
    await using store = await openStore({ directory });
    await using system = await ActorSystem.create({ store });
    const ref = system.spawn(ledger, 'ledger');
    let left = -1;
    for (let i = 0; i < 400 && left !== 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      left = (await store.list('actors/outbox')).keys.length;
    }
    assert.equal(left, 0, 'all were acknowledged');
    const counts = await ref.ask.all();
    assert.deepEqual(
      [...accepted].filter((n) => !counts.has(n)),
      [],
      'lost',
    );
    assert.deepEqual(
      [...counts].filter(([, times]) => times !== 1),
      [],
      'handled twice',
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('S65, S67: nothing accepted is lost by a process that is killed, and a durable actor counts each once', async () => {
  await assertNothingLost(Array.from({ length: 20 }, (_, i) => ({ how: 'deliver', afterMs: 1 + ((i * 37) % 120) })));
});

test('S52, S53: nothing that was published durably is lost by a process that is killed, also while the subscriber is not there', async () => {
  const rounds = ['publish', 'asleep', 'publish', 'asleep'] as const;
  await assertNothingLost(rounds.map((how, i) => ({ how, afterMs: 60 + 40 * i })));
});

const text = implement(protocol('test:text@1.0.0', { tell: { note: type<string>() } }), {
  init: () => 0,
  tell: { note: () => assert.fail('nothing is delivered') },
});

test('S65: an outbox that was cut or scribbled over is a named error, and nothing of it is delivered', async () => {
  for (const damage of ['cut', 'scribbled'] as const) {
    const directory = await mkdtemp(join(tmpdir(), 'troupe-outbox-'));
    try {
      await fill(directory);
      const file = join(directory, 'store.sqlite');
      const { size } = await stat(file);
      if (damage === 'cut') await truncate(file, Math.floor(size / 2));
      else await scribble(file, size);
      const code = await openAll(directory).catch((error: unknown) => RuntimeError.is(error) && error.code);
      assert.ok(code === 'OUTBOX_CORRUPT' || code === 'STORE_UNUSABLE', `${damage}: ${code}`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
});

/** Keeps messages for an actor that is not there. */
async function fill(directory: string): Promise<void> {
  await using store = await openStore({ directory });
  await using system = await ActorSystem.create({ store });
  const gone = system.spawn(text, 'text');
  await gone.stop();
  for (let i = 0; i < 200; i++) await gone.deliver.note('x'.repeat(2_000));
}

/** Changes bytes of what is kept, here and there. */
async function scribble(path: string, size: number): Promise<void> {
  const file = await open(path, 'r+');
  for (let at = 8_192; at < size; at += 4_096) await file.write(Buffer.from('?'), 0, 1, at + 3_000);
  await file.close();
}

async function openAll(directory: string): Promise<string> {
  await using store = await openStore({ directory });
  await using system = await ActorSystem.create({ store });
  system.spawn(text, 'text');
  return 'opened';
}
