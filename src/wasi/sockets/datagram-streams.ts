import { type Eventually, err, type Guest, isPromise, ok, trap } from '../guest/index.ts';
import { Pollable, paidFor, type Readiness } from '../io/index.ts';
import { type IpSocketAddressValue, type SocketAddress, toSocketAddressValue } from './addresses.ts';
import type { DatagramQueue } from './datagram-queue.ts';
import { DATAGRAM_BYTES_MAX, type DatagramSender } from './datagram-sender.ts';
import { type ErrorCode, refused, type SocketResult } from './error-code.ts';

/** Datagrams that one `receive` gives at most. */
const RECEIVE_MAX = 64;

/** What a pair of streams needs of its socket. */
interface DatagramSocket {
  readonly queue: DatagramQueue;
  /** The only one that is sent to, if there is one. */
  readonly remote: SocketAddress | undefined;
  /** Whether the streams of that number are those that work. */
  isCurrent(generation: number): boolean;
  /** Why nothing may be sent there. */
  sendProblem(to: SocketAddress | undefined): ErrorCode | undefined;
}

interface StreamOptions {
  readonly guest: Guest;
  readonly socket: DatagramSocket;
  /** Which of the socket's pairs of streams this belongs to. */
  readonly generation: number;
}

/** WIT's `incoming-datagram`. */
interface IncomingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: IpSocketAddressValue;
}

/** The `incoming-datagram-stream` resource. */
export class IncomingDatagrams implements Readiness {
  readonly #guest: Guest;
  readonly #socket: DatagramSocket;
  readonly #generation: number;

  constructor({ guest, socket, generation }: StreamOptions) {
    guest.hold();
    this.#guest = guest;
    this.#socket = socket;
    this.#generation = generation;
  }

  /** @param max Cut down to what one call gives. */
  receive(max: number): Eventually<SocketResult<readonly IncomingDatagram[]>> {
    const { queue } = this.#socket;
    const take = (): SocketResult<readonly IncomingDatagram[]> => {
      if (!this.#socket.isCurrent(this.#generation)) return refused('invalid-state');
      if (max === 0) return ok([]);
      const taken = queue.take(Math.min(max, RECEIVE_MAX));
      const failure = taken.length === 0 ? queue.takeFailure() : undefined;
      if (failure !== undefined) return err(failure);
      return ok(taken.map(({ data, remote }) => ({ data, remoteAddress: toSocketAddressValue(remote) })));
    };
    const paid = (result: SocketResult<readonly IncomingDatagram[]>) =>
      paidFor(this.#guest, { in: result.tag === 'ok' ? sizeOf(result.val) : 0 }, result);
    const taken = max === 0 || this.ready() ? take() : this.#guest.notYet(take);
    return isPromise(taken) ? taken.then(paid) : paid(taken);
  }

  subscribe(): Pollable {
    return new Pollable({ guest: this.#guest, source: this });
  }

  ready(): boolean {
    return this.#socket.queue.ready || !this.#socket.isCurrent(this.#generation);
  }

  watch(wake: () => void): () => void {
    return this.#socket.queue.signal.watch(wake);
  }

  drop(): void {
    this.#guest.release();
  }
}

function sizeOf(datagrams: readonly { readonly data: Uint8Array }[]): number {
  return datagrams.reduce((sum, { data }) => sum + data.length, 0);
}

/** What a guest wants to send. */
export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly to: SocketAddress | undefined;
}

/** The `outgoing-datagram-stream` resource. */
export class OutgoingDatagrams implements Readiness {
  readonly #guest: Guest;
  readonly #socket: DatagramSocket;
  readonly #generation: number;
  readonly #sender: DatagramSender;
  #permit = 0;

  constructor({ guest, socket, generation, sender }: StreamOptions & { readonly sender: DatagramSender }) {
    guest.hold();
    this.#guest = guest;
    this.#socket = socket;
    this.#generation = generation;
    this.#sender = sender;
  }

  checkSend(): Eventually<SocketResult<bigint>> {
    const check = (): SocketResult<bigint> => {
      if (!this.#socket.isCurrent(this.#generation)) return refused('invalid-state');
      const failure = this.#sender.takeFailure();
      if (failure !== undefined) return err(failure);
      this.#permit = this.#sender.permit;
      return ok(BigInt(this.#permit));
    };
    return this.ready() ? check() : this.#guest.notYet(check);
  }

  /** Ends a guest that sends more than the last `checkSend` permitted. */
  send(datagrams: readonly OutgoingDatagram[]): Eventually<SocketResult<bigint>> {
    if (datagrams.length > this.#permit) {
      trap(`Cannot send ${datagrams.length} datagrams: check-send permits ${this.#permit}`);
    }
    if (!this.#socket.isCurrent(this.#generation)) return refused('invalid-state');
    let sent = 0;
    for (const { data, to } of datagrams) {
      const problem = data.length > DATAGRAM_BYTES_MAX ? 'datagram-too-large' : this.#socket.sendProblem(to);
      if (problem !== undefined && sent === 0) return err(problem);
      if (problem !== undefined) break;
      this.#sender.send(data, this.#socket.remote === undefined ? to : undefined);
      sent += 1;
    }
    this.#permit -= sent;
    return paidFor(this.#guest, { out: sizeOf(datagrams.slice(0, sent)) }, ok(BigInt(sent)));
  }

  subscribe(): Pollable {
    return new Pollable({ guest: this.#guest, source: this });
  }

  ready(): boolean {
    return this.#sender.ready || !this.#socket.isCurrent(this.#generation);
  }

  watch(wake: () => void): () => void {
    return this.#sender.signal.watch(wake);
  }

  drop(): void {
    this.#guest.release();
  }
}
