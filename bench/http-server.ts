/**
 * Child process of the HTTP benchmark: a server on a thread of its own. `bare` is `node:http` with the least that answers
 * what the guest does; the others serve a component as `troupe serve` does or, with workers, as `troupe up`.
 *
 *     node http-server.ts bare|FILE.wasm MAX_INVOCATIONS [WORKERS]
 *
 * Sends its port; then answers every message with the processor time that it has used, after a collection of garbage if
 * it can have one.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadApplication } from '../src/config/index.ts';
import { serveCommand, startApplication } from '../src/runtime/index.ts';

const [what, maxInvocations, workers] = process.argv.slice(2) as [string, string, string?];

/** A text: Node.js writes it with the head, in one piece. */
const LINE = 'Hello, world!\n';

async function bare(): Promise<number> {
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      request.pipe(response);
      return;
    }
    response.writeHead(200, { 'content-length': LINE.length });
    response.end(LINE);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

async function component(file: string): Promise<number> {
  const served = await serveCommand({
    file,
    listen: { host: '127.0.0.1', port: 0 },
    args: [],
    env: {},
    dirs: [],
    instances: { maxInvocations: Number(maxInvocations) },
    onEvent: (event: unknown) => console.error(event),
  } as unknown as Parameters<typeof serveCommand>[0]);
  return Number(new URL(served.address).port);
}

async function application(source: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const toml = `[application]
name = "bench"
workers = ${workers}
[components.web]
source = "${source}"
http = { max-invocations = ${maxInvocations} }
[ingress]
listen = "127.0.0.1:0"
[[http]]
route = "/*"
component = "web"`;
  writeFileSync(join(folder, 'troupe.toml'), toml);
  const running = Promise.withResolvers<void>();
  const { ingress } = (
    await startApplication(await loadApplication(folder), {
      onEvent: ({ type }) => {
        if (type === 'started') running.resolve();
      },
    })
  ).application();
  await running.promise;
  return Number(new URL(ingress?.address ?? '').port);
}

function served(): Promise<number> {
  if (what === 'bare') return bare();
  return workers === undefined ? component(what) : application(what);
}

process.on('message', () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system });
});
process.on('disconnect', () => process.exit(0));
process.send?.(await served());
