import type { AuditSink } from '../audit/index.ts';
import { SharedCount } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentActorType, type ComponentRecipe, recipeOf } from '../host/index.ts';
import type { ByteSink } from '../wasi/index.ts';
import type { ComponentOrder, FromComponent, StoreMethod, ToComponent, Usage } from './component-messages.ts';
import type { Aside } from './control.ts';
import { UsageElsewhere } from './usage.ts';

/** A component whose actors live on workers, as the thread that made it knows it. */
export interface PlacedComponent {
  readonly order: ComponentOrder;
  readonly type: ComponentActorType;
  /** What its actors use, as it was a moment ago. */
  readonly usage: UsageElsewhere;
}

let components = 0;

/** As long as the type is used. */
const PLACED = new WeakMap<ComponentActorType, PlacedComponent>();

/** By their number: whoever speaks of one knows no more of it. */
const BY_NUMBER = new Map<number, WeakRef<PlacedComponent>>();
const unused = new FinalizationRegistry<number>((component) => BY_NUMBER.delete(component));

/**
 * What workers are told to make the actors of a component.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — it cannot be run by a worker.
 */
export function placedComponent(type: ComponentActorType): PlacedComponent {
  const known = PLACED.get(type);
  if (known !== undefined) return known;
  const { stdio, onLog, onLimit, onDenied, onNeeded, store, audit, http } = type.options;
  const component = ++components;
  const hears = {
    stdio: stdio !== undefined,
    logs: onLog !== undefined,
    denials: onDenied !== undefined,
    limits: onLimit !== undefined,
    needs: onNeeded !== undefined,
    store: store !== undefined,
    audit: audit !== undefined,
    http: http?.onFailed !== undefined || http?.onQuarantined !== undefined,
  };
  const order = { component, recipe: withSharedBytes(recipeOf(type)), hears };
  const placed = { order, type, usage: new UsageElsewhere() };
  PLACED.set(type, placed);
  BY_NUMBER.set(component, new WeakRef(placed));
  unused.register(placed, component);
  return placed;
}

/** Takes off what the actors of a thread that has ended had counted. */
export function clearPlace(place: number): void {
  for (const placed of BY_NUMBER.values()) {
    const share = placed.deref()?.order.recipe.share;
    if (share !== undefined) new SharedCount(share.instances, place).clear();
  }
}

/** What an actor of `type` that lives on a worker uses, as it was a moment ago. */
export function usageElsewhere(type: ComponentActorType, actor: string): Usage | undefined {
  return PLACED.get(type)?.usage.of(actor);
}

/** What each actor of `type` uses that lives on workers, as it was a moment ago. */
export function usagesElsewhere(type: ComponentActorType): Iterable<Usage> {
  return PLACED.get(type)?.usage.all() ?? [];
}

/** So that they are not copied for each actor. */
function withSharedBytes(recipe: ComponentRecipe): ComponentRecipe {
  const { bytes, options } = recipe.source;
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return { ...recipe, source: { bytes: shared, options } };
}

/** What another process is told: nothing in it is shared. */
export function orderForProcess({ order, type }: PlacedComponent): ComponentOrder {
  const { settings } = order.recipe;
  return { ...order, recipe: { source: type.component.source, settings } };
}

/** Hears, at the main thread, what the component actors of one worker say, and answers. */
export class ComponentBridge implements Aside {
  /** Sends to the worker, in order. Set before anything is heard. */
  say!: (message: ToComponent) => void;
  readonly #streams = new Map<number, ByteSink>();
  /** Components of whose actors it was told what they use. */
  readonly #told = new Set<PlacedComponent>();
  /** Those who wait for an answer, in order. */
  #looks: (() => void)[] = [];
  #heard = 0;
  /** One for each component that is on record. */
  readonly #watches: (() => void)[] = [];

  /** Resolves when it is known what the actors there use now, or that worker is lost. */
  look(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#looks.push(resolve);
    this.say({ kind: 'look' });
    return promise;
  }

  hear(said: unknown): void {
    const message = said as FromComponent;
    switch (message.kind) {
      case 'write':
        void this.#write(message.id, message.bytes);
        return;
      case 'end':
        this.#streams.get(message.id)?.end?.();
        this.#streams.delete(message.id);
        return;
      case 'looked':
        this.#looks.shift()?.();
        return;
      default:
        this.#hearOf(message, BY_NUMBER.get(message.component)?.deref());
    }
  }

  #hearOf(
    message: Exclude<FromComponent, { kind: 'write' | 'end' | 'looked' }>,
    placed: PlacedComponent | undefined,
  ): void {
    const { onLog, onLimit, onDenied, onNeeded, stdio, audit, http } = placed?.type.options ?? {};
    switch (message.kind) {
      case 'stream': {
        const sink = stdio?.(message.actor)[message.name];
        if (sink !== undefined) this.#streams.set(message.id, sink);
        return;
      }
      case 'log':
        onLog?.(message.actor, message.entry);
        this.#onHeard();
        return;
      case 'denied':
        onDenied?.(message.actor, message.decision);
        this.#onHeard();
        return;
      case 'limit':
        onLimit?.(message.actor, message.breach);
        this.#onHeard();
        return;
      case 'request-failed':
        http?.onFailed?.(message.actor, message.request, RuntimeError.fromWire(message.error));
        this.#onHeard();
        return;
      case 'quarantined':
        http?.onQuarantined?.(message.actor, RuntimeError.fromWire(message.error), message.forMs);
        this.#onHeard();
        return;
      case 'needed':
        onNeeded?.(message.line);
        return;
      case 'audited':
        if (audit !== undefined) this.#watch(message.component, audit);
        return;
      case 'audit':
        if (placed !== undefined) audit?.note({ ...message.event, revision: placed.type.revision });
        return;
      case 'counts':
        placed?.type.counts.add(message.counts);
        return;
      case 'usage':
        placed?.usage.set(this, message);
        if (placed !== undefined) this.#told.add(placed);
        return;
      case 'store':
        void this.#store(message, placed);
    }
  }

  #watch(component: number, audit: AuditSink): void {
    const forget = audit.watch((failure) =>
      this.say({ kind: 'audit-failure', component, ...(failure && { error: failure.toWire() }) }),
    );
    this.#watches.push(forget);
  }

  #onHeard(): void {
    this.#heard++;
    if (this.#heard < 64) return;
    this.say({ kind: 'heard', count: this.#heard });
    this.#heard = 0;
  }

  async #write(id: number, bytes: Uint8Array): Promise<void> {
    let isBroken = false;
    try {
      await this.#streams.get(id)?.write(bytes);
    } catch {
      // What cannot be written is the guest's to hear: its stream is closed.
      isBroken = true;
    }
    this.say({ kind: 'written', id, bytes: bytes.length, isBroken });
  }

  async #store(request: Extract<FromComponent, { kind: 'store' }>, placed: PlacedComponent | undefined): Promise<void> {
    const { call, method, args } = request;
    try {
      const store = placed?.type.options.store;
      if (store === undefined) throw new RuntimeError('STORE_CLOSED', 'Cannot use the store: its component is gone');
      const act = store[method as StoreMethod] as (...args: readonly unknown[]) => Promise<unknown>;
      this.say({ kind: 'stored', call, value: await act.apply(store, [...args]) });
    } catch (error) {
      this.say({ kind: 'store-failed', call, error: RuntimeError.from(error).toWire() });
    }
  }

  /** The worker is gone: what it wrote is all that there is. */
  close(): void {
    for (const sink of this.#streams.values()) sink.end?.();
    this.#streams.clear();
    for (const forget of this.#watches) forget();
    for (const resolve of this.#looks) resolve();
    this.#looks = [];
    for (const { usage } of this.#told) usage.lose(this);
    this.#told.clear();
  }
}
