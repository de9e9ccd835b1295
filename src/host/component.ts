import { basename } from 'node:path';
import type { ActorRef, ActorType, NoProtocol, Protocol } from '../actor/index.ts';
import type { AuditSink } from '../audit/index.ts';
import { copyGrants, type Decision, type Grants, type HeaderInjection, NO_GRANTS } from '../capability/index.ts';
import { CompiledComponent } from '../component/index.ts';
import type { Store } from '../store/index.ts';
import type { LogEntry } from '../wasi/index.ts';
import type { ComponentCounts } from './component-counts.ts';
import { checkImports } from './deploy.ts';
import { type HttpObserver, httpActorType } from './http-component.ts';
import { type HttpOptions, type HttpPolicy, toHttpPolicy } from './http-options.ts';
import type { HttpPool } from './http-pool.ts';
import { type LimitBreach, type LimitUse, limitUses, type UsedNow } from './limit-watch.ts';
import { type ComponentLimits, toComponentLimits } from './limits.ts';
import { type Link, type Links, resolveLinks } from './links.ts';
import { type LoadOptions, loadComponent, revisionOf } from './load.ts';
import { type ComponentPlan, checkMessageOptions, type MessageOptions, messageParts } from './message-component.ts';
import { type ComponentShape, shapeOf } from './shape.ts';
import { type ActorStdio, ComponentSurroundings } from './surroundings.ts';

export interface ComponentOptions extends MessageOptions {
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
  /**
   * Headers that are added to its HTTP requests as they leave, as one with a key: it never sees them. Their secrets are to be among
   * `grants.secrets`. Default: none.
   */
  readonly inject?: readonly HeaderInjection[] | undefined;
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
  /** How requests get instances, if it handles HTTP. */
  readonly http?: HttpOptions & HttpObserver;
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
  /** Hears of every denial of a capability, and of what would be one if it were not observed. */
  readonly onDenied?: (actor: string, decision: Decision) => void;
  /** Hears of each grant that its actors used or lacked, once: a line for `troupe.toml`, as narrow as it can be. Default: nobody. */
  readonly onNeeded?: (line: string) => void;
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
  /** What its actors have used and run into. */
  readonly counts: ComponentCounts;
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
  const grants = copyGrants(options.grants ?? NO_GRANTS);
  const shape = shapeOf(compiled);
  const { deadlineMs = shape.kind === 'task' ? 0 : DEADLINE_MS } = options;
  if (!(deadlineMs >= 0)) throw new RangeError(`Cannot host the component: deadlineMs is ${deadlineMs}; use 0 or more`);
  const label = options.name ?? 'component';
  const links = resolveLinks(compiled, options.links ?? {}, label);
  checkImports(compiled, grants, {
    label,
    onNeeded: options.onNeeded,
    linked: new Set(links.map((link) => link.import)),
  });
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
  checkMessageOptions(shape, options);
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
    counts: surroundings.counts,
    options: { ...options, grants },
    ...parts.live,
  }) as ComponentActorType<P>;
}

function httpParts(plan: ComponentPlan, { http }: ComponentOptions) {
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

/** Whether `type` was made of a component. */
export function isComponentType(type: ActorType): type is ComponentActorType {
  return (type as Partial<ComponentActorType>).component instanceof CompiledComponent;
}

/** A mistake of whoever embeds it: the guest would only hear that there is no such bucket. */
function checkStore(compiled: CompiledComponent, { keyvalue = [], observe }: Grants, store: Store | undefined): void {
  const buckets = [...keyvalue, ...(observe?.keyvalue ?? [])];
  const isUsed = buckets.length > 0 && compiled.needs.some((name) => name.startsWith('wasi:keyvalue/'));
  if (!isUsed || store !== undefined) return;
  throw new TypeError(
    'Cannot host the component: it is granted buckets, and there is no store; pass one: { store: await openStore() }',
  );
}
