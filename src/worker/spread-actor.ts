import type { FailureReport, Far, Header, RemoteActor, StreamSession, Termination } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Recipe } from './control.ts';
import type { OtherSide } from './known.ts';
import { PlacedActor, type Workplaces } from './placed-actor.ts';

/** One of several places where an actor is run. */
export interface SpreadPlace {
  readonly workplaces: Workplaces;
  readonly recipe: Recipe;
}

/**
 * An actor that is run by several workers at once, for one cell of this thread: one that has no mailbox to share, since what it
 * does comes to it beside its messages.
 *
 * It has started when all of its parts have. One whose worker is lost begins again on the next worker of its place, and the others
 * go on; any other failure of a part is the actor's. It fails with `WORKER_LOST` when the last place is given up.
 */
export class SpreadActor implements Far {
  readonly #actor: RemoteActor;
  readonly #parts: readonly Part[];
  /** Of the present incarnation. */
  #starting: PromiseWithResolvers<void> | undefined;
  #incarnation = 0;

  constructor(actor: RemoteActor, places: readonly SpreadPlace[]) {
    this.#actor = actor;
    this.#parts = places.map((place) => new Part(actor, place, (part) => this.#begin(part)));
  }

  /** Where it is now. */
  get there(): readonly OtherSide[] {
    return this.#parts.flatMap(({ placed }) => placed.there ?? []);
  }

  get hasRoom(): boolean {
    return this.#parts.some(({ placed }) => placed.hasRoom);
  }

  start(): Promise<void> {
    const starting = Promise.withResolvers<void>();
    this.#starting = starting;
    this.#incarnation++;
    for (const part of this.#parts) this.#begin(part);
    return starting.promise;
  }

  /** Begins a part, as often as its worker is lost. */
  #begin(part: Part): void {
    const incarnation = this.#incarnation;
    part.start().then(
      () => this.#onStarted(part, incarnation),
      (error: unknown) => {
        if (incarnation === this.#incarnation) this.#onNotStarted(part, RuntimeError.from(error));
      },
    );
  }

  #onStarted(part: Part, incarnation: number): void {
    if (incarnation !== this.#incarnation) return;
    part.begin();
    this.#settle();
  }

  /** A place that was given up is not waited for, unless it is the last. */
  #settle(): void {
    if (this.#parts.some(({ isLive, isGivenUp }) => !isLive && !isGivenUp)) return;
    this.#starting?.resolve();
    this.#starting = undefined;
  }

  /** Resolves when it runs at all of its places. */
  async whenAllLive(): Promise<void> {
    await Promise.all(this.#parts.map(({ live }) => live));
  }

  /** Resolves when it runs at that place. */
  whenLive(place: number): Promise<void> {
    return this.#parts[place]?.live ?? Promise.resolve();
  }

  #onNotStarted(part: Part, error: RuntimeError): void {
    if (error.code === 'WORKER_LOST') {
      if (!part.isGivenUp) {
        this.#begin(part);
        return;
      }
      if (this.#parts.some(({ isGivenUp }) => !isGivenUp)) {
        this.#settle();
        return;
      }
    }
    this.#fail('start', error);
  }

  #fail(phase: FailureReport['phase'], error: RuntimeError): void {
    const starting = this.#starting;
    this.#starting = undefined;
    if (starting === undefined) this.#actor.failed(phase, error);
    else starting.reject(error);
  }

  send(payload: unknown, header: Header): void {
    this.#parts.find(({ placed }) => placed.hasRoom)?.placed.send(payload, header);
  }

  closeStream(session: StreamSession): void {
    for (const { placed } of this.#parts) placed.closeStream(session);
  }

  end(isForGood: boolean): Promise<void> | undefined {
    this.#over();
    const ends = this.#parts.flatMap(({ placed }) => placed.end(isForGood) ?? []);
    return ends.length === 0 ? undefined : Promise.all(ends).then(() => undefined);
  }

  dispose(reason: RuntimeError | undefined): void {
    this.#over();
    for (const { placed } of this.#parts) placed.dispose(reason);
  }

  #over(): void {
    this.#incarnation++;
    this.#starting = undefined;
    for (const part of this.#parts) part.over();
  }

  ended(): void {
    for (const { placed } of this.#parts) placed.ended();
  }

  hear(event: string, isHeard: boolean): void {
    for (const { placed } of this.#parts) placed.hear(event, isHeard);
  }

  unbound(header: Header): void {
    for (const { placed } of this.#parts) placed.unbound(header);
  }
}

/** An actor at one of its places: the cell as that place sees it, whose loss is not the actor's. */
class Part implements RemoteActor {
  readonly placed: PlacedActor;
  isLive = false;
  #live = Promise.withResolvers<void>();
  /** No worker will come to its place any more. */
  isGivenUp = false;
  readonly #cell: RemoteActor;
  readonly #again: (part: Part) => void;

  constructor(cell: RemoteActor, { workplaces, recipe }: SpreadPlace, again: (part: Part) => void) {
    this.#cell = cell;
    this.#again = again;
    const choose = async (): Promise<OtherSide> => {
      try {
        return await workplaces.choose();
      } catch (error) {
        this.isGivenUp = true;
        throw error;
      }
    };
    this.placed = new PlacedActor(this, { workplaces: { choose }, recipe });
  }

  start(): Promise<void> {
    return this.placed.start();
  }

  /** Resolves when it runs. */
  get live(): Promise<void> {
    return this.#live.promise;
  }

  begin(): void {
    this.isLive = true;
    this.#live.resolve();
  }

  over(): void {
    if (this.isLive) this.#live = Promise.withResolvers();
    this.isLive = false;
  }

  lost(): void {
    if (!this.isLive) return;
    this.over();
    this.#again(this);
  }

  // ── all else is the cell's ──

  get ref() {
    return this.#cell.ref;
  }
  get actor() {
    return this.#cell.actor;
  }
  get elsewhere(): number {
    return this.#cell.elsewhere;
  }
  get isStopped(): boolean {
    return this.#cell.isStopped;
  }
  get restartsAtEnd(): boolean {
    return this.#cell.restartsAtEnd;
  }
  get profile() {
    return this.#cell.profile;
  }
  get heard(): readonly string[] {
    return this.#cell.heard;
  }
  forgetAsk(header: Header): void {
    this.#cell.forgetAsk(header);
  }
  wake(): void {
    this.#cell.wake();
  }
  taken(count: number, isBusy: boolean): void {
    this.#cell.taken(count, isBusy);
  }
  addAsk(header: Header): void {
    this.#cell.addAsk(header);
  }
  emit(event: string, payload: unknown): void {
    this.#cell.emit(event, payload);
  }
  failed(phase: FailureReport['phase'], error: RuntimeError): void {
    this.#cell.failed(phase, error);
  }
  endedSelf(): void {
    this.#cell.endedSelf();
  }
  terminated(termination: Termination): void {
    this.#cell.terminated(termination);
  }
  report(phase: FailureReport['phase'], error: RuntimeError): void {
    this.#cell.report(phase, error);
  }
  bury(...[reason, lost, error]: Parameters<RemoteActor['bury']>): void {
    this.#cell.bury(reason, lost, error);
  }
}
