/** Metrics and health of a running application, as those see them that gather them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { METRICS } from '../../src/telemetry/index.ts';
import { withMonitored } from '../kit/monitored.ts';
import { until } from '../kit/process.ts';
import { NO_PROMETHEUS, startPrometheus } from '../kit/prometheus.ts';

/** The value of a line, by all that stands before it. */
function shownAs(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('S100: an application shows metrics and health without a token where it was told to, and else to who has it', async () => {
  await withMonitored(async ({ folder, monitoring, control, ingress, call, interrupt }) => {
    for (const path of ['/health', '/live', '/ready']) {
      const response = await fetch(`${monitoring}${path}`);
      const body = (await response.json()) as { readonly status: string };
      assert.deepEqual([response.status, body.status], [200, 'healthy'], path);
    }
    assert.equal((await fetch(`${monitoring}/v1/actors`)).status, 404);
    assert.equal((await fetch(`${monitoring}/metrics`, { method: 'POST' })).status, 404);
    for (const path of ['/metrics', '/health', '/live', '/ready'])
      assert.equal((await fetch(`${control}${path}`)).status, 401);
    for (let i = 0; i < 3; i++) await call('ask', 'echo', 'echo', 'hello');
    for (let i = 0; i < 4; i++) assert.equal((await fetch(`${ingress}/hello`)).status, 200);
    const token = readFileSync(join(folder, '.troupe', 'token'), 'utf8').trim();
    const read = async (accept: string): Promise<string> => {
      const response = await fetch(`${control}/metrics`, { headers: { authorization: `Bearer ${token}`, accept } });
      assert.match(
        response.headers.get('content-type') ?? '',
        accept === '*/*' ? /^text\/plain; version=0.0.4/ : /openmetrics/,
      );
      return response.text();
    };
    const lines: Readonly<Record<string, number>> = {
      'troupe_messages_handled_total{component="echo"}': 3,
      'troupe_ask_duration_seconds_count{component="echo"}': 3,
      'troupe_message_handling_seconds_count{component="echo"}': 3,
      'troupe_component_instances{component="echo"}': 1,
      'troupe_http_requests_total{component="hello",status="2xx"}': 4,
      'troupe_http_exchanges_total{component="hello",outcome="served"}': 4,
      'troupe_http_request_duration_seconds_count{component="hello"}': 4,
      troupe_healthy: 1,
      troupe_ready: 1,
      // Those above without a token.
      troupe_control_refused_total: 4,
    };
    let text = '';
    await until(
      async () => {
        text = await read('*/*');
        return Object.entries(lines).every(([series, value]) => shownAs(text, series) === value);
      },
      () => `${JSON.stringify(lines)} in\n${text}`,
    );
    assert.ok((shownAs(text, 'troupe_component_fuel_total{component="echo"}') ?? 0) > 0);
    assert.ok((shownAs(text, 'troupe_component_memory_bytes{component="echo"}') ?? 0) >= 65_536);
    assert.match(text, /^troupe_component_info\{component="echo",revision="[0-9a-f]{12}",kind="message"\} 1$/m);
    assert.match(await read('application/openmetrics-text;version=1.0.0'), /# EOF\n$/);
    if (NO_PROMETHEUS === false) {
      const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      assert.equal(status, 0, `${stdout}${stderr}`);
    }
    await interrupt();
    await assert.rejects(fetch(`${monitoring}/live`));
  });
});

test('a real Prometheus scrapes a live node, and what it finds was caused by the load', {
  skip: NO_PROMETHEUS,
}, async () => {
  await withMonitored(async ({ folder, control, monitoring, ingress, call }) => {
    const target = (address: string): string => `static_configs: [{ targets: ["${new URL(address).host}"] }]`;
    await using prometheus = await startPrometheus({
      jobs: [
        `job_name: open\n${target(monitoring)}`,
        `job_name: closed\nauthorization: { credentials_file: ${folder}/.troupe/token }\n${target(control)}`,
      ],
    });
    await prometheus.finds('up == 1', (found) => found.length === 2);
    const load = async (): Promise<void> => {
      await call('ask', 'echo', 'echo', 'hello');
      await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${ingress}/hello`)).arrayBuffer()));
    };
    for (let i = 0; i < 4; i++) await load();
    await prometheus.finds('troupe_messages_handled_total{component="echo"} >= 4', (found) => found.length === 2);
    await prometheus.finds(
      'troupe_http_requests_total{component="hello",status="2xx"} >= 80',
      (found) => found.length === 2,
    );
    await prometheus.finds('troupe_probe_seconds_count > 0', (found) => found.length >= 16);
    const names = new Set(
      (await prometheus.query('count by (__name__) ({job="open"})')).map(({ labels }) => labels.__name__),
    );
    const unknown = [...names].filter((name) => {
      const family = (name as string).replace(/_(?:bucket|sum|count)$/, '');
      return !(
        Object.hasOwn(METRICS, family) ||
        Object.hasOwn(METRICS, name as string) ||
        /^(?:up$|scrape_)/.test(family)
      );
    });
    assert.deepEqual(unknown, []);
  });
});
