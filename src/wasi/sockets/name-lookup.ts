import { parseHost, printAddress } from '../../capability/index.ts';
import { isAllowed } from '../authority/index.ts';
import { type Eventually, err, type Guest, ok, PartKey } from '../guest/index.ts';
import { Pollable, type Readiness } from '../io/index.ts';
import { NAME_RESOLVER } from '../names/index.ts';
import { type IpAddressValue, toAddressValue } from './addresses.ts';
import { type ErrorCode, refused, type SocketResult, toErrorCode } from './error-code.ts';
import { Signal } from './signal.ts';
import { SOCKETS } from './socket-table.ts';

/** Milliseconds from a guest's request to its answer. */
const LOOKUP_MS = 10_000;

/** Lookups of one guest under way; one runs at a time, so that no guest takes all that the process has. */
const LOOKUPS_MAX = 8;

/** Addresses of one answer that are kept. */
const ADDRESSES_MAX = 64;

/** What RFC 6761 says of `localhost` and the names below it; they are never looked up. */
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/** The lookups of one guest, one after another. */
class Lookups {
  /** Each gives one up. */
  readonly #underWay = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();

  get isFull(): boolean {
    return this.#underWay.size >= LOOKUPS_MAX;
  }

  /** @param giveUp Called if the guest goes first. */
  async run(work: () => Promise<void>, giveUp: () => void): Promise<void> {
    this.#underWay.add(giveUp);
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    try {
      await result;
    } finally {
      this.#underWay.delete(giveUp);
    }
  }

  dispose(): void {
    for (const giveUp of this.#underWay) giveUp();
  }
}

const LOOKUPS = new PartKey<Lookups>('lookups', { make: () => new Lookups(), dispose: (lookups) => lookups.dispose() });

/** The `resolve-address-stream` resource. */
export class ResolveAddressStream implements Readiness {
  readonly #guest: Guest;
  readonly #signal = new Signal();
  #addresses: readonly string[] | undefined;
  #failure: ErrorCode | undefined;
  #next = 0;

  constructor(guest: Guest, addresses?: readonly string[]) {
    guest.hold();
    this.#guest = guest;
    this.#addresses = addresses;
  }

  next(): Eventually<SocketResult<IpAddressValue | undefined>> {
    const take = (): SocketResult<IpAddressValue | undefined> => {
      if (this.#failure !== undefined) return err(this.#failure);
      if (this.#addresses === undefined) return refused('would-block');
      const address = this.#addresses[this.#next];
      if (address === undefined) return ok(undefined);
      this.#next += 1;
      return ok(toAddressValue(address));
    };
    return this.ready() ? take() : this.#guest.notYet(take);
  }

  /** Gives the answer; the first one counts. */
  settle(answer: readonly string[] | ErrorCode): void {
    if (this.ready()) return;
    if (typeof answer === 'string') this.#failure = answer;
    else this.#addresses = answer;
    this.#signal.wake();
  }

  subscribe(): Pollable {
    return new Pollable({ guest: this.#guest, source: this });
  }

  ready(): boolean {
    return this.#addresses !== undefined || this.#failure !== undefined;
  }

  watch(wake: () => void): () => void {
    return this.#signal.watch(wake);
  }

  drop(): void {
    this.#guest.release();
    this.settle('unknown');
  }
}

/** `resolve-addresses`. An address is its own answer; `localhost` is this machine. */
export function resolveAddresses(guest: Guest, text: string): SocketResult<ResolveAddressStream> {
  const host = parseHost(text);
  if (host === undefined) return refused('invalid-argument');
  if (host.kind === 'address') return ok(new ResolveAddressStream(guest, [printAddress(host.address)]));
  const { name } = host;
  if (!isAllowed(guest, { kind: 'network', action: 'resolve', name })) return refused('access-denied');
  const remember = (addresses: readonly string[]) => guest.part(SOCKETS).lookups.remember(name, addresses);
  if (name === 'localhost' || name.endsWith('.localhost')) {
    remember(LOOPBACK_ADDRESSES);
    return ok(new ResolveAddressStream(guest, LOOPBACK_ADDRESSES));
  }
  const lookups = guest.part(LOOKUPS);
  if (lookups.isFull) return refused('temporary-resolver-failure');
  const stream = new ResolveAddressStream(guest);
  const timer = guest.clock.after(LOOKUP_MS, () => stream.settle('timeout'));
  const lookUp = async () => {
    // Given up while others were looked up.
    const isWanted = () => !stream.ready() && !guest.disposed;
    if (!isWanted()) return;
    const found = await guest.part(NAME_RESOLVER).resolve(name, isWanted);
    const addresses = found.slice(0, ADDRESSES_MAX).flatMap(normalised);
    if (guest.disposed) return;
    remember(addresses);
    stream.settle(addresses.length === 0 ? 'name-unresolvable' : addresses);
  };
  void lookups
    .run(lookUp, () => timer.cancel())
    .catch((error) => stream.settle(toErrorCode(error)))
    .finally(() => timer.cancel());
  return ok(stream);
}

/** An address in the one spelling under which it is remembered; nothing for what is none. */
function normalised(text: string): string[] {
  const host = parseHost(text.split('%')[0] ?? '');
  return host?.kind === 'address' ? [printAddress(host.address)] : [];
}
