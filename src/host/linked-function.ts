import { type ActorRef, contractOf } from '../actor/index.ts';
import { describeFunc, type FuncType, type HostFunction, matchImport } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Guest, reportLimit } from '../wasi/index.ts';
import { isFailure } from './contract.ts';
import { toGuest } from './failure.ts';
import { TypeComparison } from './link-types.ts';
import { ACTOR, tooMany } from './messaging.ts';
import { payloadBytes } from './payload-size.ts';
import { ComponentContract, type ComponentShape, withoutVersion } from './shape.ts';

/** An actor by its name, looked up at each call, or by its reference. */
export type LinkedActor = string | ActorRef;

/** Where the calls of one link go. */
export interface LinkRoute {
  /** At least one. Each takes a call in turn; those that have ended are passed over. */
  readonly actors: readonly LinkedActor[];
  readonly timeoutMs: number;
}

/** What a linked function answers with where its type has room for a failure. */
type Failed = { readonly tag: 'err'; readonly val: unknown };

/** One function that a component imports and other actors answer; the same for all of its instances. */
export class LinkedFunction {
  /** As the component imports it: `demo:calc/ops@1.0.0#add`. */
  readonly id: string;
  readonly type: FuncType;
  readonly #route: LinkRoute;
  /** Whether the guest gets a failure as a value. */
  readonly #takesFailure: boolean;
  /** What answers it, by what the actor asked has to offer: an operation, or why there is none. */
  readonly #operations = new WeakMap<ComponentShape, string | RuntimeError>();
  #turn = 0;

  constructor(id: string, type: FuncType, route: LinkRoute) {
    this.id = id;
    this.type = type;
    this.#route = route;
    const { result } = type;
    this.#takesFailure = result?.kind === 'result' && result.error !== undefined && isFailure(result.error);
  }

  get actors(): readonly LinkedActor[] {
    return this.#route.actors;
  }

  /** The function as the engine calls it. */
  toHostFunction(): HostFunction {
    const call = (guest: Guest, args: readonly unknown[]) => this.#call(guest, args);
    return function (this: Guest, ...args: unknown[]) {
      return call(this, args);
    };
  }

  async #call(guest: Guest, args: readonly unknown[]): Promise<unknown> {
    const { context, deadline } = guest.part(ACTOR);
    let name: string | undefined;
    try {
      const ref = this.#next((target) => context.ref(target));
      name = ref.name;
      checkSize(guest, args);
      const refused = tooMany(guest);
      if (refused !== undefined) throw refused;
      const reply = await ref.askOp(this.#operationOf(ref), args, { timeoutMs: this.#timeoutMs(deadline?.leftMs) });
      checkSize(guest, [reply]);
      return reply;
    } catch (error) {
      return this.#failed(RuntimeError.from(error), name);
    }
  }

  /** The next actor in turn that is there. */
  #next(find: (target: LinkedActor) => ActorRef | undefined): ActorRef {
    const { actors } = this.#route;
    for (let tried = 0; tried < actors.length; tried++) {
      const target = actors[this.#turn] as LinkedActor;
      this.#turn = (this.#turn + 1) % actors.length;
      const ref = find(target);
      if (ref !== undefined) return ref;
    }
    const names = actors.map((target) => `"${nameOf(target)}"`);
    throw new RuntimeError('ACTOR_NOT_FOUND', `Cannot find ${names.slice(0, 3).join(', ')}: no such actor is running`);
  }

  /** Never longer than what is left of the time that the calling component has for its message. */
  #timeoutMs(leftMs: number | undefined): number {
    const { timeoutMs } = this.#route;
    return leftMs === undefined ? timeoutMs : Math.max(1, Math.min(timeoutMs, Math.ceil(leftMs)));
  }

  #operationOf(ref: ActorRef): string {
    const contract = contractOf(ref);
    // Of an actor in TypeScript nothing is known but the names of its operations: what it gets and gives is checked as
    // any value that is handed to a component.
    if (!(contract instanceof ComponentContract)) return withoutVersion(this.id);
    const { shape } = contract;
    let found = this.#operations.get(shape);
    if (found === undefined) {
      found = operationFor(this, shape, new TypeComparison());
      this.#operations.set(shape, found);
    }
    if (found instanceof RuntimeError) throw found;
    return found;
  }

  #failed(error: RuntimeError, name: string | undefined): Failed {
    if (this.#takesFailure) return { tag: 'err', val: toGuest(error) };
    const to = name === undefined ? '' : ` of "${name}"`;
    throw new RuntimeError('COMPONENT_LINK_FAILED', `The call of "${this.id}"${to} failed: ${error.message}`, {
      details: { function: this.id, ...(name !== undefined && { actor: name }), cause: error.code },
      cause: error,
    });
  }
}

export function nameOf(target: LinkedActor): string {
  return typeof target === 'string' ? target : target.name;
}

/** What a guest passes on waits in mailboxes, which count messages and not bytes. */
function checkSize(guest: Guest, values: readonly unknown[]): void {
  const { messageBytes } = guest.part(ACTOR).limits;
  const size = payloadBytes(values, messageBytes);
  if (size <= messageBytes) return;
  reportLimit(guest, { limit: 'message-size', limitValue: messageBytes, used: size });
  throw new RuntimeError(
    'MESSAGE_INVALID',
    `Cannot pass values from one actor to another: they have more than ${messageBytes} bytes`,
    { details: { limitBytes: messageBytes } },
  );
}

/** Characters of a type that a message shows. */
const TYPE_SHOWN_MAX = 300;

/** The operation of `shape` that answers calls of `func`, or why there is none. */
export function operationFor(
  func: Pick<LinkedFunction, 'id' | 'type'>,
  shape: ComponentShape,
  comparison: TypeComparison,
): string | RuntimeError {
  const found = findExport(func.id, shape);
  if (typeof found === 'string') return new RuntimeError('COMPONENT_LINK_INVALID', found);
  const mismatch = comparison.func(found.type, func.type);
  if (mismatch === undefined) return found.operation;
  const [wanted, offered] = [func.type, found.type].map((type) => describeFunc(type).slice(0, TYPE_SHOWN_MAX));
  const text = `${mismatch}: it is called as ${wanted} and there is ${offered}; build both components from the same WIT`;
  return new RuntimeError('COMPONENT_LINK_INVALID', text, { details: { wanted, offered } });
}

const KINDS = {
  message: 'it takes messages',
  http: 'it handles HTTP requests',
  task: 'it is a task',
} as const;

interface FoundExport {
  readonly operation: string;
  readonly type: FuncType;
}

/** Exports by interface and name. Without a prototype: a function may be called "constructor". */
type ExportIndex = Record<string, Map<string, FoundExport>>;

/** Made once for each shape: there may be thousands of exports, and of functions that look for one. */
const INDICES = new WeakMap<ComponentShape, ExportIndex>();

function indexOf(shape: ComponentShape): ExportIndex {
  let index = INDICES.get(shape);
  if (index === undefined) {
    index = Object.create(null) as ExportIndex;
    for (const [operation, { name, type }] of shape.operations) {
      const [path, inner] = split(name);
      index[path] ??= new Map();
      index[path].set(inner, { operation, type });
    }
    INDICES.set(shape, index);
  }
  return index;
}

/** The export of that name, in the same or a compatible version; or why there is none. */
function findExport(id: string, shape: ComponentShape): FoundExport | string {
  if (shape.kind !== 'functions') return `${KINDS[shape.kind]}, and has no exports that can be called`;
  const [wanted, name] = split(id);
  const index = indexOf(shape);
  const path = matchImport(wanted, index);
  if (path !== undefined) return index[path]?.get(name) ?? `its "${path}" has no function "${name}"`;
  const other = Object.keys(index).find((offered) => withoutVersion(offered) === withoutVersion(wanted));
  if (other !== undefined) return `it exports "${other}", whose version is not compatible`;
  const exported = Object.keys(index).map((offered) => `"${offered}"`);
  return `it does not export it; it exports ${exported.slice(0, 5).join(', ')}`;
}

/** Interface and function; of a function that the world has itself, only the first. */
function split(name: string): readonly [string, string] {
  const [path = '', inner = ''] = name.split('#');
  return [path, inner];
}
