import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueuedResolver } from './resolver.ts';

/** A resolver whose lookups end when the test says so. */
function setUp() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const resolver = new QueuedResolver((name) => {
    begun.push(name);
    return new Promise((resolve) => ends.push(() => resolve([`address of ${name}`])));
  });
  return { begun, ends, resolver };
}

test('QueuedResolver looks two names up at once, and the others in their order', async () => {
  const { begun, ends, resolver } = setUp();
  const answers = ['a', 'b', 'c', 'd'].map((name) => resolver.resolve(name));
  assert.deepEqual(begun, ['a', 'b']);
  ends[1]?.();
  assert.deepEqual(await answers[1], ['address of b']);
  assert.deepEqual(begun, ['a', 'b', 'c']);
  for (const end of ends) end();
  await answers[2];
  for (const end of ends) end();
  assert.deepEqual(await answers[3], ['address of d']);
});

test('QueuedResolver passes over the names that nobody waits for when it is their turn', async () => {
  const { begun, ends, resolver } = setUp();
  const slow = [resolver.resolve('slow-1'), resolver.resolve('slow-2')];
  const left = Array.from({ length: 100 }, (_, at) => resolver.resolve(`left-${at}`, () => false));
  const last = resolver.resolve('last', () => true);
  ends[0]?.();
  assert.deepEqual(
    await Promise.all(left),
    left.map(() => []),
  );
  for (const end of ends) end();
  assert.deepEqual(await last, ['address of last']);
  await Promise.all(slow);
  assert.deepEqual(begun, ['slow-1', 'slow-2', 'last']);
});
