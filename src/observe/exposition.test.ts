import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, MetricSet } from '../telemetry/index.ts';
import { exposition, formatFor } from './index.ts';

function sample(): MetricSet {
  const set = new MetricSet();
  set.add('troupe_messages_handled_total', { component: 'say "hi"\\\n' }, 3);
  set.add('process_cpu_seconds_total', {}, 1.5);
  set.add('troupe_room_limit', { resource: 'memories' }, Number.POSITIVE_INFINITY);
  const histogram = new Histogram();
  histogram.record(0.5, 4);
  set.addHistogram('troupe_ask_duration_seconds', { component: 'a' }, histogram);
  return set;
}

test('OB4: exposition writes what Prometheus reads, names of strangers escaped', () => {
  const text = [...exposition(sample(), 'prometheus')].join('');
  assert.match(
    text,
    /^# HELP process_cpu_seconds_total .+\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1\.5\n/,
  );
  assert.ok(text.includes('troupe_messages_handled_total{component="say \\"hi\\"\\\\\\n"} 3\n'));
  assert.ok(text.includes('troupe_room_limit{resource="memories"} +Inf\n'));
  assert.ok(text.includes('troupe_ask_duration_seconds_bucket{component="a",le="0.0001"} 0\n'));
  assert.ok(text.includes('troupe_ask_duration_seconds_bucket{component="a",le="0.001"} 4\n'));
  assert.ok(text.includes('troupe_ask_duration_seconds_bucket{component="a",le="+Inf"} 4\n'));
  assert.ok(text.includes('troupe_ask_duration_seconds_sum{component="a"} 0.002\n'));
  assert.ok(!text.includes('# EOF'));
});

test('OB4: exposition writes OpenMetrics: families without suffix, units, and an end', () => {
  const text = [...exposition(sample(), 'openmetrics')].join('');
  assert.ok(
    text.includes(
      '# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 1.5\n',
    ),
  );
  assert.ok(text.includes('# TYPE troupe_messages_handled counter\n'));
  assert.ok(text.endsWith('# EOF\n'));
  assert.equal(formatFor('application/openmetrics-text;version=1.0.0,text/plain;q=0.5'), 'openmetrics');
  assert.equal(formatFor(undefined), 'prometheus');
});

test('OB4: exposition writes much in pieces', () => {
  const set = new MetricSet();
  for (let i = 0; i < 5_000; i++) set.add('troupe_messages_handled_total', { component: `component-${i}` }, i);
  const pieces = [...exposition(set, 'prometheus')];
  assert.ok(pieces.length > 3);
  for (const piece of pieces) assert.ok(piece.length < 70_000);
  assert.equal(pieces.join('').split('\n').length, 5_003);
});
