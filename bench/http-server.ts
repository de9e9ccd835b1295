/**
 * Child process of the HTTP benchmark: a server on a thread of its own. `bare` is `node:http` with the least that answers
 * what the guest does; the others serve a component as `troupe serve` does.
 *
 *     node http-server.ts bare|FILE.wasm MAX_INVOCATIONS
 *
 * Sends its port; then answers every message with the processor time that it has used, after a collection of garbage if
 * it can have one.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCommand } from '../src/runtime/index.ts';

const [what, maxInvocations] = process.argv.slice(2) as [string, string];

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

process.on('message', () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system });
});
process.on('disconnect', () => process.exit(0));
process.send?.(await (what === 'bare' ? bare() : component(what)));
