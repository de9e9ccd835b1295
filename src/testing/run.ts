import type { FailureReport } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock, type TimerHandle } from '../time/index.ts';
import { assertionIn } from './causes.ts';
import { type Chooser, PLAIN, ScriptedChooser } from './chooser.ts';
import { Draw } from './draw.ts';
import type { Fault, Faults } from './faults.ts';
import { Fingerprint } from './fingerprint.ts';
import { Schedule } from './schedule.ts';
import { showMessage } from './show.ts';
import { Story } from './story.ts';
import { strikesOf } from './strike.ts';
import { TestSystem, testParts } from './test-system.ts';
import type { Trace, TraceStep, World } from './world.ts';

/** Of a hundred steps, those that are actions and those in which time passes; the rest are faults. */
const ACTIONS_PERCENT = 60;
const WAITS_PERCENT = 15;

/** Milliseconds that pass in a step. */
const WAITS_MS = [1, 10, 100, 1_000, 10_000] as const;

/** Turns after which a step may be over although more could be done; one less, and 0 means: until all is done. */
const LEAD_MAX = 8;

/** Messages of a turn: few, so that turns of others come between. */
const THROUGHPUT = 8;

/** Turns at one moment of the clock; more means that actors keep one another busy for ever. */
const TURNS_MAX = 20_000;

/** Milliseconds in which everything comes to rest: longer than any default deadline. */
const REST_MS = 60_000;

/** Why a run failed. */
export interface Broken {
  /** What makes two failures the same. */
  readonly what: string;
  readonly cause: unknown;
}

/** What became of a run. */
export interface Outcome {
  readonly trace: Trace;
  readonly broken: Broken | undefined;
  /** The same for two runs in which the same happened at the same time. */
  readonly fingerprint: number;
  readonly messages: number;
  /** What happened, one a line; only if it was asked for. */
  readonly story: readonly string[];
}

/** Where the steps of a run come from: its trace, or chance. */
export interface Script {
  readonly seed: number;
  /** The kind and name of each step, or where to draw it from. */
  readonly steps: readonly TraceStep[] | { readonly count: number; readonly source: Chooser };
  readonly isTold: boolean;
}

/** Runs a world once. It rejects only for a trace that is not of this world. */
export async function runOnce<W>(world: World<W>, script: Script): Promise<Outcome> {
  const run = new Run(world, script);
  return run.go();
}

class Run<W> {
  readonly #world: World<W>;
  readonly #script: Script;
  readonly #clock = new ManualClock();
  readonly #system: TestSystem;
  readonly #faults: Faults;
  readonly #strikes: ReturnType<typeof strikesOf>;
  readonly #recorded: TraceStep[] = [];
  readonly #story = new Story();
  /** Actions that were begun and are under way. */
  readonly #underWay = new Map<symbol, string>();
  /** Timers that end faults. */
  readonly #ends: TimerHandle[] = [];
  #broken: Broken | undefined;
  readonly #fingerprint = new Fingerprint();
  #messages = 0;

  constructor(world: World<W>, script: Script) {
    this.#world = world;
    this.#script = script;
    const schedule = new Schedule(this.#clock, PLAIN, TURNS_MAX);
    const onFailure = ({ error, directive }: FailureReport): void => {
      this.#note(`✗ ${error.message}${directive === undefined ? '' : `: ${directive.kind}`}`);
    };
    const parts = testParts(schedule, { seed: script.seed, clock: this.#clock, throughput: THROUGHPUT, onFailure });
    this.#faults = parts.faults;
    this.#system = new TestSystem(parts);
    this.#strikes = strikesOf(world.faults);
    this.#faults.onTraffic = (message) => {
      this.#messages++;
      const { sender, to, op, payload } = message;
      this.#fingerprint.mix(`${this.#clock.nowMs()} ${sender?.name ?? ''} ${to.name} ${op}`);
      this.#fingerprint.mixValue(payload);
      if (script.isTold) this.#note(`→ "${to.name}": ${showMessage(message)}`);
    };
    this.#system.deadLetters.subscribe((letter) => {
      if (script.isTold) this.#note(`† "${letter.name}": ${showMessage(letter)}: dead letter, ${letter.reason}`);
    });
  }

  go(): Promise<Outcome> {
    return this.#system.within(() => this.#go());
  }

  async #go(): Promise<Outcome> {
    try {
      const started = await this.#setUp();
      if (started !== undefined) {
        this.#check(started.world);
        for (let i = 0; this.#broken === undefined && i < this.#count; i++) await this.#step(started.world, i);
        if (this.#broken === undefined) await this.#rest(started.world);
      }
    } finally {
      this.#faults.onTraffic = () => {};
      await this.#close();
    }
    this.#fingerprint.mix(this.#broken?.what ?? 'held');
    return {
      trace: { seed: this.#script.seed, steps: this.#recorded },
      broken: this.#broken,
      fingerprint: this.#fingerprint.value,
      messages: this.#messages,
      story: this.#story.lines,
    };
  }

  async #setUp(): Promise<{ readonly world: W } | undefined> {
    const system = this.#system;
    try {
      const world = await system.until(Promise.resolve(this.#world.setup(system)));
      await system.settle();
      return { world };
    } catch (thrown) {
      this.#break('the setup failed', thrown);
      return undefined;
    }
  }

  get #count(): number {
    const { steps } = this.#script;
    return 'count' in steps ? steps.count : steps.length;
  }

  async #step(world: W, index: number): Promise<void> {
    const { steps } = this.#script;
    const source = 'count' in steps ? steps.source : PLAIN;
    const { kind, name, draws, turns } = 'count' in steps ? this.#invent(steps.source) : (steps[index] as TraceStep);
    const drawn = new ScriptedChooser(draws, source);
    const taken = new ScriptedChooser(turns, source);
    const draw = new Draw(drawn);
    const { schedule } = this.#faults;
    const entitle = this.#story.begin();
    schedule.chooser = taken;
    if (kind === 'wait') {
      schedule.allow(Number.POSITIVE_INFINITY);
      await this.#work(() => this.#system.elapse(draw.pick(WAITS_MS)));
    } else {
      schedule.allow(0);
      this.#perform(world, { kind, name, draw });
      const turnsLeft = taken.below(LEAD_MAX);
      schedule.allow(turnsLeft === 0 ? Number.POSITIVE_INFINITY : turnsLeft - 1);
      await this.#work(() => this.#system.settle());
    }
    this.#recorded.push({ kind, name, draws: drawn.taken, turns: taken.taken });
    if (this.#script.isTold) entitle(`${index + 1}. ${kind === 'action' ? '' : `${kind} `}${name}(${draw})`);
    this.#check(world);
  }

  #invent(source: Chooser): TraceStep {
    const actions = Object.keys(this.#world.actions);
    const faults = [...this.#strikes.keys()];
    const percent = source.below(100);
    const pick = (names: readonly string[]): string => names[source.below(names.length)] as string;
    const none = { draws: [], turns: [] };
    if (percent >= ACTIONS_PERCENT + WAITS_PERCENT && faults.length > 0) {
      return { kind: 'fault', name: pick(faults), ...none };
    }
    if (percent >= ACTIONS_PERCENT && percent < ACTIONS_PERCENT + WAITS_PERCENT) {
      return { kind: 'wait', name: 'ms', ...none };
    }
    return { kind: 'action', name: pick(actions), ...none };
  }

  #perform(world: W, { kind, name, draw }: { kind: TraceStep['kind']; name: string; draw: Draw }): void {
    const system = this.#system;
    if (kind === 'fault') {
      const note = (event: string): void => this.#note(event);
      const endLater = (fault: Fault, afterMs: number): void => {
        this.#ends.push(this.#clock.after(afterMs, () => fault.end()));
      };
      const strike = this.#strikes.get(name);
      if (strike === undefined) throw new RangeError(`The trace has a fault "${name}", and the simulation has none`);
      strike({ system, draw, note, endLater });
      return;
    }
    const action = this.#world.actions[name];
    if (action === undefined) throw new RangeError(`The trace has an action "${name}", and the simulation has none`);
    const failed = (thrown: unknown): void => {
      if (!RuntimeError.is(thrown)) this.#break(`action "${name}" failed`, thrown);
    };
    try {
      const result = action(world, draw, system);
      if (!(result instanceof Promise)) return;
      const key = Symbol(name);
      this.#underWay.set(key, name);
      result.catch(failed).finally(() => this.#underWay.delete(key));
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** Looks at what must hold after every step. */
  #check(world: W): void {
    this.#fingerprint.mix(`${this.#clock.nowMs()} ${this.#system.size} ${this.#system.failures.length}`);
    for (const { error } of this.#system.failures) {
      const assertion = assertionIn(error);
      if (assertion !== undefined) this.#break('an assertion in an actor failed', assertion);
    }
    for (const [name, holds] of Object.entries(this.#world.invariants ?? {})) {
      if (this.#broken !== undefined) return;
      try {
        const result: unknown = holds(world, this.#system);
        if (result instanceof Promise)
          throw new TypeError(`Invariant "${name}" must not wait: put it into "eventually"`);
      } catch (thrown) {
        this.#break(`invariant "${name}" does not hold`, thrown);
      }
    }
  }

  /** The faults are over: everything comes to rest, and what must hold then is looked at. */
  async #rest(world: W): Promise<void> {
    const system = this.#system;
    const { restMs = REST_MS, eventually = {} } = this.#world;
    this.#faults.schedule.chooser = PLAIN;
    this.#endFaults();
    const endMs = this.#clock.nowMs() + restMs;
    this.#story.begin('at rest');
    await this.#work(() => system.settle());
    while (this.#broken === undefined && !this.#isAtRest() && this.#clock.nowMs() < endMs) {
      const nextMs = Math.min(this.#clock.nextTimerMs ?? endMs, endMs);
      await this.#work(() => system.elapse(Math.max(0, nextMs - this.#clock.nowMs())));
    }
    this.#check(world);
    if (this.#broken === undefined && !this.#isAtRest()) {
      this.#break(`it does not settle in ${restMs} ms of its clock`, new Error(this.#unrest().join('; ')));
    }
    for (const [name, holds] of Object.entries(eventually)) {
      if (this.#broken !== undefined) return;
      try {
        await system.until(Promise.resolve(holds(world, system)));
      } catch (thrown) {
        this.#break(`"${name}" does not hold when all has come to rest`, thrown);
      }
    }
  }

  /** Lets actors work. What that throws is that they never come to an end. */
  async #work(go: () => Promise<void>): Promise<void> {
    try {
      await go();
    } catch (thrown) {
      this.#break('actors keep one another busy', thrown);
    }
  }

  #isAtRest(): boolean {
    if (this.#underWay.size > 0) return false;
    for (const { busy, state } of this.#system.actors()) if (busy || state !== 'running') return false;
    return true;
  }

  #unrest(): string[] {
    const works = this.#system.unfinished();
    const actions = [...this.#underWay.values()].map((name) => `action "${name}" is under way`);
    if (works.length + actions.length === 0) return ['actors keep one another busy'];
    const hint =
      'only the clock of the system, and what actors tell one another, is waited for: no I/O, no timers of Node.js';
    return [...works, ...actions, hint];
  }

  #endFaults(): void {
    for (const timer of this.#ends) timer.cancel();
    this.#system.heal();
  }

  async #close(): Promise<void> {
    this.#endFaults();
    try {
      await this.#system.stop();
      // What an incarnation was waiting for when it was cut off runs out by itself.
      await this.#system.elapse(this.#world.restMs ?? REST_MS);
    } catch (thrown) {
      this.#break('it does not stop', thrown);
    }
    try {
      await this.#system.close();
    } catch (thrown) {
      // What broke first is what is looked for.
      this.#break('something is left when the system has stopped', thrown);
    }
  }

  #break(what: string, cause: unknown): void {
    this.#broken ??= { what, cause };
    if (this.#script.isTold) this.#story.end(this.#system);
  }

  #note(event: string): void {
    if (this.#script.isTold) this.#story.note(`${formatMs(this.#clock.nowMs())} ${event}`);
  }
}

/** Milliseconds for people, who compare them. */
function formatMs(ms: number): string {
  return `${Math.round(ms)} ms`.padStart(8);
}
