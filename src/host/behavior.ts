import type { Behavior, BehaviorContext, Incoming, Turn } from '../actor/index.ts';
import type {
  Call,
  CallSource,
  CompiledComponent,
  ComponentInstance,
  ExportedFunction,
  HostImports,
  RoomClaim,
} from '../component/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import type { TimerHandle } from '../time/index.ts';
import { type Guest, reportLimit } from '../wasi/index.ts';
import { fromGuest, type GuestFailure } from './failure.ts';
import { type FuelLimits, GuestFuel } from './fuel.ts';
import type { HealthCheckPolicy } from './health-options.ts';
import { InstancePool } from './instance-pool.ts';
import { useOf } from './limit-use.ts';
import { reportRefusal, type UsedNow } from './limit-watch.ts';
import type { ComponentLimits } from './limits.ts';
import type { MessageDeadline } from './messaging.ts';
import { payloadBytes } from './payload-size.ts';
import { NEVER, type RecyclePolicy } from './recycle-options.ts';
import type { ComponentShape } from './shape.ts';

/** What one incarnation is given: its imports, and what it is to them, which has to be disposed of. */
export interface Surroundings {
  readonly imports: HostImports;
  readonly guest: Guest;
  /** What bounds its fuel. */
  readonly fuel: FuelLimits;
}

/** Everything that a behavior needs to know of its component; the same for all of its actors and incarnations. */
export interface BehaviorPlan {
  readonly component: CompiledComponent;
  readonly shape: ComponentShape;
  /** JSON text for `lifecycle.start`. */
  readonly config: Uint8Array;
  /** Milliseconds of wall-clock time for one message, finite; 0: no limit. */
  readonly deadlineMs: number;
  readonly health: HealthCheckPolicy;
  readonly limits: ComponentLimits;
  /** Instances that are kept ready; 0: none. */
  readonly pool: number;
  /** When instances are recycled. */
  readonly recycle: RecyclePolicy;
  /** Bytes of the arguments of one call of a function, by estimate; `Infinity`: they are not counted. */
  readonly argumentBytesMax: number;
  /** Those whose last incarnation failed: what they start next takes its place. */
  readonly failed: WeakSet<object>;
  surround(context: BehaviorContext, deadline: MessageDeadline): Surroundings;
  /**
   * Makes room for an incarnation.
   *
   * @throws {RuntimeError} `COMPONENT_LIMIT` — its component has as many as it may.
   */
  enter(): void;
  leave(): void;
  /** Takes note of why an incarnation has ended, if it was by a limit. */
  noteFailure(context: BehaviorContext, error: RuntimeError | undefined): void;
  /** Told when an incarnation lives, and when it is gone. */
  onLive(name: string, behavior: ComponentBehavior, lives: boolean): void;
}

type GuestResult<T> = { readonly tag: 'ok'; readonly val?: T } | { readonly tag: 'err'; readonly val: unknown };

/** What `health` answers. */
type HealthAnswer = { readonly tag: 'healthy' } | { readonly tag: 'degraded' | 'unhealthy'; readonly val: string };

const NO_BYTES = new Uint8Array(0);
const TO_UTF8 = new TextEncoder();

/** Nobody gets to see it: what is recycled is in no call. */
const RECYCLED = new RuntimeError('COMPONENT_KILLED', 'The instance was recycled');

/**
 * One incarnation of a component actor: an instance, or one after the other if they are recycled, and the pump that feeds it
 * from the mailbox. A call is prepared for one message at a time, and the objects that describe it are reused.
 */
export class ComponentBehavior implements Behavior, CallSource, MessageDeadline {
  private readonly plan: BehaviorPlan;
  private surroundings: Surroundings | undefined;
  private fuel: GuestFuel | undefined;
  private entered = false;
  /** Where instances come from; undefined: each is made when it is needed. */
  private pool: InstancePool | undefined;
  private live: ComponentInstance | undefined;
  private context: BehaviorContext | undefined;
  private turn: Turn | undefined;
  private disposed = false;
  /** Takes the place of an incarnation that failed. */
  private isRestart = false;
  /** An instance that is still being made: its start functions may wait for somebody. */
  private making: ComponentInstance | undefined;
  /** Set while the guest is suspended in a message, if there is a deadline. */
  private watch: TimerHandle | undefined;
  private messageStartMs = 0;
  /** Of the messages that it got. */
  private largestBytes = 0;
  /** Messages that the instance got, and the memory that it began with. */
  private messageCount = 0;
  private firstMemoryBytes = 0;
  /** Milliseconds for the health check that is under way; 0: it is a message or a hook, which has the deadline. */
  private checkMs = 0;
  private checkTimer: TimerHandle | undefined;
  /** Answers in a row that it does not work. */
  private unhealthy = 0;
  private readonly call: { func: ExportedFunction; args: readonly unknown[] };
  /** The arguments while a message is handled; of a task there are none. */
  private readonly message: unknown[];

  constructor(plan: BehaviorPlan) {
    this.plan = plan;
    const first = plan.shape.main ?? (plan.component.exports[0] as ExportedFunction);
    // Arrays that grow make room for 17 at once.
    this.message = plan.shape.kind === 'message' ? [undefined] : [];
    this.call = { func: first, args: this.message };
  }

  /** Bytes of linear memory that the incarnation has now. */
  get memoryBytes(): number {
    return this.live?.memoryBytes ?? 0;
  }

  /** What it uses of its limits now; of fuel, what the last message used, or uses. */
  get use(): UsedNow {
    const { live: instance, surroundings, fuel } = this;
    if (instance === undefined || surroundings === undefined || fuel === undefined) return {};
    const used = useOf({ instance, guest: surroundings.guest, fuel });
    const isWaiting = this.watch !== undefined;
    return {
      ...used,
      deadline: isWaiting ? Math.ceil(surroundings.guest.clock.nowMs() - this.messageStartMs) : 0,
      'message-size': Math.max(this.largestBytes, used['message-size'] ?? 0),
    };
  }

  get leftMs(): number | undefined {
    const { limitMs } = this;
    if (limitMs === 0 || this.context === undefined) return undefined;
    return this.messageStartMs + limitMs - this.context.clock.nowMs();
  }

  /** Milliseconds for what is under way; 0: no limit. */
  private get limitMs(): number {
    return this.checkMs === 0 ? this.plan.deadlineMs : this.checkMs;
  }

  start(context: BehaviorContext, saved?: Uint8Array): void | Promise<void> {
    this.context = context;
    this.plan.enter();
    this.entered = true;
    this.isRestart = this.plan.failed.delete(context.self);
    const surroundings = this.plan.surround(context, this);
    this.surroundings = surroundings;
    this.pool = this.poolOf(context, surroundings.imports);
    this.pool?.enter();
    const instance = this.pool?.take() ?? this.made(surroundings);
    return this.inhabit(context, instance, saved);
  }

  /** Begins the life of an instance. */
  private inhabit(
    ...[context, instance, saved]: [BehaviorContext, ComponentInstance, Uint8Array?]
  ): void | Promise<void> {
    const { guest, fuel: limits } = this.surroundings as Surroundings;
    this.messageStartMs = context.clock.nowMs();
    const fuel = new GuestFuel(context.clock, this.plan.component, { limits, time: this });
    this.fuel = fuel;
    this.making = instance;
    const beginning = instance.begin({ context: guest, debt: guest.debt, fuel });
    return beginning === undefined
      ? this.begin(instance, context, saved)
      : beginning.then(() => this.begin(instance, context, saved));
  }

  private made({ imports }: Surroundings): ComponentInstance {
    return linkedAhead(this.plan, imports, this.isRestart ? 'restart' : 'new');
  }

  private poolOf(context: BehaviorContext, imports: HostImports): InstancePool | undefined {
    const { plan } = this;
    if (plan.pool === 0) return undefined;
    const { clock } = context;
    const make = (): ComponentInstance => linkedAhead(plan, imports, 'spare');
    return context.shared(plan, (forget) => new InstancePool({ size: plan.pool, clock, make, forget }));
  }

  /** The instance lives. Most have nothing more to do before their first message. */
  private begin(...[instance, context, saved]: [ComponentInstance, BehaviorContext, Uint8Array | undefined]) {
    this.making = undefined;
    if (this.disposed) return undefined;
    this.live = instance;
    this.plan.onLive(context.self.name, this, true);
    const { config, shape } = this.plan;
    const { start, restore } = shape.lifecycle;
    if (saved === undefined && start !== undefined)
      return this.runHook(this.callHook(start, [config]), 'to start').then(() => this.begun(context));
    if (saved !== undefined && restore !== undefined)
      return this.runHook(this.callHook(restore, [saved]), 'what it had kept').then(() => this.begun(context));
    this.begun(context);
    return undefined;
  }

  private async runHook(call: Promise<unknown>, what: string): Promise<void> {
    const result = (await this.withDeadline(call)) as GuestResult<string>;
    if (result.tag === 'err')
      throw new RuntimeError('ACTOR_START_FAILED', `The component refused ${what}: ${short(result.val)}`);
  }

  private begun(context: BehaviorContext): void {
    const { shape } = this.plan;
    // A task is one message, sent to itself: so its end, its failure and its restart are those of any message. A task
    // that was disposed of meanwhile leaves none behind for its successor.
    if (shape.kind === 'task' && !this.disposed) context.self.tellOp(TASK_OPERATION, undefined);
    this.messageCount = 0;
    if (this.plan.recycle.growthBytes < Number.POSITIVE_INFINITY) this.firstMemoryBytes = this.memoryBytes;
    this.checkLater();
  }

  run(turn: Turn): void | Promise<void> {
    const instance = this.live;
    assert(instance !== undefined, 'an actor that handles messages has started');
    this.turn = turn;
    if (this.fuel?.isOverRate !== true) return this.pump(instance);
    return this.fuel.whenPaid().then(() => (this.disposed ? undefined : this.pump(instance)));
  }

  private pump(instance: ComponentInstance): void | Promise<void> {
    this.messageStartMs = this.context?.clock.nowMs() ?? 0;
    const suspended = instance.pump(this);
    if (suspended === undefined) return this.afterTurn();
    return this.withDeadline(suspended).then(
      () => this.afterTurn(),
      (error: unknown) => this.afterFailure(error),
    );
  }

  /** Recycling is done between two messages: then it is nobody's message that fails if it does. */
  private afterTurn(): void {
    if (this.isUsedUp) this.context?.requestCheck();
  }

  /** Whether it is time to recycle the instance. */
  private get isUsedUp(): boolean {
    const { messages, growthBytes } = this.plan.recycle;
    if (this.messageCount >= messages) return true;
    return growthBytes < Number.POSITIVE_INFINITY && this.memoryBytes - this.firstMemoryBytes > growthBytes;
  }

  /** Ends the life of the instance in order, and begins the next one: of the same, put back, or else of another. */
  private async recycle(context: BehaviorContext): Promise<void> {
    await this.stop();
    const { live, surroundings, fuel } = this;
    if (this.disposed || live === undefined || surroundings === undefined) return;
    this.checkTimer?.cancel();
    this.unhealthy = 0;
    context.report(undefined);
    this.isRestart = true;
    const isRewound = live.rewind();
    if (!isRewound) live.kill(RECYCLED);
    this.live = undefined;
    fuel?.end();
    void surroundings.guest.dispose();
    const next = this.plan.surround(context, this);
    this.surroundings = next;
    await this.inhabit(context, isRewound ? live : (this.pool?.take() ?? this.made(next)));
  }

  /** A task that exits with 0 has done its work. */
  private afterFailure(error: unknown): void {
    const isTask = this.plan.shape.kind === 'task';
    if (isTask && RuntimeError.is(error, 'COMPONENT_EXITED') && error.details.status === 0) {
      this.turn?.reply(undefined);
      this.context?.stop();
      return;
    }
    throw error;
  }

  async snapshot(): Promise<Uint8Array> {
    const { snapshot } = this.plan.shape.lifecycle;
    const instance = this.live;
    if (snapshot === undefined || instance === undefined || instance.failure !== undefined) return NO_BYTES;
    return (await this.withDeadline(this.callHook(snapshot))) as Uint8Array;
  }

  /** Between two messages: recycles the instance if it is time, else asks it how it is. */
  async check(context: BehaviorContext): Promise<void> {
    if (this.live === undefined) return;
    if (this.isUsedUp) await this.recycle(context);
    else await this.askHealth(context);
  }

  /** Asks the component how it is. One that says too often in a row that it does not work has failed. */
  private async askHealth(context: BehaviorContext): Promise<void> {
    const { shape, health, deadlineMs } = this.plan;
    if (shape.lifecycle.health === undefined) return;
    this.checkMs = deadlineMs === 0 ? health.timeoutMs : Math.min(health.timeoutMs, deadlineMs);
    const answer = (await this.withDeadline(this.callHook(shape.lifecycle.health))) as HealthAnswer;
    this.checkMs = 0;
    context.report(answer.tag === 'healthy' ? undefined : { status: answer.tag, text: short(answer.val) });
    this.unhealthy = answer.tag === 'unhealthy' ? this.unhealthy + 1 : 0;
    if (answer.tag === 'unhealthy' && this.unhealthy === health.restartAfter) {
      const text = `The component said ${this.unhealthy} times in a row that it does not work: ${short(answer.val)}`;
      throw new RuntimeError('COMPONENT_UNHEALTHY', text, { details: { answers: this.unhealthy } });
    }
    this.checkLater();
  }

  /** Calls a function of `lifecycle`: it has the fuel of a message, and the time. */
  private callHook({ name }: ExportedFunction, args: readonly unknown[] = []): Promise<unknown> {
    this.fuel?.begin();
    this.messageStartMs = this.context?.clock.nowMs() ?? 0;
    return (this.live as ComponentInstance).call(name, args);
  }

  /** Of a task there is no moment between two messages. */
  private checkLater(): void {
    const { context } = this;
    const { shape, health } = this.plan;
    if (context === undefined || this.disposed || shape.kind === 'task' || shape.lifecycle.health === undefined) return;
    this.checkTimer = context.clock.after(health.everyMs, () => context.requestCheck());
  }

  async stop(): Promise<void> {
    const { stop } = this.plan.shape.lifecycle;
    if (stop === undefined || this.live === undefined || this.live.failure !== undefined) return;
    await this.withDeadline(this.callHook(stop));
  }

  dispose(reason: RuntimeError | undefined): void {
    if (this.disposed) return;
    this.disposed = true;
    this.watch?.cancel();
    this.checkTimer?.cancel();
    const { live, surroundings, context } = this;
    if (context !== undefined) this.plan.noteFailure(context, live?.failure ?? reason);
    if (this.entered) this.plan.leave();
    this.making?.kill(reason);
    if (live !== undefined && this.pool?.give(live) !== true) live.kill(reason);
    this.pool?.leave();
    this.fuel?.end();
    if (context !== undefined) this.plan.onLive(context.self.name, this, false);
    // One that never lived holds no place that it could have back.
    const hadPlace = live !== undefined || this.isRestart;
    if (reason !== undefined && context !== undefined && hadPlace) this.plan.failed.add(context.self);
    void surroundings?.guest.dispose();
    this.live = undefined;
    this.turn = undefined;
  }

  // ── calls, one per message ──

  next(): Call | undefined {
    const turn = this.turn as Turn;
    const fuel = this.fuel as GuestFuel;
    // The rest of the turn waits, as every turn does that begins meanwhile.
    if (fuel.isOverRate || fuel.takeLong() || this.messageCount >= this.plan.recycle.messages) return undefined;
    for (;;) {
      const incoming = turn.take();
      if (incoming === undefined) return undefined;
      fuel.begin();
      const call = this.prepare(incoming);
      if (call !== undefined) {
        this.messageCount++;
        if (this.watch !== undefined) this.messageStartMs = this.context?.clock.nowMs() ?? 0;
        return call;
      }
    }
  }

  done(result: unknown): void {
    const turn = this.turn as Turn;
    this.forgetArguments();
    if (this.plan.shape.kind === 'functions') {
      turn.reply(result);
      return;
    }
    const outcome = result as GuestResult<Uint8Array>;
    if (this.plan.shape.kind === 'task') this.taskDone(outcome);
    else if (outcome.tag === 'ok') turn.reply(outcome.val ?? NO_BYTES);
    else turn.refuse(fromGuest(outcome.val as GuestFailure));
  }

  invalid(error: RuntimeError): void {
    this.forgetArguments();
    (this.turn as Turn).refuse(new RuntimeError('MESSAGE_INVALID', error.message, { details: error.details }));
  }

  /** An actor that rests does not keep the message that it handled last. */
  private forgetArguments(): void {
    this.call.args = this.message;
    if (this.message.length > 0) this.message[0] = undefined;
  }

  private taskDone(outcome: GuestResult<unknown>): void {
    // Thrown under the guest's stack: it ends the instance, and with it the incarnation.
    if (outcome.tag === 'err')
      throw new RuntimeError('COMPONENT_EXITED', 'The task ended with an error', { details: { status: 1 } });
    this.turn?.reply(undefined);
    this.context?.stop();
  }

  /** The call for a message; undefined if the message was refused. */
  private prepare(incoming: Incoming): Call | undefined {
    const { shape } = this.plan;
    if (shape.kind === 'message') return this.prepareMessage(incoming);
    if (shape.kind === 'task') return this.call;
    const func = shape.operations.get(incoming.op);
    const args = incoming.payload;
    if (func === undefined || !Array.isArray(args)) {
      const expected = func?.type.params.map((param) => param.name).join(', ');
      const why =
        func === undefined
          ? 'a component of functions takes no such message'
          : `its payload must be the array of its arguments (${expected})`;
      (this.turn as Turn).refuse(new RuntimeError('MESSAGE_INVALID', `Cannot handle "${incoming.op}": ${why}`));
      return undefined;
    }
    const { argumentBytesMax } = this.plan;
    if (argumentBytesMax < Number.POSITIVE_INFINITY) {
      const size = payloadBytes(args, argumentBytesMax);
      if (size > this.largestBytes) this.largestBytes = size;
      if (size > argumentBytesMax) return this.refuseSize(incoming.op, size);
    }
    this.call.func = func;
    this.call.args = args;
    return this.call;
  }

  private prepareMessage(incoming: Incoming): Call | undefined {
    const payload = toBytes(incoming.payload);
    if (payload === undefined) {
      (this.turn as Turn).refuse(
        new RuntimeError(
          'MESSAGE_INVALID',
          `Cannot handle "${incoming.op}": a component takes bytes or text, got ${typeof incoming.payload}`,
        ),
      );
      return undefined;
    }
    if (payload.length > this.largestBytes) this.largestBytes = payload.length;
    if (payload.length > this.plan.limits.messageBytes) return this.refuseSize(incoming.op, payload.length);
    this.message[0] = {
      delivery: incoming.kind,
      subject: incoming.kind === 'topic' ? (incoming.topic ?? incoming.op) : incoming.op,
      payload,
      sender: incoming.sender?.name,
      remainingMs: incoming.kind === 'ask' ? wholeMs(this.context?.remainingMs()) : undefined,
    };
    return this.call;
  }

  /** The guest would have to make room for it. */
  private refuseSize(op: string, size: number): undefined {
    const { messageBytes } = this.plan.limits;
    if (this.surroundings !== undefined)
      reportLimit(this.surroundings.guest, { limit: 'message-size', limitValue: messageBytes, used: size });
    const text = `Cannot handle "${op}": it has ${size} bytes, and ${messageBytes} are the most; raise "message-size" in [limits] if it should`;
    const details = { limit: 'message-size', limitValue: messageBytes, used: size };
    (this.turn as Turn).refuse(new RuntimeError('MESSAGE_INVALID', text, { details }));
    return undefined;
  }

  // ── deadline ──

  /**
   * Kills the instance when one message takes longer than its deadline. Only a suspended guest is watched: one that
   * computes is suspended now and then.
   */
  private async withDeadline<T>(suspended: Promise<T>): Promise<T> {
    const { limitMs } = this;
    if (limitMs === 0) return suspended;
    this.watchDeadline(limitMs);
    try {
      return await suspended;
    } finally {
      this.watch?.cancel();
      this.watch = undefined;
    }
  }

  private watchDeadline(delayMs: number): void {
    const clock = this.context?.clock;
    this.watch = clock?.after(delayMs, () => {
      const leftMs = this.messageStartMs + this.limitMs - clock.nowMs();
      if (leftMs > 0) this.watchDeadline(leftMs);
      else this.live?.kill(this.overdue());
    });
  }

  overdue(): RuntimeError {
    const deadlineMs = this.limitMs;
    const what =
      this.checkMs === 0
        ? 'for one message; raise "deadline" in [limits] if it should'
        : 'to say how it is; raise "timeout" in [components.NAME.health] if it should';
    return new RuntimeError('COMPONENT_DEADLINE', `The component took longer than ${deadlineMs} ms ${what}`, {
      details: { deadlineMs },
    });
  }
}

/** The one operation of a task. */
export const TASK_OPERATION = 'run';

/** An instance whose life has not begun. It can have another one after it where that is wanted. */
function linkedAhead(...[plan, imports, room]: [BehaviorPlan, HostImports, RoomClaim]): ComponentInstance {
  const { component, limits } = plan;
  const instance = component.prepare(imports, {
    room,
    rewindable: plan.pool > 0 || plan.recycle !== NEVER,
    handlesMax: limits.handles,
    liftBudgetBytes: limits.liftBytes,
    onGrowRefused: reportRefusal,
  });
  instance.linkAhead();
  return instance;
}

function toBytes(payload: unknown): Uint8Array | undefined {
  if (payload instanceof Uint8Array) return payload;
  if (payload === undefined) return NO_BYTES;
  return typeof payload === 'string' ? TO_UTF8.encode(payload) : undefined;
}

/** Rounded down, so that nobody hopes for time that is not there. */
function wholeMs(remainingMs: number | undefined): number | undefined {
  return remainingMs === undefined ? undefined : Math.max(0, Math.floor(remainingMs));
}

function short(value: unknown): string {
  return String(value).slice(0, 500);
}
