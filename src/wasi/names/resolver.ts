import { lookup } from 'node:dns';
import { PartKey } from '../guest/index.ts';

/** Where names lead. */
export interface NameResolver {
  /**
   * Text addresses, in the order in which to try them. Rejects with an error of the resolver.
   *
   * @param isWanted Asked when it is the name's turn; if nobody waits for it any more, it is not looked up.
   */
  resolve(name: string, isWanted?: () => boolean): Promise<readonly string[]>;
}

/** Looks one name up. */
type LookUp = (name: string) => Promise<readonly string[]>;

/**
 * Lookups of this process at once. Each takes one of the four threads that files need too, for as long as a name server
 * does not answer; two leave files the other two.
 */
const LOOKUPS_AT_ONCE = 2;

/** Looks names up, a few at once, in the order in which they were asked. */
export class QueuedResolver implements NameResolver {
  readonly #lookUp: LookUp;
  #running = 0;
  /** Bounded by who asks: a guest has one here by its sockets, and one for each of its HTTP requests that connects. */
  readonly #waiting: (() => void)[] = [];

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  async resolve(name: string, isWanted = () => true): Promise<readonly string[]> {
    if (this.#running >= LOOKUPS_AT_ONCE) await new Promise<void>((begin) => this.#waiting.push(begin));
    else this.#running += 1;
    try {
      // Else guests that come and go would keep all others waiting for names that nobody wants.
      return isWanted() ? await this.#lookUp(name) : [];
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function systemLookUp(name: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
      if (error !== null) reject(error);
      else resolve(addresses.map(({ address }) => address));
    });
  });
}

/** The resolver of the operating system, shared by all guests. */
export const SYSTEM_RESOLVER = new QueuedResolver(systemLookUp);

export const NAME_RESOLVER = new PartKey<NameResolver>('name resolver', { make: () => SYSTEM_RESOLVER });
