import { lookup } from 'node:dns';
import { PartKey } from '../guest/index.ts';

/** Where names lead: text addresses, in the order in which to try them. Rejects with an error of the resolver. */
export interface NameResolver {
  resolve(name: string): Promise<readonly string[]>;
}

/**
 * Lookups of this process at once. Each takes one of the four threads that files need too, for as long as a name server
 * does not answer; two leave files the other two.
 */
const LOOKUPS_AT_ONCE = 2;

class SystemResolver implements NameResolver {
  #running = 0;
  /** Bounded by what each guest may have under way. */
  readonly #waiting: (() => void)[] = [];

  async resolve(name: string): Promise<readonly string[]> {
    if (this.#running >= LOOKUPS_AT_ONCE) await new Promise<void>((begin) => this.#waiting.push(begin));
    else this.#running += 1;
    try {
      return await lookUp(name);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function lookUp(name: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
      if (error !== null) reject(error);
      else resolve(addresses.map(({ address }) => address));
    });
  });
}

/** The resolver of the operating system, shared by all guests. */
const SYSTEM_RESOLVER = new SystemResolver();

export const NAME_RESOLVER = new PartKey<NameResolver>('name resolver', { make: () => SYSTEM_RESOLVER });
