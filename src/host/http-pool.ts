import { RuntimeError } from '../errors/index.ts';
import { decide, type SupervisionState, UNHARMED } from '../supervision/index.ts';
import { type Clock, type Random, type TimerHandle, TimerNode, TimerWheel } from '../time/index.ts';
import type { HttpExchange } from '../wasi/index.ts';
import { type Handled, HttpInstance, type HttpInstancePlan } from './http-instance.ts';
import type { HttpPolicy } from './http-options.ts';
import { mostOf } from './limit-use.ts';
import type { UsedNow } from './limit-watch.ts';

/**
 * Bytes by which the memory of an instance may grow before it is not used again: a leak of a reused guest costs no more.
 * Chosen: larger than what runtimes with a garbage collector grow by before they collect.
 */
const GROWTH_BYTES_MAX = 16_777_216;

/** An idle instance is let go after this long. Long enough for the pauses of a person who clicks. */
const IDLE_MS = 10_000;

/** What a client that was sent away is told to wait. By then the queue has been through once. */
const RETRY_AFTER_MS = 1_000;

/** A request as a pool sees it: an exchange that knows what became of it. */
export interface HttpJob extends HttpExchange {
  /** Why there was no whole answer; undefined if there was one, or may be yet. */
  readonly failure: RuntimeError | undefined;
}

/** Counters since the pool began; all but the first two only grow. */
export interface HttpStats {
  /** Requests that have an instance, or whose answer is still being sent. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Answered by the component. */
  readonly served: number;
  /** Not answered by it: it trapped, took too long, gave no answer, or cut its answer off. */
  readonly failed: number;
  /** Sent away: too many at once, or the component is quarantined or stopped. */
  readonly shed: number;
  /** Given up by their clients. */
  readonly cancelled: number;
}

export interface HttpPoolOptions {
  /** Of the actor whose pool it is; for messages. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: HttpPolicy;
  /** Milliseconds that a guest has for one request; 0: no limit. */
  readonly deadlineMs: number;
  readonly instances: HttpInstancePlan;
  /** Hears of every request that failed. It should be quick. */
  readonly onFailed?: (job: HttpJob, error: RuntimeError) => void;
  /** Hears that the component is given no requests for `forMs`; `Infinity`: ever again. */
  readonly onQuarantined?: (error: RuntimeError, forMs: number) => void;
}

/** A request in a pool. Its time, to wait and to be handled, is one timer of the pool's wheel. */
export class HttpTicket extends TimerNode {
  readonly job: HttpJob;
  private readonly pool: HttpPool;
  /** `closing`: the guest is done, the server still takes the rest of the answer. */
  state: 'waiting' | 'starting' | 'running' | 'closing' | 'over' = 'waiting';
  /** The one that works for it, until that is let go of or works for others. */
  instance: HttpInstance | undefined = undefined;
  /** When its guest's time is over. */
  dueMs = Number.POSITIVE_INFINITY;
  starting: AbortController | undefined = undefined;
  /** Why its instance was ended, if it was for this request's sake. */
  killed: RuntimeError | undefined = undefined;

  constructor(pool: HttpPool, job: HttpJob) {
    super();
    this.pool = pool;
    this.job = job;
  }

  /** The client is gone: whatever works for it is ended. Does nothing when the request is over. */
  cancel(): void {
    this.pool.cancel(this);
  }

  override onTimer(): void {
    this.pool.late(this);
  }
}

/**
 * The instances of one HTTP component, and the requests that wait for one.
 *
 *     request ─► [ waiting: at most `queue`, for `queueTimeoutMs` ] ─► instance: an idle one, else a new one
 *         │ full, quarantined, stopped                                    │ used `maxInvocations` times: rewound, as new
 *         └─► sent away at once                                           └─ grown, trapped, killed: never used again
 *
 * Each request has its instance to itself. A failure ends that instance and is answered; nobody else notices. A component
 * that fails `intensity` times within the period with nothing served in between is quarantined: it gets no requests for a
 * period, then one at a time until one is served.
 */
export class HttpPool {
  readonly #options: HttpPoolOptions;
  readonly #wheel: TimerWheel;
  /** In the order in which they came. */
  readonly #waiting = new Set<HttpTicket>();
  readonly #running = new Set<HttpTicket>();
  /** The one used last is used next, so that the others can be let go. */
  readonly #idle: HttpInstance[] = [];
  #idleWatch: TimerHandle | undefined;
  #active = 0;
  /** Requests that waited are being started. */
  #isStarting = false;
  #supervision: SupervisionState = UNHARMED;
  #quarantinedUntilMs = Number.NEGATIVE_INFINITY;
  /** After a quarantine: one request at a time, until one is served. */
  #probing = false;
  #closed: RuntimeError | undefined;
  #drained: (() => void) | undefined;
  #served = 0;
  #failed = 0;
  #shed = 0;
  #cancelled = 0;

  constructor(options: HttpPoolOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock);
  }

  get stats(): HttpStats {
    return {
      inFlight: this.#running.size,
      waiting: this.#waiting.size,
      served: this.#served,
      failed: this.#failed,
      shed: this.#shed,
      cancelled: this.#cancelled,
    };
  }

  /** Requests that may wait. */
  get queueMax(): number {
    return this.#options.policy.queue;
  }

  /** Those that it has, at work or idle. */
  get instanceCount(): number {
    return this.#idle.length + this.#active;
  }

  /** Bytes of linear memory of all instances. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const instance of this.#idle) bytes += instance.memoryBytes;
    for (const { instance } of this.#running) bytes += instance?.memoryBytes ?? 0;
    return bytes;
  }

  /** The most that any of its instances uses of each limit. */
  get use(): UsedNow {
    const working = [...this.#running].flatMap(({ instance }) => instance ?? []);
    return mostOf([...this.#idle, ...working].map((instance) => instance.use));
  }

  /** Milliseconds for which no request is taken; 0: they are. */
  get quarantinedForMs(): number {
    return Math.max(0, this.#quarantinedUntilMs - this.#options.clock.nowMs());
  }

  /**
   * Has a request handled. Never throws; the exchange is answered in every case.
   *
   * @returns What to {@link HttpTicket.cancel} when the client goes; nothing if the request was sent away.
   */
  handle(job: HttpJob): HttpTicket | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#sendAway(job, refusal);
      return undefined;
    }
    const ticket = new HttpTicket(this, job);
    if (this.#active < this.#instancesMax) {
      this.#start(ticket);
      return ticket;
    }
    const { policy, clock } = this.#options;
    if (this.#waiting.size >= policy.queue) {
      this.#sendAway(job, this.#overloaded('no more requests may wait'));
      return undefined;
    }
    this.#waiting.add(ticket);
    this.#wheel.add(ticket, clock.nowMs(), policy.queueTimeoutMs);
    return ticket;
  }

  /** Takes no more requests; resolves when those that are under way are over. */
  async drain(): Promise<void> {
    this.#closed ??= this.#stopped();
    for (const ticket of this.#waiting) this.#giveUp(ticket, this.#closed);
    this.#dropIdle(Number.POSITIVE_INFINITY);
    this.#idleWatch?.cancel();
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Ends every instance at once. */
  close(reason: RuntimeError = this.#stopped()): void {
    this.#closed ??= reason;
    for (const ticket of this.#waiting) this.#giveUp(ticket, this.#closed);
    for (const ticket of this.#running) this.#kill(ticket, reason);
    this.#dropIdle(Number.POSITIVE_INFINITY);
    this.#idleWatch?.cancel();
    this.#wheel.clear();
  }

  // ── one request ──

  get #instancesMax(): number {
    return this.#probing ? 1 : this.#options.policy.instances;
  }

  #start(ticket: HttpTicket): void {
    const { clock, deadlineMs } = this.#options;
    this.#active++;
    this.#running.add(ticket);
    if (deadlineMs > 0) {
      const nowMs = clock.nowMs();
      ticket.dueMs = nowMs + deadlineMs;
      this.#wheel.add(ticket, nowMs, deadlineMs);
    }
    const idle = this.#idle.pop();
    if (idle === undefined) this.#make(ticket);
    else if (idle.isRewound) this.#begin(ticket, idle);
    else this.#run(ticket, idle);
  }

  #begin(ticket: HttpTicket, instance: HttpInstance): void {
    try {
      if (!instance.beginAtOnce()) {
        this.#make(ticket, (signal) => instance.begin(signal));
        return;
      }
    } catch (error) {
      instance.dispose();
      this.#notMade(ticket, RuntimeError.from(error));
      return;
    }
    this.#run(ticket, instance);
  }

  /** @param begin Default: a new instance. */
  #make(ticket: HttpTicket, begin?: (signal: AbortSignal) => Promise<HttpInstance>): void {
    ticket.state = 'starting';
    ticket.starting = new AbortController();
    const { signal } = ticket.starting;
    (begin?.(signal) ?? HttpInstance.make(this.#options.instances, signal)).then(
      (instance) => this.#made(ticket, instance),
      (error: unknown) => this.#notMade(ticket, RuntimeError.from(error)),
    );
  }

  #made(ticket: HttpTicket, instance: HttpInstance): void {
    ticket.starting = undefined;
    if (ticket.killed === undefined) {
      this.#run(ticket, instance);
      return;
    }
    instance.dispose();
    this.#notMade(ticket, ticket.killed);
  }

  #notMade(ticket: HttpTicket, error: RuntimeError): void {
    const reason =
      ticket.killed ??
      (isProcessFull(error) ? this.#overloaded('this process has no room for another instance') : error);
    ticket.job.fail({ tag: 'internal-error', val: undefined }, reason);
    this.#active--;
    this.#over(ticket, reason);
  }

  #run(ticket: HttpTicket, instance: HttpInstance): void {
    ticket.state = 'running';
    ticket.instance = instance;
    let handled: Handled | Promise<Handled>;
    try {
      handled = instance.handle(ticket.job, ticket.dueMs);
    } catch (error) {
      this.#notBegun(ticket, instance, RuntimeError.from(error));
      return;
    }
    if (handled instanceof Promise) void handled.then((result) => this.#handled(ticket, instance, result));
    else this.#handled(ticket, instance, handled);
  }

  /** The instance kept so much of earlier requests that it cannot take this one: another will. */
  #notBegun(ticket: HttpTicket, instance: HttpInstance, error: RuntimeError): void {
    ticket.instance = undefined;
    instance.dispose();
    if (instance.used > 1) this.#make(ticket);
    else this.#notMade(ticket, error);
  }

  #handled(ticket: HttpTicket, instance: HttpInstance, { failure, rest }: Handled): void {
    this.#wheel.cancel(ticket);
    this.#active--;
    const reused = failure === undefined && ticket.killed === undefined && this.#reuse(instance);
    if (reused) ticket.instance = undefined;
    if (rest === undefined) {
      this.#over(ticket, failure);
      return;
    }
    ticket.state = 'closing';
    void rest.then(() => this.#over(ticket, failure));
    this.#next();
  }

  /** Keeps an instance for the next request, as it is or as new, if it may handle one. */
  #reuse(instance: HttpInstance): boolean {
    const { policy, clock } = this.#options;
    if (this.#closed !== undefined) return false;
    const isUsedUp = instance.used >= policy.maxInvocations || instance.grown > GROWTH_BYTES_MAX;
    if (isUsedUp && !instance.rewind()) return false;
    instance.idleSinceMs = clock.nowMs();
    this.#idle.push(instance);
    this.#idleWatch ??= clock.after(IDLE_MS, () => this.#lookAtIdle());
    return true;
  }

  /** The request is answered, or never will be. */
  #over(ticket: HttpTicket, failure: RuntimeError | undefined): void {
    this.#wheel.cancel(ticket);
    this.#running.delete(ticket);
    ticket.state = 'over';
    ticket.instance?.retire();
    ticket.instance = undefined;
    this.#count(ticket, failure);
    this.#next();
    if (this.#running.size > 0) return;
    this.#drained?.();
    this.#drained = undefined;
  }

  #count(ticket: HttpTicket, failure: RuntimeError | undefined): void {
    const error = ticket.killed ?? failure ?? ticket.job.failure;
    if (error?.code === 'HTTP_CLIENT_GONE') {
      this.#cancelled++;
      return;
    }
    if (error === undefined) {
      this.#served++;
      this.#supervision = UNHARMED;
      this.#probing = false;
      return;
    }
    if (error.code === 'HTTP_OVERLOADED') this.#shed++;
    else {
      this.#failed++;
      this.#options.onFailed?.(ticket.job, error);
    }
    if (failure !== undefined && ticket.killed === undefined && error.code !== 'HTTP_OVERLOADED')
      this.#supervise(error);
  }

  /** One by one, and not one inside the end of the other: a whole queue of guests that never wait would fill the stack. */
  #next(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    for (const ticket of this.#waiting) {
      if (this.#active >= this.#instancesMax) break;
      this.#waiting.delete(ticket);
      this.#wheel.cancel(ticket);
      this.#start(ticket);
    }
    this.#isStarting = false;
  }

  // ── ends that come from outside ──

  /** @internal */
  cancel(ticket: HttpTicket): void {
    if (ticket.state === 'over' || ticket.state === 'closing') return;
    const reason = new RuntimeError(
      'HTTP_CLIENT_GONE',
      `The client of "${this.#options.name}" went before it was answered`,
    );
    if (ticket.state === 'waiting') this.#giveUp(ticket, reason);
    else this.#kill(ticket, reason);
  }

  /** @internal */
  late(ticket: HttpTicket): void {
    const { deadlineMs, policy } = this.#options;
    if (ticket.state === 'waiting') {
      this.#giveUp(ticket, this.#overloaded(`no instance was free within ${policy.queueTimeoutMs} ms`));
      return;
    }
    const text = `The component took longer than ${deadlineMs} ms for one request; raise "deadline" in [limits] if it should`;
    this.#kill(ticket, new RuntimeError('COMPONENT_DEADLINE', text, { details: { deadlineMs } }));
  }

  /** Answers a request that waits; it never had an instance. */
  #giveUp(ticket: HttpTicket, reason: RuntimeError): void {
    this.#waiting.delete(ticket);
    this.#wheel.cancel(ticket);
    ticket.state = 'over';
    if (reason.code === 'HTTP_CLIENT_GONE') this.#cancelled++;
    else this.#sendAway(ticket.job, reason);
  }

  #kill(ticket: HttpTicket, reason: RuntimeError): void {
    if (ticket.killed !== undefined) return;
    ticket.killed = reason;
    ticket.starting?.abort(reason);
    if (ticket.state === 'closing') ticket.instance?.dispose();
    else ticket.instance?.kill(reason);
  }

  #sendAway(job: HttpJob, reason: RuntimeError): void {
    this.#shed++;
    job.fail({ tag: 'connection-limit-reached' }, reason);
  }

  // ── supervision ──

  /** Why no request is taken; undefined if they are. */
  #refusal(): RuntimeError | undefined {
    if (this.#closed !== undefined) return this.#closed;
    if (this.#quarantinedUntilMs === Number.NEGATIVE_INFINITY) return undefined;
    const leftMs = this.quarantinedForMs;
    if (leftMs > 0) return this.#unavailable('it has failed too often in a row', leftMs);
    this.#quarantinedUntilMs = Number.NEGATIVE_INFINITY;
    this.#probing = true;
    return undefined;
  }

  #supervise(error: RuntimeError): void {
    const { clock, random, policy, onQuarantined } = this.#options;
    const nowMs = clock.nowMs();
    const event = { kind: 'failed', atMs: nowMs, chance: random.next() } as const;
    const { state, directive } = decide(policy.supervision, this.#supervision, event);
    this.#supervision = state;
    // A request has an instance of its own, so nobody has to wait for a restart.
    if (directive.kind === 'restart' && !this.#probing) return;
    const forMs = directive.kind === 'stop' ? Number.POSITIVE_INFINITY : policy.supervision.periodMs;
    if (this.#quarantinedUntilMs > nowMs) return;
    this.#quarantinedUntilMs = nowMs + forMs;
    this.#probing = false;
    onQuarantined?.(error, forMs);
    for (const ticket of this.#waiting)
      this.#giveUp(ticket, this.#unavailable('it has failed too often in a row', forMs));
  }

  // ── idle instances ──

  #lookAtIdle(): void {
    const { clock } = this.#options;
    this.#idleWatch = undefined;
    this.#dropIdle(clock.nowMs() - IDLE_MS);
    if (this.#idle.length > 0) this.#idleWatch = clock.after(IDLE_MS, () => this.#lookAtIdle());
  }

  /** Lets go of the instances that were used last at `sinceMs` or before: those at the beginning. */
  #dropIdle(sinceMs: number): void {
    const fresh = this.#idle.findIndex((instance) => instance.idleSinceMs > sinceMs);
    for (const instance of this.#idle.splice(0, fresh < 0 ? this.#idle.length : fresh)) instance.retire();
  }

  // ── reasons ──

  #overloaded(why: string): RuntimeError {
    const { name, policy } = this.#options;
    return new RuntimeError('HTTP_OVERLOADED', `Cannot serve another request of "${name}": ${why}`, {
      details: { instances: policy.instances, queue: policy.queue, retryAfterMs: RETRY_AFTER_MS },
    });
  }

  #unavailable(why: string, retryAfterMs: number): RuntimeError {
    return new RuntimeError('HTTP_UNAVAILABLE', `Cannot pass a request to "${this.#options.name}": ${why}`, {
      details: Number.isFinite(retryAfterMs) ? { retryAfterMs } : {},
    });
  }

  #stopped(): RuntimeError {
    return this.#unavailable('it is stopping', RETRY_AFTER_MS);
  }
}

/** V8 has no room for another memory: nothing that the component did. */
function isProcessFull({ code, details }: RuntimeError): boolean {
  return code === 'NODE_LIMIT' || (code === 'COMPONENT_LIMIT' && details.limit === 'process-memories');
}
