import { assert, RuntimeError } from '../../errors/index.ts';
import {
  CanonContext,
  Debt,
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
import type { HostFunction } from '../host.ts';
import { nodeRoom, type RoomClaim } from '../room/index.ts';
import { withBacktrace } from './backtrace.ts';
import { type CallSource, SingleCall, Turn } from './calls.ts';
import type { CompiledExport, CompiledParts, CompiledStep } from './compiled.ts';
import { endBy } from './end-by.ts';
import { Entrance } from './entrance.ts';
import {
  cannotSuspend,
  type GrowRefusal,
  nameLinkFailure,
  reentered,
  releaseFrames,
  tooDeep,
  withRefusal,
} from './failures.ts';
import { ENDLESS, FuelGauge, type FuelSupply } from './fuel.ts';
import type { BoundHost } from './imports.ts';
import type { Return } from './origin.ts';
import type { CoreSource, ExportSource } from './plan.ts';

export interface InstantiateOptions {
  /** `this` of every host function that the instance calls. Default: undefined. */
  readonly context?: unknown;
  /**
   * Bytes that one call may make the host allocate for the values it hands over, by estimate. Default: 128 MiB.
   * A guest can list the same 64 MB a million times; this ends it.
   */
  readonly liftBudgetBytes?: number;
  /** Handles that each component instance inside may hold. Default: 1,048,576. */
  readonly handlesMax?: number;
  /** Who gives its code fuel. Default: as much as it wants, so that a loop without end holds the thread for ever. */
  readonly fuel?: FuelSupply;
  /** What the host does for it, beyond what the engine sees, is added here, and charged with its fuel. Default: nothing. */
  readonly debt?: Debt;
  /** Hears, with the `context`, of every `memory.grow` of a metered component that was refused; the guest goes on, unless it throws. */
  readonly onGrowRefused?: (refusal: GrowRefusal, context: unknown) => void;
  /** Lets the instance be rewound. Default false: `rewind` answers false. */
  readonly rewindable?: boolean;
  /**
   * Counts it in the room of the process until it ends, which somebody then has to see to: as a new instance, as one that takes
   * the place of one that failed, which may use what is kept free for that, or as one that nobody needs yet, which leaves
   * room for those. Default: it is not counted.
   */
  readonly room?: RoomClaim;
  /** Ends the instance while its start functions run, which may wait for the host; afterwards `kill` does. */
  readonly signal?: AbortSignal;
}

/**
 * Calls between components of one composition that may be under way at once, one inside the other. Each takes about 1 KB
 * of the host's stack, and where that is full V8 cannot report what a promise is rejected with: that would end the
 * process. Chosen: less than a tenth of what was seen to be too much, and more than any composition needs.
 */
const CALLS_INSIDE_MAX = 64;

type Core = Readonly<Record<string, unknown>>;

/**
 * One instance of a component. It handles one call, or one turn of a pump, at a time; what goes wrong in it ends it
 * and nothing else.
 */
export class ComponentInstance {
  /** @internal */
  fuel: FuelSupply;
  private readonly component: CompiledParts;
  private readonly host: BoundHost;
  private readonly states: readonly InstanceState[];
  private readonly contexts: readonly CanonContext[];
  /** By step; those that are linked. Never grown by `push`, which makes room for 17 at once. */
  private readonly cores: Core[];
  /** One way in for each component instance inside, by state. */
  private readonly entrances: readonly Entrance[];
  private turn: Turn | undefined;
  private callsInside = 0;
  /** A destructor runs that the host asked for. */
  private destroying = false;
  /** Whether it may be rewound; then how, once it was asked for. */
  private readonly rewindable: boolean;
  private back: Return | undefined;
  /** Whether it has called a function of the host; noted by the first instance only. */
  private calledHost = false;
  /** Core modules that are linked; the others follow when the start function of the last of them has run. */
  private linkedSteps = 0;
  /** The core module whose start function runs next. */
  private starting: CompiledStep | undefined;
  /** Before its first life, or between two. */
  private isAtOrigin = false;
  private reason: RuntimeError | undefined;
  /** Linear memories that it takes of the room of the process now. */
  private memoriesTaken = 0;
  private readonly room: RoomClaim | undefined;
  private readonly onGrowRefused: InstantiateOptions['onGrowRefused'];
  /** The last one in the call under way. */
  private refusal: GrowRefusal | undefined;

  /** @internal Use `CompiledComponent.instantiate`. */
  constructor(component: CompiledParts, host: BoundHost, options: InstantiateOptions) {
    this.fuel = options.fuel ?? ENDLESS;
    this.component = component;
    this.host = host;
    this.room = options.room;
    this.onGrowRefused = options.onGrowRefused;
    this.refusal = undefined;
    this.rewindable = options.rewindable === true && component.origin !== undefined;
    const { plan } = component;
    const { debt = new Debt() } = options;
    this.states = plan.states.map(() => {
      const state = new InstanceState(options.handlesMax);
      state.hostContext = options.context;
      state.debt = debt;
      if (options.liftBudgetBytes !== undefined) state.liftBudgetMax = options.liftBudgetBytes;
      return state;
    });
    this.entrances = this.states.map((state) => new Entrance(this, state));
    this.contexts = plan.contexts.map(({ state }) => new CanonContext(this.states[state] as InstanceState));
    this.cores = new Array<Core>(component.steps.length);
    this.linkResources();
  }

  /** Why the instance ended; undefined while it lives. */
  get failure(): RuntimeError | undefined {
    return this.reason;
  }

  /** @internal */
  get isInside(): boolean {
    return this.callsInside > 0;
  }

  /** Whether a call or a turn is under way. */
  get busy(): boolean {
    return this.turn !== undefined;
  }

  /** Bytes of all its linear memories. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const core of this.cores) {
      // Undefined while it is being linked.
      for (const item of Object.values(core ?? {}))
        if (item instanceof WebAssembly.Memory) bytes += item.buffer.byteLength;
    }
    return bytes;
  }

  /** Bytes that the values of one call took of the host at most, by estimate. */
  get liftPeakBytes(): number {
    return this.states.reduce((most, state) => Math.max(most, state.liftBudgetMax - state.liftLeast), 0);
  }

  // ── linking ──

  /**
   * Instantiates the core modules in order and runs their start functions. Once, for an instance that was prepared.
   * Returns nothing when that is done, a promise when start functions have to run.
   *
   * @throws {RuntimeError} (or rejects) as `instantiate`.
   */
  link(signal?: AbortSignal): Promise<void> | undefined {
    if (signal?.aborted) endBy(signal, this);
    this.linkAhead();
    return this.beginLife(signal);
  }

  /**
   * Does of {@link link} what can be done before anybody needs the instance: up to the first start function, since that may
   * call the host. {@link begin} does the rest.
   *
   * @throws {RuntimeError} as `instantiate`.
   */
  linkAhead(): void {
    try {
      this.takeRoom();
      this.linkUpToStart();
      this.isAtOrigin = true;
    } catch (error) {
      throw this.end(this.recorded() ?? nameLinkFailure(error));
    }
  }

  /** Instantiates core modules until one has a start function, or all are linked. */
  private linkUpToStart(): void {
    const { steps, origin } = this.component;
    this.starting = undefined;
    while (this.linkedSteps < steps.length && this.starting === undefined) {
      const number = this.linkedSteps++;
      const step = steps[number] as CompiledStep;
      this.instantiateStep(step, number);
      if (step.startExport !== undefined) this.starting = step;
    }
    if (!this.rewindable || this.linkedSteps < steps.length) return;
    if (this.starting === undefined) origin?.started(this.cores, this.calledHost);
    else origin?.linked(this.cores);
  }

  /** Begins a life: runs the start functions, with the core modules between them. */
  private beginLife(signal: AbortSignal | undefined): Promise<void> | undefined {
    this.isAtOrigin = false;
    return this.starting === undefined ? undefined : this.runStarts(signal);
  }

  private async runStarts(signal: AbortSignal | undefined): Promise<void> {
    const unwatch = signal && endBy(signal, this);
    try {
      while (this.starting !== undefined) {
        if (this.reason !== undefined) throw this.reason;
        await this.startStep(this.starting);
        if (this.reason !== undefined) throw this.reason;
        this.linkUpToStart();
      }
    } catch (error) {
      throw this.end(this.recorded() ?? nameLinkFailure(error));
    } finally {
      unwatch?.();
    }
  }

  private takeRoom(): void {
    if (this.reason !== undefined) throw this.reason;
    if (this.room === undefined) return;
    const { memoryCount } = this.component;
    nodeRoom().enter(memoryCount, this.room);
    this.memoriesTaken = memoryCount;
  }

  /** Runs the start function of a core module. */
  private startStep(step: CompiledStep): Promise<void> | undefined {
    const core = this.cores[this.linkedSteps - 1] as Core;
    const start = WebAssembly.promising(core[step.startExport as string]) as () => Promise<void>;
    return this.entrances[step.state]?.start(start);
  }

  // ── one life after the other ──

  /**
   * Ends the life of an instance that is in no call: drops what it holds, and makes its memories and globals what they
   * were before its first call. Nothing of that life is left for the next, which {@link begin} starts.
   *
   * @returns False if that cannot be: it has ended, is in a call, was not made `rewindable`, has grown, or can change more
   *   than memories and numbers. Then it is as it was; kill it, and make another.
   */
  rewind(): boolean {
    if (this.isAtOrigin || !this.isIdle()) return false;
    const { origin, steps } = this.component;
    if (this.rewindable) this.back ??= origin?.wayBack(this.cores);
    if (this.back?.possible !== true) return false;
    for (const state of this.states) disposeHandles(state);
    // The destructors were code of the host's, which can do anything.
    if (!this.isIdle() || !this.back.possible) return false;
    for (const state of this.states) state.reset();
    this.back.run();
    this.starting = origin?.startsAgain === true ? steps.at(-1) : undefined;
    this.fuel = ENDLESS;
    this.refusal = undefined;
    this.isAtOrigin = true;
    return true;
  }

  private isIdle(): boolean {
    return this.reason === undefined && this.turn === undefined && !this.destroying;
  }

  /** Whether code of it runs when it begins. */
  get hasStart(): boolean {
    return this.starting !== undefined;
  }

  /**
   * Begins the life of an instance that was linked ahead, or the next one of an instance that was rewound, as `instantiate`
   * would begin that of a new one. Returns nothing when it has begun, a promise when start functions have to run.
   *
   * @throws {RuntimeError} (or rejects) as `instantiate` does.
   */
  begin(options: Pick<InstantiateOptions, 'context' | 'debt' | 'fuel' | 'signal'>): Promise<void> | undefined {
    assert(this.isAtOrigin, 'an instance begins that was linked ahead, or rewound');
    const { context, debt = new Debt(), fuel = ENDLESS, signal } = options;
    for (const state of this.states) {
      state.hostContext = context;
      state.debt = debt;
    }
    this.fuel = fuel;
    return this.beginLife(signal);
  }

  private instantiateStep(step: CompiledStep, number: number): void {
    const imports: unknown[] = [];
    for (const source of step.sources) imports.push(this.resolve(source));
    const gauge = new FuelGauge();
    for (const hook of step.hooks) imports.push(this.entrances[step.state]?.hook(hook, gauge));
    const core = new WebAssembly.Instance(step.module, { [IMPORT_LIST]: imports }).exports;
    this.cores[number] = core;
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
        return stub?.bind(context, this.callee(source.lowering));
      }
      case 'resource-new':
        return resourceNew(this.states[source.state] as InstanceState, source.slot);
      case 'resource-rep':
        return resourceRep(this.states[source.state] as InstanceState, source.slot);
      case 'resource-drop':
        return resourceDrop(this.states[source.state] as InstanceState, source.slot);
    }
  }

  /** The function that a lowering calls: the host's, or another component's of this composition. */
  private callee(lowering: number): HostFunction {
    const target = this.component.callees[lowering];
    if (target === undefined) return this.hostFunction(lowering);
    return (...args: unknown[]) => this.callInside(target, args);
  }

  private hostFunction(lowering: number): HostFunction {
    const host = this.host.functions[lowering] as HostFunction;
    if (!this.rewindable || this.component.origin?.isKnown === true) return host;
    const note = (): void => {
      this.calledHost = true;
    };
    return function (...args) {
      note();
      return host.apply(this, args);
    };
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
      const state = this.states[(this.component.steps[source.step] as CompiledStep).state] as InstanceState;
      try {
        state.entered++;
        state.debt.entries++;
        (this.resolve(source) as (rep: number) => void)(rep);
        state.entered--;
      } catch (error) {
        const reason = this.reasonOf(error, state);
        if (outside) throw this.end(reason);
        // Whoever dropped the resource in the middle of a call may swallow what is thrown.
        this.kill(reason);
        throw reason;
      } finally {
        if (outside) this.destroying = false;
      }
    };
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
    if (this.turn !== undefined || this.destroying) {
      throw new RuntimeError(
        'COMPONENT_BUSY',
        'Cannot call the component: this instance is in another call; use a second instance or queue the calls',
      );
    }
    assert(!this.isAtOrigin, 'an instance begins before it is called');
    this.turn = new Turn(source);
    return this.drive(this.turn);
  }

  /** Enters one core module after the other until the turn has no more calls: one, for most components. */
  private drive(turn: Turn): Promise<void> | undefined {
    for (;;) {
      const step = this.nextStep(turn);
      if (step === undefined) {
        if (turn === this.turn) this.turn = undefined;
        return undefined;
      }
      const running = this.entranceOf(step).enter(turn, step);
      if (running !== undefined) return running.then(() => this.drive(turn));
    }
  }

  /** The core module that the next call is for; undefined when there is none. */
  private nextStep(turn: Turn): number | undefined {
    try {
      const call = turn.peek();
      if (this.reason !== undefined) throw this.reason;
      assert(call === undefined || this.component.owns(call.func), 'a call names a function of its own component');
      return (call?.func as CompiledExport | undefined)?.step;
    } catch (error) {
      throw this.end(this.reason ?? toFailure(error));
    }
  }

  private entranceOf(step: number): Entrance {
    const { state } = this.component.steps[step] as CompiledStep;
    return this.entrances[state] as Entrance;
  }

  /**
   * A call from one component of the composition into another. The caller's stack waits only if the callee's does. What
   * ends the callee ends the caller too: they are one instance to the outside.
   */
  private callInside(func: CompiledExport, args: readonly unknown[]): unknown {
    if (this.entranceOf(func.step).busy) throw reentered(func.name);
    if (this.callsInside >= CALLS_INSIDE_MAX) throw tooDeep(CALLS_INSIDE_MAX);
    const call = new SingleCall({ func, args });
    this.callsInside++;
    const running = this.drive(new Turn(call));
    if (running === undefined) {
      this.callsInside--;
      return call.outcome();
    }
    return running.then(() => {
      this.callsInside--;
      return call.outcome();
    });
  }

  /** @internal */
  context(number: number): CanonContext {
    return this.contexts[number] as CanonContext;
  }

  /** @internal */
  promisingPump(step: number): () => Promise<void> {
    const name = this.component.steps[step]?.pumpExport as string;
    return WebAssembly.promising((this.cores[step] as Core)[name]) as () => Promise<void>;
  }

  /** @internal */
  fail(thrown: unknown, state: InstanceState): RuntimeError {
    return this.end(this.reasonOf(thrown, state), this.recorded() === undefined);
  }

  /** Why the guest ended that `error` came out of. */
  private reasonOf(error: unknown, { suspension }: InstanceState): RuntimeError {
    return this.recorded() ?? (suspension.promise === undefined ? toFailure(error) : cannotSuspend());
  }

  /** @internal */
  noteRefusal(moreBytes: number): void {
    this.refusal = { hasBytes: this.memoryBytes, moreBytes, limitBytes: this.component.limits.memoryBytes };
    try {
      this.onGrowRefused?.(this.refusal, this.states[0]?.hostContext);
    } catch (error) {
      // Thrown on, the guest could catch it.
      this.kill(toFailure(error));
    }
  }

  /** @internal */
  forgetRefusal(): void {
    if (!this.isInside) this.refusal = undefined;
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
    let waiting = false;
    for (const entrance of this.entrances) if (entrance.stopWaiting(reason)) waiting = true;
    if (!waiting && !this.busy) this.end(reason);
  }

  private recorded(): RuntimeError | undefined {
    for (const state of this.states) if (state.failure !== undefined) return state.failure;
    return undefined;
  }

  private described(reason: RuntimeError): RuntimeError {
    const { functions } = this.component;
    const { refusal } = this;
    // One that had less after all did not end for that.
    const isCause = refusal !== undefined && refusal.hasBytes === this.memoryBytes;
    return withBacktrace(isCause ? withRefusal(reason, refusal) : reason, functions);
  }

  /** Marks the instance dead and lets go of all that it held. */
  private end(reason: RuntimeError, namesTrap = false): RuntimeError {
    this.reason ??= this.described(reason);
    releaseFrames(this.reason, namesTrap);
    this.turn = undefined;
    for (const entrance of this.entrances) entrance.close();
    for (const state of this.states) {
      state.failure ??= reason;
      disposeHandles(state);
    }
    for (const context of this.contexts) context.release();
    this.cores.length = 0;
    if (this.memoriesTaken > 0) nodeRoom().leave(this.memoriesTaken);
    this.memoriesTaken = 0;
    this.back = undefined;
    return this.reason;
  }
}
