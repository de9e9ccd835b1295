/** The globals of a process in which nothing else has put anything in their place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestSystem } from '../../src/testing/index.ts';
import { Ambient, ManualClock, SeededRandom } from '../../src/time/index.ts';

const make = (): Ambient => new Ambient(new ManualClock(), new SeededRandom(1));

test('Ambient puts the globals back when the last one is gone, and leaves what others put there', () => {
  const before = [Date, Date.now, performance.now, Math.random, setTimeout, clearImmediate, crypto.randomUUID];
  const now = (): unknown[] => [
    Date,
    Date.now,
    performance.now,
    Math.random,
    setTimeout,
    clearImmediate,
    crypto.randomUUID,
  ];
  const [one, other] = [make(), make()];
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.notEqual(Date, before[0]);
  const { random } = Math;
  Math.random = () => 0.5;
  other[Symbol.dispose]();
  assert.equal(Math.random(), 0.5);
  Math.random = before[3] as typeof random;
  assert.deepEqual(now(), before);
});

test('TestSystem.close puts the globals back, also when something is left', async () => {
  const { random } = Math;
  const system = TestSystem.create();
  assert.notEqual(Math.random, random);
  system.clock.after(1_000, () => {});
  await assert.rejects(system.close(), /1 timer of the clock/);
  assert.equal(Math.random, random);
});
