import { AssertionError } from 'node:assert';
import {
  type ActorRef,
  ActorSystem,
  type ActorSystemOptions,
  crash,
  type DeadLetter,
  type FailureReport,
  type NoProtocol,
  type Protocol,
  type StopOptions,
  workOf,
} from '../actor/index.ts';
import { Broker } from '../broker/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { Registry } from '../registry/index.ts';
import { Ambient, ManualClock, SeededRandom } from '../time/index.ts';
import { PLAIN, SeededChooser } from './chooser.ts';
import { type DeadLetterMatch, type FailureMatch, fits, isCausedBy, showWanted, takeFirst } from './expect.ts';
import { type Fault, Faults } from './faults.ts';
import { LastWords, leaksOf } from './leaks.ts';
import { isNamed, type MessageMatch } from './message.ts';
import { Inbox, Probe } from './probe.ts';
import { type Answers, probeType } from './probe-type.ts';
import { Schedule } from './schedule.ts';
import { showList, showMessage, showWork } from './show.ts';

/** How a test's system is made: as any other, but for its time and its chance. */
export interface TestSystemOptions extends Omit<ActorSystemOptions, 'clock' | 'random'> {
  /**
   * Decides whose turn it is and how long that is, and every number of `random`. The same seed, the same run. Without one,
   * turns come as in production, first come, first served, and the numbers are those of seed 1.
   */
  readonly seed?: number;
  /** Default: a new one, at 0. */
  readonly clock?: ManualClock;
}

/** How often a fault of messages strikes. */
export interface Times {
  /** Messages that it befalls; then it is over. Default: every one that matches. */
  readonly times?: number;
}

/** Milliseconds of the test's clock that {@link TestSystem.until} lets pass at most: longer than any default deadline. */
const PATIENCE_MS = 60_000;

/** Milliseconds of the test's clock that a drain with its stop may take: the longest deadline of each. */
const DRAIN_MS_MAX = 2 * 3_600_000;

/** Milliseconds that a message is held back at most for another to overtake it. */
const OVERTAKE_MS = 1_000;

/** What a test's system is put together from. */
export interface TestParts {
  readonly options: ActorSystemOptions;
  readonly clock: ManualClock;
  readonly broker: Broker;
  readonly faults: Faults;
  readonly random: SeededRandom;
  readonly seed?: number | undefined;
}

/** The parts of a system whose turns `schedule` decides, and whose numbers `seed`. */
export function testParts(
  schedule: Schedule,
  { seed, clock, ...options }: TestSystemOptions & { readonly seed: number; readonly clock: ManualClock },
): TestParts {
  const faults = new Faults(clock, schedule);
  return { options, clock, broker: new Broker(), faults, random: new SeededRandom(seed) };
}

/**
 * An actor system for tests: its time stands still until it is told to move, what chance decides is decided by a seed, and
 * there are verbs to make things go wrong.
 *
 * Nothing runs until {@link settle}, {@link advance}, {@link elapse}, {@link until} or a probe lets it. All that is not a
 * promise of JavaScript or a callback of {@link clock} (I/O, timers of Node.js) has no place in it: it does not come in
 * that time, and is reported as what does not settle.
 *
 * Faults of messages are those of a network: they suspend promises that hold within one process, and only for the messages
 * that they befall. Faults of actors suspend none.
 *
 * @example
 * ```ts
 * await using system = TestSystem.create({ seed: 7 });
 * const mailer = system.probe();
 * const shop = system.spawn(shopOf(mailer.ref), 'shop');
 * shop.tell.order({ item: 'tea' });
 * await mailer.expectTell('send', { subject: 'tea is on its way' });
 * ```
 */
export class TestSystem extends ActorSystem {
  readonly clock: ManualClock;
  /** For what a test itself leaves to chance. */
  readonly random: SeededRandom;
  /** What decides whose turn it is, if that is not first come, first served. */
  readonly #seed: number | undefined;
  readonly #broker: Broker;
  readonly #faults: Faults;
  /** Puts this system's time and chance under the globals of what it runs. */
  readonly #ambient: Ambient;
  readonly #inboxes: Inbox[] = [];
  readonly #letters: DeadLetter[] = [];
  readonly #failures: FailureReport[];
  #closed: Promise<void> | undefined;

  /** Makes one. It is to be closed: `await using`, or {@link close}. @throws {RangeError} An option is out of range. */
  static create({ seed, clock = new ManualClock(), ...options }: TestSystemOptions = {}): TestSystem {
    const chooser = seed === undefined ? PLAIN : new SeededChooser(seed);
    const parts = testParts(new Schedule(clock, chooser), { ...options, seed: seed ?? 1, clock });
    return new TestSystem({ ...parts, seed });
  }

  /** Use {@link create}. */
  constructor({ options, clock, broker, faults, random, seed }: TestParts) {
    const failures: FailureReport[] = [];
    // A promise is handed on: what it comes to is ignored there.
    const onFailure = (report: FailureReport): unknown => {
      failures.push(report);
      return options.onFailure?.(report);
    };
    super({ ...options, clock, random, onFailure }, { names: new Registry(), topics: broker, intervention: faults });
    this.clock = clock;
    this.random = random;
    this.#seed = seed;
    this.#broker = broker;
    this.#faults = faults;
    this.#failures = failures;
    this.#ambient = new Ambient(clock, random);
    this.deadLetters.subscribe((letter) => void this.#letters.push(letter));
  }

  /** Dead letters that no {@link expectDeadLetter} has taken. */
  get letters(): readonly DeadLetter[] {
    return this.#letters;
  }

  /** Failures of actors that no {@link expectFailure} has taken. */
  get failures(): readonly FailureReport[] {
    return this.#failures;
  }

  // ── time ──

  /** Moves time by `ms` and runs what falls due, without waiting for promises. */
  advance(ms: number): void {
    this.#ambient.run(() => this.clock.advance(ms));
    this.#assertProgress();
  }

  /** Moves time by `ms`; runs what falls due, with all promises that this settles. */
  async elapse(ms: number): Promise<void> {
    await this.#ambient.run(() => this.clock.elapse(ms));
    this.#assertProgress();
  }

  /** Runs what can be run without time passing, with all promises that this settles. */
  async settle(): Promise<void> {
    await this.#ambient.run(() => this.clock.settle());
    this.#assertProgress();
  }

  /**
   * What `promise` comes to; lets actors work, and as little time pass as it takes. `await` alone would wait for ever:
   * nobody would move the clock.
   *
   * @param options.withinMs Milliseconds of the test's clock. Default 60_000.
   * @throws {AssertionError} It is pending after that time, or when nothing is left to be done; the message says who does what.
   */
  async until<T>(promise: PromiseLike<T>, { withinMs = PATIENCE_MS }: { readonly withinMs?: number } = {}): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.#drive(() => isSettled, withinMs);
    if (isSettled) return promise;
    const message = `A promise did not settle in ${withinMs} ms of the test's clock; what actors are in the middle of:\n${showList(this.unfinished())}`;
    throw new AssertionError({ message, operator: 'until', stackStartFn: this.until });
  }

  /** Who is in the middle of something that waits for a promise, one a line. */
  unfinished(): string[] {
    return [...this.actors()].flatMap(({ ref, name }) => {
      const work = workOf(ref);
      return work === undefined ? [] : [`"${name}" ${showWork(work)}`];
    });
  }

  /** What `work` returns, which finds this system's time and chance behind the globals, as actors do. */
  within<T>(work: () => T): T {
    return this.#ambient.run(work);
  }

  // ── looking ──

  /**
   * Spawns an actor that remembers what it is sent.
   *
   * @param protocol What it understands; without one, whatever it is sent.
   * @param options.name Default: none.
   * @param options.answers Replies to asks that it gives by itself, by operation.
   */
  probe<P extends Protocol = NoProtocol>(
    protocol?: P,
    { name, answers = {} }: { readonly name?: string; readonly answers?: Answers } = {},
  ): Probe<P> {
    const seed = this.#seed === undefined ? '' : ` with seed ${this.#seed}`;
    const describeNow = (): string => `at ${this.clock.nowMs()} ms${seed}`;
    const inbox = new Inbox((isDone, withinMs) => this.#drive(isDone, withinMs), describeNow);
    this.#inboxes.push(inbox);
    const ref = this.spawn(probeType(inbox, answers, protocol), name) as unknown as ActorRef<P>;
    return new Probe(ref, inbox);
  }

  /**
   * Takes the first dead letter that fits, after {@link settle}.
   *
   * @throws {AssertionError} There is none; the message shows those that there are.
   */
  async expectDeadLetter(match: DeadLetterMatch = {}): Promise<DeadLetter> {
    await this.settle();
    const { to, ...rest } = match;
    const isIt = (letter: DeadLetter): boolean => (isNamed(letter.to, to) || letter.name === to) && fits(letter, rest);
    const show = (letter: DeadLetter): string => `${letter.reason}: ${showMessage(letter)} to "${letter.name}"`;
    return takeFirst(this.#letters, {
      isIt,
      show,
      what: `dead letter ${showWanted(match)}`,
      caller: this.expectDeadLetter,
    });
  }

  /**
   * Takes the first failure that fits, after {@link settle}.
   *
   * @throws {AssertionError} There is none; the message shows those that there are.
   */
  async expectFailure(match: FailureMatch = {}): Promise<FailureReport> {
    await this.settle();
    const { actor, phase, directive, cause } = match;
    const isIt = (report: FailureReport): boolean =>
      isNamed(report.actor, actor) &&
      (phase === undefined || report.phase === phase) &&
      (directive === undefined || report.directive?.kind === directive) &&
      (cause === undefined || isCausedBy(report.error, cause));
    const show = ({ phase: during, error, directive: then }: FailureReport): string =>
      `${during}: ${error.message}${then === undefined ? '' : ` (${then.kind})`}`;
    return takeFirst(this.#failures, { isIt, show, what: `failure ${showWanted(match)}`, caller: this.expectFailure });
  }

  // ── faults of actors: every promise of the runtime holds ──

  /**
   * Makes an actor fail at once, whatever it is doing, as if its code had thrown: also in the middle of a message that waits
   * for a promise. Its supervision decides what follows.
   *
   * @returns Whether there was something to fail: not before it has started, between two incarnations, or after its end.
   */
  crash(ref: ActorRef, error: RuntimeError = new RuntimeError('ACTOR_FAILED', 'crashed by the test')): boolean {
    return crash(ref, error);
  }

  /** Gives the actor no turn until {@link resume}. What it is sent waits. Not even a stop gets through, until its deadline. */
  pause(ref: ActorRef): Fault {
    return toFault(this.#faults.schedule.pause(ref.name));
  }

  /** Ends every pause of the actor. */
  resume(ref: ActorRef): void {
    this.#faults.schedule.resume(ref.name);
  }

  /** Lets the actor handle one message at a time, and the next no sooner than `byMs` later. Others go on meanwhile. */
  slow(ref: ActorRef, { byMs }: { readonly byMs: number }): Fault {
    if (!(byMs > 0)) throw new RangeError(`An actor is slowed by more than 0 milliseconds, not ${byMs}`);
    return toFault(this.#faults.schedule.slow(ref.name, byMs));
  }

  /**
   * Lets the actor's mailbox seem full: its overflow policy decides over what is sent. With `drop-oldest`, what is lost is
   * nothing that anybody sent.
   */
  fill(ref: ActorRef): Fault {
    return this.#faults.fill(ref.name);
  }

  // ── faults of messages: those of a network ──

  /**
   * Loses messages on their way. Their senders believe that they arrived. Suspends S1, and S12: what is lost is no dead
   * letter. An ask that is lost ends by its deadline, as S6 says.
   */
  drop(match?: MessageMatch, { times = Number.POSITIVE_INFINITY }: Times = {}): Fault {
    return this.#faults.drop(match, times);
  }

  /**
   * Lets messages come `byMs` later; others overtake them. Suspends S2 and, for topics, the order of S12. What then finds the
   * mailbox full is a dead letter, though its sender was told `ok`.
   */
  delay(
    match: MessageMatch | undefined,
    { byMs, times = Number.POSITIVE_INFINITY }: { readonly byMs: number } & Times,
  ): Fault {
    if (!(byMs > 0)) throw new RangeError(`A message is delayed by more than 0 milliseconds, not ${byMs}`);
    return this.#faults.delay(match, times, byMs);
  }

  /**
   * Lets messages come twice, the second time `afterMs` later (default 0: right behind the first). Suspends "once" of S1 and
   * S12. The asker gets the reply to the first.
   */
  duplicate(
    match?: MessageMatch,
    { afterMs = 0, times = Number.POSITIVE_INFINITY }: { readonly afterMs?: number } & Times = {},
  ): Fault {
    return this.#faults.duplicate(match, times, afterMs);
  }

  /**
   * Lets the next message to the same actor overtake those that match. If none comes within `withinMs` (default 1_000), there
   * was nothing to be overtaken by. Suspends S2 and, for topics, the order of S12.
   */
  reorder(
    match?: MessageMatch,
    { withinMs = OVERTAKE_MS, times = Number.POSITIVE_INFINITY }: { readonly withinMs?: number } & Times = {},
  ): Fault {
    return this.#faults.reorder(match, times, withinMs);
  }

  /** Ends all faults. What is held back comes at once; what was lost stays lost. */
  heal(): void {
    this.#faults.heal();
  }

  // ── the end ──

  /** As of `ActorSystem`; lets the time pass that it takes. */
  override stop(options?: StopOptions): Promise<void> {
    return this.until(super.stop(options), { withinMs: PATIENCE_MS + (options?.deadlineMs ?? 0) });
  }

  /** As of `ActorSystem`; lets the time pass that it takes. */
  override drain(options?: StopOptions): Promise<void> {
    return this.until(super.drain(options), { withinMs: DRAIN_MS_MAX });
  }

  /**
   * Ends all faults, stops the system as it is (what waits in mailboxes is not handled any more), lets the time pass that it
   * takes, and looks at what is left: actors that did not end and had to be killed, timers, subscriptions, pending asks,
   * callbacks. What faults hold back never comes.
   *
   * @throws {AssertionError} Something is left; the message names it.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#faults.discard();
    for (const { open } of this.#inboxes) for (const giveUp of open) giveUp();
    const lastWords = new LastWords(this);
    using _ = this.#ambient;
    await this.stop();
    await this.settle();
    const leaks = leaksOf({
      system: this,
      clock: this.clock,
      openAsks: this.#faults.openAsks,
      subscriptions: this.#broker.subscriptions,
      killed: lastWords.killed(),
    });
    if (leaks.length === 0) return;
    const message = `Something is left of a system that has stopped:\n${showList(leaks)}`;
    throw new AssertionError({ message, actual: leaks, expected: [], operator: 'close', stackStartFn: this.close });
  }

  /** @throws {AssertionError} Actors keep one another busy. */
  #assertProgress(): void {
    const { schedule } = this.#faults;
    if (!schedule.isEndless) return;
    const message = `Actors keep one another busy: ${schedule.turnsMax} turns, and no time has passed. Next would be:\n${showList(schedule.next)}`;
    throw new AssertionError({ message, operator: 'settle', stackStartFn: this.settle });
  }

  /** Lets actors work until `isDone`, and time pass from one timer to the next, `withinMs` at most. */
  async #drive(isDone: () => boolean, withinMs: number): Promise<void> {
    const { clock } = this;
    const endMs = clock.nowMs() + withinMs;
    for (;;) {
      await this.settle();
      if (isDone()) return;
      const nextMs = Math.min(clock.nextTimerMs ?? endMs, endMs);
      if (clock.nowMs() >= endMs) return;
      await this.elapse(Math.max(0, nextMs - clock.nowMs()));
    }
  }
}

function toFault(undo: () => void): Fault {
  let isOver = false;
  const end = (): void => {
    if (!isOver) undo();
    isOver = true;
  };
  return { hits: 1, end, [Symbol.dispose]: end };
}
