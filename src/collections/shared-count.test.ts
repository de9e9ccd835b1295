import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedCount, sharedCounts } from './shared-count.ts';

test('SharedCount adds up what all threads count, and forgets one whose place is cleared', () => {
  const counts = sharedCounts(3);
  const [one, other] = [new SharedCount(counts, 0), new SharedCount(counts, 2)];
  one.add(3);
  other.add(4);
  one.add(-1);
  assert.deepEqual([one.total, other.total, one.own, other.own], [6, 6, 2, 4]);
  new SharedCount(counts, 2).clear();
  assert.deepEqual([one.total, other.own], [2, 0]);
});

test('SharedCount counts for itself when nobody shares', () => {
  const count = new SharedCount();
  count.add(1);
  assert.deepEqual([count.total, new SharedCount().total], [1, 0]);
});
