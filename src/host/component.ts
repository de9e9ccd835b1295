import { basename } from 'node:path';
import { type ActorRef, type ActorType, defineActorType, type NoProtocol, type Protocol } from '../actor/index.ts';
import type { AuditSink } from '../audit/index.ts';
import { type Decision, type Grants, NO_GRANTS } from '../capability/index.ts';
import { CompiledComponent, nodeRoom } from '../component/index.ts';
import type { KeepOptions } from '../durable/index.ts';
import type { Store } from '../store/index.ts';
import type { LogEntry } from '../wasi/index.ts';
import { type BehaviorPlan, ComponentBehavior, TASK_OPERATION } from './behavior.ts';
import type { PlacedShare } from './component-share.ts';
import { checkImports } from './deploy.ts';
import { type HealthCheckOptions, toHealthCheckPolicy } from './health-options.ts';
import { type HttpComponentPlan, type HttpObserver, httpActorType } from './http-component.ts';
import { type HttpOptions, type HttpPolicy, toHttpPolicy } from './http-options.ts';
import type { HttpPool } from './http-pool.ts';
import { InstanceRoom, type LimitBreach, type LimitUse, limitUses, type UsedNow } from './limit-watch.ts';
import { type ComponentLimits, toComponentLimits } from './limits.ts';
import { type Link, type Links, resolveLinks } from './links.ts';
import { type LoadOptions, loadComponent, revisionOf } from './load.ts';
import { type RecycleOptions, toRecyclePolicy } from './recycle-options.ts';
import { ComponentContract, type ComponentShape, shapeOf } from './shape.ts';
import { type ActorStdio, ComponentSurroundings } from './surroundings.ts';

export interface ComponentOptions {
  /** Label of the actor type in counters and messages. Default: the file's name without `.wasm`; without file `component`. */
  readonly name?: string;
  /** What it may do. Default: nothing. */
  readonly grants?: Grants;
  /** What it may use at most. Memory, tables and modules are limited when it is compiled. */
  readonly limits?: Partial<ComponentLimits>;
  /** Wall-clock milliseconds for one message or request; 0 or `Infinity`: no limit. Default 30,000, and none for a task. */
  readonly deadlineMs?: number | undefined;
  /** Handed to `lifecycle.start` as JSON text, and to `wasi:config` as texts by path. Default: `{}`. */
  readonly config?: unknown;
  /** Arguments of a task, without the program's name. */
  readonly args?: readonly string[];
  /** Environment of the guest; names without an `env` grant are left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the standard streams of the actor called `name` lead, as far as granted. Default: nowhere. */
  readonly stdio?: (name: string) => Partial<ActorStdio>;
  /**
   * Who answers imports that nothing here offers: another actor, by its name or reference. If it is a component, the types
   * of both sides must be equal; what an actor in TypeScript replies is checked when it is handed over.
   */
  readonly links?: Links;
  /**
   * Where its actors live: `thread`: on a worker of the system or, if that has none, on the calling thread; or in a child process,
   * with those of all components that name the same one. For that, the system must have workers. Default: `thread`.
   */
  readonly isolation?: 'thread' | { readonly process: string };
  /**
   * Instances that are kept ready for its actors, so that these start in a tenth of the time: 0 to 4,096, in each system and on
   * each of its threads. They are made between other work from the first actor on, and take room as those of actors do, of which
   * they leave a quarter. What an actor leaves behind is used again, as new, if that can be. Default 0; not for one that handles HTTP.
   */
  readonly pool?: number | undefined;
  /** @internal What its actors count together with those on other threads. Default: they count for themselves. */
  readonly share?: PlacedShare | undefined;
  /** When its actors go on with an instance that is as new; for components that have no state to lose. Default: never. */
  readonly recycle?: RecycleOptions | undefined;
  /** How requests get instances, if it handles HTTP. */
  readonly http?: HttpOptions & HttpObserver;
  /**
   * Lets the state of its actors outlast a restart, and the process where the system has a store: by `lifecycle.snapshot`,
   * at these times, and `lifecycle.restore`. Default: a restart begins anew.
   */
  readonly keep?: KeepOptions | undefined;
  /** How its actors are asked for their health, if it exports `lifecycle.health` and takes messages or has functions. */
  readonly health?: HealthCheckOptions | undefined;
  /** Where the buckets of `wasi:keyvalue` are; needed if it is granted any. Whoever opened it closes it. */
  readonly store?: Store;
  /** Hears what the actor called `name` logs by `wasi:logging`. Its texts are the guest's. Default: nobody. */
  readonly onLog?: (actor: string, entry: LogEntry) => void;
  /**
   * Hears of every limit that an actor runs into: of the first time at once, then once a second of how often. It should be
   * quick.
   */
  readonly onLimit?: (actor: string, breach: LimitBreach) => void;
  /**
   * Where everything that its actors want is put on record, granted or denied, and every limit that they run into: of what is
   * alike the first at once, then each half a minute how often. What cannot be put on record is denied. Whoever opened the
   * log closes it. Default: nowhere.
   */
  readonly audit?: AuditSink | undefined;
  /** Hears of every denial of a capability. */
  readonly onDenied?: (actor: string, decision: Decision) => void;
}

/** Default of `deadlineMs`: what a user of an HTTP gateway waits before giving up. */
export const DEADLINE_MS = 30_000;

/** An actor type made of a component. `P` is what `troupe types` writes of it. */
export interface ComponentActorType<P extends Protocol = NoProtocol> extends ActorType<P> {
  readonly component: CompiledComponent;
  /** Digest of the file that it was loaded from; absent if it came from none. */
  readonly revision: string | undefined;
  readonly shape: ComponentShape;
  readonly links: readonly Link[];
  /** What bounds the actor behind `actor`, what of it is used, and how often it ran into it. */
  limitsOf(actor: ActorRef): readonly LimitUse[];
  /** What it was made with. */
  readonly options: ComponentOptions;
  /** How its requests get instances; undefined: it handles none. */
  readonly http: HttpPolicy | undefined;
  /** Names of its actors that run on this thread. */
  running(): Iterable<string>;
  /** Bytes of linear memory of the actor called `name` that started last; undefined when it does not run. */
  memoryBytes(name: string): number | undefined;
  /** What handles the requests of the actor called `name`; undefined when it does not run, or handles no HTTP. */
  pool(name: string): HttpPool | undefined;
}

/**
 * Makes an actor type of a component: compiled, admitted and checked against its grants once; spawn it as often as
 * wanted.
 *
 * @param source Path or URL of the `.wasm` file, or a component that is compiled already.
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING` — it imports what was not granted or linked; the text has the lines to
 *   add.
 * @throws {RuntimeError} `COMPONENT_LINK_INVALID` — a link does not fit; the text names the function and both types.
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `NOT_A_COMPONENT`, `COMPONENT_INVALID`,
 *   `COMPONENT_UNSUPPORTED`, `COMPONENT_LIMIT` — as `compileComponent`.
 * @throws {TypeError} (rejects) It is granted buckets, and there is no `store`; or it handles HTTP, and has a `pool`; or it is to be recycled, and
 *   handles HTTP, is a task, or has a state that is kept.
 * @throws {RangeError} (rejects) `deadlineMs` is below 0, or no number; or a limit, `pool` or an option of `http` or
 *   `recycle` is out of range.
 *
 * @example
 * ```ts
 * const greeter = await component('./greeter.wasm', { grants: { messaging: { tell: ['log'] } } });
 * const ref = system.spawn(greeter, 'greeter');
 * const reply = await ref.askOp('hello', new TextEncoder().encode('world'));
 * ```
 */
export async function component<P extends Protocol = NoProtocol>(
  source: string | URL | CompiledComponent,
  options: ComponentOptions & LoadOptions = {},
): Promise<ComponentActorType<P>> {
  if (source instanceof CompiledComponent) return componentActor<P>(source, options);
  const name = options.name ?? basename(source instanceof URL ? source.pathname : source, '.wasm');
  return componentActor<P>(await loadComponent(source, options), { ...options, name });
}

/** As {@link component}, for one that is compiled. */
export function componentActor<P extends Protocol = NoProtocol>(
  compiled: CompiledComponent,
  options: ComponentOptions = {},
): ComponentActorType<P> {
  const grants = options.grants ?? NO_GRANTS;
  const shape = shapeOf(compiled);
  const { deadlineMs = shape.kind === 'task' ? 0 : DEADLINE_MS } = options;
  if (!(deadlineMs >= 0)) throw new RangeError(`Cannot host the component: deadlineMs is ${deadlineMs}; use 0 or more`);
  const label = options.name ?? 'component';
  const links = resolveLinks(compiled, options.links ?? {}, label);
  checkImports(compiled, grants, { label, linked: new Set(links.map((link) => link.import)) });
  checkStore(compiled, grants, options.store);
  const limits = toComponentLimits(options.limits);
  const named = { ...options, name: label };
  const surroundings = new ComponentSurroundings({ grants, links, limits, options: named, audited: compiled });
  const plan = {
    name: label,
    component: compiled,
    shape,
    config: new TextEncoder().encode(JSON.stringify(options.config ?? {})),
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : 0,
    limits,
    surroundings,
  };
  checkKeep(shape, options.keep);
  checkPool(shape, options.pool);
  if (shape.kind === 'http') toRecyclePolicy(options.recycle, shape, options.keep);
  const parts = shape.kind === 'http' ? httpParts(plan, options) : messageParts<P>(plan, options);
  const { memoryBytes, tableElements } = compiled.limits;
  const bounds = { ...limits, memoryBytes, tableElements, deadlineMs };
  const limitsOf = (actor: ActorRef): readonly LimitUse[] =>
    limitUses(bounds, parts.used(actor.name), surroundings.watch(actor));
  return Object.assign(parts.type, {
    component: compiled,
    revision: revisionOf(compiled),
    shape,
    links,
    limitsOf,
    options,
    ...parts.live,
  }) as ComponentActorType<P>;
}

/** What both kinds of actor type are made of. */
type Plan = Omit<HttpComponentPlan, 'policy' | 'observer'>;

function httpParts(plan: Plan, { http }: ComponentOptions) {
  const wanted = toHttpPolicy(http);
  const policy = { ...wanted, instances: Math.min(wanted.instances, plan.limits.instances) };
  const type = httpActorType({ ...plan, policy, observer: http ?? {} });
  const pool = (name: string): HttpPool | undefined => type.pools.get(name);
  const used = (name: string): UsedNow => {
    const current = pool(name);
    if (current === undefined) return {};
    return { ...current.use, table: plan.component.tableElements, instances: current.instanceCount };
  };
  const memoryBytes = (name: string): number | undefined => pool(name)?.memoryBytes;
  return { type, used, live: { pool, memoryBytes, running: () => type.pools.keys(), http: policy } };
}

function messageParts<P extends Protocol>(
  { name: label, shape, surroundings, ...rest }: Plan,
  { keep, health, limits, recycle, share, pool = 0 }: ComponentOptions,
) {
  const live = new Map<string, ComponentBehavior>();
  const room = new InstanceRoom(rest.limits.instances, share);
  const plan: BehaviorPlan = {
    ...rest,
    shape,
    pool,
    recycle: toRecyclePolicy(recycle, shape, keep),
    failed: new WeakSet(),
    health: toHealthCheckPolicy(health),
    surround: (context, deadline) => surroundings.of(context, deadline),
    argumentBytesMax: limits?.messageBytes === undefined ? Number.POSITIVE_INFINITY : rest.limits.messageBytes,
    enter: () => room.enter(),
    leave: () => room.leave(),
    noteFailure: (context, error) => surroundings.noteFailure(context, error),
    onLive: (name, behavior, lives) => {
      if (lives) live.set(name, behavior);
      else if (live.get(name) === behavior) live.delete(name);
    },
  };
  const type = defineActorType<P>({
    name: label,
    operations: operationsOf(shape),
    admit: () => nodeRoom().check(rest.component.memoryCount, 'new'),
    create: () => new ComponentBehavior(plan),
    contract: new ComponentContract(shape),
    keep,
  });
  const used = (name: string): UsedNow => {
    return { ...live.get(name)?.use, table: rest.component.tableElements, instances: room.own };
  };
  const memoryBytes = (name: string): number | undefined => live.get(name)?.memoryBytes;
  return {
    type,
    used,
    live: { pool: () => undefined, memoryBytes, running: () => live.keys(), http: undefined },
  };
}

/** Whether `type` was made of a component. */
export function isComponentType(type: ActorType): type is ComponentActorType {
  return (type as Partial<ComponentActorType>).component instanceof CompiledComponent;
}

function checkKeep({ kind, lifecycle }: ComponentShape, keep: KeepOptions | undefined): void {
  const { snapshot, restore } = lifecycle;
  if (keep === undefined || (kind === 'message' && snapshot !== undefined && restore !== undefined)) return;
  throw new TypeError(
    'Cannot keep the state of the component: it does not export troupe:actor/lifecycle beside troupe:actor/handler; take "keep" out',
  );
}

/** Instances of one pool: as many as a quarter of the linear memories of a process. */
const POOL_MAX = 4_096;

function checkPool({ kind }: ComponentShape, pool = 0): void {
  if (!Number.isInteger(pool) || pool < 0 || pool > POOL_MAX)
    throw new RangeError(`Cannot host the component: pool is ${pool}; use an integer from 0 to ${POOL_MAX}`);
  if (kind === 'http' && pool > 0)
    throw new TypeError(
      'Cannot keep instances of the component ready: it handles HTTP, whose instances "http" is about; take "pool" out',
    );
}

/** A mistake of whoever embeds it: the guest would only hear that there is no such bucket. */
function checkStore(compiled: CompiledComponent, { keyvalue = [] }: Grants, store: Store | undefined): void {
  const isUsed = keyvalue.length > 0 && compiled.needs.some((name) => name.startsWith('wasi:keyvalue/'));
  if (!isUsed || store !== undefined) return;
  throw new TypeError(
    'Cannot host the component: it is granted buckets, and there is no store; pass one: { store: await openStore() }',
  );
}

function operationsOf(shape: ComponentShape): 'any' | Record<string, 'tell' | 'ask'> {
  if (shape.kind === 'message') return 'any';
  if (shape.kind === 'task') return { [TASK_OPERATION]: 'tell' };
  return Object.fromEntries([...shape.operations.keys()].map((name) => [name, 'ask' as const]));
}
