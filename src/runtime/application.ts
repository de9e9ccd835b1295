import type {
  ActorRef,
  ActorSystemOptions,
  Condition,
  DeadLetter,
  FailureReport,
  SpawnOptions,
  Termination,
} from '../actor/index.ts';
import type { ControlAsk, ControlTell, OperatorAction } from '../admin/index.ts';
import {
  type ActorInfo,
  type ActorState,
  bytesPayload,
  type HealthInfo,
  type IngressInfo,
  type JsonValue,
  type OperationInfo,
  type Payload,
  payloadBytes,
} from '../api/index.ts';
import type { ApplicationConfig, ComponentConfig } from '../config/index.ts';
import { RuntimeError, type WireError } from '../errors/index.ts';
import { argumentsFromJson, type ComponentActorType, toJson } from '../host/index.ts';
import type { IngressServer } from '../ingress/index.ts';
import type { Store } from '../store/index.ts';
import { type Clock, formatDuration, systemClock } from '../time/index.ts';
import { type ActorSystem, createWithWorkers } from './actor-system.ts';
import type { ApplicationAudit } from './application-audit.ts';
import { checkHttp, type HttpUsage, httpInfo, ingressInfo, openIngress, takesNoMessages } from './application-http.ts';
import { guard, type Kept, openKept } from './application-kept.ts';
import { ApplicationWatch } from './application-watch.ts';
import { componentType } from './component-type.ts';
import { operationInfos } from './inspect.ts';
import { type KeptReader, type OutboxReader, readKept, readOutbox } from './kept.ts';
import { limitInfos, limitProcess } from './limit-info.ts';
import type { Application, ApplicationEvent, StartOptions } from './port.ts';
import { type Prepared, prepareAll } from './prepare.ts';
import { RecentLetters } from './recent-letters.ts';
import type { SystemWorkers } from './system-workers.ts';

/** Milliseconds between two looks at whether everything is done. Chosen: a script that waits for it does not feel it. */
const IDLE_CHECK_MS = 10;
/** Milliseconds for one answer of the view; what takes longer is shown as it was. */
const VIEW_TIMEOUT_MS = 2_000;

/**
 * Starts an application: compiles every component, checks every import against its grants, then starts the actors in
 * the order of the file.
 *
 * @throws {RuntimeError} whatever is wrong with components, naming all of them; then nothing has been started.
 */
export async function startApplication(config: ApplicationConfig, given: StartOptions): Promise<Application> {
  limitProcess(config);
  const kept = await openKept(config, given);
  const { store, audit, secrets } = kept;
  const options = guard(given, secrets);
  const application = new RunningApplication(config, options, kept);
  try {
    application.warm();
    const types = await prepareAll(
      config,
      (component) =>
        componentType(component, { ...options, file: config.file, ...(store && { store }), audit, secrets }),
      options.signal,
    );
    options.signal?.throwIfAborted();
    checkHttp(config, types);
    await application.listen(types);
    await application.resume();
    for (const component of config.components) audit?.noteHandOver(component);
    await audit?.settle();
    application.spawn(types);
    await application.served();
  } catch (error) {
    audit?.noteRefusal(error);
    await application.stop();
    throw error;
  }
  return application;
}

/** One actor of the application, and what is known of it when it is no more. */
interface Member {
  readonly ref: ActorRef;
  readonly component: ComponentConfig;
  readonly type: ComponentActorType;
  readonly startedAtMs: number;
  /** Of a component that handles HTTP: the last that there was. */
  pool: HttpUsage | undefined;
  end: ActorInfo | undefined;
  lastFailure: ActorInfo['lastFailure'];
  /** Why it is not restarted any more. */
  givenUp: string | undefined;
}

class RunningApplication implements Application {
  readonly #idle = Promise.withResolvers<void>();
  readonly #config: ApplicationConfig;
  readonly #clock: Clock = systemClock;
  readonly #system: ActorSystem;
  readonly #workers: SystemWorkers;
  readonly #store: Store | undefined;
  readonly #audit: ApplicationAudit | undefined;
  readonly #secrets: Kept['secrets'];
  readonly #letters = new RecentLetters();
  readonly #watch: ApplicationWatch;
  #ingress: IngressServer | undefined;
  readonly #members = new Map<string, Member>();
  /** Known before an actor starts. */
  readonly #membership = new Map<string, { readonly component: string; readonly type: ComponentActorType }>();
  readonly #startedAtMs: number;
  readonly #onEvent: (event: ApplicationEvent) => void;
  #stopped = false;

  constructor(config: ApplicationConfig, options: StartOptions, { store, audit, secrets }: Kept) {
    this.#config = config;
    this.#store = store;
    this.#audit = audit;
    this.#secrets = secrets;
    this.#onEvent = (event) => options.onEvent(event);
    this.#startedAtMs = this.#clock.wallMs();
    this.#watch = new ApplicationWatch({
      audit,
      condition: () => ({
        system: this.#system.health(),
        workers: this.#workers.threads,
        actors: this.actors(),
        isStopping: this.#stopped,
        wallMs: this.#clock.wallMs(),
      }),
    });
    const { system, workers } = this.#createSystem();
    this.#system = system;
    this.#workers = workers;
  }

  /** Starts the workers, while the components are compiled. */
  warm(): void {
    this.#workers.warm();
  }

  /** Listens for requests, so that a port that is in use is known before anything runs. */
  async listen(types: Prepared): Promise<void> {
    this.#ingress = await openIngress(this.#config, {
      types,
      workers: this.#workers,
      onRequest: (record) => this.#watch.metrics.noteRequest(record),
    });
  }

  /** Takes over what was kept for its actors, but for subscriptions that are in its file no more. */
  async resume(): Promise<void> {
    await this.#system.openOutbox();
    const declared = new Map(
      this.#config.components.flatMap(({ actors, subscribe }) =>
        actors.map((name) => [name, subscribe.map(({ topic }) => topic)] as const),
      ),
    );
    for (const { actor, pattern } of this.#system.subscriptions()) {
      if (!declared.get(actor)?.includes(pattern)) this.#system.unsubscribe(actor, pattern);
    }
  }

  /** Starts the actors, in the order of `types`. */
  spawn(types: Prepared): void {
    for (const [component, type] of types) {
      for (const name of component.actors) {
        this.#membership.set(name, { component: component.name, type });
        this.#spawn(name, component, type);
      }
    }
    this.#whenIdle();
  }

  /** Resolves when requests are served, wherever they come in. */
  served(): Promise<void> {
    return this.#workers.whenSpread();
  }

  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  #createSystem(): { readonly system: ActorSystem; readonly workers: SystemWorkers } {
    const options: ActorSystemOptions = {
      clock: this.#clock,
      health: {},
      ...(this.#store && { store: this.#store }),
      onStarted: (ref) => this.#event(ref.name, { type: 'started' }),
      onFailure: (report) => this.#onFailure(report),
      onDeadLetter: (letter) => this.#onDeadLetter(letter),
    };
    const audited = this.#audit?.over(options, (name) => this.#about(name)) ?? options;
    return createWithWorkers(audited, { count: this.#config.workers }, this.#watch.metrics);
  }

  /** Of which component an actor is, for the audit log. */
  #about(actor: string) {
    const { component, type } = this.#membership.get(actor) ?? {};
    return { component, revision: type?.revision };
  }

  /** A failure that ends the actor is told when it has ended. */
  #onFailure({ actor, error, directive }: FailureReport): void {
    const member = this.#members.get(actor.name);
    if (member !== undefined) {
      member.lastFailure = { ...error.toWire(), atMs: this.#clock.wallMs() };
      this.#watch.noteFailure(member.component.name);
    }
    if (directive?.kind === 'quarantine') this.#event(actor.name, { type: 'quarantined', error: error.toWire() });
    else if (directive?.kind === 'restart') this.#event(actor.name, { type: 'restarted', error: error.toWire() });
    else if (directive === undefined || member === undefined)
      this.#event(actor.name, { type: 'failed', error: error.toWire() });
    else if (directive.kind === 'escalate') member.givenUp = givenUpText(directive);
  }

  /** The message in which an actor fails is told with the failure; that a task runs is no message of anybody. */
  #onDeadLetter(letter: DeadLetter): void {
    const { name, reason, op, topic, error } = letter;
    if (this.#members.get(name)?.type.shape.kind === 'task') return;
    this.#letters.note(letter, this.#clock.wallMs());
    if (reason === 'failed') return;
    this.#event(name, {
      type: 'dead-letter',
      text: `${reason}: ${topic ?? op}`,
      ...(error !== undefined && { error: error.toWire() }),
    });
  }

  #event(actor: string, event: ApplicationEvent): void {
    const component = this.#members.get(actor)?.component.name;
    this.#onEvent({ actor, ...(component !== undefined && { component }), ...event });
  }

  #spawn(name: string, component: ComponentConfig, type: ComponentActorType): void {
    const { restart, ...supervise } = component.supervise;
    const options: SpawnOptions = {
      mailbox: component.mailbox,
      supervision: { ...supervise, restart: restart ?? (type.shape.kind === 'task' ? 'transient' : 'permanent') },
      subscribe: component.subscribe,
    };
    const ref = this.#system.spawn(type, name, options);
    this.#members.set(name, {
      ref,
      component,
      type,
      startedAtMs: this.#clock.wallMs(),
      pool: undefined,
      end: undefined,
      lastFailure: undefined,
      givenUp: undefined,
    });
    void ref.terminated.then((termination) => this.#onTerminated(name, termination));
    // Whoever waits for `ready` hears of a failed start; here it is an event.
    ref.ready.catch(() => undefined);
  }

  #onTerminated(name: string, termination: Termination): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    const state = endState(member, termination, this.#stopped);
    member.end = { ...this.#live(member), state, queued: 0 };
    if (state !== 'failed') this.#event(name, { type: state === 'completed' ? 'completed' : 'stopped' });
    else
      this.#event(name, {
        type: 'failed',
        ...(termination.error && { error: termination.error.toWire() }),
        ...(member.givenUp !== undefined && { text: member.givenUp }),
      });
  }

  #whenIdle(): void {
    if (this.#isIdle()) this.#idle.resolve();
    else this.#clock.after(IDLE_CHECK_MS, () => this.#whenIdle());
  }

  #isIdle(): boolean {
    for (const { type, end } of this.#members.values())
      if (type.shape.kind === 'task' && end === undefined) return false;
    for (const actor of this.#system.actors()) if (actor.queued > 0 || actor.busy) return false;
    return (this.#ingress?.inFlight ?? 0) === 0;
  }

  // ── the control plane ──

  application() {
    const ingress = this.#ingressInfo();
    return { name: this.#config.name, pid: process.pid, startedAtMs: this.#startedAtMs, ...(ingress && { ingress }) };
  }

  look(): Promise<void> {
    return this.#workers.look();
  }

  actors(): ActorInfo[] {
    return this.#secrets.redactAll([...this.#members.values()].map((member) => member.end ?? this.#live(member)));
  }

  #ingressInfo(): IngressInfo | undefined {
    const { ingress } = this.#config;
    return this.#ingress && ingress && ingressInfo(this.#ingress.address, ingress.routes);
  }

  #live(member: Member): ActorInfo {
    const { ref, component, type } = member;
    const live = this.#system.info(ref);
    const workers = this.#workers.whereIs(ref);
    const usage = workers.length === 0 ? undefined : this.#workers.usageOf(type, ref);
    const memoryBytes = workers.length === 0 ? type.memoryBytes(ref.name) : usage?.memoryBytes;
    member.pool = type.pool(ref.name) ?? usage?.http ?? member.pool;
    return {
      name: ref.name,
      type: TYPES[type.shape.kind],
      component: component.name,
      ...(workers.length > 0 && { worker: workers.join(', ') }),
      state: live.state,
      queued: live.queued,
      ...(live.oldestMs !== undefined && { oldestMs: Math.round(live.oldestMs) }),
      ...(live.handlingMs !== undefined && { handlingMs: Math.round(live.handlingMs) }),
      ...(live.condition && { condition: conditionOf(live.condition, this.#clock.nowMs()) }),
      ...(member.lastFailure && { lastFailure: member.lastFailure }),
      capacity: live.capacity,
      handled: live.handled,
      failed: live.failed,
      restarts: live.restarts,
      deadLetters: live.deadLetters,
      ...(member.pool && httpInfo(member.pool)),
      // A pool that has no instance now has no memory to show.
      ...(memoryBytes !== undefined && memoryBytes > 0 && { memoryBytes }),
      limits: limitInfos(usage?.limits ?? type.limitsOf(ref)),
      uptimeMs: this.#clock.wallMs() - member.startedAtMs,
    };
  }

  operations(name: string): OperationInfo[] {
    return operationInfos(this.#messaged(name).type.shape);
  }

  /** The actor of that name, if it takes messages. */
  #messaged(name: string): Member {
    const member = this.#member(name);
    if (member.type.shape.kind !== 'http') return member;
    throw takesNoMessages(name, this.#ingressInfo());
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const names = [...this.#members.keys()];
    throw new RuntimeError(
      'ACTOR_NOT_FOUND',
      `Cannot find actor "${name}": there are ${names.map((known) => `"${known}"`).join(', ')}`,
      {
        details: { actors: names },
      },
    );
  }

  async ask({ actor, op, payload, timeoutMs, signal }: ControlAsk): Promise<Payload> {
    const member = this.#messaged(actor);
    const reply = await member.ref.askOp(op, toMessage(member.type, op, payload), {
      timeoutMs,
      ...(signal && { signal }),
    });
    if (reply instanceof Uint8Array && member.type.shape.kind === 'message') return bytesPayload(reply);
    const type = member.type.shape.operations.get(op)?.type.result;
    return { form: 'json', value: toJson(type, reply) as JsonValue };
  }

  tell({ actor, op, payload }: ControlTell): { ok: true } | { ok: false; error: WireError } {
    try {
      const member = this.#messaged(actor);
      const sent = member.ref.tellOp(op, toMessage(member.type, op, payload));
      return sent.ok ? { ok: true } : { ok: false, error: sent.error.toWire() };
    } catch (error) {
      return { ok: false, error: RuntimeError.from(error).toWire() };
    }
  }

  states() {
    return this.#kept.list();
  }

  state(actor: string) {
    return this.#kept.find(actor);
  }

  removeState(actor: string) {
    return this.#kept.remove(actor);
  }

  outbox() {
    return this.#outbox.list();
  }

  removeMessages(actor: string) {
    return this.#outbox.remove(actor);
  }

  deadLetters() {
    return this.#secrets.redactAll(this.#letters.list());
  }

  health(): HealthInfo {
    return this.#watch.health();
  }

  metrics(accept: string | undefined) {
    return this.#watch.page(accept);
  }

  get #outbox(): OutboxReader {
    return readOutbox(this.#system.outbox);
  }

  get #kept(): KeptReader {
    return readKept(this.#system.states);
  }

  async viewText(): Promise<string | undefined> {
    const { view } = this.#config;
    if (view === undefined) return undefined;
    const reply = await this.#member(view.actor).ref.askOp(view.op, new Uint8Array(0), { timeoutMs: VIEW_TIMEOUT_MS });
    return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
  }

  async permit(action: OperatorAction): Promise<void> {
    await this.#audit?.permit(action);
  }

  noteIntrusion(path: string, holder?: string): void {
    this.#audit?.noteIntrusion(path, holder);
    this.#watch.noteIntrusion();
  }

  async stop({ drainMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stopped = true;
    // First those who come from outside: what works for them may still ask others.
    await this.#ingress?.close();
    await (drainMs === undefined ? this.#system.stop() : this.#system.drain({ deadlineMs: drainMs }));
    await this.#store?.close();
    await this.#audit?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const TYPES = { message: 'component', functions: 'component', http: 'http', task: 'task' } as const;

function conditionOf({ status, text, sinceMs }: Condition, nowMs: number): NonNullable<ActorInfo['condition']> {
  return { status, text, forMs: Math.max(0, Math.round(nowMs - sinceMs)) };
}

function givenUpText({ restarts, periodMs }: { restarts: number; periodMs: number }): string {
  if (restarts === 0) return 'it is not restarted';
  return `given up after ${restarts} ${restarts === 1 ? 'restart' : 'restarts'} within ${formatDuration(periodMs)}`;
}

function endState({ type }: Member, { kind }: Termination, stopping: boolean): ActorState {
  if (kind === 'failed' || kind === 'escalated') return 'failed';
  return type.shape.kind === 'task' && kind === 'stopped' && !stopping ? 'completed' : 'stopped';
}

function toMessage(type: ComponentActorType, op: string, payload: Payload): unknown {
  if (type.shape.kind === 'message') {
    if (payload.form === 'bytes') return payloadBytes(payload);
    throw new RuntimeError('MESSAGE_INVALID', `Cannot send "${op}": this actor takes bytes`);
  }
  const func = type.shape.operations.get(op);
  if (func === undefined) {
    const known = [...type.shape.operations.keys()];
    throw new RuntimeError(
      'OPERATION_UNKNOWN',
      `Cannot send "${op}": the actor has the operations ${known.map((name) => `"${name}"`).join(', ')}`,
      {
        details: { operations: known },
      },
    );
  }
  if (payload.form === 'json') return argumentsFromJson(func.type, payload.value);
  throw new RuntimeError('MESSAGE_INVALID', `Cannot send "${op}": its arguments are JSON`);
}
