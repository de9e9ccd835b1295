import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './process.ts';

/** Why tests with a real Prometheus cannot run here; `false`: they can. */
export const NO_PROMETHEUS: string | false =
  spawnSync('prometheus', ['--version']).status === 0 && spawnSync('promtool', ['--version']).status === 0
    ? false
    : 'there is no Prometheus: apt-get install prometheus';

/** One series that a query has found, and its value now. */
export interface Found {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus that scrapes every second. */
export interface Prometheus {
  readonly address: string;
  query(expression: string): Promise<Found[]>;
  /** Waits until a query finds something for which `holds`; fails with what it found last. */
  finds(expression: string, holds?: (found: Found[]) => boolean): Promise<Found[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface PrometheusOptions {
  /** What stands in `scrape_configs`, each as the YAML of one. */
  readonly jobs: readonly string[];
  /** Files of rules. */
  readonly rules?: readonly string[];
  /** `host:port` of an Alertmanager. */
  readonly alertmanager?: string;
}

/** Starts one, in a folder that goes with it. */
export async function startPrometheus({ jobs, rules = [], alertmanager }: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const alerting =
    alertmanager === undefined
      ? ''
      : `alerting: { alertmanagers: [{ static_configs: [{ targets: ["${alertmanager}"] }] }] }\n`;
  const configuration = `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ${JSON.stringify(rules)}
${alerting}scrape_configs:
${jobs.map((job) => `  - ${job.replaceAll('\n', '\n    ')}`).join('\n')}
`;
  writeFileSync(join(folder, 'prometheus.yml'), configuration);
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${listen}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-4_000);
  });
  const address = `http://${listen}`;
  const query = (expression: string): Promise<Found[]> => ask(address, expression);
  try {
    await until(
      async () => child.exitCode === null && (await fetch(`${address}/-/ready`).catch(() => undefined))?.ok === true,
      () => `Prometheus:\n${said}`,
    );
  } catch (error) {
    await end(child, folder);
    throw error;
  }
  return {
    address,
    query,
    async finds(expression, holds = (found) => found.length > 0) {
      let last: Found[] = [];
      await until(
        async () => {
          last = await query(expression);
          return holds(last);
        },
        () => `${expression}; found ${JSON.stringify(last)}`,
      );
      return last;
    },
    [Symbol.asyncDispose]: () => end(child, folder),
  };
}

async function ask(address: string, expression: string): Promise<Found[]> {
  const response = await fetch(`${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const answer = (await response.json()) as {
    readonly error?: string;
    readonly data?: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (answer.data === undefined) throw new Error(`Prometheus does not understand ${expression}: ${answer.error}`);
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  if (child.exitCode !== null || child.signalCode !== null) resolve();
  child.kill('SIGKILL');
  await promise;
  rmSync(folder, { recursive: true, force: true });
}

/** A port of this machine that was free a moment ago: what listens there cannot say which it got. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
