import { RuntimeError } from '../errors/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';
import type { Link } from './link.ts';

/** Why a worker is gone: `details.reason` of `WORKER_LOST`. */
export type LossReason =
  | 'exit'
  | 'signal'
  | 'error'
  | 'memory'
  | 'unresponsive'
  | 'start-timeout'
  | 'closed'
  | 'garbage'
  | 'terminated';

/** How long what may take. Milliseconds. */
export interface LifeTimes {
  /** From its start until it is ready: its modules are loaded by then. Default 30_000. */
  readonly startMs?: number | undefined;
  /** Its event loop may stand still for so long, and no longer. Default 10_000. */
  readonly watchdogMs?: number | undefined;
  /** From `close` until it is ended by force. Default 5_000. */
  readonly closeMs?: number | undefined;
}

export const LIFE_DEFAULTS = { startMs: 30_000, watchdogMs: 10_000, closeMs: 5_000 } as const;

/** Looks at the beats of a worker within the time of its watchdog; it beats twice as often. */
export const LOOKS = 4;

/** A link whose other end beats, and that its owner can end. */
export interface OwnLink extends Link {
  readonly beats: number;
  beat(): void;
  lose(reason: RuntimeError): void;
  finish(reason: RuntimeError): void;
}

/** What a worker runs on: a thread, or a process. */
export interface Vehicle {
  readonly link: OwnLink;
  /** Ends it whatever it does; its exit follows. */
  kill(): void;
  /** Whether the process stays alive for it. */
  hold(keepAlive: boolean): void;
}

/** A worker as the main thread sees it. */
export interface Worker {
  readonly name: string;
  readonly link: Link;
  /** Settles when it has said that it is ready; rejects with the loss when it is lost before. */
  readonly ready: Promise<void>;
  /** Resolves when nothing is left of it; with the loss, unless it was closed. */
  readonly ended: Promise<RuntimeError | undefined>;
  /** Share of the time that its event loop was busy lately, 0 to 1; 0 when that is not known. */
  utilization(): number;
  /** Closes the link and waits for its end, which is by force when it does not come in time. */
  close(): Promise<void>;
  /** Ends it as it is: it is lost, for this reason. */
  terminate(reason?: RuntimeError): void;
}

/** Creates the error of a worker that is gone. */
export function workerLost(name: string, reason: LossReason, text: string): RuntimeError {
  return new RuntimeError('WORKER_LOST', `Cannot reach worker "${name}": ${text}`, {
    details: { worker: name, reason },
  });
}

/** What happens to any worker between its start and its end: the deadline of its start, its watchdog, and one reason when it is lost. */
export class WorkerLife implements Worker {
  readonly name: string;
  readonly link: Link;
  readonly ready: Promise<void>;
  readonly ended: Promise<RuntimeError | undefined>;
  readonly #vehicle: Vehicle;
  readonly #clock: Clock;
  readonly #times: { readonly [name in keyof LifeTimes]-?: number };
  readonly #utilization: () => number;
  #settleReady: { readonly resolve: () => void; readonly reject: (error: RuntimeError) => void };
  #settleEnded: (reason: RuntimeError | undefined) => void;
  #reason: RuntimeError | undefined;
  #closing = false;
  #killing = false;
  #gone = false;
  #timer: TimerHandle;
  #beats = 0;
  #stillLooks = 0;

  constructor(parts: {
    readonly name: string;
    readonly vehicle: Vehicle;
    readonly clock: Clock;
    readonly times: LifeTimes;
    readonly utilization?: () => number;
  }) {
    const { name, vehicle, clock, times } = parts;
    this.name = name;
    this.link = vehicle.link;
    this.#vehicle = vehicle;
    this.#clock = clock;
    this.#utilization = parts.utilization ?? (() => 0);
    this.#times = {
      startMs: times.startMs ?? LIFE_DEFAULTS.startMs,
      watchdogMs: times.watchdogMs ?? LIFE_DEFAULTS.watchdogMs,
      closeMs: times.closeMs ?? LIFE_DEFAULTS.closeMs,
    };
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // Whoever awaits it is told; nobody has to.
    this.ready = ready.promise;
    this.#settleReady = ready;
    const ended = Promise.withResolvers<RuntimeError | undefined>();
    this.ended = ended.promise;
    this.#settleEnded = ended.resolve;
    vehicle.hold(true);
    const { startMs } = this.#times;
    this.#timer = clock.after(startMs, () => this.#lose('start-timeout', `it was not ready within ${startMs} ms`));
  }

  utilization(): number {
    return this.#utilization();
  }

  close(): Promise<void> {
    if (!this.#closing && !this.#gone && this.#reason === undefined) {
      this.#closing = true;
      this.#timer.cancel();
      this.#timer = this.#clock.after(this.#times.closeMs, () => this.#kill());
      this.#vehicle.hold(true);
      this.#settleReady.reject(workerLost(this.name, 'closed', 'it was closed'));
      this.link.close();
    }
    return this.ended.then(() => {});
  }

  terminate(reason: RuntimeError = workerLost(this.name, 'terminated', 'it was ended')): void {
    if (this.#gone) return;
    this.#reason ??= reason;
    this.#kill();
  }

  /** It has said that it is ready. From now on it beats. */
  onReady(): void {
    if (this.#closing || this.#gone || this.#reason !== undefined) return;
    this.#timer.cancel();
    this.#vehicle.hold(false);
    this.#settleReady.resolve();
    this.#watch();
  }

  /** It is about to end for this reason; the first one counts. */
  onFault(reason: LossReason, text: string): void {
    this.#reason ??= workerLost(this.name, reason, text);
  }

  /** The link has ended; when that was the other side's doing, or for garbage, the worker is of no more use. */
  onLinkEnd(reason: RuntimeError | undefined): void {
    if (reason !== undefined && !this.#closing) this.terminate(reason);
  }

  /** Nothing is left of it. `text` says how it ended, should nobody know better. */
  onExit(reason: LossReason, text: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#timer.cancel();
    const loss = this.#closing ? undefined : (this.#reason ?? workerLost(this.name, reason, text));
    this.#vehicle.link.finish(loss ?? workerLost(this.name, 'closed', 'it was closed'));
    if (loss !== undefined) this.#settleReady.reject(loss);
    this.#settleEnded(loss);
  }

  /** Counts looks and not time: when this thread itself stood still, it must not conclude that the other one did. */
  #watch(): void {
    const { watchdogMs } = this.#times;
    this.#timer = this.#clock.after(watchdogMs / LOOKS, () => {
      const { beats } = this.#vehicle.link;
      this.#stillLooks = beats === this.#beats ? this.#stillLooks + 1 : 0;
      this.#beats = beats;
      if (this.#stillLooks < LOOKS) this.#watch();
      else this.#lose('unresponsive', `its event loop stood still for ${watchdogMs} ms`);
    });
  }

  /** Nobody waits longer for the end of a thread that V8 cannot interrupt, as one that collects garbage in vain for ever. */
  #kill(): void {
    if (this.#killing) return;
    this.#killing = true;
    this.#timer.cancel();
    this.#vehicle.hold(true);
    this.#vehicle.kill();
    this.#timer = this.#clock.after(this.#times.closeMs, () => {
      this.#vehicle.hold(false);
      this.onExit('terminated', 'it was ended, and did not end');
    });
  }

  #lose(reason: LossReason, text: string): void {
    this.terminate(workerLost(this.name, reason, text));
  }
}
