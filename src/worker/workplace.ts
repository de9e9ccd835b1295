import {
  type ActorRef,
  type ActorSystem,
  type ActorType,
  type DeadLetter,
  type FailureReport,
  type Host,
  hosted,
} from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Control, Recipe, SpawnOrder } from './control.ts';
import type { Peer } from './peer.ts';

/** Makes an actor type of the data of a recipe, in the worker. */
export type Kitchen = (data: unknown) => ActorType | Promise<ActorType>;

/** Milliseconds: whoever supervises an actor has its start timed. */
const START_MS_MAX = 3_600_000;

/** The worker's side: runs actors for cells of the main thread, and tells those what becomes of them. */
export class Workplace {
  readonly #system: ActorSystem;
  readonly #kitchens: Readonly<Record<string, Kitchen>>;
  /** Called when an actor has ended, before that is said. */
  onEnded: () => void = () => {};
  /** Set before anything arrives. */
  peer!: Peer;
  /** Ids of actors that are to be killed before they were made. */
  readonly #doomed = new Set<number>();
  readonly #making = new Set<number>();
  /** By id. Their types are used as long as they are: whoever made one may go by that. */
  readonly #hosted = new Map<number, { readonly ref: ActorRef; readonly type: ActorType }>();

  constructor(system: ActorSystem, kitchens: Readonly<Record<string, Kitchen>>) {
    this.#system = system;
    this.#kitchens = kitchens;
  }

  onControl(control: Control): void {
    switch (control.kind) {
      case 'spawn':
        void this.#spawn(control.order);
        break;
      case 'begin':
        this.#with(control.id, hosted.begin);
        break;
      case 'hold':
        this.#with(control.id, hosted.hold);
        break;
      case 'fail':
        this.#with(control.id, (ref) => hosted.fail(ref, RuntimeError.fromWire(control.error)));
        break;
      case 'kill':
        if (this.#making.has(control.id)) this.#doomed.add(control.id);
        break;
      default:
    }
  }

  #with(id: number, action: (ref: ActorRef) => unknown): void {
    const actor = this.#hosted.get(id);
    if (actor !== undefined) action(actor.ref);
  }

  async #spawn(order: SpawnOrder): Promise<void> {
    const { id } = order;
    this.#making.add(id);
    try {
      const type = await this.#make(order.recipe);
      if (this.#doomed.delete(id))
        throw new RuntimeError('ACTOR_STOPPED', `"${order.name}" was ended before it was made`);
      this.#begin(order, type);
    } catch (error) {
      this.#doomed.delete(id);
      this.peer.say({ kind: 'unplaced', ownId: id, error: RuntimeError.from(error, 'ACTOR_START_FAILED').toWire() });
    } finally {
      this.#making.delete(id);
    }
  }

  #make({ kind, data }: Recipe): ActorType | Promise<ActorType> {
    const kitchen = this.#kitchens[kind];
    if (kitchen !== undefined) return kitchen(data);
    throw new RuntimeError(
      'INTERNAL',
      `Cannot make an actor: a worker knows no recipe of the kind ${JSON.stringify(kind)}`,
    );
  }

  #begin({ id, name, capacity, stuckAfterMs, stopTimeoutMs, restartsAtEnd, heard }: SpawnOrder, type: ActorType): void {
    const { peer } = this;
    const host: Host = {
      started: () => peer.say({ kind: 'started', ownId: id }),
      taken: (count, isBusy) => peer.taken(id, count, isBusy),
      endedSelf: () => peer.say({ kind: 'ended-self', ownId: id }),
      held: () => peer.say({ kind: 'held', ownId: id }),
    };
    const ref = this.#system.spawn(hosted.typeOf(type, { host, restartsAtEnd, name }), undefined, {
      mailbox: { capacity },
      startTimeoutMs: START_MS_MAX,
      stopTimeoutMs: Math.min(START_MS_MAX, stopTimeoutMs),
      ...(stuckAfterMs > 0 && { supervision: { stuckAfterMs } }),
    });
    this.#hosted.set(id, { ref, type });
    // Before its end is said.
    void ref.terminated.then(() => {
      this.#hosted.delete(id);
      this.onEnded();
    });
    peer.addExport(id, ref);
    for (const event of heard) peer.onControl({ kind: 'hear', id, event, isHeard: true } satisfies Control);
  }

  /** What a failure of an actor of this system is to whoever supervises it. */
  onFailure({ actor, phase, error, directive }: FailureReport): void {
    const id = this.peer.exportIdOf(actor);
    if (id === undefined || !this.#hosted.has(id)) return;
    // A start is named so again by who supervises it.
    const told = phase === 'start' && RuntimeError.is(error.cause) ? error.cause : error;
    const cause = RuntimeError.is(told.cause) ? told.cause.toWire() : undefined;
    const kind = directive === undefined ? 'reported' : 'failed';
    this.peer.say({ kind, ownId: id, phase, error: told.toWire(), cause });
  }

  /** Every dead letter is counted at the main thread. */
  onDeadLetter({ reason, to, name, kind, op, topic, payload, error }: DeadLetter): void {
    const ownId = (to && this.peer.exportIdOf(to)) ?? 0;
    const letter = { reason, kind, op, topic, error: error?.toWire() };
    try {
      this.peer.say({ kind: 'buried', ownId, name, letter: { ...letter, payload } });
    } catch {
      // What it held cannot be copied; that it was lost is told all the same.
      this.peer.say({ kind: 'buried', ownId, name, letter: { ...letter, payload: undefined } });
    }
  }
}
