import { RuntimeError } from '../../errors/index.ts';
import { type CanonContext, dropUnreceived, fail, type InstanceState } from '../abi/index.ts';
import { PAGE_BYTES } from '../admission/index.ts';
import { nodeRoom } from '../room/index.ts';
import type { Call, Turn } from './calls.ts';
import type { CompiledExport, HookKind } from './compiled.ts';
import { cannotSuspend } from './failures.ts';
import { FUEL_SLICE, type FuelGauge, type FuelSupply } from './fuel.ts';

/** What an entrance needs of the instance that it belongs to. */
export interface Surrounding {
  /** Why the instance ended, or is about to. */
  readonly failure: RuntimeError | undefined;
  readonly fuel: FuelSupply;
  /** Whether the call under way is one that another component of the composition waits for. */
  readonly isInside: boolean;
  context(number: number): CanonContext;
  /** The exported pump of a core module, made promising. */
  promisingPump(step: number): () => Promise<void>;
  /** A memory of it may not grow by so many bytes. */
  noteRefusal(bytes: number): void;
  /** A call begins: what was refused before is no reason for its end. */
  forgetRefusal(): void;
  /** Ends the instance for what came out of the wasm of one component instance; gives the reason. */
  fail(thrown: unknown, state: InstanceState): RuntimeError;
}

/** Hooks that know nothing of the core module that calls them. */
type SharedHook = Extract<HookKind, 'await' | 'result' | 'arg'>;

const resumed = (): void => nodeRoom().resume();

/**
 * The way into one component instance: calls pass one at a time, whether they come from the host or from another
 * component of the same composition. It answers the hooks that admission put into the instance's core modules.
 *
 *     turn ──take──► lower arguments ──► core function ──► lift result ──done──► turn
 *                          ▲                    │ blocking import
 *                          └── suspend ◄────────┘
 */
export class Entrance {
  private readonly surrounding: Surrounding;
  private readonly state: InstanceState;
  /** Promising pumps by step, made when first used. */
  private readonly pumps: ((() => Promise<void>) | undefined)[] = [undefined];
  /** Hooks are shared by the core modules of one component instance. */
  private readonly hooks: Partial<Record<SharedHook, unknown>> = {};
  private turn: Turn | undefined;
  private starting = false;
  private step = -1;
  private current: CompiledExport | undefined;
  private readonly flat: (number | bigint)[] = [0];
  private cursor = 0;
  private turnOver = false;
  private abort: ((reason: RuntimeError) => void) | undefined;

  constructor(surrounding: Surrounding, state: InstanceState) {
    this.surrounding = surrounding;
    this.state = state;
    state.pay = () => this.pay();
  }

  /** Whether a call, or a start function, is under way. */
  get busy(): boolean {
    return this.turn !== undefined || this.starting;
  }

  /** Runs a start function, during which nobody enters. */
  async start(run: () => Promise<void>): Promise<void> {
    this.starting = true;
    this.state.mayEnter = false;
    await run();
    this.state.mayEnter = true;
    this.starting = false;
  }

  /**
   * Takes the calls of `turn` that are for core module `step`. Returns nothing when they are done at once, a promise
   * when the guest waits. What goes wrong ends the instance, and always comes as a rejection.
   */
  enter(turn: Turn, step: number): Promise<void> | undefined {
    this.turn = turn;
    this.step = step;
    this.turnOver = false;
    this.state.mayEnter = false;
    const running = this.promisingPump(step)();
    if (this.turnOver) return this.leave();
    return running.then(
      () => this.leave(),
      (error: unknown) => {
        throw this.surrounding.fail(error, this.state);
      },
    );
  }

  private leave(): undefined {
    this.turn = undefined;
    this.state.mayEnter = true;
    const { failure } = this.surrounding;
    if (failure !== undefined) throw this.surrounding.fail(failure, this.state);
    return undefined;
  }

  private promisingPump(step: number): () => Promise<void> {
    let pump = this.pumps[step];
    if (pump === undefined) {
      pump = this.surrounding.promisingPump(step);
      this.pumps[step] = pump;
    }
    return pump;
  }

  /** The function behind a hook of a core module whose fuel is on `gauge`. */
  hook(kind: HookKind, gauge: FuelGauge): unknown {
    switch (kind) {
      case 'refuel':
        return (left: number) => (left > 0 ? this.refuse(left) : this.refuel(gauge, left));
      case 'take':
        return (left: number) => this.take(gauge, left);
      case 'done':
        return (left: number) => this.finish(undefined, gauge, left);
      case 'done-value':
        return (result: number | bigint, left: number) => this.finish(result, gauge, left);
      default:
        this.hooks[kind] ??= this.sharedHook(kind);
        return this.hooks[kind];
    }
  }

  private sharedHook(kind: SharedHook): unknown {
    switch (kind) {
      case 'await':
        return new WebAssembly.Suspending(() => this.suspend());
      case 'result':
        return () => this.state.suspension.value;
      case 'arg':
        return () => this.flat[this.cursor++];
    }
  }

  /** Hook: the module's code has used up its fuel. Gives what there is now, or 0 if it has to wait. */
  private refuel(gauge: FuelGauge, left: number): number {
    const { surrounding, state } = this;
    if (surrounding.failure !== undefined) throw surrounding.failure;
    try {
      const granted = this.ask(gauge.used(left));
      if (typeof granted === 'number') {
        gauge.grant(granted);
        return granted;
      }
      gauge.grant(0);
      // Nobody looks at what a host function left here: it is done with, or has not begun.
      state.suspension.promise = granted;
      return 0;
    } catch (error) {
      throw fail(state, error);
    }
  }

  /** Hook: a memory was not allowed to grow by so many pages. */
  private refuse(pages: number): number {
    this.surrounding.noteRefusal(pages * PAGE_BYTES);
    return 0;
  }

  /**
   * Pays `units` that were used up and what is owed, and asks for more. Where the guest cannot be suspended it stays owed, so
   * that it is paid, and waited for, as soon as it can be.
   */
  private ask(units: number): number | Promise<void> {
    const { debt, entered } = this.state;
    const { fuel } = this.surrounding;
    debt.units += units;
    if (entered === 0) return fuel.refuel(debt.take(), undefined);
    const granted = fuel.refuel(debt.takeNew(), debt.takeEntries());
    if (typeof granted !== 'number') throw cannotSuspend();
    return granted;
  }

  /** The guest has called the host, and owes much. Gives a promise if it has to wait before it goes on. */
  private pay(): Promise<void> | undefined {
    const { surrounding, state } = this;
    if (surrounding.failure !== undefined) throw surrounding.failure;
    try {
      const granted = this.ask(0);
      return typeof granted === 'number' ? undefined : granted.then(() => this.pay());
    } catch (error) {
      throw fail(state, error);
    }
  }

  /** Hook: lowers the next call. 0 ends the pump; otherwise the function to run. */
  private take(gauge: FuelGauge, left: number): number {
    this.spend(gauge, left);
    const turn = this.turn as Turn;
    const { surrounding, state } = this;
    for (;;) {
      if (surrounding.failure !== undefined) throw surrounding.failure;
      const call = turn.take(this.step);
      if (surrounding.failure !== undefined) throw surrounding.failure;
      state.mayLeave = true;
      if (call === undefined) {
        this.turnOver = true;
        return 0;
      }
      surrounding.forgetRefusal();
      if (!this.lower(call)) continue;
      // What was read of the arguments may have been code of the host's.
      if (surrounding.failure !== undefined) throw surrounding.failure;
      gauge.grant(FUEL_SLICE);
      return (this.current as CompiledExport).target;
    }
  }

  /** What a call from another component of the composition used is owed: that one pays when it goes on, and waits if it has to. */
  private spend(gauge: FuelGauge, left: number): void {
    const { debt } = this.state;
    const { fuel, isInside } = this.surrounding;
    debt.units += gauge.used(left);
    if (debt.units > 0 && !isInside) fuel.spend(debt.take());
  }

  /** Tells whether the arguments fit; if not, whoever called knows. */
  private lower(call: Call): boolean {
    const func = call.func as CompiledExport;
    const { state } = this;
    state.liftBudget = state.liftBudgetMax;
    this.current = func;
    this.cursor = 0;
    try {
      func.stub.lower(this.surrounding.context(func.context), call.args, this.flat);
      return true;
    } catch (error) {
      if (!RuntimeError.is(error, 'VALUE_INVALID')) throw error;
      state.mayLeave = true;
      (this.turn as Turn).source.invalid(error);
      return false;
    }
  }

  /**
   * Hook: lifts the result of the call taken last, and takes the next one. Before that its post-return runs, if there
   * is one, and may not leave the instance.
   */
  private finish(result: number | bigint | undefined, gauge: FuelGauge, left: number): number {
    const { surrounding, state } = this;
    if (surrounding.failure !== undefined) throw surrounding.failure;
    const func = this.current as CompiledExport;
    const value = func.stub.lift(surrounding.context(func.context), result);
    try {
      this.spend(gauge, left);
    } catch (error) {
      if (func.type.result !== undefined) dropUnreceived(state, func.type.result, value);
      throw error;
    }
    if (func.hasPostReturn) state.mayLeave = false;
    (this.turn as Turn).source.done(value);
    return func.hasPostReturn ? 0 : this.take(gauge, left);
  }

  /** What the guest's stack waits for: the host's promise, or a kill if that comes first. */
  private suspend(): Promise<void> {
    const { suspension } = this.state;
    const pending = suspension.promise as Promise<unknown>;
    const { failure } = this.surrounding;
    if (failure !== undefined) throw failure;
    this.countSuspended(pending);
    const wait = new Promise<void>((resolve, reject) => {
      this.abort = reject;
      pending.then(() => {
        this.abort = undefined;
        // Not before: what stands here when a guest ends is how one that could not be suspended is known.
        suspension.promise = undefined;
        if (this.surrounding.failure === undefined) resolve();
        else reject(this.surrounding.failure);
      }, reject);
    });
    // Where the stack cannot be suspended V8 drops the promise, in Node.js 24 after it has asked for it; its rejection
    // would end the process.
    wait.then(resumed, resumed);
    return wait;
  }

  /** Ends the guest if one more stack that waits might end the process. */
  private countSuspended(pending: Promise<unknown>): void {
    try {
      nodeRoom().suspend();
    } catch (error) {
      // Nobody hears of it any more.
      pending.catch(() => undefined);
      throw fail(this.state, error);
    }
  }

  /** Ends a wait with `reason`; tells whether there was one. */
  stopWaiting(reason: RuntimeError): boolean {
    const { abort } = this;
    if (abort === undefined) return false;
    this.abort = undefined;
    abort(reason);
    return true;
  }

  /** Lets go of everything; the instance has ended. */
  close(): void {
    this.turn = undefined;
    this.abort = undefined;
    this.pumps.length = 0;
    for (const kind of Object.keys(this.hooks)) delete this.hooks[kind as SharedHook];
  }
}
