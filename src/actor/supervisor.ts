import { RuntimeError } from '../errors/index.ts';
import {
  type GroupOptions,
  type RestartType,
  type SupervisionOptions,
  toGroupPolicy,
  toRestartType,
} from '../supervision/index.ts';
import type { ActorRef } from './actor-ref.ts';
import { type ActorType, INTERNALS } from './actor-type.ts';
import type { Cell, Member } from './cell.ts';
import type { HandlerContext } from './context.ts';
import { Group } from './group.ts';
import { implement } from './implement.ts';
import { LocalRef } from './local-ref.ts';
import { assertActorName } from './name.ts';
import { assertSpawnOptions, type SpawnOptions, START_TIMEOUT_MS, TIMEOUT_MAX_MS } from './options.ts';
import { type Protocol, protocol } from './protocol.ts';
import { type Type, type } from './schema.ts';
import { spawn } from './spawn.ts';

/** One child of a supervisor. */
export interface ChildSpec<P extends Protocol = Protocol> {
  /** Its name within the supervisor; the actor is called `<supervisor>/<name>`. */
  readonly name: string;
  readonly type: ActorType<P>;
  /** Default `transient`: started again after a failure, not when it ended itself. */
  readonly restart?: RestartType;
  /** As of `spawn`. How often it is started again is the supervisor's affair. */
  readonly options?: Omit<SpawnOptions, 'supervision'> & {
    readonly supervision?: Pick<SupervisionOptions, 'stuckAfterMs'>;
  };
}

/** How a supervisor starts its children, and starts them again. */
export interface SupervisorOptions extends GroupOptions {
  /** Label under which it is counted. Default `supervisor`. */
  readonly name?: string;
  /** Started in this order, one after another; stopped in the opposite order. At most 10,000. */
  // biome-ignore lint/suspicious/noExplicitAny: children of any protocol
  readonly children?: readonly ChildSpec<any>[];
}

/** One child, as its supervisor shows it. */
export interface ChildInfo {
  readonly name: string;
  readonly ref: ActorRef;
  readonly restart: RestartType;
}

/** What a supervisor understands. */
export type SupervisorProtocol = Protocol<{
  ask: {
    /** Living children, in the order of their start. */
    children: { in: Type<void>; out: Type<readonly ChildInfo[]> };
    /**
     * Starts one more child, after all others; the reply comes when it has started. One that cannot is not kept, and that is
     * no failure of anybody. Rejects with `ACTOR_START_FAILED`, `NAME_TAKEN`, `NAME_INVALID`, `CONFIG_INVALID`.
     */
    // biome-ignore lint/suspicious/noExplicitAny: a child of any protocol
    start: { in: Type<ChildSpec<any>>; out: Type<ActorRef> };
  };
}>;

/** Children of one supervisor; more belong under several. */
const CHILDREN_MAX = 10_000;

/** What an incarnation of a supervisor knows. */
interface Tree {
  readonly cell: Cell;
  readonly group: Group;
}

/**
 * Makes an actor type whose actors supervise others, in the manner of OTP: nest them to make a tree.
 *
 * A child that fails is started again in place: its reference stays good, its mailbox is kept, its state is new. With
 * `one-for-all` and `rest-for-one` its siblings are ended in order, last first, each within its `stopTimeoutMs`, and all
 * are started again, first to last, each when the one before takes messages. More than `intensity` restarts within
 * `periodMs`, of all children together, are a failure of the supervisor: all its children are stopped, and its own
 * supervision decides.
 *
 * It starts and stops for as long as its children may take, each within its own deadlines, unless it is spawned with
 * other ones.
 *
 * @returns A type to be spawned; its `ready` settles when all children have started.
 * @throws {RangeError} An option is out of range, of a child as well.
 * @throws {TypeError} The type of a child is none.
 * @throws {RuntimeError} `NAME_INVALID`, `NAME_TAKEN` — a child has no good name, or that of another.
 *
 * @example
 * ```ts
 * const storage = supervisor({
 *   strategy: 'rest-for-one', // the cache is worth nothing without the connection that filled it
 *   children: [
 *     { name: 'connection', type: connection },
 *     { name: 'cache', type: cache },
 *   ],
 * });
 * const ref = system.spawn(storage, 'storage');
 * await ref.ready;
 * const cache = system.lookup('storage/cache');
 * ```
 */
export function supervisor(options: SupervisorOptions = {}): ActorType<SupervisorProtocol> {
  const { name = 'supervisor', children = [] } = options;
  const policy = toGroupPolicy(options);
  if (children.length > CHILDREN_MAX) {
    throw new RangeError(`A supervisor has at most ${CHILDREN_MAX} children, not ${children.length}`);
  }
  const names = new Set<string>();
  for (const child of children) {
    assertChild(child);
    if (names.has(child.name)) {
      const text = `Cannot make a supervisor: two of its children are called "${child.name}"`;
      throw new RuntimeError('NAME_TAKEN', text, { details: { name: child.name } });
    }
    names.add(child.name);
  }
  const contract: SupervisorProtocol = protocol(name, {
    ask: {
      children: { in: type<void>(), out: type<readonly ChildInfo[]>() },
      start: { in: type<ChildSpec>(), out: type<ActorRef>() },
    },
  });
  const { [INTERNALS]: internals } = implement<SupervisorProtocol, Tree>(contract, {
    init: async (context) => {
      const { cell } = context as unknown as HandlerContext;
      const tree: Tree = { cell, group: new Group(cell, policy) };
      cell.rare.group = tree.group;
      for (const child of children) tree.group.add(makeChild(tree, child), toRestartType(child.restart));
      await tree.group.start();
      return tree;
    },
    ask: {
      children: ({ state }) => childrenOf(state),
      start: async (context, child) => {
        try {
          return await startChild(context.state, child);
        } catch (error) {
          return context.refuse(RuntimeError.from(error, 'CONFIG_INVALID'));
        }
      },
    },
  });
  const startTimeoutMs = Math.min(
    TIMEOUT_MAX_MS,
    children.reduce((sum, child) => sum + startTimeoutOf(child), START_TIMEOUT_MS),
  );
  // Its children end one after another, each within its own deadline; nothing of its own takes time.
  return { name, [INTERNALS]: { ...internals, startTimeoutMs, stopTimeoutMs: Number.POSITIVE_INFINITY } };
}

function assertChild({ name, type, restart, options = {} }: ChildSpec): void {
  assertActorName(name);
  if (type?.[INTERNALS] === undefined) throw new TypeError(`The child "${name}" of a supervisor has no actor type`);
  toRestartType(restart);
  assertSpawnOptions(options);
}

function startTimeoutOf({ type, options }: ChildSpec): number {
  return options?.startTimeoutMs ?? type[INTERNALS].startTimeoutMs ?? START_TIMEOUT_MS;
}

/** Makes the actor, held. */
function makeChild({ cell }: Tree, { name, type, options }: ChildSpec): Cell {
  return LocalRef.cellOf(spawn(cell.profile.services, cell, { type, name, options, isHeld: true }));
}

async function startChild(tree: Tree, spec: ChildSpec): Promise<ActorRef> {
  if (tree.group.members.length >= CHILDREN_MAX) {
    throw new RuntimeError('CONFIG_INVALID', `Cannot start a child: there are ${CHILDREN_MAX} already, the most`);
  }
  assertChild(spec);
  const child = makeChild(tree, spec);
  tree.group.tryOut(child, toRestartType(spec.restart));
  const { ready } = child.ref;
  tree.group.startHeld();
  try {
    await ready;
  } catch (error) {
    child.ref.kill();
    throw error;
  }
  return child.ref;
}

function childrenOf({ cell, group }: Tree): ChildInfo[] {
  return group.members.map((child) => ({
    name: child.name.slice(cell.name.length + 1),
    ref: child.ref,
    restart: (child.rare.member as Member).restart,
  }));
}
