import {
  type ActorRef,
  type ActorType,
  areAlike,
  defineRouterType,
  type Protocol,
  type Routee,
  type Router,
  type Team,
} from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { assertRouting, ROUTEES_MAX, type RoutingOptions } from './options.ts';
import { createStrategy, type Member, type Strategy } from './strategy.ts';

/** What a router routes to, and how. */
export interface RouterOptions<P extends Protocol> extends RoutingOptions {
  /** Label under which it is counted. Default `router`. */
  readonly name?: string;
  /** Actors of one type, 1 to 1_024. They stay who they are: the router neither starts nor stops them. */
  readonly routees: readonly ActorRef<P>[];
}

/**
 * Makes an actor type that hands what it is sent on to actors that are there already. It passes over those that have
 * ended, and ends itself when the last has.
 *
 * @returns A type to be spawned, of its routees' protocol. What one of them emits is heard at the router too.
 * @throws {RuntimeError} `CONFIG_INVALID` — the strategy, or no routees, or too many, or they are of different types.
 *
 * @example
 * ```ts
 * const ref = system.spawn(router({ strategy: 'least-loaded', routees: parsers }), 'parser');
 * ref.tell.parse(line);
 * ```
 */
export function router<P extends Protocol>(options: RouterOptions<P>): ActorType<P> {
  const { name = 'router', routees } = options;
  assertRouting(options);
  const [first] = routees;
  if (first === undefined || routees.length > ROUTEES_MAX) {
    throw new RuntimeError('CONFIG_INVALID', `A router has from 1 to ${ROUTEES_MAX} routees, not ${routees.length}`);
  }
  const other = routees.find((routee) => !areAlike(first, routee));
  if (other !== undefined) {
    const text = `Cannot route to both "${first.name}" and "${other.name}": they are actors of different types`;
    throw new RuntimeError('CONFIG_INVALID', text);
  }
  const isBroadcast = options.strategy === 'broadcast';
  return defineRouterType({ name, like: first, isBroadcast, create: (team) => new RefRouter(team, options) });
}

class RefRouter implements Router {
  readonly #team: Team;
  readonly #strategy: Strategy;
  readonly #isBroadcast: boolean;
  #members: readonly Member[];
  everyone: readonly Routee[] | null = null;

  constructor(team: Team, options: RouterOptions<Protocol>) {
    this.#team = team;
    this.#strategy = createStrategy(options, team.random);
    this.#isBroadcast = options.strategy === 'broadcast';
    // Their names, not their places: they say who has which keys, also for another router of the same actors.
    this.#members = options.routees.map((ref) => ({ name: ref.name, routee: team.adopt(ref) }));
    this.#change(this.#members.filter(({ routee }) => routee.isOpen));
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  pick(op: string, payload: unknown): Routee | undefined {
    return this.#strategy.pick(op, payload);
  }

  onGone(gone: Routee): void {
    this.#change(this.#members.filter(({ routee }) => routee !== gone));
  }

  drain(): void {}

  dispose(): void {}

  #change(members: readonly Member[]): void {
    this.#members = members;
    this.#strategy.change(members);
    if (this.#isBroadcast) this.everyone = members.map(({ routee }) => routee);
    if (members.length === 0) this.#team.end();
  }
}
