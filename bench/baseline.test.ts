import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBaselineName, compare, loadBaseline, toBaseline } from './baseline.ts';
import { pictureOf } from './picture.ts';
import { type Measured, measured, type Result } from './statistics.ts';
import { tableOf } from './table.ts';

const resultOf = (ns: number, perSecond: number): Result => ({
  suite: 'messaging',
  rows: [
    measured({ name: 'request-response', unit: 'ns', samples: [ns], target: { atMost: 250 } }),
    measured({ name: 'throughput', unit: 'per second', samples: [perSecond] }),
    measured({ name: 'a < b & "c"', unit: 'bytes', samples: [0] }),
  ],
  notMeasured: [],
  seconds: 1,
});

test('compare names what is more than twice as bad, in time and in rate, and nothing else', () => {
  const figures = { 'request-response': { median: 100, unit: 'ns' }, throughput: { median: 100, unit: 'per second' } };
  const baseline = { machine: {}, suites: { messaging: figures } };
  assert.deepEqual(compare(baseline, [resultOf(200, 50)]).worse, []);
  assert.deepEqual(compare(baseline, [resultOf(201, 49)]).worse, [
    'messaging: request-response: 201 ns, was 100',
    'messaging: throughput: 49 per second, was 100',
  ]);
});

test('compare says which rows are not there any more', () => {
  const baseline = { machine: {}, suites: { messaging: { gone: { median: 1, unit: 'ns' } } } };
  assert.deepEqual(compare(baseline, [resultOf(1, 1)]).missing, ['messaging: gone']);
});

test('checkBaselineName refuses what would be a file elsewhere', () => {
  for (const name of ['', '../x', 'a/b', '.hidden', 'a b']) assert.throws(() => checkBaselineName(name), RangeError);
  checkBaselineName('reference');
});

test('loadBaseline reads the reference, and says how to make one that is not there', () => {
  assert.equal(loadBaseline('reference').suites.messaging?.['request-response']?.median, 3_180);
  assert.throws(() => loadBaseline('none-of-this-name'), /--save-baseline none-of-this-name/);
});

test('tableOf shows every row, a missed target as missed, and what was published of the same', () => {
  assert.match(tableOf(resultOf(251, 1)), /request-response.*MISSED.*3,180 ns/);
});

test('pictureOf shows every row, others beside ours in one panel, and harmless names', () => {
  const [ask, ...rest] = resultOf(251, 1).rows as [Measured, ...Measured[]];
  const other = measured({ name: ask.name, contender: 'erlang', unit: 'ns', samples: [1_004] });
  const picture = pictureOf(toBaseline({ node: 'v0' }, [{ ...resultOf(251, 1), rows: [ask, other, ...rest] }]));
  assert.match(picture, /a &#60; b &#38; &#34;c&#34;/);
  assert.match(picture, /1,004 ns · 4×/);
  assert.equal(picture.match(/<rect class="(?:ours|other)"/g)?.length, 3, 'nothing takes no bar');
});
