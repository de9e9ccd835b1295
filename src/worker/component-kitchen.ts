import type { ActorRef } from '../actor/index.ts';
import type { AuditEvent, AuditSink } from '../audit/index.ts';
import type { Decision } from '../capability/index.ts';
import { RuntimeError } from '../errors/index.ts';
import {
  type ActorStdio,
  type ComponentActorType,
  type ComponentObservers,
  componentOf,
  type HttpObserver,
  type HttpPool,
  type LimitBreach,
} from '../host/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import type { ByteSink, LogEntry } from '../wasi/index.ts';
import type { ComponentOrder, FromComponent, HttpUsage, StoreMethod, ToComponent } from './component-messages.ts';
import type { Aside } from './control.ts';

/** Bytes of one stream that are on their way; then whoever writes waits. As much as one stream of a guest may hold anyway. */
const UNWRITTEN_BYTES_MAX = 65_536;

/** Log entries, breaches and denials that are on their way; what is beyond is left out and, of a log, counted. */
const UNHEARD_MAX = 1_024;

/** Calls of the store that are under way; the storage thread takes no more than 8,192 of everybody. */
const STORE_CALLS_MAX = 1_024;

/** Milliseconds between two looks at what guests use: as long as a person who watches does not mind. */
const LOOK_EVERY_MS = 500;

/** Makes component actors in a worker. What they say to whoever gave the component its options is sent to the main thread. */
export class ComponentKitchen implements Aside {
  /** Sends to the main thread, in order. Set before an actor is made. */
  say!: (message: FromComponent) => void;
  readonly #clock: Clock;
  readonly #place: number;
  /** By their number, as long as somebody uses them. */
  readonly #types = new Map<number, WeakRef<ComponentActorType>>();
  readonly #making = new Map<number, Promise<ComponentActorType>>();
  readonly #unused = new FinalizationRegistry<number>((component) => {
    if (this.#types.get(component)?.deref() === undefined) this.#types.delete(component);
  });
  readonly #streams = new Map<number, SentStream>();
  #nextStream = 1;
  #unheard = 0;
  #droppedLogs = 0;
  /** By component. */
  readonly #audits = new Map<number, SentAudit>();
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #nextCall = 1;
  /** What was said last of each actor, as text. */
  readonly #told = new Map<string, { readonly component: number; readonly text: string }>();
  #isLooking = false;

  /** Actors that run here. Set before one is made. */
  actors: () => Iterable<{ readonly ref: ActorRef; readonly name: string }> = () => [];

  /** @param place Which thread this is, of those that share. */
  constructor(clock: Clock, place: number) {
    this.#clock = clock;
    this.#place = place;
  }

  /** The actor type of an order; what was made of one of that number is used again. */
  async make(order: ComponentOrder): Promise<ComponentActorType> {
    const { component } = order;
    const known = this.#types.get(component)?.deref() ?? this.#making.get(component);
    if (known !== undefined) return known;
    const { source, ...rest } = order.recipe;
    // A copy of its own: what is shared cannot be hashed.
    const recipe = { ...rest, source: { ...source, bytes: source.bytes.slice() } };
    const making = componentOf(recipe, { place: this.#place, observers: this.#observers(order) });
    this.#making.set(component, making);
    try {
      const type = await making;
      this.#types.set(component, new WeakRef(type));
      this.#unused.register(type, component);
      this.#look();
      return type;
    } finally {
      this.#making.delete(component);
    }
  }

  #observers({ component, hears }: ComponentOrder): ComponentObservers {
    return {
      ...(hears.stdio && { stdio: (actor: string) => this.#stdio(component, actor) }),
      ...(hears.logs && { onLog: (actor: string, entry: LogEntry) => this.#log({ component, actor, entry }) }),
      ...(hears.denials && {
        onDenied: (actor: string, decision: Decision) => {
          if (this.#mayBeHeard()) this.say({ kind: 'denied', component, actor, decision });
        },
      }),
      ...(hears.limits && {
        onLimit: (actor: string, breach: LimitBreach) => {
          if (this.#mayBeHeard()) this.say({ kind: 'limit', component, actor, breach });
        },
      }),
      ...(hears.http && { http: this.#httpObserver(component) }),
      ...(hears.needs && { onNeeded: (line: string) => this.say({ kind: 'needed', component, line }) }),
      ...(hears.store && { store: this.#store(component) }),
      ...(hears.audit && { audit: this.#auditOf(component) }),
    };
  }

  #httpObserver(component: number): HttpObserver {
    return {
      onFailed: (actor, { method, pathWithQuery }, error) => {
        if (!this.#mayBeHeard()) return;
        this.say({
          kind: 'request-failed',
          component,
          actor,
          request: { method, pathWithQuery },
          error: error.toWire(),
        });
      },
      onQuarantined: (actor, error, forMs) => {
        if (this.#mayBeHeard()) this.say({ kind: 'quarantined', component, actor, error: error.toWire(), forMs });
      },
    };
  }

  /** What handles the requests of an actor here. */
  pool(component: number, actor: string): HttpPool | undefined {
    return this.#types.get(component)?.deref()?.pool(actor);
  }

  /** What leads to the log of the main thread. What is known of the component as a whole, that has put on record already. */
  #auditOf(component: number): SentAudit {
    const known = this.#audits.get(component);
    if (known !== undefined) return known;
    const audit = new SentAudit((event) => this.say({ kind: 'audit', component, event }));
    this.#audits.set(component, audit);
    this.say({ kind: 'audited', component });
    return audit;
  }

  settle(): void {
    for (const { counting } of this.#audits.values()) for (const tally of counting) tally.flush();
  }

  #stdio(component: number, actor: string): Partial<ActorStdio> {
    const open = (name: 'stdout' | 'stderr'): SentStream => {
      const id = this.#nextStream++;
      const stream = new SentStream(id, (message) => this.say(message));
      this.#streams.set(id, stream);
      stream.onEnd = () => this.#streams.delete(id);
      this.say({ kind: 'stream', component, actor, id, name });
      return stream;
    };
    return { stdout: open('stdout'), stderr: open('stderr') };
  }

  #log({ component, actor, entry }: { component: number; actor: string; entry: LogEntry }): void {
    if (!this.#mayBeHeard()) {
      this.#droppedLogs += 1 + (entry.dropped ?? 0);
      return;
    }
    const dropped = this.#droppedLogs + (entry.dropped ?? 0);
    this.#droppedLogs = 0;
    this.say({ kind: 'log', component, actor, entry: dropped === 0 ? entry : { ...entry, dropped } });
  }

  #mayBeHeard(): boolean {
    if (this.#unheard >= UNHEARD_MAX) return false;
    this.#unheard++;
    return true;
  }

  /** The store of the main thread, as far as components use it. Whoever opened it closes it. */
  #store(component: number): Store {
    const call =
      <Method extends StoreMethod>(method: Method) =>
      (...args: Parameters<Store[Method]>): ReturnType<Store[Method]> =>
        this.#call({ component, method, args }) as ReturnType<Store[Method]>;
    const close = (): Promise<void> => Promise.resolve();
    return {
      read: call('read'),
      exists: call('exists'),
      list: call('list'),
      write: call('write'),
      increment: call('increment'),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  #call(request: { component: number; method: StoreMethod; args: readonly unknown[] }): Promise<unknown> {
    if (this.#calls.size >= STORE_CALLS_MAX) {
      const text = `Cannot use the store: ${STORE_CALLS_MAX} calls of this worker are under way`;
      return Promise.reject(new RuntimeError('STORE_BUSY', text));
    }
    const call = this.#nextCall++;
    const answer = Promise.withResolvers<unknown>();
    this.#calls.set(call, answer);
    this.say({ kind: 'store', call, ...request });
    return answer.promise;
  }

  /** Takes what the main thread says. */
  hear(said: unknown): void {
    const message = said as ToComponent;
    if (message.kind === 'written') this.#streams.get(message.id)?.onWritten(message.bytes, message.isBroken);
    else if (message.kind === 'heard') this.#unheard = Math.max(0, this.#unheard - message.count);
    else if (message.kind === 'look') {
      this.#sayUsage();
      this.say({ kind: 'looked' });
    } else if (message.kind === 'audit-failure') {
      const audit = this.#audits.get(message.component);
      if (audit !== undefined) audit.failure = message.error && RuntimeError.fromWire(message.error);
    } else {
      const call = this.#calls.get(message.call);
      this.#calls.delete(message.call);
      if (message.kind === 'stored') call?.resolve(message.value);
      else call?.reject(RuntimeError.fromWire(message.error));
    }
  }

  /** Looks at what those use who run, as long as there is something that could. */
  #look(): void {
    if (this.#isLooking || this.#types.size === 0) return;
    this.#isLooking = true;
    this.#clock.after(
      LOOK_EVERY_MS,
      () => {
        this.#isLooking = false;
        this.#sayUsage();
        this.#look();
      },
      false,
    );
  }

  #sayUsage(): void {
    const refs = new Map([...this.actors()].map(({ name, ref }) => [name, ref]));
    const gone = new Map(this.#told);
    for (const [component, weak] of this.#types) {
      const type = weak.deref();
      const counts = type?.counts.take();
      if (counts !== undefined) this.say({ kind: 'counts', component, counts });
      for (const actor of type?.running() ?? []) {
        const ref = refs.get(actor);
        if (type === undefined || ref === undefined) continue;
        const http = httpUsageOf(type.pool(actor));
        const usage = { memoryBytes: type.memoryBytes(actor) ?? 0, limits: type.limitsOf(ref), ...(http && { http }) };
        const text = JSON.stringify(usage);
        gone.delete(actor);
        if (this.#told.get(actor)?.text === text) continue;
        this.#told.set(actor, { component, text });
        this.say({ kind: 'usage', component, actor, usage });
      }
    }
    for (const [actor, { component }] of gone) {
      this.#told.delete(actor);
      this.say({ kind: 'usage', component, actor, usage: undefined });
    }
  }
}

function httpUsageOf(pool: HttpPool | undefined): HttpUsage | undefined {
  return pool && { stats: pool.stats, queueMax: pool.queueMax, quarantinedForMs: pool.quarantinedForMs };
}

/** An audit log that is at the main thread. */
class SentAudit implements AuditSink {
  failure: RuntimeError | undefined;
  readonly counting = new Set<{ flush(): void }>();
  readonly note: (event: AuditEvent) => void;

  constructor(say: (event: AuditEvent) => void) {
    this.note = (event) => {
      if (event.actor !== undefined) say(event);
    };
  }

  /** Nobody here has to be told: it is asked for at each decision. */
  watch(): () => void {
    return () => undefined;
  }
}

/** A stream whose end is at the main thread. */
class SentStream implements ByteSink {
  readonly #id: number;
  readonly #say: (message: FromComponent) => void;
  onEnd: () => void = () => {};
  #unwritten = 0;
  #isBroken = false;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(id: number, say: (message: FromComponent) => void) {
    this.#id = id;
    this.#say = say;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#isBroken) throw Object.assign(new Error('Nobody reads the stream any more'), { code: 'EPIPE' });
    this.#unwritten += bytes.length;
    this.#say({ kind: 'write', id: this.#id, bytes });
    return this.#unwritten > UNWRITTEN_BYTES_MAX ? this.#settled() : undefined;
  }

  flush(): void | Promise<void> {
    return this.#unwritten > 0 ? this.#settled() : undefined;
  }

  end(): void {
    this.#say({ kind: 'end', id: this.#id });
    this.onEnd();
    this.#waiting?.resolve();
  }

  #settled(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  onWritten(bytes: number, isBroken: boolean): void {
    this.#unwritten = Math.max(0, this.#unwritten - bytes);
    this.#isBroken ||= isBroken;
    if (this.#unwritten > 0) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
