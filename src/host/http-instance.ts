import type { Call, CallSource, CompiledComponent, ComponentInstance, ExportedFunction } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Guest, type HttpExchange, openExchange } from '../wasi/index.ts';
import type { Surroundings } from './behavior.ts';
import { GuestFuel, type TimeLimit } from './fuel.ts';
import { useOf } from './limit-use.ts';
import { reportRefusal, type UsedNow } from './limit-watch.ts';
import type { ComponentLimits } from './limits.ts';
import type { MessageDeadline } from './messaging.ts';

/** What every instance of one HTTP component has in common. */
export interface HttpInstancePlan {
  readonly component: CompiledComponent;
  readonly clock: Clock;
  /** `incoming-handler#handle`. */
  readonly handle: ExportedFunction;
  /** `lifecycle.start`, if it has one: called with `config` before the first request. */
  readonly start: ExportedFunction | undefined;
  readonly config: Uint8Array;
  readonly limits: Pick<ComponentLimits, 'handles' | 'liftBytes'>;
  surround(deadline: MessageDeadline): Surroundings;
}

/** How one request ended for its instance. */
export interface Handled {
  /** Why the instance has ended; undefined while it lives. */
  readonly failure: RuntimeError | undefined;
  /** Settles when the server has taken the rest of the answer; undefined if it has. Never rejects. */
  readonly rest: Promise<void> | undefined;
}

/** One for all: an error is dear to make, and nobody gets to see this one. */
const RETIRED = new RuntimeError('COMPONENT_KILLED', 'The instance has handled its requests');

/** Requests between two looks at how much memory an instance has: a look costs about as much as a request's bookkeeping. */
const LOOK_EVERY = 8;

/** What is left of the time for the request that is handled. */
class RequestTime implements MessageDeadline, TimeLimit {
  private readonly clock: Clock;
  dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get leftMs(): number | undefined {
    return Number.isFinite(this.dueMs) ? this.dueMs - this.clock.nowMs() : undefined;
  }

  overdue(): RuntimeError {
    return new RuntimeError('COMPONENT_DEADLINE', 'The component took longer than its deadline for one request');
  }
}

/**
 * A guest and the answers that the server still takes of it: once it is let go of, it is disposed of when the last of them
 * is out, for that would cut them off.
 */
class LentGuest {
  readonly guest: Guest;
  private answers = 0;
  private isReleased = false;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  hold(rest: Promise<void>): void {
    this.answers++;
    void rest.then(() => {
      this.answers--;
      this.settle();
    });
  }

  release(): void {
    this.isReleased = true;
    this.settle();
  }

  private settle(): void {
    if (this.isReleased && this.answers === 0) void this.guest.dispose();
  }
}

interface Parts {
  readonly instance: ComponentInstance;
  readonly guest: Guest;
  readonly time: RequestTime;
  readonly fuel: GuestFuel;
}

/**
 * An instance of an HTTP component. It handles one request at a time.
 *
 *     make ─► handle ─► … ─► rewind ─► begin ─► handle ─► … ─► dispose
 */
export class HttpInstance implements CallSource {
  private readonly plan: HttpInstancePlan;
  private readonly instance: ComponentInstance;
  private lent: LentGuest;
  private readonly time: RequestTime;
  private readonly fuel: GuestFuel;
  private readonly call: { func: ExportedFunction; args: readonly unknown[] };
  private pending: Call | undefined;
  private refused: RuntimeError | undefined;
  private readonly firstMemoryBytes: number;
  private grownBytes: number;
  private count: number;
  /** Nothing is left in it of the requests that it was given; it has to begin again. */
  isRewound: boolean;
  /** When it last had something to do, on the pool's clock. */
  idleSinceMs: number;

  /** @param signal Ends an instance that is being made: its start functions may wait for somebody. */
  static async make(plan: HttpInstancePlan, signal: AbortSignal): Promise<HttpInstance> {
    const time = new RequestTime(plan.clock);
    const { imports, guest, fuel: fuelLimits } = plan.surround(time);
    try {
      const fuel = new GuestFuel(plan.clock, plan.component, { limits: fuelLimits, time });
      const { handles: handlesMax, liftBytes: liftBudgetBytes } = plan.limits;
      const room = 'new';
      const options = {
        context: guest,
        debt: guest.debt,
        rewindable: true,
        room,
        signal,
        fuel,
        handlesMax,
        onGrowRefused: reportRefusal,
        liftBudgetBytes,
      } as const;
      const instance = await plan.component.instantiate(imports, options);
      if (plan.start !== undefined) await started(instance, plan, signal);
      return new HttpInstance(plan, { instance, guest, time, fuel });
    } catch (error) {
      void guest.dispose();
      throw error;
    }
  }

  private constructor(plan: HttpInstancePlan, { instance, guest, time, fuel }: Parts) {
    this.plan = plan;
    this.time = time;
    this.fuel = fuel;
    this.instance = instance;
    this.lent = new LentGuest(guest);
    this.call = { func: plan.handle, args: [] };
    this.pending = undefined;
    this.refused = undefined;
    this.firstMemoryBytes = instance.memoryBytes;
    this.grownBytes = 0;
    this.count = 0;
    this.isRewound = false;
    this.idleSinceMs = 0;
  }

  /** Requests that it was given. */
  get used(): number {
    return this.count;
  }

  get memoryBytes(): number {
    return this.instance.memoryBytes;
  }

  get use(): UsedNow {
    const { instance, fuel } = this;
    return useOf({ instance, guest: this.lent.guest, fuel });
  }

  /** Bytes by which its memory has grown since it was made, as of the last look. */
  get grown(): number {
    return this.grownBytes;
  }

  /**
   * Handles one request. Whatever happens, the exchange is answered. Returns a promise, which never rejects, if the guest
   * waits.
   *
   * @param dueMs When its time is over, on the clock; `Infinity`: never.
   * @throws {RuntimeError} `COMPONENT_LIMIT` — the guest kept too much of earlier requests; this one was not begun.
   */
  handle(exchange: HttpExchange, dueMs: number): Handled | Promise<Handled> {
    this.count++;
    this.time.dueMs = dueMs;
    const { lent } = this;
    const open = openExchange(lent.guest, exchange);
    const over = (failure: RuntimeError | undefined): Handled => {
      this.call.args = [];
      if (failure === undefined && this.count % LOOK_EVERY === 0)
        this.grownBytes = this.instance.memoryBytes - this.firstMemoryBytes;
      const rest = open.close(failure);
      if (rest !== undefined) lent.hold(rest);
      return { failure, rest };
    };
    try {
      this.call.args = open.args;
      this.pending = this.call;
      this.refused = undefined;
      this.fuel.begin();
      const running = this.fuel.isOverRate
        ? this.fuel.whenPaid().then(() => this.instance.pump(this))
        : this.instance.pump(this);
      if (running === undefined) return over(this.refused);
      return running.then(
        () => over(this.refused),
        (error: unknown) => over(RuntimeError.from(error)),
      );
    } catch (error) {
      return over(RuntimeError.from(error));
    }
  }

  /**
   * Makes it as one that is new; see {@link isRewound}.
   *
   * @returns False if that cannot be: let go of it.
   */
  rewind(): boolean {
    if (!this.instance.rewind()) return false;
    this.lent.release();
    this.count = 0;
    this.grownBytes = 0;
    this.isRewound = true;
    return true;
  }

  /** Begins again, if no code has to run for that; tells whether it did. */
  beginAtOnce(): boolean {
    const { plan } = this;
    if (plan.start !== undefined || this.instance.hasStart) return false;
    this.takeGuest();
    const { guest } = this.lent;
    void this.instance.begin({ context: guest, debt: guest.debt, fuel: this.fuel });
    return true;
  }

  /** Begins again. @param signal As of {@link make}. */
  async begin(signal: AbortSignal): Promise<HttpInstance> {
    const { plan, instance } = this;
    this.takeGuest();
    this.fuel.begin();
    try {
      const { guest } = this.lent;
      await instance.begin({ context: guest, debt: guest.debt, fuel: this.fuel, signal });
      if (plan.start !== undefined) await started(instance, plan, signal);
      return this;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  private takeGuest(): void {
    this.lent = new LentGuest(this.plan.surround(this.time).guest);
    this.isRewound = false;
  }

  next(): Call | undefined {
    const { pending } = this;
    this.pending = undefined;
    return pending;
  }

  done(): void {}

  invalid(error: RuntimeError): void {
    this.refused = error;
  }

  /** Ends it, in the middle of whatever it does. */
  kill(reason: RuntimeError): void {
    this.instance.kill(reason);
    this.fuel.end();
  }

  /** Ends it, and lets go of all that it holds when the last of its answers is out. */
  retire(): void {
    this.kill(RETIRED);
    this.lent.release();
  }

  /** Ends it and lets go of all that it holds; what of an answer is still under way is cut off. */
  dispose(): void {
    this.kill(RETIRED);
    void this.lent.guest.dispose();
  }
}

async function started(
  instance: ComponentInstance,
  { start, config }: HttpInstancePlan,
  signal: AbortSignal,
): Promise<void> {
  const stop = (): void => instance.kill(RuntimeError.from(signal.reason, 'COMPONENT_KILLED'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const result = (await instance.call((start as ExportedFunction).name, [config])) as { tag: string; val: unknown };
    if (result.tag === 'err') {
      const text = `The component refused to start: ${String(result.val).slice(0, 500)}`;
      throw new RuntimeError('ACTOR_START_FAILED', text);
    }
  } catch (error) {
    instance.kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
