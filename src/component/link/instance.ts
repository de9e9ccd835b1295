import { assert, RuntimeError } from '../../errors/index.ts';
import {
  CanonContext,
  disposeHandles,
  GuestResourceType,
  InstanceState,
  type ResourceType,
  resourceDrop,
  resourceNew,
  resourceRep,
  toFailure,
} from '../abi/index.ts';
import { IMPORT_LIST } from '../admission/index.ts';
import type { CompiledExport, CompiledParts, CompiledStep, ExportedFunction, HookPlan } from './compiled.ts';
import { cannotSuspend, nameLinkFailure, releaseFrames } from './failures.ts';
import type { BoundHost } from './imports.ts';
import type { CoreSource, ExportSource } from './plan.ts';

export interface InstantiateOptions {
  /**
   * Bytes that one call may make the host allocate for the values it hands over, by estimate. Default: `abi/`'s
   * `LIFT_BUDGET_BYTES`. A guest can list the same 64 MB a million times; this ends it.
   */
  readonly liftBudgetBytes?: number;
  /** Ends the instance while its start functions run, which may wait for the host; afterwards `kill` does. */
  readonly signal?: AbortSignal;
}

/** One call of an exported function. */
export interface Call {
  readonly func: ExportedFunction;
  readonly args: readonly unknown[];
}

/**
 * Where a pump takes its calls from and where the results go. All three run while the guest's stack is below them:
 * they must not call the instance, and what they throw ends it.
 */
export interface CallSource {
  /** The next call, or undefined to end the turn. */
  next(): Call | undefined;
  /** The call taken last has returned `result`. */
  done(result: unknown): void;
  /** The arguments of the call taken last do not fit its type; the guest never saw it, and the turn goes on. */
  invalid(error: RuntimeError): void;
}

type Core = Readonly<Record<string, unknown>>;

/**
 * One instance of a component. It handles one call, or one turn of a pump, at a time; what goes wrong in it ends it
 * and nothing else.
 */
export class ComponentInstance {
  private readonly component: CompiledParts;
  private readonly host: BoundHost;
  private readonly states: InstanceState[] = [];
  private readonly contexts: CanonContext[] = [];
  private readonly cores: Core[] = [];
  /** Promising pumps by step, made when first used. */
  private readonly pumps: ((() => Promise<void>) | undefined)[] = [];
  /** By slot. */
  private readonly hooks: unknown[] = [];
  private source: CallSource | undefined;
  private current: CompiledExport | undefined;
  /** A call taken whose function stands in another module than the pump that runs. */
  private stashed: Call | undefined;
  private readonly flat: (number | bigint)[] = [];
  private cursor = 0;
  private step = -1;
  private turnOver = false;
  /** A destructor runs that the host asked for. */
  private destroying = false;
  private abort: ((reason: RuntimeError) => void) | undefined;
  private reason: RuntimeError | undefined;

  /** @internal Use `CompiledComponent.instantiate`. */
  constructor(component: CompiledParts, host: BoundHost, options: InstantiateOptions) {
    this.component = component;
    this.host = host;
    const { plan } = component;
    for (let index = 0; index < plan.states.length; index++) {
      const state = new InstanceState();
      if (options.liftBudgetBytes !== undefined) state.liftBudgetMax = options.liftBudgetBytes;
      this.states.push(state);
    }
    for (const context of plan.contexts)
      this.contexts.push(new CanonContext(this.states[context.state] as InstanceState));
    this.linkResources();
  }

  /** Why the instance ended; undefined while it lives. */
  get failure(): RuntimeError | undefined {
    return this.reason;
  }

  /** Whether a call or a turn is under way. */
  get busy(): boolean {
    return this.source !== undefined;
  }

  /** Bytes of all its linear memories. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const core of this.cores) {
      for (const item of Object.values(core)) if (item instanceof WebAssembly.Memory) bytes += item.buffer.byteLength;
    }
    return bytes;
  }

  // ── linking ──

  /** @internal Instantiates the core modules in order and runs their start functions. */
  async link(signal?: AbortSignal): Promise<void> {
    const watch = signal && this.watch(signal);
    try {
      for (const step of this.component.steps) {
        if (this.reason !== undefined) throw this.reason;
        this.instantiateStep(step);
        if (step.startExport === undefined) continue;
        const start = (this.cores.at(-1) as Core)[step.startExport];
        await WebAssembly.promising(start)();
      }
      if (this.reason !== undefined) throw this.reason;
    } catch (error) {
      throw this.end(this.recorded() ?? nameLinkFailure(error));
    } finally {
      watch?.();
    }
  }

  /** Kills the instance when `signal` says so. Gives what ends that. */
  private watch(signal: AbortSignal): () => void {
    const stop = (): void => this.kill(RuntimeError.is(signal.reason) ? signal.reason : undefined);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    return () => signal.removeEventListener('abort', stop);
  }

  private instantiateStep(step: CompiledStep): void {
    const imports: unknown[] = [];
    for (const source of step.sources) imports.push(this.resolve(source));
    for (const hook of step.hooks) imports.push(this.hook(hook, step.state));
    const number = this.cores.length;
    const core = new WebAssembly.Instance(step.module, { [IMPORT_LIST]: imports }).exports;
    this.cores.push(core);
    const { contexts } = this.component.plan;
    for (let index = 0; index < contexts.length; index++) {
      const { memory, realloc } = contexts[index] as (typeof contexts)[number];
      const context = this.contexts[index] as CanonContext;
      if (memory?.step === number) context.setMemory(core[memory.name] as WebAssembly.Memory);
      if (realloc?.step === number) context.setRealloc(core[realloc.name] as (...args: number[]) => number);
    }
  }

  private resolve(source: CoreSource): unknown {
    switch (source.kind) {
      case 'export':
        return (this.cores[source.step] as Core)[source.name];
      case 'lower': {
        const { lowerings } = this.component.plan;
        const stub = this.component.importStubs[source.lowering];
        const context = this.contexts[lowerings[source.lowering]?.context as number] as CanonContext;
        return stub?.bind(context, this.host.functions[source.lowering] as never);
      }
      case 'resource-new':
        return resourceNew(this.states[source.state] as InstanceState, source.slot);
      case 'resource-rep':
        return resourceRep(this.states[source.state] as InstanceState, source.slot);
      case 'resource-drop':
        return resourceDrop(this.states[source.state] as InstanceState, source.slot);
    }
  }

  private linkResources(): void {
    const { plan } = this.component;
    if (plan.resources.length === 0) return;
    const types = plan.resources.map((resource, index): ResourceType => {
      if (resource.kind === 'host') return this.host.resources[index] as ResourceType;
      const type = new GuestResourceType(resource.name, this.states[resource.state] as InstanceState);
      if (resource.dtor !== undefined) type.dtor = this.destructor(resource.dtor);
      return type;
    });
    plan.states.forEach((state, index) => {
      const { resourceTypes } = this.states[index] as InstanceState;
      state.slots.forEach((resource, slot) => {
        if (resource !== undefined) resourceTypes[slot] = types[resource] as ResourceType;
      });
    });
  }

  /** A destructor that ends the instance if it traps. */
  private destructor(source: ExportSource): (rep: number) => void {
    return (rep) => {
      if (this.reason !== undefined) return;
      const outside = !this.busy && !this.destroying;
      if (outside) this.destroying = true;
      try {
        (this.resolve(source) as (rep: number) => void)(rep);
      } catch (error) {
        const reason = this.reasonOf(error);
        throw outside ? this.end(reason) : reason;
      } finally {
        if (outside) this.destroying = false;
      }
    };
  }

  private hook(hook: HookPlan, state: number): unknown {
    let made = this.hooks[hook.slot];
    if (made === undefined) {
      made = this.makeHook(hook.kind, this.states[state] as InstanceState);
      this.hooks[hook.slot] = made;
    }
    return made;
  }

  private makeHook(kind: HookPlan['kind'], state: InstanceState): unknown {
    switch (kind) {
      case 'await':
        return new WebAssembly.Suspending(() => this.suspend(state));
      case 'result':
        return () => state.suspension.value;
      case 'take':
        return () => this.take();
      case 'arg':
        return () => this.flat[this.cursor++];
      case 'done':
        return (result: number | bigint | undefined) => this.finish(result);
    }
  }

  /** What the guest's stack waits for: the host's promise, or a kill if that comes first. */
  private suspend(state: InstanceState): Promise<void> {
    const { suspension } = state;
    const pending = suspension.promise as Promise<unknown>;
    suspension.promise = undefined;
    if (this.reason !== undefined) throw this.reason;
    return new Promise<void>((resolve, reject) => {
      this.abort = reject;
      pending.then(() => {
        this.abort = undefined;
        if (this.reason === undefined) resolve();
        else reject(this.reason);
      }, reject);
    });
  }

  // ── calls ──

  /**
   * Calls an exported function and resolves with its result, a WIT value in its JavaScript form (a WIT `result` is data).
   *
   * @param name As in `CompiledComponent.exports`. @param args One value per parameter.
   * @throws {RuntimeError} `VALUE_INVALID` — an argument does not fit; the guest was not called.
   * @throws {RuntimeError} `COMPONENT_BUSY` — another call is under way; queue before the instance.
   * @throws {RuntimeError} `COMPONENT_TRAPPED`, `COMPONENT_EXITED`, `COMPONENT_KILLED`, `COMPONENT_LIMIT` — the instance has ended.
   * @throws {RuntimeError} `COMPONENT_DEAD` — it had ended before; `cause` says why. Make a new one.
   * @throws {RuntimeError} `OPERATION_UNKNOWN` — there is no such export.
   */
  call(name: string, args: readonly unknown[] = []): Promise<unknown> {
    try {
      const func = this.component.export(name) ?? this.unknown(name);
      const source = new SingleCall({ func, args });
      const running = this.pump(source);
      // Most calls are over here; awaiting nothing would cost a further turn of the microtask queue.
      return running === undefined ? source.answer() : running.then(() => source.answer());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private unknown(name: string): never {
    throw new RuntimeError('OPERATION_UNKNOWN', `Cannot call "${name}": the component does not export it`, {
      details: { exports: this.component.exports.map((item) => item.name) },
    });
  }

  /**
   * Runs one turn: takes calls from `source` until it gives none. Returns nothing when the turn is over at once, a
   * promise when the guest waits for something.
   *
   * @throws {RuntimeError} (or rejects) as {@link call} does; the call that was taken last is the one that failed.
   */
  pump(source: CallSource): Promise<void> | undefined {
    if (this.reason !== undefined) {
      throw new RuntimeError(
        'COMPONENT_DEAD',
        `Cannot call the component: its instance has ended: ${this.reason.message}`,
        {
          details: { reason: this.reason.code },
          cause: this.reason,
        },
      );
    }
    if (this.source !== undefined || this.destroying) {
      throw new RuntimeError(
        'COMPONENT_BUSY',
        'Cannot call the component: this instance is in another call; use a second instance or queue the calls',
      );
    }
    this.source = source;
    for (const state of this.states) state.mayEnter = false;
    return this.turn();
  }

  /** The turn is over: the instance can be entered again. */
  private leave(): undefined {
    if (this.reason !== undefined) throw this.end(this.reason);
    this.source = undefined;
    for (const state of this.states) state.mayEnter = true;
    return undefined;
  }

  /** Runs pumps until the source is empty: one, unless calls change between modules. */
  private turn(): Promise<void> | undefined {
    for (;;) {
      const first = this.firstCall();
      if (first === undefined) return this.leave();
      this.stashed = first;
      this.turnOver = false;
      const running = this.promisingPump(this.step)();
      if (!this.turnOver)
        return running.then(
          () => this.afterSuspension(),
          (error: unknown) => this.afterTrap(error),
        );
      if (this.stashed === undefined) return this.leave();
    }
  }

  /** The call that decides which pump runs next. */
  private firstCall(): Call | undefined {
    try {
      const first = this.stashed ?? (this.source as CallSource).next();
      if (first !== undefined) this.step = this.compiled(first).step;
      return first;
    } catch (error) {
      throw this.end(this.reason ?? toFailure(error));
    }
  }

  private afterSuspension(): Promise<void> | undefined {
    return this.stashed === undefined ? this.leave() : this.turn();
  }

  private afterTrap(error: unknown): never {
    throw this.end(this.reasonOf(error), this.recorded() === undefined);
  }

  /** Why the guest ended that `error` came out of. */
  private reasonOf(error: unknown): RuntimeError {
    return this.recorded() ?? (this.pendingSuspension() ? cannotSuspend() : toFailure(error));
  }

  private compiled(call: Call): CompiledExport {
    const func = call.func as CompiledExport;
    assert(this.component.export(func.name) === func, 'a call names a function of its own component');
    return func;
  }

  private promisingPump(step: number): () => Promise<void> {
    let pump = this.pumps[step];
    if (pump === undefined) {
      const name = this.component.steps[step]?.pumpExport as string;
      pump = WebAssembly.promising((this.cores[step] as Core)[name]) as () => Promise<void>;
      this.pumps[step] = pump;
    }
    return pump;
  }

  /** Hook: lowers the next call. 0 ends the pump; otherwise the function to run. */
  private take(): number {
    const source = this.source as CallSource;
    for (;;) {
      if (this.reason !== undefined) throw this.reason;
      const call = this.stashed ?? source.next();
      this.stashed = undefined;
      if (this.reason !== undefined) throw this.reason;
      if (call === undefined) return this.endTurn();
      const func = call.func as CompiledExport;
      if (func.step !== this.step) {
        this.stashed = call;
        return this.endTurn();
      }
      const context = this.contexts[func.context] as CanonContext;
      const { state } = context;
      state.mayLeave = true;
      state.liftBudget = state.liftBudgetMax;
      this.current = func;
      this.cursor = 0;
      try {
        func.stub.lower(context, call.args, this.flat);
        return func.target;
      } catch (error) {
        if (!RuntimeError.is(error, 'VALUE_INVALID')) throw error;
        state.mayLeave = true;
        source.invalid(error);
      }
    }
  }

  private endTurn(): number {
    for (const state of this.states) state.mayLeave = true;
    this.turnOver = true;
    return 0;
  }

  /**
   * Hook: lifts the result of the call taken last, and takes the next one. Before that its post-return runs, if there
   * is one, and may not leave the instance.
   */
  private finish(result: number | bigint | undefined): number {
    if (this.reason !== undefined) throw this.reason;
    const func = this.current as CompiledExport;
    const context = this.contexts[func.context] as CanonContext;
    const value = func.stub.lift(context, result);
    if (func.hasPostReturn) context.state.mayLeave = false;
    (this.source as CallSource).done(value);
    return func.hasPostReturn ? 0 : this.take();
  }

  // ── the end ──

  /**
   * Ends the instance: no more of its code runs. A call that is suspended rejects with `reason`; the guest cannot catch
   * it. What the instance owned is dropped. Does nothing if it has ended.
   */
  kill(reason: RuntimeError = new RuntimeError('COMPONENT_KILLED', 'The component instance was killed')): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    for (const state of this.states) {
      state.failure ??= reason;
      // If the guest is running below us, its next call of the host ends it.
      state.mayLeave = false;
    }
    if (this.abort !== undefined) this.abort(reason);
    else if (!this.busy) this.end(reason);
  }

  private recorded(): RuntimeError | undefined {
    for (const state of this.states) if (state.failure !== undefined) return state.failure;
    return undefined;
  }

  private pendingSuspension(): boolean {
    return this.states.some((state) => state.suspension.promise !== undefined);
  }

  /** Marks the instance dead and lets go of all that it held. */
  private end(reason: RuntimeError, namesTrap = false): RuntimeError {
    this.reason ??= reason;
    releaseFrames(this.reason, namesTrap);
    this.source = undefined;
    this.stashed = undefined;
    this.abort = undefined;
    for (const state of this.states) {
      state.failure ??= reason;
      disposeHandles(state);
    }
    for (const context of this.contexts) context.release();
    this.cores.length = 0;
    this.pumps.length = 0;
    this.hooks.length = 0;
    return this.reason;
  }
}

/** A turn of one call. */
class SingleCall implements CallSource {
  result: unknown;
  error: RuntimeError | undefined;
  private call: Call | undefined;

  constructor(call: Call) {
    this.call = call;
  }

  next(): Call | undefined {
    const { call } = this;
    this.call = undefined;
    return call;
  }

  done(result: unknown): void {
    this.result = result;
  }

  /** What came of the call, once the turn is over. */
  answer(): Promise<unknown> {
    return this.error === undefined ? Promise.resolve(this.result) : Promise.reject(this.error);
  }

  invalid(error: RuntimeError): void {
    this.error = error;
  }
}
