import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { RuntimeError } from '../errors/index.ts';
import { createMonitoringApp, type MonitoringPlane } from './monitoring-app.ts';

/** Those that gather metrics and probe health are few. */
const CONNECTIONS_MAX = 64;

/** Time for a client to send its headers, and its whole request. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Bytes of the head of a request. */
const HEADER_BYTES_MAX = 8_192;

/** Metrics and health at an address of their own. */
export interface MonitoringServer {
  /** `http://127.0.0.1:9464`, with the port that it got. */
  readonly address: string;
  /** Ends what is under way, and listens no more. */
  close(): Promise<void>;
}

export interface ServeMonitoringOptions {
  readonly plane: MonitoringPlane;
  /** Port 0: any that is free. */
  readonly listen: { readonly host: string; readonly port: number };
}

/**
 * Shows metrics and health to whoever asks: without a token, for what reads them has none. Nothing can be changed there.
 *
 * @throws {RuntimeError} `PORT_IN_USE`, `CONFIG_INVALID` — nobody can listen there.
 */
export async function serveMonitoring({ plane, listen }: ServeMonitoringOptions): Promise<MonitoringServer> {
  const app = createMonitoringApp(plane, true);
  // Of what is wrong, only the code leaves the process: it may be anybody who asks.
  app.onError((error, context) => context.text(`${RuntimeError.from(error).code}\n`, 503));
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  await listenAt(server, listen);
  const { port } = server.address() as AddressInfo;
  return {
    address: placeOf({ ...listen, port }),
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    },
  };
}

function listenAt(server: Server, listen: ServeMonitoringOptions['listen']): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', ({ code }: NodeJS.ErrnoException) => {
    const why = code === 'EADDRINUSE' ? 'another process listens there' : `the system says ${code}`;
    const help = ['set another address in troupe.toml: [monitoring] listen'];
    const kind = code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'CONFIG_INVALID';
    reject(new RuntimeError(kind, `Cannot show metrics at ${placeOf(listen)}: ${why}`, { details: { help } }));
  });
  server.listen(listen.port, listen.host, () => {
    server.removeAllListeners('error');
    // A connection that cannot be accepted is the client's to try again.
    server.on('error', () => undefined);
    resolve();
  });
  return promise;
}

function placeOf({ host, port }: ServeMonitoringOptions['listen']): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
