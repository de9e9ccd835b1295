import { isSame, type SocketAddress } from './addresses.ts';
import type { ErrorCode } from './error-code.ts';
import { Signal } from './signal.ts';

/** Datagrams and bytes that wait for one socket's guest; more are dropped, as a system's own queue does. */
const QUEUE_DATAGRAMS_MAX = 256;
const QUEUE_BYTES_MAX = 262_144;

export interface Datagram {
  readonly data: Uint8Array;
  readonly remote: SocketAddress;
}

/** Datagrams that have come and were not taken yet. */
export class DatagramQueue {
  readonly signal = new Signal();
  #datagrams: Datagram[] = [];
  #bytes = 0;
  #failure: ErrorCode | undefined;

  /** True when `take` gives something, or there is a failure. */
  get ready(): boolean {
    return this.#datagrams.length > 0 || this.#failure !== undefined;
  }

  /** @returns False when there is no room. */
  push(datagram: Datagram): boolean {
    const { length } = datagram.data;
    if (this.#datagrams.length >= QUEUE_DATAGRAMS_MAX || this.#bytes + length > QUEUE_BYTES_MAX) return false;
    this.#datagrams.push(datagram);
    this.#bytes += length;
    this.signal.wake();
    return true;
  }

  take(max: number): readonly Datagram[] {
    const taken = this.#datagrams.splice(0, max);
    for (const { data } of taken) this.#bytes -= data.length;
    return taken;
  }

  /** The latest failure of the socket, once. */
  takeFailure(): ErrorCode | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  fail(code: ErrorCode): void {
    this.#failure = code;
    this.signal.wake();
  }

  /** Keeps only what came from `remote`. Returns how many are gone. */
  keepFrom(remote: SocketAddress): number {
    const all = this.#datagrams;
    this.#datagrams = all.filter((datagram) => isSame(datagram.remote, remote));
    this.#bytes = this.#datagrams.reduce((sum, { data }) => sum + data.length, 0);
    return all.length - this.#datagrams.length;
  }

  clear(): void {
    this.#datagrams = [];
    this.#bytes = 0;
    this.signal.wake();
  }
}
