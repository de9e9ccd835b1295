import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BUCKETS_S,
  Histogram,
  METRICS,
  type MetricName,
  MetricSet,
  NAMES_MAX,
  OTHER,
  Sampler,
  specOf,
  Timings,
} from './index.ts';

test('METRICS follow the conventions of Prometheus', () => {
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const { type, unit, help, bounds } = specOf(name);
    assert.match(name, /^(?:troupe|process)(?:_[a-z0-9]+)+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (unit !== undefined) assert.match(name, new RegExp(`_${unit}(?:_total)?$`));
    assert.match(help, /^[A-Z0-9].*[^.]$/, name);
    assert.equal(bounds !== undefined, type === 'histogram', name);
    for (const bound of bounds ?? []) assert.ok(BUCKETS_S.includes(bound), `${name}: ${bound}`);
  }
});

test('BUCKETS_S go from 100 ns to 10 s, and have every threshold of an alert among them', () => {
  assert.equal(BUCKETS_S[0], 1e-7);
  assert.equal(BUCKETS_S.at(-1), 10);
  assert.deepEqual(
    BUCKETS_S,
    [...new Set(BUCKETS_S)].toSorted((a, b) => a - b),
  );
  for (const threshold of [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.1, 1]) assert.ok(BUCKETS_S.includes(threshold));
});

test('Histogram counts what was recorded, at a bound in the bucket below, and adds what others have counted', () => {
  const histogram = new Histogram();
  for (const ms of [0.0001, 0.00011, 1, 1.001, 20_000, -3]) histogram.record(ms);
  histogram.record(0.5, 4);
  assert.equal(histogram.count, 10);
  assert.equal(histogram.atMost(1e-7), 2, 'what seems to be less than nothing took none');
  assert.equal(histogram.atMost(0.001), 8);
  assert.equal(histogram.atMost(10), 9);
  assert.ok(Math.abs(histogram.sumS - 20.004001) < 0.000_01);
  const other = new Histogram();
  other.add(histogram.data);
  other.add(histogram.data);
  for (const garbage of [[], [1], histogram.data.with(3, Number.NaN), histogram.data.with(3, -1), 'x' as never])
    other.add(garbage);
  assert.deepEqual([other.count, other.atMost(0.001)], [20, 16]);
});

test('Histogram tells the share of a bucket that holds a quantile', () => {
  const histogram = new Histogram();
  assert.equal(histogram.quantileS(0.99), undefined);
  for (let i = 0; i < 98; i++) histogram.record(0.8);
  histogram.record(30);
  histogram.record(30_000);
  const [median, high, highest] = [0.5, 0.99, 1].map((share) => histogram.quantileS(share) as number);
  assert.ok(median !== undefined && median > 0.000_5 && median <= 0.001);
  assert.ok(high !== undefined && high > 0.025 && high <= 0.05);
  assert.equal(highest, 10);
});

test('Sampler takes all that are rare, one of 256 of a crowd, and each stands for as many as were passed over', () => {
  const rare = new Sampler();
  for (let ms = 0; ms < 100; ms += 2) {
    assert.ok(rare.isDue());
    assert.equal(rare.weigh(ms), 1);
  }
  const crowd = new Sampler();
  let [taken, stoodFor] = [0, 0];
  const times = 1_000_000;
  for (let i = 0; i < times; i++) {
    if (!crowd.isDue()) continue;
    taken++;
    stoodFor += crowd.weigh(i / 100_000);
  }
  assert.ok(taken < times / 200, `${taken}`);
  assert.ok(Math.abs(stoodFor - times) < times / 20, `${stoodFor}`);
  for (let i = 0; i < 1_000 && !crowd.isDue(); i++);
  crowd.weigh(1_000_000);
  assert.ok(crowd.isDue(), 'after a pause, the next one is taken');
});

test('Timings tell 1,000 names apart; what is beyond is one', () => {
  const timings = new Timings();
  for (let i = 0; i < NAMES_MAX + 50; i++) timings.of(`type-${i}`).record(1);
  assert.equal([...timings].length, NAMES_MAX + 1);
  assert.equal(timings.of(OTHER).count, 50);
  const sum = new Timings();
  const known = (name: string): boolean => name !== 'stranger';
  sum.add({ 'type-1': timings.of('type-1').data, stranger: timings.of('type-1').data }, known);
  sum.add(timings.take(), known);
  assert.ok(![...sum].some(([name]) => name === 'stranger'));
  assert.equal(sum.of('type-1').count, 2);
  assert.deepEqual(timings.take(), {}, 'what was taken is taken once');
});

test('MetricSet adds up what is said twice, and leaves out and counts what is beyond its lines', () => {
  const set = new MetricSet(20);
  set.add('troupe_messages_handled_total', { component: 'a' }, 2);
  set.add('troupe_messages_handled_total', { component: 'a' }, 3);
  set.most('troupe_mailbox_used_ratio', { component: 'a' }, 0.5);
  set.most('troupe_mailbox_used_ratio', { component: 'a' }, 0.25);
  set.addHistogram('troupe_ask_duration_seconds', { component: 'a' }, new Histogram());
  set.addHistogram('troupe_ask_duration_seconds', { component: 'b' }, new Histogram());
  for (let i = 0; i < 10; i++) set.add('troupe_ask_timeouts_total', { component: `c${i}` }, 1);
  set.force('troupe_scrape_series_dropped', set.dropped);
  assert.deepEqual([set.lines, set.dropped], [20, 5]);
  const shown = new Map([...set].map(([name, series]) => [name, [...series].map(({ value }) => value)]));
  assert.deepEqual(shown.get('troupe_messages_handled_total'), [5]);
  assert.deepEqual(shown.get('troupe_mailbox_used_ratio'), [0.5]);
  assert.deepEqual(shown.get('troupe_scrape_series_dropped'), [5]);
  assert.equal(shown.get('troupe_ask_duration_seconds')?.length, 1);
});
