import net from 'node:net';
import { type Eventually, err, type Guest, OK, ok } from '../guest/index.ts';
import { type InputStream, type OutputStream, Pollable, type Readiness } from '../io/index.ts';
import {
  fromNode,
  type IpAddressFamily,
  isIpv4InIpv6,
  isRemote,
  isUnicast,
  type SocketAddress,
  toNodeHost,
} from './addresses.ts';
import { bindingOf, mayConnect, mayListen } from './authority.ts';
import { Connection } from './connection.ts';
import { type ErrorCode, refused, type SocketResult, toConnectErrorCode, toErrorCode } from './error-code.ts';
import { Signal } from './signal.ts';
import { SOCKETS, type SocketHolder, type SocketTable } from './socket-table.ts';
import { TcpListener } from './tcp-listener.ts';
import { TcpOptions } from './tcp-options.ts';

/** Milliseconds for one attempt to connect. Systems try for two minutes; nobody waits that long for an answer. */
const CONNECT_MS = 30_000;

/**
 * What a TCP socket is at the moment:
 *
 *     unbound ─► binding ─► bound ─► starting ─► listening
 *        │                    │
 *        └───────┬────────────┘
 *                ▼
 *            connecting ─► connected        every failure but that of a bind ─► closed
 */
type State =
  | { readonly is: 'unbound' }
  | { readonly is: 'binding'; readonly outcome: Bound | ErrorCode }
  | ({ readonly is: 'bound' } & Bound)
  | { readonly is: 'starting' | 'listening'; readonly listener: TcpListener; readonly local: SocketAddress }
  | { readonly is: 'connecting'; readonly attempt: Attempt; readonly local: SocketAddress | undefined }
  | { readonly is: 'connected'; readonly connection: Connection }
  | { readonly is: 'closed' };

interface Bound {
  readonly handle: net.BoundSocket;
  /** What the guest asked for; its port may be 0. */
  readonly asked: SocketAddress;
  readonly local: SocketAddress;
}

interface Attempt {
  readonly connection: Connection;
  outcome: 'connected' | ErrorCode | undefined;
}

type Accepted = readonly [TcpSocket, InputStream, OutputStream];

/** The `tcp-socket` resource. */
export class TcpSocket implements Readiness, SocketHolder {
  readonly family: IpAddressFamily;
  readonly options: TcpOptions;
  readonly #guest: Guest;
  readonly #table: SocketTable;
  readonly #signal = new Signal();
  #state: State = { is: 'unbound' };

  /** Whoever makes one enters it in the guest's table, unless it comes with a connection that is there already. */
  constructor(guest: Guest, family: IpAddressFamily, accepted?: { connection: Connection; options: TcpOptions }) {
    guest.hold();
    this.#guest = guest;
    this.#table = guest.part(SOCKETS);
    this.family = family;
    this.options = accepted?.options ?? new TcpOptions();
    if (accepted !== undefined) this.#state = { is: 'connected', connection: accepted.connection };
  }

  /** `create-tcp-socket`. */
  static create(guest: Guest, family: IpAddressFamily): SocketResult<TcpSocket> {
    // The first of Node.js 24 could not bind without listening.
    if (net.BoundSocket === undefined) return refused('not-supported');
    const socket = new TcpSocket(guest, family);
    if (guest.part(SOCKETS).enter(socket)) return ok(socket);
    guest.release();
    return refused('new-socket-limit');
  }

  startBind(address: SocketAddress): SocketResult<undefined> {
    if (this.#state.is !== 'unbound') return refused(this.#misplaced());
    const { family } = this;
    if (address.family !== family || !isUnicast(address) || isIpv4InIpv6(address)) return refused('invalid-argument');
    if (bindingOf(this.#guest, 'tcp', address) === 'denied') return refused('access-denied');
    this.#state = { is: 'binding', outcome: bind(address) };
    return OK;
  }

  finishBind(): SocketResult<undefined> {
    if (this.#state.is !== 'binding') return refused('not-in-progress');
    const { outcome } = this.#state;
    this.#state = typeof outcome === 'string' ? { is: 'unbound' } : { is: 'bound', ...outcome };
    return typeof outcome === 'string' ? refused(outcome) : OK;
  }

  startConnect(remote: SocketAddress): SocketResult<undefined> {
    const state = this.#state;
    if (state.is !== 'unbound' && state.is !== 'bound') return refused(this.#misplaced());
    if (!isRemote(remote, this.family) || !isUnicast(remote)) return refused('invalid-argument');
    if (!mayConnect(this.#guest, 'tcp', remote)) return refused('access-denied');
    const host = toNodeHost(remote);
    if (host === undefined) return refused('invalid-argument');
    const handle = state.is === 'bound' ? { handle: state.handle } : {};
    const socket = new net.Socket({ ...handle, allowHalfOpen: true });
    this.options.apply(socket);
    socket.connect({ host, port: remote.port, autoSelectFamily: false });
    const connection = new Connection(this.#guest, socket);
    this.#table.replace(this, connection);
    const attempt: Attempt = { connection, outcome: undefined };
    this.#state = { is: 'connecting', attempt, local: state.is === 'bound' ? state.local : undefined };
    this.#awaitConnection(attempt);
    return OK;
  }

  finishConnect(): Eventually<SocketResult<readonly [InputStream, OutputStream]>> {
    const finish = (): SocketResult<readonly [InputStream, OutputStream]> => {
      if (this.#state.is !== 'connecting') return refused('not-in-progress');
      const { connection, outcome } = this.#state.attempt;
      if (outcome === undefined) return refused('would-block');
      if (outcome !== 'connected') {
        connection.release();
        this.#state = { is: 'closed' };
        return refused(outcome);
      }
      this.#state = { is: 'connected', connection };
      return ok(connection.streams());
    };
    const isEarly = this.#state.is === 'connecting' && this.#state.attempt.outcome === undefined;
    return isEarly ? this.#guest.notYet(finish) : finish();
  }

  startListen(): SocketResult<undefined> {
    const state = this.#state;
    if (state.is !== 'bound') return refused(this.#misplaced());
    if (!mayListen(this.#guest, 'tcp', state.asked)) return refused('access-denied');
    const { backlog } = this.options;
    const listener = new TcpListener({ guest: this.#guest, bound: state.handle, backlog, signal: this.#signal });
    this.#state = { is: 'starting', listener, local: state.local };
    return OK;
  }

  finishListen(): Eventually<SocketResult<undefined>> {
    const finish = (): SocketResult<undefined> => {
      if (this.#state.is !== 'starting') return refused('not-in-progress');
      const { listener, local } = this.#state;
      if (listener.outcome === undefined) return refused('would-block');
      this.#state = listener.outcome === 'listening' ? { is: 'listening', listener, local } : { is: 'closed' };
      return listener.outcome === 'listening' ? OK : refused(listener.outcome);
    };
    const isEarly = this.#state.is === 'starting' && this.#state.listener.outcome === undefined;
    return isEarly ? this.#guest.notYet(finish) : finish();
  }

  accept(): Eventually<SocketResult<Accepted>> {
    if (this.#state.is !== 'listening') return refused('invalid-state');
    const { listener } = this.#state;
    const take = (): SocketResult<Accepted> => {
      const taken = listener.take() ?? 'would-block';
      if (typeof taken === 'string') return err(taken);
      const options = this.options.copy();
      options.apply(taken.socket);
      const socket = new TcpSocket(this.#guest, this.family, { connection: taken, options });
      return ok([socket, ...taken.streams()]);
    };
    return listener.ready ? take() : this.#guest.notYet(take);
  }

  /** Where it is bound, once it is. */
  localAddress(): SocketResult<SocketAddress> {
    const state = this.#state;
    const address =
      state.is === 'connected' ? state.connection.ends?.local : 'local' in state ? state.local : undefined;
    return address === undefined ? refused('invalid-state') : ok(address);
  }

  remoteAddress(): SocketResult<SocketAddress> {
    const address = this.#state.is === 'connected' ? this.#state.connection.ends?.remote : undefined;
    return address === undefined ? refused('invalid-state') : ok(address);
  }

  get listening(): boolean {
    return this.#state.is === 'listening';
  }

  /** What the state says to a new size of the backlog. */
  get backlogProblem(): ErrorCode | undefined {
    const { is } = this.#state;
    if (is === 'connecting' || is === 'connected' || is === 'closed') return 'invalid-state';
    return is === 'listening' || is === 'starting' ? 'not-supported' : undefined;
  }

  /** Hands what was set to the connection, if there is one. */
  applyOptions(): void {
    if (this.#state.is === 'connected') this.options.apply(this.#state.connection.socket);
  }

  shutdown(what: 'receive' | 'send' | 'both'): SocketResult<undefined> {
    if (this.#state.is !== 'connected') return refused('invalid-state');
    const { connection } = this.#state;
    if (what !== 'send') connection.shutdownInput();
    if (what !== 'receive') connection.shutdownOutput();
    return OK;
  }

  subscribe(): Pollable {
    return new Pollable({ guest: this.#guest, source: this });
  }

  ready(): boolean {
    const state = this.#state;
    if (state.is === 'connecting') return state.attempt.outcome !== undefined;
    if (state.is === 'starting') return state.listener.outcome !== undefined;
    return state.is !== 'listening' || state.listener.ready;
  }

  watch(wake: () => void): () => void {
    return this.#signal.watch(wake);
  }

  drop(): void {
    this.#guest.release();
    this.abandon();
  }

  /** Lets go of what is the socket's; a connection lives on as long as a stream of it. */
  abandon(): void {
    const state = this.#state;
    this.#state = { is: 'closed' };
    this.#table.leave(this);
    if (state.is === 'binding' && typeof state.outcome !== 'string') state.outcome.handle.close();
    if (state.is === 'bound') state.handle.close();
    if (state.is === 'starting' || state.is === 'listening') state.listener.close();
    if (state.is === 'connecting') state.attempt.connection.release();
    if (state.is === 'connected') state.connection.release();
  }

  /** Why an operation cannot begin in this state. */
  #misplaced(): ErrorCode {
    const { is } = this.#state;
    return is === 'binding' || is === 'starting' || is === 'connecting' ? 'concurrency-conflict' : 'invalid-state';
  }

  #awaitConnection(attempt: Attempt): void {
    const { connection } = attempt;
    const { socket } = connection;
    const settle = (outcome: 'connected' | ErrorCode) => {
      if (attempt.outcome !== undefined) return;
      attempt.outcome = outcome;
      timer.cancel();
      this.#signal.wake();
    };
    const timer = this.#guest.clock.after(CONNECT_MS, () => {
      settle('timeout');
      socket.destroy();
    });
    socket.once('connect', () => {
      connection.opened();
      settle('connected');
    });
    socket.once('error', (error) => settle(toConnectErrorCode(error)));
    socket.once('close', () => settle('connection-aborted'));
  }
}

function bind(asked: SocketAddress): Bound | ErrorCode {
  const host = toNodeHost(asked);
  if (host === undefined) return 'address-not-bindable';
  try {
    const handle = new net.BoundSocket({ host, port: asked.port, ipv6Only: asked.family === 'ipv6' });
    const { address, port } = handle.address() as { address: string; port: number };
    return { handle, asked, local: fromNode(address, port) };
  } catch (error) {
    return toErrorCode(error);
  }
}
