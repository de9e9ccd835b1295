import type { Socket } from 'node:dgram';
import { type SocketAddress, toNodeHost } from './addresses.ts';
import { type ErrorCode, toErrorCode } from './error-code.ts';
import { Signal } from './signal.ts';

/** Datagrams that one `check-send` permits at most. */
const PERMIT_MAX = 16;

/** Bytes handed to the system that it has not taken yet; beyond, nothing is permitted. */
const IN_FLIGHT_BYTES_MAX = 262_144;

/** What a datagram costs this process besides its bytes, until it hears that the system took it: empty ones cost too. */
const OVERHEAD_BYTES = 512;

/** What the length field of UDP allows, less the two headers. */
export const DATAGRAM_BYTES_MAX = 65_507;

/** Hands datagrams to the system, a bounded number of bytes at a time. */
export class DatagramSender {
  readonly signal = new Signal();
  readonly #socket: Socket;
  #inFlightBytes = 0;
  #failure: ErrorCode | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** How many datagrams may be sent now, of any size. */
  get permit(): number {
    return this.#inFlightBytes >= IN_FLIGHT_BYTES_MAX ? 0 : PERMIT_MAX;
  }

  get ready(): boolean {
    return this.permit > 0 || this.#failure !== undefined;
  }

  /** Why an earlier datagram could not be sent, once. */
  takeFailure(): ErrorCode | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /**
   * @param data At most {@link DATAGRAM_BYTES_MAX} bytes.
   * @param to Absent when the socket is connected.
   */
  send(data: Uint8Array, to?: SocketAddress): void {
    const bytes = data.length + OVERHEAD_BYTES;
    this.#inFlightBytes += bytes;
    const done = (error: Error | null) => {
      this.#inFlightBytes -= bytes;
      if (error !== null) this.#failure = toErrorCode(error);
      this.signal.wake();
    };
    if (to === undefined) this.#socket.send(data, done);
    else this.#socket.send(data, to.port, toNodeHost(to) ?? to.host, done);
  }
}
