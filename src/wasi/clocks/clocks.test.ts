import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostFunction } from '../../component/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest } from '../guest/index.ts';
import { IO_INTERFACES } from '../io/index.ts';
import { CLOCK_INTERFACES } from './index.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (...args: any[]) => any>;

function setUp() {
  const clock = new ManualClock({ startMs: 5, wallMs: 1_700_000_000_123 });
  const guest = new Guest({ clock, resourcesMax: 100 });
  const interfaces = { ...IO_INTERFACES, ...CLOCK_INTERFACES };
  const functions = (name: string): Functions =>
    Object.fromEntries(
      Object.entries(interfaces[name] ?? {}).map(([fn, item]) => [fn, (item as HostFunction).bind?.(guest)]),
    );
  const monotonic = functions('wasi:clocks/monotonic-clock');
  const poll = functions('wasi:io/poll');
  return { clock, guest, monotonic, wall: functions('wasi:clocks/wall-clock'), poll };
}

const settle = async () => {
  for (let round = 0; round < 10; round += 1) await Promise.resolve();
};

test('CL1: monotonic-clock.now counts nanoseconds', () => {
  const { clock, monotonic } = setUp();
  assert.equal(monotonic.now?.(), 5_000_000n);
  clock.advance(1.5);
  assert.equal(monotonic.now?.(), 6_500_000n);
  assert.equal(monotonic.resolution?.(), 1_000n);
});

test('wall-clock.now is seconds and nanoseconds since 1970', () => {
  const { wall } = setUp();
  assert.deepEqual(wall.now?.(), { seconds: 1_700_000_000n, nanoseconds: 123_000_000 });
  assert.deepEqual(wall.resolution?.(), { seconds: 0n, nanoseconds: 1_000_000 });
});

test('CL3: monotonic-clock.subscribe-duration is ready when the duration has passed', async () => {
  const { clock, monotonic, poll } = setUp();
  const pollable = monotonic['subscribe-duration']?.(10_000_000n);
  assert.equal(poll['[method]pollable.ready']?.(pollable), false);
  const blocked = poll['[method]pollable.block']?.(pollable);
  assert.equal(clock.pendingTimers, 1);
  clock.advance(10);
  await blocked;
  assert.equal(clock.pendingTimers, 0);
  assert.equal(poll['[method]pollable.ready']?.(pollable), true);
});

test('monotonic-clock.subscribe-instant is ready at once for the past', () => {
  const { monotonic, poll } = setUp();
  const pollable = monotonic['subscribe-instant']?.(0n);
  assert.equal(poll['[method]pollable.block']?.(pollable), undefined);
});

test('CL2: monotonic-clock takes the longest duration and instant there are', async () => {
  const { clock, guest, monotonic, poll } = setUp();
  const list = [monotonic['subscribe-duration']?.(2n ** 64n - 1n), monotonic['subscribe-instant']?.(2n ** 64n - 1n)];
  const waiting = poll.poll?.(list);
  clock.advance(10 * 365 * 86_400_000);
  await settle();
  assert.equal(clock.pendingTimers, 2);
  void guest.dispose();
  await assert.rejects(waiting, (error) => RuntimeError.is(error, 'COMPONENT_KILLED'));
  assert.equal(clock.pendingTimers, 0);
});

test('poll with a deadline of zero lets I/O happen before it answers', async () => {
  const { clock, monotonic, poll } = setUp();
  const [zero, later] = [monotonic['subscribe-duration']?.(0n), monotonic['subscribe-duration']?.(1_000_000n)];
  const answer = poll.poll?.([zero, later]);
  assert.ok(answer instanceof Promise);
  clock.advance(1);
  assert.deepEqual(await answer, [0, 1]);
});

test('a guest that yields with zero deadlines lets the event loop have its turn', () => {
  const { monotonic, poll } = setUp();
  const answers = Array.from({ length: 16 }, () => poll.poll?.([monotonic['subscribe-duration']?.(0n)]));
  assert.ok(answers.some((answer) => answer instanceof Promise));
});
