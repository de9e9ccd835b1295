import { type BoundSocket, createServer, type Server, type Socket } from 'node:net';
import type { Guest } from '../guest/index.ts';
import { Connection } from './connection.ts';
import { type ErrorCode, toErrorCode } from './error-code.ts';
import type { Signal } from './signal.ts';
import { SOCKETS, type SocketTable } from './socket-table.ts';

interface ListenerOptions {
  readonly guest: Guest;
  readonly bound: BoundSocket;
  /** Connections that may wait; one more is closed at once. */
  readonly backlog: number;
  /** Woken when there is something to finish or to accept. */
  readonly signal: Signal;
}

/**
 * Accepts connections and keeps a bounded number of them until the guest asks. Node.js cannot stop accepting while it
 * listens, so what there is no room for is closed.
 */
export class TcpListener {
  /** Whether it listens; else why not, once that is known. */
  outcome: 'listening' | ErrorCode | undefined;
  readonly #guest: Guest;
  readonly #table: SocketTable;
  readonly #server: Server;
  readonly #signal: Signal;
  readonly #backlog: number;
  readonly #pending = new Set<Connection>();
  #failure: ErrorCode | undefined;
  #closed = false;

  constructor({ guest, bound, backlog, signal }: ListenerOptions) {
    this.#guest = guest;
    this.#table = guest.part(SOCKETS);
    this.#signal = signal;
    this.#backlog = backlog;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server.on('listening', () => this.#settle('listening'));
    this.#server.on('error', (error) => this.#fail(toErrorCode(error)));
    this.#server.on('connection', (socket) => this.#arrive(socket));
    this.#server.listen({ handle: bound, backlog });
  }

  /** True when `take` gives something. */
  get ready(): boolean {
    return this.#pending.size > 0 || this.#failure !== undefined;
  }

  /** The oldest connection that waits; its place in the table is the taker's. */
  take(): Connection | ErrorCode | undefined {
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return failure;
    }
    for (const connection of this.#pending) {
      this.#pending.delete(connection);
      return connection;
    }
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    for (const connection of this.#pending) connection.socket.destroy();
    this.#pending.clear();
  }

  #arrive(socket: Socket): void {
    const connection = new Connection(this.#guest, socket);
    if (this.#closed || this.#pending.size >= this.#backlog || !this.#table.enter(connection)) {
      this.#table.connectionsDropped += 1;
      socket.destroy();
      return;
    }
    this.#pending.add(connection);
    socket.once('close', () => this.#pending.delete(connection));
    this.#signal.wake();
  }

  #fail(code: ErrorCode): void {
    if (this.outcome === undefined) {
      this.#settle(code);
      return;
    }
    this.#failure = code;
    this.#signal.wake();
  }

  #settle(outcome: 'listening' | ErrorCode): void {
    this.outcome = outcome;
    this.#signal.wake();
  }
}
