import type { Far, Header, RemoteActor, StreamSession, Termination } from '../actor/index.ts';
import { RuntimeError, type WireError } from '../errors/index.ts';
import type { Control, Recipe, WireTermination } from './control.ts';
import type { Known, OtherSide } from './known.ts';

/** Where actors can be run. */
export interface Workplaces {
  /** A worker for one more actor; waits while none is there. Rejects with `WORKER_LOST` when there will be none. */
  choose(): OtherSide | Promise<OtherSide>;
}

/**
 * An actor that is run by a worker, for a cell of this thread which supervises it.
 *
 * ```
 *   nowhere ──spawn──► beginning ──started──► live ──failed, ended itself──► over ──begin──► beginning
 *      ▲                                       │ hold, fail                   ▲
 *      └──────── unplaced, ended, lost         └──────────────────────────────┘
 * ```
 */
export class PlacedActor implements Far, Known {
  readonly actor: RemoteActor;
  readonly #workplaces: Workplaces;
  readonly #recipe: Recipe;
  #peer: OtherSide | undefined;
  #id = 0;
  #isLive = false;
  #beginning: PromiseWithResolvers<void> | undefined;
  #ending: PromiseWithResolvers<void> | undefined;

  constructor(
    actor: RemoteActor,
    { workplaces, recipe }: { readonly workplaces: Workplaces; readonly recipe: Recipe },
  ) {
    this.actor = actor;
    this.#workplaces = workplaces;
    this.#recipe = recipe;
  }

  /** Where it is now; `undefined`: nowhere. */
  get there(): OtherSide | undefined {
    return this.#peer;
  }

  get hasRoom(): boolean {
    return this.#peer?.hasRoomFor(this.actor) === true;
  }

  start(): Promise<void> {
    const beginning = Promise.withResolvers<void>();
    this.#beginning = beginning;
    if (this.#peer === undefined) void this.#place(beginning);
    else this.#peer.say({ kind: 'begin', id: this.#id });
    return beginning.promise;
  }

  async #place(beginning: PromiseWithResolvers<void>): Promise<void> {
    try {
      const peer = await this.#workplaces.choose();
      // It may have been given up meanwhile.
      if (this.#beginning !== beginning) return;
      this.#peer = peer;
      this.#id = peer.know(this);
      const { mailbox, supervision, stopTimeoutMs } = this.actor.profile;
      const order = {
        id: this.#id,
        name: this.actor.ref.name,
        recipe: this.#recipe,
        restartsAtEnd: this.actor.restartsAtEnd,
        capacity: mailbox.capacity,
        stuckAfterMs: supervision.stuckAfterMs,
        stopTimeoutMs,
        heard: this.actor.heard,
      };
      peer.say({ kind: 'spawn', order });
    } catch (error) {
      if (this.#beginning === beginning) this.#unplace(RuntimeError.from(error));
    }
  }

  send(payload: unknown, header: Header): void {
    this.#peer?.sendMessage(this.#id, { payload, header, actor: this.actor });
  }

  closeStream(session: StreamSession): void {
    this.#peer?.closeStream(this.#id, session);
  }

  end(isForGood: boolean): Promise<void> | undefined {
    if (this.#peer === undefined || (!this.#isLive && !isForGood)) return undefined;
    const { stopTimeoutMs } = this.actor.profile;
    this.#peer.say(
      isForGood ? { kind: 'stop', id: this.#id, deadlineMs: stopTimeoutMs } : { kind: 'hold', id: this.#id },
    );
    this.#isLive = false;
    this.#ending = Promise.withResolvers();
    return this.#ending.promise;
  }

  dispose(reason: RuntimeError | undefined): void {
    const isUnderWay = this.#isLive || this.#beginning !== undefined || this.#ending !== undefined;
    this.#isLive = false;
    this.#beginning = undefined;
    this.#ending = undefined;
    if (!isUnderWay || this.actor.isStopped || reason === undefined) return;
    this.#peer?.say({ kind: 'fail', id: this.#id, error: reason.toWire() });
  }

  ended(): void {
    this.#peer?.say({ kind: 'kill', id: this.#id });
  }

  hear(event: string, isHeard: boolean): void {
    this.#peer?.say({ kind: 'hear', id: this.#id, event, isHeard });
  }

  unbound(header: Header): void {
    this.#peer?.unbound(header);
  }

  onControl(control: Control): void {
    switch (control.kind) {
      case 'started':
        this.#isLive = this.#beginning !== undefined;
        this.#beginning?.resolve();
        this.#beginning = undefined;
        break;
      case 'failed':
        this.#onFailed(control.phase, failureOf(control));
        break;
      case 'reported':
        this.actor.report(control.phase, failureOf(control));
        break;
      case 'unplaced':
        this.#unplace(RuntimeError.fromWire(control.error));
        break;
      case 'ended-self':
        this.#isLive = false;
        this.actor.endedSelf();
        break;
      case 'held':
        this.#ending?.resolve();
        this.#ending = undefined;
        break;
      default:
    }
  }

  #onFailed(phase: Parameters<RemoteActor['failed']>[0], error: RuntimeError): void {
    const wasLive = this.#isLive;
    this.#isLive = false;
    if (this.#beginning !== undefined) this.#beginning.reject(error);
    else if (wasLive) this.actor.failed(phase, error);
    else if (this.#ending !== undefined) this.actor.report(phase, error);
    this.#beginning = undefined;
  }

  onEnded({ kind, error }: WireTermination): void {
    const termination: Termination = { kind, ...(error !== undefined && { error: RuntimeError.fromWire(error) }) };
    const wasEnding = this.#ending;
    const wasBeginning = this.#beginning;
    this.#leave();
    if (wasEnding !== undefined) wasEnding.resolve();
    else if (wasBeginning !== undefined) wasBeginning.reject(termination.error ?? endedBefore(this.actor));
    else this.actor.terminated(termination);
  }

  /** It could not be made there. */
  #unplace(error: RuntimeError): void {
    const beginning = this.#beginning;
    this.#leave();
    beginning?.reject(error);
  }

  /** Where it was is no more. */
  onLost(error: RuntimeError): void {
    const [beginning, ending] = [this.#beginning, this.#ending];
    this.#leave();
    this.actor.lost(error);
    beginning?.reject(error);
    ending?.resolve();
  }

  #leave(): void {
    this.#peer?.forget(this.#id);
    this.#peer = undefined;
    this.#isLive = false;
    this.#beginning = undefined;
    this.#ending = undefined;
  }
}

/** With what it is about, as it is known where it arose. */
function failureOf(told: { readonly error: WireError; readonly cause?: WireError | undefined }): RuntimeError {
  const { code, message, details } = RuntimeError.fromWire(told.error);
  return new RuntimeError(code, message, { details, ...(told.cause && { cause: RuntimeError.fromWire(told.cause) }) });
}

function endedBefore({ ref }: RemoteActor): RuntimeError {
  return new RuntimeError('ACTOR_STOPPED', `"${ref.name}" ended before it had started`, {
    details: { actor: ref.name },
  });
}
