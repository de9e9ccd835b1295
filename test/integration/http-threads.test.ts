/** HTTP components that several threads serve, each the connections that the system gives it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { ActorInfo } from '../../src/api/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { claimAddress } from '../../src/ingress/index.ts';
import { type Application, type ApplicationEvent, startApplication } from '../../src/runtime/index.ts';
import { httpGuestBytes } from '../kit/http-guest.ts';
import { until } from '../kit/process.ts';

/** Where one server has to do, there is nothing to spread. */
const { shared } = await claimAddress({ host: '127.0.0.1', port: 0 });
const isShared = { skip: shared ? false : 'this system gives all connections to one server', timeout: 120_000 };

/** An application with one HTTP component, "web". */
class Site implements AsyncDisposable {
  readonly events: ApplicationEvent[] = [];
  readonly #folder: string;
  #application: Application | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(options: { workers: number; web?: string; grants?: string; ingress?: string }): Promise<Site> {
    const { workers, web = '', grants = 'clock = true', ingress = '' } = options;
    const folder = mkdtempSync(join(tmpdir(), 'troupe-http-threads-'));
    const site = new Site(folder);
    writeFileSync(join(folder, 'web.wasm'), await httpGuestBytes());
    writeFileSync(
      join(folder, 'troupe.toml'),
      `[application]
name = "site"
workers = ${workers}
[components.web]
source = "./web.wasm"
grants = { ${grants} }
${web}
[ingress]
listen = "127.0.0.1:0"
${ingress}
[[http]]
route = "/*"
component = "web"`,
    );
    try {
      const config = await loadApplication(folder);
      site.#application = await startApplication(config, { onEvent: (event) => site.events.push(event) });
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
    await until(
      () => site.web.state === 'running',
      () => `the start of "web": ${JSON.stringify(site.web)}`,
    );
    return site;
  }

  get application(): Application {
    assert.ok(this.#application);
    return this.#application;
  }

  get web(): ActorInfo {
    const web = this.application.actors().find(({ name }) => name === 'web');
    assert.ok(web);
    return web;
  }

  async freshWeb(): Promise<ActorInfo> {
    await this.application.look();
    return this.web;
  }

  /** The text of an answer, by a connection of its own. */
  async get(path: string, signal?: AbortSignal): Promise<{ readonly status: number; readonly text: string }> {
    const { ingress } = this.application.application();
    const headers = { connection: 'close' };
    const answer = await fetch(`${ingress?.address}${path}`, { headers, ...(signal && { signal }) });
    return { status: answer.status, text: await answer.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#application?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

test('I7: an HTTP component is served by every worker, and what they count is added up', isShared, async () => {
  await using site = await Site.open({ workers: 2 });
  assert.equal(site.web.worker, 'worker 1, worker 2');
  const answers = await Promise.all(Array.from({ length: 40 }, () => site.get('/')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual((await site.freshWeb()).http, { inFlight: 0, served: 40, failed: 0, shed: 0, cancelled: 0 });
});

test('I4: instances, those that wait and requests at once are bounded for all workers together', isShared, async () => {
  await using site = await Site.open({
    workers: 2,
    web: 'http = { instances = 3, queue = 1, queue-timeout = "50ms" }',
    ingress: 'in-flight = 6',
  });
  const abort = new AbortController();
  const waiting = Array.from({ length: 60 }, () => site.get('/wait', abort.signal).catch(() => undefined));
  let shed = 0;
  for (const answer of waiting)
    void answer.then((one) => {
      if (one?.status === 503) shed++;
    });
  await until(
    async () => shed === 57 && (await site.freshWeb()).http?.inFlight === 3,
    () => `three of 60 requests to be under way: ${shed} sent away, ${JSON.stringify(site.web.http)}`,
  );
  abort.abort();
  await until(
    async () => (await site.freshWeb()).http?.inFlight === 0,
    () => `no request to be under way: ${JSON.stringify(site.web.http)}`,
  );
});

test('one instance is one, however many workers there are', isShared, async () => {
  await using site = await Site.open({ workers: 2, web: 'http = { instances = 1, max-invocations = 1000 }' });
  assert.equal(site.web.worker, 'worker 1');
  for (const count of [1, 2, 3, 4, 5]) assert.equal((await site.get('/')).text, `hello ${count}\n`);
});

test('a failure of a request on a worker is told as on the main thread', isShared, async () => {
  await using site = await Site.open({ workers: 2 });
  assert.equal((await site.get('/trap?secret=1')).status, 500);
  await until(
    () => site.events.some(({ type }) => type === 'request-failed'),
    () => 'the event of the failure',
  );
  const { actor, component, text, error } = site.events.find(({ type }) => type === 'request-failed') ?? {};
  assert.deepEqual(
    { actor, component, text, code: error?.code },
    {
      actor: 'web',
      component: 'web',
      text: 'GET /trap',
      code: 'COMPONENT_TRAPPED',
    },
  );
  assert.equal((await site.freshWeb()).http?.failed, 1);
});

test(
  'what has to be done on the main thread, that serves: without workers, and components that may publish',
  isShared,
  async () => {
    for (const options of [
      { workers: 0 },
      { workers: 2, grants: 'clock = true, messaging = { publish = ["news"] }' },
    ]) {
      await using site = await Site.open(options);
      assert.equal(site.web.worker, undefined);
      assert.equal((await site.get('/')).status, 200);
    }
  },
);

test(
  'S98: a worker that is lost takes its connections with it, the others serve on, and the next listens again',
  isShared,
  async () => {
    const threads: Worker[] = [];
    const note = (thread: Worker) => threads.push(thread);
    process.on('worker', note);
    await using site = await Site.open({ workers: 2, ingress: 'drain = "200ms"' });
    process.off('worker', note);
    await Promise.all(Array.from({ length: 20 }, () => site.get('/')));
    const before = (await site.freshWeb()).http?.served ?? 0;
    assert.equal(before, 20);
    const waiting = Array.from({ length: 40 }, () => site.get('/wait'));
    const settled = Promise.allSettled(waiting);
    await until(
      async () => (await site.freshWeb()).http?.inFlight === 40,
      () => `all requests to be under way: ${JSON.stringify(site.web.http)}`,
    );
    await threads[0]?.terminate();
    await until(
      () => site.web.worker === 'worker 2',
      () => `the loss of a worker to be seen: ${site.web.worker}`,
    );
    const left = (await site.freshWeb()).http;
    assert.ok(left !== undefined && left.inFlight > 0 && left.inFlight < 40, 'the other one goes on');
    assert.equal(left.served, before, 'what was counted stays counted');
    // The address never went away: the other worker is there.
    await until(
      () => site.web.worker === 'worker 1, worker 2',
      () => `another worker to take the place: ${site.web.worker}`,
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => site.get('/')));
    assert.ok(answers.every(({ status }) => status === 200));
    const { restarts, lastFailure } = await site.freshWeb();
    assert.deepEqual({ restarts, lastFailure }, { restarts: 0, lastFailure: undefined });
    await site.application.stop();
    const lost = (await settled).filter(({ status }) => status === 'rejected').length;
    assert.ok(lost > 0);
  },
);

test('requests under way end before the address is closed, and no thread is left', isShared, async () => {
  const before = threads();
  {
    await using site = await Site.open({ workers: 2 });
    const slow = Array.from({ length: 8 }, () => site.get('/sleep'));
    await until(
      async () => {
        const { inFlight = 0, served = 0 } = (await site.freshWeb()).http ?? {};
        return inFlight + served === 8;
      },
      () => `all requests to have come: ${JSON.stringify(site.web.http)}`,
    );
    const stopped = site.application.stop();
    for (const { status, reason } of (await Promise.allSettled(slow)) as { status: string; reason?: unknown }[])
      assert.ok(status === 'fulfilled', String(reason));
    await stopped;
  }
  await until(
    () => threads() <= before + 4,
    () => `${threads()} threads to be as few as ${before}`,
  );
});

function threads(): number {
  return readdirSync('/proc/self/task').length;
}
