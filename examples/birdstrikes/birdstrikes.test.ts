import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesPayload, payloadBytes } from '../../src/api/index.ts';
import { type ApplicationConfig, type ComponentConfig, loadApplication } from '../../src/config/index.ts';
import { type Application, startApplication } from '../../src/runtime/index.ts';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const DATA = new URL('../../node_modules/vega-datasets/data/birdstrikes.csv', import.meta.url);

/** Far beyond what it takes; a test that waits as long has failed. */
const DONE_WITHIN_MS = 20_000;

interface Line {
  readonly name: string;
  readonly strikes: number;
  readonly cost: number;
}

interface Result {
  readonly complete: boolean;
  readonly rows: number;
  readonly rejected: number;
  readonly cost: number;
  readonly species: readonly Line[];
  readonly phases: readonly Line[];
}

type Change = (component: ComponentConfig) => ComponentConfig | undefined;

/** The reader without its pauses; soon out of patience, and then not started again. */
const hurried: Change = (component) => {
  if (component.name !== 'reader') return component;
  const supervise = { ...component.supervise, restart: 'temporary' } as const;
  return { ...component, supervise, args: ['--give-up-ms', '200', '/data/birdstrikes.csv'] };
};

/** Runs the application, changed, until nothing is left to do. */
async function withApplication(change: Change, use: (application: Application) => Promise<void>): Promise<void> {
  const loaded = await loadApplication(FOLDER, { environment: {} });
  const components = loaded.components.flatMap((component) => change(component) ?? []);
  const shown = components.some(({ name }) => name === 'report') ? loaded.view : undefined;
  const config: ApplicationConfig = { ...loaded, components, view: shown, control: { kind: 'off' } };
  await using application = await startApplication(config, { onEvent: () => {} });
  const deadline = AbortSignal.timeout(DONE_WITHIN_MS);
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true });
  });
  await Promise.race([application.idle, late]);
  await use(application);
}

async function askText(application: Application, op: string, payload = ''): Promise<string> {
  const request = { actor: 'report', op, payload: bytesPayload(Buffer.from(payload)), timeoutMs: 5_000 };
  const reply = await application.ask(request);
  assert.equal(reply.form, 'bytes');
  return Buffer.from(payloadBytes(reply)).toString('utf8');
}

async function askResult(application: Application, species: number): Promise<Result> {
  return JSON.parse(await askText(application, 'result', String(species))) as Result;
}

/** The same figures by other means: no field of this file is quoted. */
async function expectedResult(): Promise<Result> {
  const rows = (await readFile(DATA, 'utf8'))
    .split('\n')
    .slice(1)
    .filter((row) => row !== '');
  const fields = rows.map((row) => row.split(','));
  const costOf = (row: readonly string[]): number => Number(row[12]);
  const by = (column: number): Line[] => {
    const lines = [...Map.groupBy(fields, (row) => row[column] as string)].map(([name, group]) => ({
      name,
      strikes: group.length,
      cost: group.reduce((sum, row) => sum + costOf(row), 0),
    }));
    return lines.sort((a, b) => b.cost - a.cost || (a.name < b.name ? -1 : 1));
  };
  const cost = fields.reduce((sum, row) => sum + costOf(row), 0);
  return { complete: true, rows: rows.length, rejected: 0, cost, species: by(8), phases: by(6) };
}

describe('Bird strikes', () => {
  let expected: Result;

  before(async () => {
    expected = await expectedResult();
  });

  test('counts every record once, in every column', async () => {
    assert.ok(expected.rows >= 10_000);
    await withApplication(hurried, async (application) => {
      assert.deepEqual(await askResult(application, 1_000), expected);
    });
  });

  test('loses nothing and counts nothing twice when mailboxes are full', async () => {
    const small: Change = (component) => {
      const mailbox = { ...component.mailbox, capacity: 1 };
      const batched = ['--batch', '7', '--give-up-ms', '5000', '/data/birdstrikes.csv'];
      return { ...component, mailbox, args: component.name === 'reader' ? batched : component.args };
    };
    await withApplication(small, async (application) => {
      assert.deepEqual(await askResult(application, 1_000), expected);
    });
  });

  test('shows what its guide shows', async () => {
    const guide = await readFile(new URL('./README.md', import.meta.url), 'utf8');
    const page = /```text\n(Birds that[^`]*)```/.exec(guide)?.[1];
    assert.ok(page !== undefined && page.split('\n').length > 5);
    await withApplication(hurried, async (application) => {
      assert.equal(await askText(application, 'view'), page);
      assert.equal(await application.viewText(), page);
    });
  });

  for (const missing of ['reader', 'parse', 'by-species', 'by-phase', 'report']) {
    test(`comes to no result without ${missing}`, async () => {
      const without: Change = (component) => (component.name === missing ? undefined : hurried(component));
      await withApplication(without, async (application) => {
        const result = await askResult(application, 1).catch(() => undefined);
        assert.notEqual(result?.complete, true);
        assert.notEqual(result?.rows, expected.rows);
      });
    });
  }
});
