/** Metrics and health of a running application, as those see them that gather them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withMonitored } from '../kit/monitored.ts';
import { until } from '../kit/process.ts';
import { NO_PROMETHEUS } from '../kit/prometheus.ts';

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
    // It fails again and again, and is back at once.
    for (let i = 0; i < 5; i++) await call('tell', 'echo', 'trap');
    const healthAt = async (address: string): Promise<string> => {
      const response = await fetch(`${address}/health`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(response.status, 200);
      return response.text();
    };
    await until(
      async () => /"kind":"crash-loop"/.test(await healthAt(monitoring)),
      () => 'a crash loop',
    );
    assert.doesNotMatch(await healthAt(monitoring), /"text"/, 'what may be from a guest is for who has the token');
    assert.match(await healthAt(control), /"kind":"crash-loop".*"text":"it failed 5 times"/);
    await interrupt();
    await assert.rejects(fetch(`${monitoring}/live`));
  });
});
