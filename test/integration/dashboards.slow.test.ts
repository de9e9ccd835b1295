/** Every query of every dashboard, answered by a real Prometheus for a node at work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectControl } from '../../src/client/index.ts';
import { DASHBOARDS, monitoringFiles } from '../../src/observe/index.ts';
import { METRICS } from '../../src/telemetry/index.ts';
import { withMonitored } from '../kit/monitored.ts';
import { NO_PROMETHEUS, startPrometheus } from '../kit/prometheus.ts';

/** What the variables of a dashboard are when all is chosen. */
function filledIn(expr: string): string {
  return expr.replaceAll('$node', '.*').replaceAll('$component', '.*').replaceAll('$__rate_interval', '30s');
}

/** Whether a series is neither of the catalogue nor of Prometheus itself. */
function isStrange(name: string): boolean {
  const family = name.replace(/_(?:bucket|sum|count)$/, '');
  return !(Object.hasOwn(METRICS, family) || Object.hasOwn(METRICS, name) || /^(?:up$|scrape_)/.test(name));
}

test('OB5: every query of a dashboard finds what the load has caused, with a token and without', {
  skip: NO_PROMETHEUS,
}, async () => {
  await withMonitored(async ({ folder, monitoring, ingress, control }) => {
    const target = (address: string): string => `static_configs: [{ targets: ["${new URL(address).host}"] }]`;
    await using prometheus = await startPrometheus({
      jobs: [
        `job_name: troupe\n${target(monitoring)}`,
        `job_name: closed\nauthorization: { credentials_file: ${folder}/.troupe/token }\n${target(control)}`,
      ],
    });
    const client = await connectControl({ dir: folder });
    const ask = (op: string, text: string) => {
      const payload = { form: 'bytes', base64: Buffer.from(text).toString('base64') } as const;
      return client.ask({ actor: 'echo', op, payload, timeoutMs: 5_000 }).catch(() => undefined);
    };
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        await Promise.all(Array.from({ length: 10 }, () => ask('echo', 'hello')));
        // A failure with a dead letter, a refused growth, a denial, a stranger.
        await ask('trap', '');
        await ask('grow', '1000');
        await ask('tell', 'stranger hello\nhello');
        await fetch(`${control}/v1/actors`);
        await Promise.all(Array.from({ length: 10 }, async () => (await fetch(`${ingress}/hello`)).arrayBuffer()));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    try {
      for (const { panels } of DASHBOARDS) {
        for (const { queries } of panels) {
          for (const { expr } of queries) {
            await prometheus.finds(filledIn(expr), (found) => found.some(({ value }) => Number.isFinite(value)));
          }
        }
      }
      const caused = [
        'troupe_actor_failures_total{code="COMPONENT_TRAPPED"}',
        'troupe_actor_restarts_total',
        'troupe_component_limit_breaches_total{limit="memory"}',
        'troupe_capability_denials_total',
        'troupe_control_refused_total',
        'troupe_audit_records_total',
        'troupe_component_fuel_total{component="hello"}',
      ];
      for (const series of caused) await prometheus.finds(`rate(${series}[30s]) > 0`, (found) => found.length >= 2);
      await prometheus.finds('troupe_probe_seconds_count{job="troupe"} > 0', (found) => found.length === 8);
      const names = await prometheus.query('count by (__name__) ({job="troupe"})');
      assert.deepEqual(names.map(({ labels }) => labels.__name__ as string).filter(isStrange), []);
    } finally {
      isOver = true;
      await load;
    }
  });
});

test('dashboards are what Grafana imports: each panel in its place, each query on the chosen source', () => {
  const files = monitoringFiles();
  for (const { name, panels } of DASHBOARDS) {
    const json = JSON.parse(files.get(`dashboards/${name}.json`) as string);
    assert.equal(json.panels.length, panels.length);
    const places = new Set(
      json.panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x} ${y}`),
    );
    assert.equal(places.size, panels.length);
    for (const { targets, gridPos } of json.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24);
      for (const { expr, refId, datasource } of targets) {
        assert.ok(expr.length > 0 && /^[A-Z]$/.test(refId) && datasource.type === 'prometheus');
      }
    }
  }
});
