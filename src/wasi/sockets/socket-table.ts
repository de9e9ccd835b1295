import { type Eventually, type Guest, isPromise, PartKey, reportLimit } from '../guest/index.ts';
import { LookupMemory } from './lookup-memory.ts';

/** Bounds of the sockets of one guest. */
export interface SocketSettings {
  /** Sockets and connections open at once. */
  readonly socketsMax: number;
  /** Milliseconds that connections get to send what was written, when the guest is gone. */
  readonly drainMs: number;
}

export const SOCKET_SETTINGS = new PartKey<SocketSettings>('socket settings', {
  make: () => ({ socketsMax: 0, drainMs: 0 }),
});

/** Something with a descriptor of this process, or about to have one. */
export interface SocketHolder {
  /** The guest is gone: closes. Settles when the descriptor is closed; never rejects. */
  abandon(): Eventually<void>;
}

/** What one guest has of the network. */
export class SocketTable {
  readonly lookups = new LookupMemory();
  readonly #holders = new Set<SocketHolder>();
  readonly #guest: Guest;
  readonly #socketsMax: number;
  /** Datagrams that came while the queue was full, or from where the guest may not receive. */
  datagramsDropped = 0;
  /** Connections that came while there was no room for them. */
  connectionsDropped = 0;

  constructor(guest: Guest) {
    this.#guest = guest;
    this.#socketsMax = guest.part(SOCKET_SETTINGS).socketsMax;
  }

  /** Sockets and connections open. */
  get size(): number {
    return this.#holders.size;
  }

  /** Takes one more; false when there is no room. */
  enter(holder: SocketHolder): boolean {
    if (this.#holders.size >= this.#socketsMax) {
      reportLimit(this.#guest, { limit: 'sockets', limitValue: this.#socketsMax });
      return false;
    }
    this.#holders.add(holder);
    return true;
  }

  /** `next` takes the place of `holder`. */
  replace(holder: SocketHolder, next: SocketHolder): void {
    this.#holders.delete(holder);
    this.#holders.add(next);
  }

  leave(holder: SocketHolder): void {
    this.#holders.delete(holder);
  }

  dispose(): Eventually<void> {
    const closing = [...this.#holders].map((holder) => holder.abandon()).filter(isPromise);
    return closing.length === 0 ? undefined : Promise.all(closing).then(() => undefined);
  }
}

export const SOCKETS = new PartKey<SocketTable>('sockets', {
  make: (guest) => new SocketTable(guest),
  dispose: (table) => table.dispose(),
});
