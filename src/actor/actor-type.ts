import { RuntimeError } from '../errors/index.ts';
import type { Cell, Runner } from './cell.ts';
import { Header, type Operation } from './header.ts';
import { nearestNames } from './name.ts';
import { type NoProtocol, OPERATION_NAME_MAX, type Protocol } from './protocol.ts';

/** What the runtime knows of a type; hidden, because it changes from version to version. */
export const INTERNALS: unique symbol = Symbol('troupe.ActorType');

/** What can be spawned: how a kind of actor behaves. Made by `implement` or `defineActorType`. */
export interface ActorType<P extends Protocol = NoProtocol> {
  /** The protocol's name; the label under which its actors are counted. */
  readonly name: string;
  readonly [INTERNALS]: TypeInternals<P>;
}

/** The inside of an {@link ActorType}. */
export interface TypeInternals<P extends Protocol = Protocol> {
  readonly protocol: P | undefined;
  readonly operations: Operations;
  readonly events: readonly string[];
  readonly runner: Runner;
  readonly contract?: object | undefined;
  /** Defaults of its actors, where they are not those of all. `stopTimeoutMs` may be Infinity: what it waits for has deadlines. */
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  /** Asked before anything of an actor is made; refuses one that there is no room for, by throwing. */
  readonly admit?: (() => void) | undefined;
  /** Makes the cells of its actors, where they are not plain ones. */
  readonly createCell?: (...parts: ConstructorParameters<typeof Cell>) => Cell;
}

/** Operations of an `any` type whose headers are kept; the names may come from a stranger. */
const KEPT_OPERATIONS_MAX = 256;

/** The operations of an actor type, by kind and name. */
export class Operations {
  /** In the order of declaration: their index is what prebuilt stubs use. */
  readonly tells: readonly Operation[];
  readonly asks: readonly Operation[];
  readonly streams: readonly Operation[];
  /** For each of `tells`: the header of a message without a sender. */
  readonly tellHeaders: readonly Header[];
  readonly #isOpen: boolean;
  readonly #owner: string;
  readonly #tellsByName = new Map<string, Header>();
  readonly #asksByName = new Map<string, Operation>();

  /** @param operations All there are but streams, or `any`: whatever a sender names. */
  constructor(owner: string, operations: readonly Operation[] | 'any', streams: readonly Operation[] = []) {
    this.#owner = owner;
    this.#isOpen = operations === 'any';
    const all = operations === 'any' ? [] : operations;
    this.tells = all.filter(({ kind }) => kind === 'tell');
    this.streams = streams;
    this.asks = all.filter(({ kind }) => kind === 'ask');
    this.tellHeaders = this.tells.map((operation) => new Header(operation, undefined, undefined));
    for (const header of this.tellHeaders) this.#tellsByName.set(header.operation.name, header);
    for (const operation of this.asks) this.#asksByName.set(operation.name, operation);
  }

  /** Whether the actors take any operation. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The header of a tell without a sender, or the error that says why there is none. */
  tell(name: string): Header | RuntimeError {
    const known = this.#tellsByName.get(name);
    if (known !== undefined) return known;
    if (!this.#isOpen) return this.#unknown('tell', name);
    const header = new Header(openOperation('tell', name), undefined, undefined);
    if (isKept(name, this.#tellsByName.size)) this.#tellsByName.set(name, header);
    return header;
  }

  /** The operation of an ask, or the error that says why there is none. */
  ask(name: string): Operation | RuntimeError {
    const known = this.#asksByName.get(name);
    if (known !== undefined) return known;
    if (!this.#isOpen) return this.#unknown('ask', name);
    const operation = openOperation('ask', name);
    if (isKept(name, this.#asksByName.size)) this.#asksByName.set(name, operation);
    return operation;
  }

  #unknown(kind: 'tell' | 'ask', name: string): RuntimeError {
    const names = [...(kind === 'tell' ? this.#tellsByName : this.#asksByName).keys()];
    const others = kind === 'tell' ? this.#asksByName : this.#tellsByName;
    const candidates = nearestNames(name, names);
    const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
    let help = names.length === 0 ? `it has no ${kind} operations` : `it has ${quoted(names)}`;
    if (others.has(name)) help = `it is ${kind === 'tell' ? 'an ask: use "ask"' : 'a tell: use "tell"'}`;
    else if (candidates.length > 0) help = `did you mean ${quoted(candidates)}?`;
    return new RuntimeError('OPERATION_UNKNOWN', `Cannot ${kind} ${shown} to "${this.#owner}": ${help}`, {
      details: { candidates },
    });
  }
}

/** Names that are listed in a message. */
const LISTED_MAX = 10;

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).map((name) => `"${name}"`);
  return names.length > LISTED_MAX ? `${shown.join(', ')}, …` : shown.join(', ');
}

function isKept(name: string, kept: number): boolean {
  return kept < KEPT_OPERATIONS_MAX && name.length <= OPERATION_NAME_MAX;
}

/** An operation of which nothing is known but its name. */
export function openOperation(kind: Operation['kind'], name: string): Operation {
  return {
    kind,
    name,
    handler: undefined,
    batch: undefined,
    validateIn: undefined,
    validateOut: undefined,
    isUrgent: false,
  };
}
