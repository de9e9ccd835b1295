/** What `troupe monitoring export` writes, tried with the tools that read it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALERTS, DASHBOARDS } from '../../src/observe/index.ts';
import { METRICS } from '../../src/telemetry/index.ts';
import { ALERT_CASES } from '../kit/alert-cases.ts';
import { troupe, until } from '../kit/process.ts';
import { freePort, NO_PROMETHEUS } from '../kit/prometheus.ts';

const NO_ALERTMANAGER =
  spawnSync('prometheus-alertmanager', ['--version']).status === 0
    ? false
    : 'there is no Alertmanager: apt-get install prometheus-alertmanager';

/** Exports into a folder that goes when `use` is done. */
async function withExport(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-monitoring-'));
  try {
    const { code, stdout, stderr } = await troupe(['monitoring', 'export', join(folder, 'ops'), '--output', 'json']);
    assert.equal(code, 0, stderr);
    const { files } = JSON.parse(stdout) as { readonly files: readonly string[] };
    for (const file of files) assert.ok(readFileSync(join(folder, 'ops', file), 'utf8').length > 100, file);
    await use(join(folder, 'ops'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function check(program: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`);
}

/** A file for `promtool test rules`: each alert fires on its one set of series, and on the other it does not. */
function ruleTests(): string {
  const tests = Object.entries(ALERT_CASES).flatMap(([name, { fires, calm }]) =>
    [fires, calm].map((series) => ({
      interval: '1m',
      input_series: series.map((line) => {
        const cut = line.lastIndexOf('} ') + 1;
        return { series: line.slice(0, cut), values: line.slice(cut + 1) };
      }),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${name}",alertstate="firing"})`,
          eval_time: '35m',
          exp_samples: series === fires ? [{ labels: '{}', value: 1 }] : [],
        },
      ],
    })),
  );
  return JSON.stringify({ rule_files: ['troupe-alerts.yml'], evaluation_interval: '1m', tests });
}

test('OB5: every alert is about metrics of the catalogue, and has a case that fires and one that does not', () => {
  assert.deepEqual(Object.keys(ALERT_CASES).sort(), ALERTS.map(({ name }) => name).sort());
  const texts = [
    ...ALERTS.map(({ expr }) => expr),
    ...DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))),
  ];
  for (const text of texts) {
    for (const [name] of text.matchAll(/\b(?:troupe|process)_[a-z0-9_]+/g)) {
      assert.ok(
        Object.hasOwn(METRICS, name) || Object.hasOwn(METRICS, name.replace(/_(?:bucket|sum|count)$/, '')),
        name,
      );
    }
  }
});

test('OB5: promtool finds every alert firing where it should, and nowhere else', { skip: NO_PROMETHEUS }, async () => {
  await withExport(async (folder) => {
    check('promtool', 'check', 'rules', join(folder, 'troupe-alerts.yml'));
    check('promtool', 'check', 'config', join(folder, 'prometheus.yml'));
    writeFileSync(join(folder, 'tests.yml'), ruleTests());
    check('promtool', 'test', 'rules', join(folder, 'tests.yml'));
    assert.equal(readdirSync(join(folder, 'runbooks')).length, ALERTS.length);
  });
});

test('the routing that is exported brings a critical alert to a hook at once', { skip: NO_ALERTMANAGER }, async () => {
  await withExport(async (folder) => {
    const told: string[] = [];
    const hook = createServer(
      (request, response) => void read(request).then((text) => response.end(void told.push(text))),
    );
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const { port: hookPort } = hook.address() as { readonly port: number };
    const file = join(folder, 'alertmanager.yml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('127.0.0.1:5001', `127.0.0.1:${hookPort}`));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus-alertmanager',
      [
        `--config.file=${file}`,
        `--storage.path=${folder}/data`,
        `--web.listen-address=${address}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await until(
        async () => (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok === true,
        () => 'Alertmanager',
      );
      const alert = (name: string, severity: string) => ({ labels: { alertname: name, severity, instance: 'a' } });
      const body = JSON.stringify([alert('TroupeScrapeLost', 'critical'), alert('TroupeDenials', 'warning')]);
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`http://${address}/api/v2/alerts`, { method: 'POST', headers, body });
      assert.equal(response.status, 200);
      await until(
        () => told.length > 0,
        () => 'the hook',
      );
      assert.match(told.join(), /"alertname":"TroupeScrapeLost"/);
      assert.doesNotMatch(told.join(), /TroupeDenials/);
    } finally {
      child.kill('SIGKILL');
      await ended;
      hook.closeAllConnections();
      hook.close();
    }
  });
});

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
