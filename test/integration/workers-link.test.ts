import assert from 'node:assert/strict';
import { getActiveResourcesInfo } from 'node:process';
import { test } from 'node:test';
import type { RuntimeError } from '../../src/errors/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { type Link, startProcess, startThread, type Worker, type WorkerStart } from '../../src/worker/index.ts';

const ENTRY = new URL('./workers/echo.ts', import.meta.url);

const STARTERS = { thread: startThread, process: startProcess };
type Kind = keyof typeof STARTERS;
const KINDS: readonly Kind[] = ['thread', 'process'];

function start(kind: Kind, more: Partial<WorkerStart> = {}): Worker {
  return STARTERS[kind]({ name: 'w-1', entry: ENTRY, clock: systemClock, ...more });
}

/** What arrives at this end, and promises for it. */
class Inbox {
  readonly frames: Uint8Array[] = [];
  readonly controls: unknown[] = [];
  readonly lost: RuntimeError[] = [];
  #onChange = () => {};
  onRoom = () => {};

  constructor(link: Link) {
    link.open({
      onFrame: ({ bytes, start, end }) => {
        this.frames.push(bytes.slice(start, end));
        this.#onChange();
      },
      onControl: (message) => {
        this.controls.push(message);
        this.#onChange();
      },
      onRoom: () => this.onRoom(),
      onCredit() {},
      onLost: (reason) => {
        this.lost.push(reason);
        this.#onChange();
      },
    });
  }

  until(isThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (isThere()) resolve();
      };
      this.#onChange();
    });
  }
}

function send(link: Link, bytes: Uint8Array): boolean {
  const frame = link.reserve(bytes.length);
  if (frame === undefined) return false;
  frame.bytes.set(bytes, frame.start);
  link.commit(bytes.length);
  return true;
}

function reasonOf(error: RuntimeError | undefined): unknown {
  assert.equal(error?.code, 'WORKER_LOST');
  return error.details.reason;
}

for (const kind of KINDS) {
  test(`a ${kind} is joined: frames of all sizes and control messages come back in order`, async () => {
    const worker = start(kind);
    await worker.ready;
    const inbox = new Inbox(worker.link);
    const sizes = [0, 1, 7, 8, 64, 1_000, 200_000, 300_000, 5_000_000, 64];
    const queue = sizes.map((size) => new Uint8Array(size).fill(size % 251));
    const pump = () => {
      while (queue[0] !== undefined && send(worker.link, queue[0])) queue.shift();
      worker.link.flush();
      if (queue.length === 0) worker.link.post('done');
    };
    inbox.onRoom = pump;
    pump();
    await inbox.until(() => inbox.controls.length === 1 && inbox.frames.length === sizes.length);
    assert.deepEqual(
      inbox.frames.map((frame) => frame.length),
      sizes,
    );
    for (const frame of inbox.frames) assert.ok(frame.every((byte) => byte === frame.length % 251));
    await worker.close();
    assert.equal(await worker.ended, undefined);
  });

  test(`a link with a ${kind} loses no wake-up in round trips of bursts of all sizes`, {
    timeout: 120_000,
  }, async () => {
    const worker = start(kind);
    await worker.ready;
    const inbox = new Inbox(worker.link);
    let sent = 0;
    // Bursts of one to seventeen, each written when the one before has come back: each is a chance to sleep through it.
    for (let round = 0; sent < (kind === 'thread' ? 60_000 : 6_000); round++) {
      const burst = 1 + (round % 17) * (round % 5 === 0 ? 20 : 1);
      for (let count = 0; count < burst; count++) {
        assert.ok(send(worker.link, Uint8Array.of(sent & 255)));
        sent++;
        if (count % 3 === round % 3) worker.link.flush();
      }
      worker.link.flush();
      await inbox.until(() => inbox.frames.length === burst);
      inbox.frames.length = 0;
    }
    await worker.close();
  });

  test(`a ${kind} that is ended while frames are in the rings takes nothing else with it`, {
    timeout: 60_000,
  }, async () => {
    const worker = start(kind);
    await worker.ready;
    const inbox = new Inbox(worker.link);
    while (send(worker.link, new Uint8Array(1_000)));
    worker.link.flush();
    worker.terminate();
    const loss = await worker.ended;
    assert.equal(reasonOf(loss), 'terminated');
    assert.deepEqual(inbox.lost, [loss]);
  });

  test(`a ${kind} that does not become ready is ended in time`, { timeout: 60_000 }, async () => {
    const worker = start(kind, { data: 'never-ready', times: { startMs: 300 } });
    await assert.rejects(worker.ready, { code: 'WORKER_LOST' });
    assert.equal(reasonOf(await worker.ended), 'start-timeout');
  });

  test(`a ${kind} whose module cannot be loaded is lost with what is wrong`, { timeout: 60_000 }, async () => {
    const worker = start(kind, { entry: new URL('./workers/missing.ts', import.meta.url) });
    await assert.rejects(worker.ready, { code: 'WORKER_LOST' });
    assert.match(String((await worker.ended)?.message), /missing\.ts/);
  });

  test(`a ${kind} that goes on after its link was closed is ended by force`, { timeout: 60_000 }, async () => {
    const worker = start(kind, { times: { closeMs: 200 } });
    await worker.ready;
    new Inbox(worker.link);
    worker.link.post('stay');
    await worker.close();
    assert.equal(await worker.ended, undefined);
  });
}

/** What a worker is told to do, why it is lost then, how it is started, and what the error says. */
type Ending = readonly [told: string, reason: string, more: Partial<WorkerStart>, text: RegExp];
const THREAD_ENDS: readonly Ending[] = [
  ['exit', 'exit', {}, /exit code 3/],
  ['throw', 'error', {}, /thrown on purpose/],
  ['spin', 'unresponsive', { times: { watchdogMs: 400 } }, /stood still for 400 ms/],
  ['hoard', 'memory', { heapMegabytes: 24 }, /more memory/],
];
const PROCESS_ENDS: readonly Ending[] = [
  ...THREAD_ENDS,
  ['die', 'signal', {}, /SIGKILL/],
  ['garbage', 'garbage', {}, /no known kind/],
];
const ENDS = { thread: THREAD_ENDS, process: PROCESS_ENDS };

for (const kind of KINDS) {
  for (const [what, reason, more, text] of ENDS[kind]) {
    test(`a ${kind} that is told to ${what} is lost, with reason "${reason}"`, { timeout: 60_000 }, async () => {
      const worker = start(kind, more);
      await worker.ready;
      const inbox = new Inbox(worker.link);
      send(worker.link, Uint8Array.of(1));
      worker.link.post(what);
      const loss = await worker.ended;
      assert.equal(reasonOf(loss), reason);
      assert.match(String(loss?.message), text);
      assert.deepEqual(inbox.lost, [loss]);
      // What it had sent before is not lost with it.
      assert.equal(inbox.frames.length, 1);
      assert.equal(worker.link.reserve(8), undefined);
    });
  }
}

test('threads leave nothing behind in 60 rounds of start and stop', { timeout: 300_000 }, async () => {
  const round = async () => {
    const worker = start('thread');
    await worker.ready;
    const inbox = new Inbox(worker.link);
    send(worker.link, new Uint8Array(64));
    worker.link.flush();
    await inbox.until(() => inbox.frames.length === 1);
    await worker.close();
  };
  await round();
  const before = getActiveResourcesInfo().length;
  for (let count = 0; count < 15; count++) await Promise.all([round(), round(), round(), round()]);
  assert.ok(getActiveResourcesInfo().length <= before + 2, getActiveResourcesInfo().join(' '));
});
