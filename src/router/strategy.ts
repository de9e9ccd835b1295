import type { Routee } from '../actor/index.ts';
import type { Random } from '../time/index.ts';
import { HashRing } from './hash-ring.ts';
import type { RoutingOptions } from './options.ts';

/** A routee, and the name that it keeps among the others. */
export interface Member {
  readonly name: string;
  readonly routee: Routee;
}

/** Picks one of the routees for each message. */
export interface Strategy {
  /** From now on these are there. */
  change(members: readonly Member[]): void;
  pick(op: string, payload: unknown): Routee | undefined;
}

/** @param options Checked. */
export function createStrategy({ strategy = 'round-robin', hash }: RoutingOptions, random: Random): Strategy {
  if (strategy === 'random') return new RandomChoice(random);
  if (strategy === 'least-loaded') return new LeastLoaded();
  if (strategy === 'consistent-hash' && hash !== undefined) return new ByHash(hash);
  return new RoundRobin();
}

abstract class OverList implements Strategy {
  protected routees: readonly Routee[] = [];

  change(members: readonly Member[]): void {
    this.routees = members.map(({ routee }) => routee);
  }

  abstract pick(op: string, payload: unknown): Routee | undefined;

  /** From `start` on, the first that handles messages now and has room, else has room, else takes messages at all. */
  protected from(start: number): Routee | undefined {
    const { routees } = this;
    let withRoom: Routee | undefined;
    let open: Routee | undefined;
    for (let i = 0; i < routees.length; i++) {
      const routee = routees[(start + i) % routees.length] as Routee;
      if (routee.isReady && routee.hasRoom) return routee;
      if (!routee.isOpen) continue;
      if (routee.hasRoom) withRoom ??= routee;
      open ??= routee;
    }
    return withRoom ?? open;
  }
}

class RoundRobin extends OverList {
  private next = 0;

  pick(): Routee | undefined {
    const { routees } = this;
    let { next } = this;
    if (next >= routees.length) next = 0;
    this.next = next + 1;
    const routee = routees[next];
    return routee === undefined || (routee.isReady && routee.hasRoom) ? routee : this.from(next);
  }
}

class RandomChoice extends OverList {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  pick(): Routee | undefined {
    return this.from(Math.floor(this.#random.next() * this.routees.length));
  }
}

class LeastLoaded extends OverList {
  #next = 0;

  pick(): Routee | undefined {
    const { routees } = this;
    let best: Routee | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    this.#next = (this.#next + 1) % Math.max(1, routees.length);
    for (let i = 0; i < routees.length && bestLoad > 0; i++) {
      const at = this.#next + i;
      const routee = routees[at < routees.length ? at : at - routees.length] as Routee;
      if (!routee.isReady || !routee.hasRoom) continue;
      const { load } = routee;
      if (load >= bestLoad) continue;
      best = routee;
      bestLoad = load;
    }
    return best ?? this.from(this.#next);
  }
}

class ByHash implements Strategy {
  readonly #hash: NonNullable<RoutingOptions['hash']>;
  #ring = new HashRing<Routee>([]);

  constructor(hash: NonNullable<RoutingOptions['hash']>) {
    this.#hash = hash;
  }

  change(members: readonly Member[]): void {
    this.#ring = new HashRing(members.map(({ name, routee }) => [name, routee]));
  }

  pick(op: string, payload: unknown): Routee | undefined {
    return this.#ring.find(this.#keyOf(op, payload), ({ isOpen }) => isOpen);
  }

  #keyOf(op: string, payload: unknown): string {
    try {
      return String(this.#hash(op, payload));
    } catch {
      // Sending never throws, and no message may be lost because its key could not be found.
      return '';
    }
  }
}
