import type { Socket } from 'node:net';
import type { Eventually, Guest } from '../guest/index.ts';
import { type ByteSink, type ByteSource, InputStream, OutputStream, Reader, Writer } from '../io/index.ts';
import { fromNode, type SocketAddress } from './addresses.ts';
import { SOCKET_SETTINGS, SOCKETS, type SocketHolder, type SocketTable } from './socket-table.ts';

/**
 * Milliseconds that a connection nobody holds any more gets to send what was written. As long as a web server gives a
 * slow client; smaller loses data on slow lines, larger lets a peer that never reads hold the descriptor longer.
 */
const LINGER_MS = 10_000;

/**
 * One TCP connection: what its socket and its two streams share. It is closed when all three have been dropped and what
 * was written has gone out, or `LINGER_MS` after that.
 */
export class Connection implements SocketHolder {
  readonly socket: Socket;
  readonly #guest: Guest;
  readonly #table: SocketTable;
  readonly #reader: Reader;
  readonly #writer: Writer;
  /** Of the socket and its two streams, how many the guest holds. */
  #owners = 1;
  #ends: { readonly local: SocketAddress; readonly remote: SocketAddress } | undefined;
  #closeOutput: (() => void) | undefined;

  /** @param socket With half-open connections allowed; whoever makes this has entered it in the guest's table. */
  constructor(guest: Guest, socket: Socket) {
    this.#guest = guest;
    this.#table = guest.part(SOCKETS);
    this.socket = socket;
    this.#reader = new Reader(guest, new SocketSource(socket));
    this.#writer = new Writer(guest, new SocketSink(socket));
    // Requests and answers shall not wait for one another's acknowledgement; writers here gather what is small.
    socket.setNoDelay(true);
    // Reads and writes report it, each for itself; without a listener it would end the process.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#table.leave(this));
    if (!socket.connecting) this.opened();
  }

  /** The connection stands. */
  opened(): void {
    const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
    if (localAddress === undefined || localPort === undefined) return;
    if (remoteAddress === undefined || remotePort === undefined) return;
    this.#ends = { local: fromNode(localAddress, localPort), remote: fromNode(remoteAddress, remotePort) };
  }

  /** Both ends, for as long as the connection is known; `undefined` when it was gone before it was looked at. */
  get ends(): { readonly local: SocketAddress; readonly remote: SocketAddress } | undefined {
    return this.#ends;
  }

  streams(): readonly [InputStream, OutputStream] {
    const guest = this.#guest;
    const input = new InputStream({ guest, core: this.#reader, onDrop: () => this.#dropInput() });
    this.#owners += 1;
    const output = new OutputStream({ guest, core: this.#writer, onDrop: () => this.#dropOutput() });
    this.#owners += 1;
    return [input, output];
  }

  /** Nothing more is read; what has come is thrown away. */
  shutdownInput(): void {
    this.#reader.close();
  }

  /** Nothing more is written; what was written goes out, then the end of it. */
  shutdownOutput(): void {
    this.#writer.close();
    if (this.#closeOutput !== undefined) return;
    const unwatch = this.#writer.watch(() => this.#closeOutput?.());
    this.#closeOutput = () => {
      if (!this.#writer.idle) return;
      unwatch();
      this.#closeOutput = () => undefined;
      this.socket.end();
    };
    this.#closeOutput();
  }

  /** One owner less. The last one closes. */
  release(): void {
    this.#owners -= 1;
    if (this.#owners > 0) return;
    void this.#close(LINGER_MS);
  }

  abandon(): Eventually<void> {
    return this.#close(this.#guest.part(SOCKET_SETTINGS).drainMs);
  }

  #dropInput(): void {
    this.shutdownInput();
    this.release();
  }

  #dropOutput(): void {
    this.shutdownOutput();
    this.release();
  }

  /** Closes when what was written has gone out, at the latest after `lingerMs`. */
  #close(lingerMs: number): Eventually<void> {
    const { socket } = this;
    if (socket.closed) {
      // The descriptor is closed; the event that says so may still be to come.
      this.#table.leave(this);
      return undefined;
    }
    return new Promise<void>((resolve) => {
      const timer = this.#guest.clock.after(lingerMs, () => socket.destroy(), true);
      socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.shutdownInput();
      if (socket.connecting) return socket.destroy();
      if (this.#writer.idle) return socket.destroySoon();
      this.shutdownOutput();
      socket.once('finish', () => socket.destroy());
    });
  }
}

/** Reads on demand, so that a guest that does not read makes its peer wait. */
class SocketSource implements ByteSource {
  readonly #socket: Socket;
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const now = this.#readNow();
    if (now !== 'none') return now;
    const waiting = Promise.withResolvers<Uint8Array | undefined>();
    if (this.#waiting === undefined) this.#listen();
    this.#waiting = waiting;
    return waiting.promise;
  }

  #listen(): void {
    const socket = this.#socket;
    const onChange = () => {
      try {
        const now = this.#readNow();
        if (now !== 'none') this.#waiting?.resolve(now);
      } catch (error) {
        this.#waiting?.reject(error);
      }
    };
    for (const event of ['readable', 'end', 'close'] as const) socket.on(event, onChange);
  }

  #readNow(): Uint8Array | undefined | 'none' {
    const socket = this.#socket;
    const chunk: unknown = socket.read();
    if (chunk instanceof Uint8Array) return chunk;
    if (socket.errored !== null) throw socket.errored;
    return socket.readableEnded || socket.destroyed ? undefined : 'none';
  }
}

class SocketSink implements ByteSink {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const socket = this.#socket;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    // What the system took at once is not waited for; a failure shows in the next write.
    if (socket.writableLength > 0 || socket.destroyed) return promise;
    promise.catch(() => undefined);
  }
}
