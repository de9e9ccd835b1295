/** One address, served by components on several threads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { compileComponent } from '../../src/component/index.ts';
import { claimAddress, type ListenAddress } from '../../src/ingress/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { httpGuestBytes } from '../kit/http-guest.ts';
import type { FromIngressThread, IngressThreadData } from '../kit/ingress-thread.ts';
import { until } from '../kit/process.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const NEW_CONNECTION = { headers: { connection: 'close' } };
/** Where one server has to do, there is nothing to share. */
const { shared } = await claimAddress(LOOPBACK);
const isShared = { skip: shared ? false : 'this system gives all connections to one server' };

class Threads implements AsyncDisposable {
  readonly listen: ListenAddress;
  /** Requests that are over, by thread. */
  readonly served = new Map<number, number>();
  readonly #workers = new Set<Worker>();

  constructor(listen: ListenAddress) {
    this.listen = listen;
  }

  async start(): Promise<Worker> {
    const bytes = await httpGuestBytes();
    const { artifact } = await compileComponent(bytes);
    const workerData: IngressThreadData = { bytes, artifact, listen: this.listen };
    const worker = new Worker(new URL('../kit/ingress-thread.ts', import.meta.url), { workerData });
    this.#workers.add(worker);
    await once(worker, 'message');
    worker.on('message', ({ thread }: FromIngressThread) => {
      this.served.set(thread, (this.served.get(thread) ?? 0) + 1);
    });
    return worker;
  }

  /** Requests on connections of their own until each of these threads has served one. */
  async reach(...workers: readonly Worker[]): Promise<void> {
    this.served.clear();
    for (let tries = 0; workers.some(({ threadId }) => !this.served.has(threadId)); tries++) {
      assert.ok(tries < 2_000, 'each thread gets some of 2,000 connections');
      assert.equal(await this.status('/'), 200);
    }
  }

  async status(path: string): Promise<number> {
    const response = await fetch(`http://${this.listen.host}:${this.listen.port}${path}`, NEW_CONNECTION);
    await response.arrayBuffer();
    return response.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }
}

test(
  'I7: claimAddress finds a port, and servers on several threads that listen there all get connections',
  isShared,
  async () => {
    await using threads = new Threads(await claimAddress(LOOPBACK));
    const first = await threads.start();
    const second = await threads.start();
    await threads.reach(first, second);
  },
);

test(
  'I7: a thread that ends takes its own requests with it; the others go on, and another takes its place',
  isShared,
  async () => {
    await using threads = new Threads(await claimAddress(LOOPBACK));
    const lost = await threads.start();
    // While it is alone, these are its own.
    const waiting = Promise.allSettled(Array.from({ length: 4 }, () => threads.status('/wait')));
    await threads.reach(lost);
    const other = await threads.start();
    await lost.terminate();
    for (const { status } of await waiting) assert.equal(status, 'rejected');
    await threads.reach(other);
    await threads.reach(other, await threads.start());
  },
);

test('I7: a server that closes finishes its requests while the others take all that come', isShared, async () => {
  await using threads = new Threads(await claimAddress(LOOPBACK));
  const closing = await threads.start();
  const slow = Array.from({ length: 4 }, () => threads.status('/sleep'));
  await threads.reach(closing);
  const other = await threads.start();
  const gone = once(closing, 'exit');
  closing.postMessage('close');
  assert.deepEqual(await Promise.all(slow), [200, 200, 200, 200]);
  await gone;
  await threads.reach(other);
});

test('I7: claimAddress refuses a port where somebody listens, and says what helps', async () => {
  const other = createServer();
  other.listen(LOOPBACK);
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    claimAddress({ ...LOOPBACK, port }, 'take another'),
    failsWith('PORT_IN_USE', /another process/),
  );
  await closed(other);
});

test(
  'I7: claimAddress refuses a port that others share, which would get requests that are theirs',
  isShared,
  async () => {
    const other = createServer();
    other.listen({ ...LOOPBACK, reusePort: true });
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await assert.rejects(claimAddress({ ...LOOPBACK, port }), failsWith('PORT_IN_USE', /another process/));
    await closed(other);
  },
);

async function closed(server: Server): Promise<void> {
  server.close();
  await until(
    () => !server.listening,
    () => 'the server to be closed',
  );
}
