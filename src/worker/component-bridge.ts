import type { AuditSink } from '../audit/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentActorType, type ComponentRecipe, recipeOf } from '../host/index.ts';
import type { ByteSink } from '../wasi/index.ts';
import type { ComponentOrder, FromComponent, StoreMethod, ToComponent, Usage } from './component-messages.ts';
import type { Aside } from './control.ts';

/** A component whose actors live on workers, as the thread that made it knows it. */
export interface PlacedComponent {
  readonly order: ComponentOrder;
  readonly type: ComponentActorType;
  /** What its actors use, by name, as it was a moment ago. */
  readonly usage: Map<string, Usage>;
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
  const { stdio, onLog, onLimit, onDenied, store, audit } = type.options;
  const component = ++components;
  const hears = {
    stdio: stdio !== undefined,
    logs: onLog !== undefined,
    denials: onDenied !== undefined,
    limits: onLimit !== undefined,
    store: store !== undefined,
    audit: audit !== undefined,
  };
  const order = { component, recipe: withSharedBytes(recipeOf(type)), hears };
  const placed = { order, type, usage: new Map() };
  PLACED.set(type, placed);
  BY_NUMBER.set(component, new WeakRef(placed));
  unused.register(placed, component);
  return placed;
}

/** What an actor of `type` that lives on a worker uses, as it was a moment ago. */
export function usageElsewhere(type: ComponentActorType, actor: string): Usage | undefined {
  return PLACED.get(type)?.usage.get(actor);
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
  /** Actors of which it was told what they use, and of which component. */
  readonly #told = new Map<string, PlacedComponent>();
  #heard = 0;
  /** One for each component that is on record. */
  readonly #watches: (() => void)[] = [];

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
      default:
        this.#hearOf(message, BY_NUMBER.get(message.component)?.deref());
    }
  }

  #hearOf(message: Exclude<FromComponent, { kind: 'write' | 'end' }>, placed: PlacedComponent | undefined): void {
    const { onLog, onLimit, onDenied, stdio, audit } = placed?.type.options ?? {};
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
      case 'audited':
        if (audit !== undefined) this.#watch(message.component, audit);
        return;
      case 'audit':
        if (placed !== undefined) audit?.note({ ...message.event, revision: placed.type.revision });
        return;
      case 'usage':
        if (placed !== undefined) this.#remember(placed, message.actor, message.usage);
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

  #remember(placed: PlacedComponent, actor: string, usage: Usage | undefined): void {
    if (usage === undefined) {
      placed.usage.delete(actor);
      this.#told.delete(actor);
      return;
    }
    placed.usage.set(actor, usage);
    this.#told.set(actor, placed);
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
    for (const [actor, placed] of this.#told) placed.usage.delete(actor);
    this.#told.clear();
  }
}
