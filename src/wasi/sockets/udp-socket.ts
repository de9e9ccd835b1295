import { createSocket, type RemoteInfo, Socket } from 'node:dgram';
import { type Guest, OK, ok } from '../guest/index.ts';
import { Pollable, type Readiness } from '../io/index.ts';
import {
  fromNode,
  type IpAddressFamily,
  isIpv4InIpv6,
  isRemote,
  isSame,
  type SocketAddress,
  toNodeHost,
} from './addresses.ts';
import { bindingOf, mayConnect, mayHearFrom } from './authority.ts';
import { DatagramQueue } from './datagram-queue.ts';
import { DatagramSender } from './datagram-sender.ts';
import { IncomingDatagrams, OutgoingDatagrams } from './datagram-streams.ts';
import { type ErrorCode, refused, type SocketResult, toErrorCode } from './error-code.ts';
import { SOCKETS, type SocketHolder, type SocketTable } from './socket-table.ts';

/** What every connection of Linux begins with. */
const HOP_LIMIT = 64;

const BUFFER_BYTES = 212_992;

/** Peers of one socket that may be answered; the oldest are forgotten. */
const PEERS_MAX = 1_024;

interface Bound {
  readonly socket: Socket;
  /** `connect`: only those whom the guest may send to are heard. */
  readonly binding: 'listen' | 'connect';
}

type State =
  | { readonly is: 'unbound' }
  | { readonly is: 'binding'; readonly outcome: Bound | ErrorCode }
  | ({ readonly is: 'bound' } & Bound)
  | { readonly is: 'closed' };

/** The `udp-socket` resource. */
export class UdpSocket implements Readiness, SocketHolder {
  readonly family: IpAddressFamily;
  readonly queue: DatagramQueue;
  readonly #guest: Guest;
  readonly #table: SocketTable;
  #state: State = { is: 'unbound' };
  #remote: SocketAddress | undefined;
  /** Who has sent something to a socket that may listen: they may be answered. */
  readonly #peers = new Set<string>();
  #sender: DatagramSender | undefined;
  /** Which pair of streams works: the latest. */
  #streams = 0;
  #hopLimit = HOP_LIMIT;
  #receiveBufferBytes = BUFFER_BYTES;
  #sendBufferBytes = BUFFER_BYTES;

  /** Whoever makes one enters it in the guest's table. */
  constructor(guest: Guest, family: IpAddressFamily) {
    guest.hold();
    this.#guest = guest;
    this.#table = guest.part(SOCKETS);
    this.family = family;
    this.queue = new DatagramQueue();
  }

  /** `create-udp-socket`. */
  static create(guest: Guest, family: IpAddressFamily): SocketResult<UdpSocket> {
    // The first of Node.js 24 could not bind at once.
    if (Socket.prototype.bindSync === undefined) return refused('not-supported');
    const socket = new UdpSocket(guest, family);
    if (guest.part(SOCKETS).enter(socket)) return ok(socket);
    guest.release();
    return refused('new-socket-limit');
  }

  startBind(address: SocketAddress): SocketResult<undefined> {
    if (this.#state.is === 'binding') return refused('concurrency-conflict');
    if (this.#state.is !== 'unbound') return refused('invalid-state');
    if (address.family !== this.family || isIpv4InIpv6(address)) return refused('invalid-argument');
    const binding = bindingOf(this.#guest, 'udp', address);
    if (binding === 'denied') return refused('access-denied');
    this.#state = { is: 'binding', outcome: this.#bind(address, binding) };
    return OK;
  }

  finishBind(): SocketResult<undefined> {
    if (this.#state.is !== 'binding') return refused('not-in-progress');
    const { outcome } = this.#state;
    this.#state = typeof outcome === 'string' ? { is: 'unbound' } : { is: 'bound', ...outcome };
    return typeof outcome === 'string' ? refused(outcome) : OK;
  }

  /** `stream`: from now on with `remote` alone, or with everybody; the streams made before work no more. */
  stream(remote: SocketAddress | undefined): SocketResult<readonly [IncomingDatagrams, OutgoingDatagrams]> {
    if (this.#state.is !== 'bound') return refused('invalid-state');
    if (remote !== undefined && !isRemote(remote, this.family)) return refused('invalid-argument');
    if (remote !== undefined && !mayConnect(this.#guest, 'udp', remote)) return refused('access-denied');
    const { socket } = this.#state;
    const problem = this.#associate(socket, remote);
    if (problem !== undefined) return refused(problem);
    this.#streams += 1;
    this.queue.takeFailure();
    if (remote !== undefined) this.#table.datagramsDropped += this.queue.keepFrom(remote);
    this.#sender ??= new DatagramSender(socket);
    const pair = { guest: this.#guest, socket: this, generation: this.#streams };
    return ok([new IncomingDatagrams(pair), new OutgoingDatagrams({ ...pair, sender: this.#sender })]);
  }

  isCurrent(generation: number): boolean {
    return this.#state.is === 'bound' && generation === this.#streams;
  }

  sendProblem(to: SocketAddress | undefined): ErrorCode | undefined {
    const remote = this.#remote;
    if (remote !== undefined) return to === undefined || isSame(to, remote) ? undefined : 'invalid-argument';
    if (to === undefined || !isRemote(to, this.family)) return 'invalid-argument';
    return this.#peers.has(keyOf(to)) || mayConnect(this.#guest, 'udp', to) ? undefined : 'access-denied';
  }

  localAddress(): SocketResult<SocketAddress> {
    if (this.#state.is !== 'bound') return refused('invalid-state');
    const { address, port } = this.#state.socket.address();
    return ok(fromNode(address, port));
  }

  remoteAddress(): SocketResult<SocketAddress> {
    return this.#remote === undefined ? refused('invalid-state') : ok(this.#remote);
  }

  get remote(): SocketAddress | undefined {
    return this.#remote;
  }

  get hopLimit(): number {
    return this.#hopLimit;
  }

  set hopLimit(hops: number) {
    this.#hopLimit = hops;
    this.#configure();
  }

  get receiveBufferBytes(): number {
    return this.#receiveBufferBytes;
  }

  set receiveBufferBytes(bytes: number) {
    this.#receiveBufferBytes = bytes;
    this.#configure();
  }

  get sendBufferBytes(): number {
    return this.#sendBufferBytes;
  }

  set sendBufferBytes(bytes: number) {
    this.#sendBufferBytes = bytes;
    this.#configure();
  }

  subscribe(): Pollable {
    return new Pollable({ guest: this.#guest, source: this });
  }

  /** No operation of the socket itself takes time. */
  ready(): boolean {
    return true;
  }

  watch(): () => void {
    return () => undefined;
  }

  drop(): void {
    this.#guest.release();
    this.abandon();
  }

  abandon(): void {
    const state = this.#state;
    this.#state = { is: 'closed' };
    this.#table.leave(this);
    if (state.is === 'binding' && typeof state.outcome !== 'string') state.outcome.socket.close();
    if (state.is === 'bound') state.socket.close();
    this.queue.clear();
  }

  #bind(address: SocketAddress, binding: 'listen' | 'connect'): Bound | ErrorCode {
    const host = toNodeHost(address);
    if (host === undefined) return 'address-not-bindable';
    this.#guest.charge('socket');
    try {
      const socket = bindFirmly(this.family, host, address.port);
      socket.on('error', (error) => this.queue.fail(toErrorCode(error)));
      socket.on('message', (data, from) => this.#receive(data, from, binding));
      this.#configure(socket);
      return { socket, binding };
    } catch (error) {
      return toErrorCode(error);
    }
  }

  /** Hands what was set to the system; what it cannot take, it cuts. */
  #configure(socket = this.#state.is === 'bound' ? this.#state.socket : undefined): void {
    if (socket === undefined) return;
    socket.setTTL(this.#hopLimit);
    if (this.#receiveBufferBytes !== BUFFER_BYTES) socket.setRecvBufferSize(this.#receiveBufferBytes);
    if (this.#sendBufferBytes !== BUFFER_BYTES) socket.setSendBufferSize(this.#sendBufferBytes);
  }

  #associate(socket: Socket, remote: SocketAddress | undefined): ErrorCode | undefined {
    const host = remote === undefined ? undefined : toNodeHost(remote);
    if (remote !== undefined && host === undefined) return 'invalid-argument';
    this.#guest.charge('association');
    try {
      if (this.#remote !== undefined) socket.disconnect();
      this.#remote = undefined;
      if (remote === undefined) return undefined;
      socket.connectSync(remote.port, host);
      this.#remote = remote;
      return undefined;
    } catch (error) {
      return toErrorCode(error);
    }
  }

  #receive(data: Uint8Array, from: RemoteInfo, binding: 'listen' | 'connect'): void {
    const remote = fromNode(from.address, from.port);
    if (!this.#isHeard(remote, binding) || !this.queue.push({ data, remote })) {
      this.#table.datagramsDropped += 1;
    } else if (binding === 'listen') {
      this.#rememberPeer(remote);
    }
  }

  #isHeard(remote: SocketAddress, binding: 'listen' | 'connect'): boolean {
    if (this.#remote !== undefined) return isSame(remote, this.#remote);
    return binding === 'listen' || mayHearFrom(this.#guest, remote);
  }

  #rememberPeer(remote: SocketAddress): void {
    const key = keyOf(remote);
    this.#peers.delete(key);
    this.#peers.add(key);
    if (this.#peers.size <= PEERS_MAX) return;
    for (const oldest of this.#peers) {
      this.#peers.delete(oldest);
      return;
    }
  }
}

function keyOf({ host, port, scopeId }: SocketAddress): string {
  return `${host} ${port} ${scopeId}`;
}

/** How often a port that the system chose may be lost to others before it is firmly ours. */
const BIND_ATTEMPTS_MAX = 4;

/**
 * Binds. Linux takes a port that it has chosen back when a socket leaves its peer; so what was chosen is bound once more,
 * by its number.
 */
function bindFirmly(family: IpAddressFamily, host: string, port: number): Socket {
  for (let attempt = 1; ; attempt++) {
    const chosen = port === 0 ? choosePort(family, host) : port;
    try {
      return bindSocket(family, host, chosen);
    } catch (error) {
      if (port !== 0 || attempt >= BIND_ATTEMPTS_MAX) throw error;
    }
  }
}

function choosePort(family: IpAddressFamily, host: string): number {
  const socket = bindSocket(family, host, 0);
  const { port } = socket.address();
  socket.close();
  return port;
}

function bindSocket(family: IpAddressFamily, host: string, port: number): Socket {
  const isIpv6 = family === 'ipv6';
  const socket = createSocket({
    type: isIpv6 ? 'udp6' : 'udp4',
    ipv6Only: isIpv6,
    // Addresses are literal here; Node.js would ask its resolver even so.
    lookup: (literal, _options, callback) => callback(null, literal, isIpv6 ? 6 : 4),
  });
  try {
    socket.bindSync({ address: host, port });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
