import { chmodSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { createControlApp } from './control-app.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  type ControlAddress,
  freeSocketPath,
  prepareDirectory,
  Rendezvous,
  refuseIfRunning,
  removeIfEmpty,
} from './rendezvous.ts';
import { createToken, digestOfToken, type TokenHolder } from './token.ts';

/** Bytes of a Unix socket's path: `sun_path` has 104 on macOS and 108 on Linux, with the final zero. */
const SOCKET_PATH_BYTES_MAX = 103;

/** Operators and scripts of one machine; what is beyond is turned away by the system. */
const CONNECTIONS_MAX = 64;

/** Time for a client to send its headers, and its whole request. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** What requests in flight get when the server closes. */
const CLOSE_GRACE_MS = 500;

export interface ServeControlOptions {
  readonly plane: ControlPlane;
  /** Folder for token and address: `.troupe` beside the application's file. Created with mode 0700. */
  readonly directory: string;
  /** A Unix socket, or a port of 127.0.0.1 (0: any that is free). */
  readonly listen: ControlAddress;
  /** Who may use it besides those that can read the token of this run. Default: nobody. */
  readonly tokens?: readonly TokenHolder[];
  readonly clock: Clock;
}

/** A control port that listens. */
export interface ControlServer {
  /** `unix:/path` or `http://127.0.0.1:port`. */
  readonly address: string;
  /** Stops listening, gives requests in flight half a second, and removes every file. Idempotent. */
  close(): Promise<void>;
  /** Removes every file at once: for a process that cannot wait. */
  removeFiles(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the control port of a running application. On failure nothing is left behind.
 *
 * @throws {RuntimeError} `APPLICATION_RUNNING` — the application is running already.
 * @throws {RuntimeError} `PORT_IN_USE` — something else listens there.
 * @throws {RuntimeError} `FILE_UNREADABLE` — the folder cannot be used.
 */
export async function serveControl(options: ServeControlOptions): Promise<ControlServer> {
  const { directory, clock } = options;
  await prepareDirectory(directory);
  try {
    await refuseIfRunning(directory, clock);
    return await open(options);
  } catch (error) {
    removeIfEmpty(directory);
    throw error;
  }
}

async function open({ plane, directory, listen, tokens = [], clock }: ServeControlOptions): Promise<ControlServer> {
  const token = createToken();
  const place = await choosePlace(listen, clock);
  const server = createHttpServer(createControlApp({ plane, holders: [ownHolder(token), ...tokens], clock }).fetch);
  try {
    const address = await listenAt(server, place.address);
    const files = await Rendezvous.publish(directory, token, address);
    return new ListeningServer({ server, files, place, address, clock });
  } catch (error) {
    // A path that could not be bound belongs to whoever was faster.
    if (server.listening || place.fresh) place.remove();
    server.close();
    throw error;
  }
}

/** Whoever can read the files of this user. */
function ownHolder(token: string): TokenHolder {
  return { name: 'control token', role: 'admin', sha256: digestOfToken(token) };
}

interface Place {
  readonly address: ControlAddress;
  /** Whether its folder was made for it. */
  readonly fresh: boolean;
  /** Removes the socket, and the folder that was made for it, if one was. */
  remove(): void;
}

/** A socket path that is too long for the system is replaced by one in a fresh private folder. */
async function choosePlace(listen: ControlAddress, clock: Clock): Promise<Place> {
  if ('port' in listen) return { address: listen, fresh: false, remove: () => undefined };
  if (Buffer.byteLength(listen.socketPath) > SOCKET_PATH_BYTES_MAX) {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-'));
    const address = { socketPath: join(folder, 'control.sock') };
    return { address, fresh: true, remove: () => rmSync(folder, { recursive: true, force: true }) };
  }
  await freeSocketPath(listen.socketPath, clock);
  return { address: listen, fresh: false, remove: () => rmSync(listen.socketPath, { force: true }) };
}

function createHttpServer(fetch: (request: Request) => Response | Promise<Response>): Server {
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function listenAt(server: Server, address: ControlAddress): Promise<ControlAddress> {
  const { promise, resolve, reject } = Promise.withResolvers<ControlAddress>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(toListenError(error, address)));
  const listening = () => {
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) return resolve({ port: bound.port });
    if ('socketPath' in address) chmodSync(address.socketPath, 0o600);
    return resolve(address);
  };
  if ('port' in address) server.listen(address.port, '127.0.0.1', listening);
  else server.listen(address.socketPath, listening);
  return promise;
}

function toListenError(error: NodeJS.ErrnoException, address: ControlAddress): RuntimeError {
  const place = describe(address);
  if (error.code === 'EADDRINUSE') {
    const help = ['stop the process that listens there, or set another port or socket under [control] in troupe.toml'];
    return new RuntimeError('PORT_IN_USE', `Cannot listen at ${place}: another process listens there`, {
      cause: error,
      details: { help },
    });
  }
  const folder =
    'socketPath' in address && error.code === 'ENOENT' ? `: "${dirname(address.socketPath)}" is not there` : '';
  const reason =
    error.code === 'EACCES' ? ': this user may not listen there' : folder || `: the system says ${error.code}`;
  return new RuntimeError('CONFIG_INVALID', `Cannot listen at ${place}${reason}`, {
    cause: error,
    details: { help: ['set another port or socket under [control] in troupe.toml'] },
  });
}

function describe(address: ControlAddress): string {
  return 'port' in address ? `http://127.0.0.1:${address.port}` : `unix:${address.socketPath}`;
}

interface Parts {
  readonly server: Server;
  readonly files: Rendezvous;
  readonly place: Place;
  readonly address: ControlAddress;
  readonly clock: Clock;
}

class ListeningServer implements ControlServer {
  readonly address: string;
  readonly #parts: Parts;
  #closed: Promise<void> | undefined;
  #removed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.address = describe(parts.address);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  removeFiles(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#parts.place.remove();
    this.#parts.files.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { server, clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeIdleConnections();
    const timer = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections(), true);
    await promise;
    timer.cancel();
    this.removeFiles();
  }
}
