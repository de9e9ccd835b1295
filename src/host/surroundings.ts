import type { ActorRef, BehaviorContext } from '../actor/index.ts';
import type { AuditSink } from '../audit/index.ts';
import {
  type Decision,
  decide,
  type Grants,
  type HeaderInjection,
  neededLine,
  type RecordDecision,
} from '../capability/index.ts';
import type { CompiledComponent, HostImports } from '../component/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import {
  type Breach,
  type ByteSink,
  type ByteSource,
  defineWasi,
  type LogEntry,
  type LogSink,
  type Stdio,
  type Wasi,
} from '../wasi/index.ts';
import type { Surroundings } from './behavior.ts';
import { auditOf, type ComponentAudit } from './component-audit.ts';
import { ComponentCounts } from './component-counts.ts';
import { type ComponentRates, type PlacedShare, ratesOf } from './component-share.ts';
import type { FuelLimits } from './fuel.ts';
import { breachOf, type LimitBreach, LimitWatch } from './limit-watch.ts';
import { type ComponentLimits, toComponentLimits } from './limits.ts';
import { type Link, linkedImports } from './links.ts';
import { ACTOR, MESSAGING_INTERFACE, type MessageDeadline, type MessageLimits } from './messaging.ts';
import { NeededGrants } from './needed-grants.ts';

/** Standard streams of one actor. */
export interface ActorStdio {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

interface SurroundingsOptions {
  readonly grants: Grants;
  /** Default: the defaults. */
  readonly limits?: ComponentLimits;
  readonly links?: readonly Link[];
  /** What is put on record, if the options say where. */
  readonly audited?: CompiledComponent;
  readonly options: {
    readonly name?: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly stdio?: (name: string) => Partial<ActorStdio>;
    readonly config?: unknown;
    readonly store?: Store;
    readonly onLog?: (actor: string, entry: LogEntry) => void;
    readonly audit?: AuditSink | undefined;
    readonly onDenied?: (actor: string, decision: Decision) => void;
    readonly onNeeded?: (line: string) => void;
    readonly onLimit?: (actor: string, breach: LimitBreach) => void;
    readonly share?: PlacedShare | undefined;
    readonly inject?: readonly HeaderInjection[] | undefined;
  };
}

/** Key under which `messaging` is offered to every 0.1.x of our package. */
const MESSAGING = 'troupe:actor/messaging@0.1.0';

let everything: HostImports | undefined;

/** Every interface that an incarnation could be given, to look for names in; nothing of it is ever called. */
export function offeredInterfaces(): HostImports {
  everything ??= {
    ...defineWasi({ clockGranted: true, randomGranted: true }).interfaces,
    [MESSAGING]: MESSAGING_INTERFACE,
  };
  return everything;
}

/**
 * What the actors of one component see of the world: exactly what its grants give them. The imports are the same for
 * all incarnations.
 */
export class ComponentSurroundings {
  readonly #grants: Grants;
  readonly #links: readonly Link[];
  readonly #audit: ComponentAudit | undefined;
  readonly #needed: NeededGrants | undefined;
  readonly #options: SurroundingsOptions['options'];
  readonly limits: ComponentLimits;
  readonly #rates: ComponentRates;
  readonly counts = new ComponentCounts();
  /** Of most components nothing is bounded: then instances share one object. */
  readonly #unlimited: FuelLimits = { perMessage: Number.POSITIVE_INFINITY, rate: undefined, counts: this.counts };
  readonly #messageLimits: MessageLimits;
  /** Made with the first incarnation, whose start fails if this platform cannot give what is granted. */
  #wasi: Wasi | undefined;
  #imports: HostImports | undefined;
  readonly #logs = new WeakMap<ActorRef, LogSink>();
  /** Made when an actor first runs into a limit. */
  readonly #watches = new WeakMap<ActorRef, LimitWatch>();

  constructor({ grants, links = [], options, audited, limits = toComponentLimits() }: SurroundingsOptions) {
    this.#needed = options.onNeeded && new NeededGrants(options.onNeeded);
    this.#audit = audited && auditOf(audited, { ...options, grants });
    this.#grants = grants;
    this.#links = links;
    this.#options = options;
    this.limits = limits;
    this.#rates = ratesOf(limits, options.share);
    this.#messageLimits = { messageBytes: limits.messageBytes, rate: this.#rates.messagesPerSecond };
  }

  /** The limits that the actor of that reference has run into; nothing if it has not. */
  watch(actor: ActorRef): LimitWatch | undefined {
    return this.#watches.get(actor);
  }

  /** What one incarnation sees. */
  of(context: BehaviorContext, deadline?: MessageDeadline): Surroundings {
    this.#wasi ??= this.#define(context.clock);
    this.#imports ??= {
      ...this.#wasi.interfaces,
      [MESSAGING]: MESSAGING_INTERFACE,
      ...linkedImports(this.#links),
    };
    const { name } = context.self;
    const { onDenied, onLog } = this.#options;
    const record = this.#record(name);
    const stdio = this.#stdio(name);
    const guest = this.#wasi.guest({
      clock: context.clock,
      ...(stdio && { stdio }),
      onDenied: (decision) => {
        if (decision.effect === 'deny') this.counts.denials++;
        onDenied?.(name, decision);
      },
      ...(record && { record }),
      ...(onLog && { log: this.#logOf(context.self, onLog) }),
    });
    guest.provide(ACTOR, { context, deadline, limits: this.#messageLimits, largestBytes: 0 });
    return { imports: this.#imports, guest, fuel: this.#fuelLimits(context) };
  }

  /** What is told of each decision, if anybody is to hear of it. */
  #record(actor: string): RecordDecision | undefined {
    const audit = this.#audit;
    const needed = this.#needed;
    if (needed === undefined) return audit && ((request, decision) => audit.decide(actor, request, decision));
    return (request, decision) => {
      needed.note(neededLine(request, decision));
      return audit?.decide(actor, request, decision) ?? decision;
    };
  }

  #fuelLimits(context: BehaviorContext): FuelLimits {
    const { fuelPerMessage: perMessage, fuelPerSecond } = this.limits;
    if (perMessage === Number.POSITIVE_INFINITY && fuelPerSecond === Number.POSITIVE_INFINITY) return this.#unlimited;
    return {
      perMessage,
      rate: this.#rates.fuelPerSecond.on(context.clock),
      counts: this.counts,
      onWait: ({ perSecond, level }) => {
        const used = Math.ceil(perSecond - level);
        this.#noteBreach(context, { limit: 'fuel-per-second', limitValue: perSecond, used });
      },
    };
  }

  /** Takes note of a failure of that actor, if it is that of a limit. */
  noteFailure(context: BehaviorContext, error: RuntimeError | undefined): void {
    const breach = error && breachOf(error);
    if (breach !== undefined) this.#noteBreach(context, breach);
  }

  #noteBreach(context: BehaviorContext, breach: Breach): void {
    this.counts.noteBreach(breach.limit);
    this.#watchOf(context).note(breach);
  }

  /** One for each actor, whatever its instances. */
  #watchOf({ self, clock }: BehaviorContext): LimitWatch {
    let watch = this.#watches.get(self);
    if (watch === undefined) {
      watch = new LimitWatch(clock, (breach) => {
        this.#audit?.noteLimit(self.name, breach);
        this.#options.onLimit?.(self.name, breach);
      });
      this.#watches.set(self, watch);
    }
    return watch;
  }

  /** One for each actor: its instances share what may be logged. */
  #logOf(actor: ActorRef, onLog: (actor: string, entry: LogEntry) => void): LogSink {
    const known = this.#logs.get(actor) ?? { log: (entry) => onLog(actor.name, entry) };
    this.#logs.set(actor, known);
    return known;
  }

  #define(clock: Clock): Wasi {
    const { name = 'component', args = [], env = {}, inject = [], config, store } = this.#options;
    const { filesystem = [], env: names } = this.#grants;
    const { limits } = this;
    return defineWasi({
      clockGranted: decide(this.#grants, { kind: 'clock' }).effect === 'allow',
      randomGranted: decide(this.#grants, { kind: 'random' }).effect === 'allow',
      args: [name, ...args],
      env: Object.fromEntries(Object.entries(env).filter(([key]) => names?.includes(key))),
      preopens: filesystem,
      inject,
      grants: this.#grants,
      clock,
      limits: {
        openFilesMax: limits.openFiles,
        resourcesMax: limits.handles,
        httpRequestsMax: limits.httpRequests,
        socketsMax: limits.sockets,
        storageBytes: limits.storageBytes,
      },
      byteRates: { in: this.#rates.bytesInPerSecond, out: this.#rates.bytesOutPerSecond },
      onLimit: (guest, breach) => this.#noteBreach(guest.part(ACTOR).context, breach),
      ...(store && { store }),
      ...(isTable(config) && { config }),
    });
  }

  #stdio(actor: string): Stdio | undefined {
    const { stdio } = this.#grants;
    if (stdio === undefined) return undefined;
    const { stdin, stdout, stderr } = this.#options.stdio?.(actor) ?? {};
    return {
      ...(stdio.stdin === true && stdin !== undefined && { stdin }),
      ...(stdio.stdout === true && stdout !== undefined && { stdout }),
      ...(stdio.stderr === true && stderr !== undefined && { stderr }),
    };
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
