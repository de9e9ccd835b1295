import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { FRAME_BYTES_MAX, type Link } from './link.ts';
import { type LinkPair, linkPair } from './link-pair.ts';

/** A receiver that writes down what arrives. */
class Recorder {
  readonly got: string[] = [];
  room = 0;
  readonly credits: number[] = [];
  readonly lost: RuntimeError[] = [];

  constructor(link: Link) {
    link.open({
      onFrame: ({ view, bytes, start, end }) => {
        for (let at = start + 4; at < end; at++) assert.equal(bytes[at], end & 255, 'a byte of another frame');
        this.got.push(`f${view.getInt32(start, true)}:${end - start}`);
      },
      onControl: (message) => this.got.push(`c${message}`),
      onRoom: () => this.room++,
      onCredit: (index) => this.credits.push(index),
      onLost: (reason) => this.lost.push(reason),
    });
  }
}

/** Writes a frame that a {@link Recorder} can check; its content depends on where it ends. */
function write(link: Link, id: number, bytes: number): boolean {
  const frame = link.reserve(bytes);
  if (frame === undefined) return false;
  frame.bytes.fill(frame.end & 255, frame.start + 4, frame.end);
  frame.view.setInt32(frame.start, id, true);
  link.commit(bytes);
  return true;
}

function pairOf(ringBytes?: number): { clock: ManualClock; pair: LinkPair } {
  const clock = new ManualClock();
  return { clock, pair: ringBytes === undefined ? linkPair({ clock }) : linkPair({ clock, ringBytes }) };
}

type Step =
  | { readonly kind: 'write'; readonly bytes: number; readonly main: boolean }
  | { readonly kind: 'post'; readonly main: boolean }
  | { readonly kind: 'flush'; readonly main: boolean }
  | { readonly kind: 'turn' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        bytes: fc.integer({ min: 4, max: 700 }),
        main: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        bytes: fc.integer({ min: 4, max: 9_000 }),
        main: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom('post' as const, 'flush' as const), main: fc.boolean() }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  ),
  { maxLength: 120 },
);

test('RingLink delivers every frame and control message once, whole and in order, whatever the steps', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { clock, pair } = pairOf(2_048);
      const recorders = { main: new Recorder(pair.main), worker: new Recorder(pair.worker) };
      const sent = { main: [] as string[], worker: [] as string[] };
      let refused = 0;
      for (const [id, step] of all.entries()) {
        if (step.kind === 'turn') {
          clock.advance(0);
          continue;
        }
        const from = step.main ? 'main' : 'worker';
        if (step.kind === 'flush') pair[from].flush();
        else if (step.kind === 'write') {
          if (write(pair[from], id, step.bytes)) sent[from].push(`f${id}:${step.bytes}`);
          else refused++;
        } else {
          pair[from].post(id);
          sent[from].push(`c${id}`);
        }
      }
      pair.main.flush();
      pair.worker.flush();
      await clock.settle();
      assert.deepEqual(recorders.worker.got, sent.main);
      assert.deepEqual(recorders.main.got, sent.worker);
      if (refused > 0)
        assert.ok(recorders.main.room + recorders.worker.room > 0, 'who was refused was never told of room');
      assert.equal(clock.pendingCallbacks, 0, 'an end that has nothing to do goes on looking');
    }),
    { numRuns: 300 },
  );
});

test('RingLink tells a writer of room as soon as the other side has read', async () => {
  const { clock, pair } = pairOf(1_024);
  const main = new Recorder(pair.main);
  const worker = new Recorder(pair.worker);
  await clock.settle();
  pair.stall(true);
  let written = 0;
  while (write(pair.main, written, 100)) written++;
  assert.ok(written >= 5 && written <= 10);
  await clock.settle();
  assert.equal(main.room, 0);
  pair.stall(false);
  await clock.settle();
  assert.equal(main.room, 1);
  assert.equal(worker.got.length, written);
  assert.ok(write(pair.main, 99, 100));
});

test('RingLink carries a frame of the largest size, and refuses others while it is on its way', async () => {
  const { clock, pair } = pairOf();
  const main = new Recorder(pair.main);
  const worker = new Recorder(pair.worker);
  assert.ok(write(pair.main, 1, FRAME_BYTES_MAX));
  assert.ok(!write(pair.main, 2, 8));
  pair.main.post('behind');
  pair.main.flush();
  await clock.settle();
  assert.deepEqual(worker.got, [`f1:${FRAME_BYTES_MAX}`, 'cbehind']);
  assert.equal(main.room, 1);
  assert.throws(() => pair.main.reserve(FRAME_BYTES_MAX + 1), { code: 'INTERNAL' });
});

test('RingLink counts slots that one end takes and the other gives back', async () => {
  const { clock, pair } = pairOf();
  const main = new Recorder(pair.main);
  new Recorder(pair.worker);
  pair.main.credits.open(7, 2);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => pair.main.credits.take(7)),
    [true, true, false, false],
  );
  pair.worker.credits.give(7, 1);
  pair.worker.credits.give(7, 1);
  assert.ok(pair.main.credits.take(7), 'a slot in shared memory is free at once');
  pair.worker.flush();
  await clock.settle();
  assert.deepEqual(main.credits, [7]);
  assert.ok(pair.main.credits.take(7));
  assert.ok(!pair.main.credits.take(7));
});

test('RingLink delivers what was sent before it was closed, then says so', async () => {
  const { clock, pair } = pairOf();
  const worker = new Recorder(pair.worker);
  const main = new Recorder(pair.main);
  write(pair.main, 1, 8);
  pair.main.post('last');
  pair.main.close();
  await clock.settle();
  assert.deepEqual(worker.got, ['f1:8', 'clast']);
  assert.deepEqual(
    worker.lost.flatMap((reason) => [reason.code, reason.details.reason]),
    ['WORKER_LOST', 'closed'],
  );
  assert.deepEqual(main.lost, []);
  assert.equal(pair.main.reserve(8), undefined);
});

test('RingLink is lost once, with the error of a receiver that throws', async () => {
  const { clock, pair } = pairOf();
  const lost: RuntimeError[] = [];
  pair.worker.open({
    onFrame: () => {
      throw new RuntimeError('INTERNAL', 'Not a frame of ours');
    },
    onControl() {},
    onRoom() {},
    onCredit() {},
    onLost: (reason) => lost.push(reason),
  });
  write(pair.main, 1, 8);
  pair.main.flush();
  await clock.settle();
  pair.lose();
  assert.deepEqual(
    lost.map((reason) => reason.message),
    ['Not a frame of ours'],
  );
});
