import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest } from '../guest/index.ts';
import { RANDOM_BYTES, RANDOM_INTERFACES, type RandomBytes, SYSTEM_RANDOM_BYTES } from './index.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (...args: any[]) => any>;

function setUp(random: RandomBytes = SYSTEM_RANDOM_BYTES) {
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 1 });
  guest.provide(RANDOM_BYTES, random);
  return (name: string, fn: string, ...args: unknown[]) =>
    (RANDOM_INTERFACES[`wasi:random/${name}`] as unknown as Functions)[fn]?.call(guest, ...args);
}

test('RA2: random.get-random-bytes gives exactly as many bytes as asked for', async () => {
  const call = setUp();
  assert.equal(call('random', 'get-random-bytes', 0n).length, 0);
  const few = call('random', 'get-random-bytes', 32n);
  assert.ok(few.length === 32 && few.some((byte: number) => byte !== 0));
  const many = call('random', 'get-random-bytes', 100_000n);
  assert.ok(many instanceof Promise, 'many bytes are drawn off the calling thread');
  assert.equal((await many).length, 100_000);
});

test('random ends a guest that asks for more than 16 MiB, before it allocates them', () => {
  const call = setUp();
  const isLimit = (error: unknown) => RuntimeError.is(error, 'COMPONENT_LIMIT');
  assert.throws(() => call('random', 'get-random-bytes', 16n * 1_048_576n + 1n), isLimit);
  assert.throws(() => call('insecure', 'get-insecure-random-bytes', 2n ** 64n - 1n), isLimit);
  assert.throws(
    () => call('random', 'get-random-bytes', 1),
    (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'),
  );
});

test('random.get-random-u64 never gives a number twice', () => {
  const call = setUp();
  const numbers = Array.from({ length: 1_000 }, () => call('random', 'get-random-u64'));
  assert.equal(new Set(numbers).size, 1_000);
});

test('RA1: random asks its port only', async () => {
  let asked = 0;
  const call = setUp({
    async fill(bytes) {
      asked += 1;
      bytes.fill(7);
    },
  });
  assert.deepEqual([...(await call('random', 'get-random-bytes', 2n))], [7, 7]);
  assert.equal(await call('insecure', 'get-insecure-random-u64'), 0x0707070707070707n);
  assert.equal(asked, 2);
});

test('insecure-seed gives the same pair each time, and another to another guest', async () => {
  const [one, other] = [setUp(), setUp()];
  const seed = await one('insecure-seed', 'insecure-seed');
  assert.deepEqual(await one('insecure-seed', 'insecure-seed'), seed);
  assert.notDeepEqual(await other('insecure-seed', 'insecure-seed'), seed);
});
