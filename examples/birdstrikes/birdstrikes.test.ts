import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { bytesPayload, payloadBytes } from '../../src/api/index.ts';
import { type ApplicationConfig, type ComponentConfig, loadApplication } from '../../src/config/index.ts';
import { type Application, startApplication } from '../../src/runtime/index.ts';
import { withoutBrowser, withPage } from '../../test/kit/browser.ts';

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

/** The reader so slow that the longest wait of a page is over before the file is. */
const lingering: Change = (component) =>
  component.name === 'reader' ? { ...component, args: ['--pace-ms', '500', '/data/birdstrikes.csv'] } : component;

/** Starts the application, changed, at a port that is free. */
async function start(change: Change): Promise<Application> {
  const loaded = await loadApplication(FOLDER, { environment: {} });
  const components = loaded.components.flatMap((component) => change(component) ?? []);
  const shown = components.some(({ name }) => name === 'report') ? loaded.view : undefined;
  const listen = { host: '127.0.0.1', port: 0 };
  const ingress = loaded.ingress && { ...loaded.ingress, listen };
  const config: ApplicationConfig = { ...loaded, components, ingress, view: shown, control: { kind: 'off' } };
  return startApplication(config, { onEvent: () => {} });
}

/** Runs the application, changed, until nothing is left to do. */
async function withApplication(change: Change, use: (application: Application) => Promise<void>): Promise<void> {
  await using application = await start(change);
  const deadline = AbortSignal.timeout(DONE_WITHIN_MS);
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true });
  });
  await Promise.race([application.idle, late]);
  await use(application);
}

function urlOf(application: Application): string {
  const url = application.application().ingress?.address;
  assert.ok(url !== undefined, 'the application takes requests');
  return url;
}

function cellsOf(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allInnerTexts();
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

  test('shows the result in a browser while it grows', { skip: withoutBrowser() }, async () => {
    await withPage(async (page) => {
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await using application = await start(lingering);
      await page.goto(urlOf(application));
      const state = page.locator('#state', { hasText: 'reports so far' });
      const early = await state.innerText();
      await page.locator('#species tr').first().waitFor();
      await state.filter({ hasNotText: early }).waitFor();
      assert.deepEqual(complaints, []);
    });
  });

  test('shows the complete result in a browser', { skip: withoutBrowser() }, async () => {
    await withPage(async (page) => {
      await using application = await start(hurried);
      await page.goto(urlOf(application));
      await page.locator('#state.complete').waitFor();
      const [goose] = expected.species;
      assert.ok(goose !== undefined);
      assert.match(await page.locator('#state').innerText(), /all 10,000 reports counted, 0 not readable/);
      assert.deepEqual(await cellsOf(page, '#species tr:first-child td'), ['Canada goose', '190', '$15,389,869']);
      assert.deepEqual(await cellsOf(page, '#phases tr:first-child td'), ['Approach', '4,619', '$10,617,324']);
      assert.equal(await page.locator('#species tr').count(), 10);
      const widths = await page
        .locator('#species td:first-child')
        .evaluateAll((cells) =>
          cells.map((cell) => Number.parseFloat(cell.getAttribute('style')?.split(':')[1] ?? '')),
        );
      assert.deepEqual(
        widths,
        widths.toSorted((a, b) => b - a),
      );
    });
  });

  test("answers the board's requests, and says what is wrong with others", async () => {
    await withApplication(hurried, async (application) => {
      const get = (path: string, init?: RequestInit) => fetch(new URL(path, urlOf(application)), init);
      const result = await get('/result?species=1000');
      assert.equal(result.headers.get('content-type'), 'application/json');
      assert.deepEqual(await result.json(), JSON.parse(await askText(application, 'result', '1000')));
      assert.match(await (await get('/')).text(), /<title>Bird strikes<\/title>/);
      assert.equal((await get('/result?species=all')).status, 400);
      assert.equal((await get('/nothing')).status, 404);
      const posted = await get('/', { method: 'POST', body: 'x' });
      assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET']);
    });
  });
});
