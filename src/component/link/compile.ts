import { RuntimeError } from '../../errors/index.ts';
import { type Clock, systemClock } from '../../time/index.ts';
import { compileExport, compileImport, type ImportStub } from '../abi/index.ts';
import {
  ADMISSION_DEFAULTS,
  type AdmissionLimits,
  type AdmissionRequest,
  admitModule,
  type CoreModule,
  type OwnFunctions,
  PAGE_BYTES,
  readCoreModule,
} from '../admission/index.ts';
import { type ComponentType, type Definition, decodeInSlices, type Parts } from '../binary/index.ts';
import { artifactId, type CompiledModule, type ComponentArtifact, checkArtifact } from './artifact.ts';
import { shareOut } from './budgets.ts';
import type { CompiledExport, CompiledStep, ExportedFunction, HookKind } from './compiled.ts';
import { nameLinkFailure } from './failures.ts';
import { FUEL_SLICE } from './fuel.ts';
import { type BoundHost, bindHost, type HostImports, missingImports } from './imports.ts';
import { ComponentInstance, type InstantiateOptions } from './instance.ts';
import { canReturn, Origin } from './origin.ts';
import type { ExportPlan, InstancePlan, Step } from './plan.ts';
import { planComponent } from './planner.ts';
import { Requests } from './requests.ts';

export interface CompileOptions {
  /**
   * Binaries for the components and core modules that it imports, by the name of the import, or as `interface#name`. Each is
   * checked against its import, admitted and linked as if it were nested in the component; only what is instantiated
   * has to be there.
   */
  readonly parts?: Parts;
  /** What the component may claim; each default is {@link ADMISSION_DEFAULTS}'s. */
  readonly limits?: Partial<AdmissionLimits>;
  /**
   * Whether fuel is charged: an instance can then be stopped and suspended anywhere in its code, which runs 1.2 times as
   * long. Default: false.
   */
  readonly metered?: boolean;
  /** What the same bytes were compiled to before, with the same options: it is neither admitted nor compiled again. */
  readonly artifact?: ComponentArtifact;
  /** Gives other work its turn between slices of the compilation. Default: the system's clock. */
  readonly clock?: Clock;
  /** Ends the compilation between two slices with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** What a component was compiled from, and how: plain data, with which another thread or process compiles the same. */
export interface ComponentSource {
  readonly bytes: Uint8Array;
  readonly options: Pick<CompileOptions, 'parts' | 'limits' | 'metered'>;
}

/** Functions whose types are compiled between two chances to do other work: about 5 ms, with ordinary types. */
const SLICE_FUNCTIONS = 64;

/** A core module, as its author made it. */
export interface CoreModuleInfo {
  readonly sizeBytes: number;
  readonly memories: readonly { readonly minBytes: number; readonly maxBytes: number | undefined }[];
  /** Elements that its tables begin with. */
  readonly tableElements: number;
}

function describeModule({ bytes, memories, tables }: CoreModule): CoreModuleInfo {
  const described = memories.map(({ min, max }) => ({
    minBytes: Number(min) * PAGE_BYTES,
    maxBytes: max === undefined ? undefined : Number(max) * PAGE_BYTES,
  }));
  const tableElements = tables.reduce((sum, { min }) => sum + Number(min), 0);
  return { sizeBytes: bytes.length, memories: described, tableElements };
}

const NO_IMPORTS: HostImports = Object.freeze({});
const NO_OPTIONS: InstantiateOptions = Object.freeze({});

/** A component, decoded, validated, admitted and compiled: made once, instantiated many times. */
export class CompiledComponent {
  /** What it imports and exports, in WIT types. */
  readonly type: ComponentType;
  /** Its exported functions, in the order of the binary. */
  readonly exports: readonly ExportedFunction[];
  /**
   * What {@link instantiate} has to be given, as `interface#name`: the host functions that its code can call, and the
   * resource types that it can hold handles of. Imports that nothing uses are not among them.
   */
  readonly needs: readonly string[];
  /** Size and declared memories of each core module that an instance consists of. */
  readonly coreModules: readonly CoreModuleInfo[];
  /** What its instances may have of memory and tables, and it of code. */
  readonly limits: AdmissionLimits;
  /** Linear memories of one instance. */
  readonly memoryCount: number;
  /** Elements that the tables of one instance begin with. */
  readonly tableElements: number;
  /** What it was compiled to, for another thread; see {@link CompileOptions.artifact}. */
  readonly artifact: ComponentArtifact;
  readonly source: ComponentSource;
  /** @internal */
  readonly plan: InstancePlan;
  /** @internal */
  readonly steps: readonly CompiledStep[];
  /** @internal */
  readonly importStubs: readonly ImportStub[];
  /** @internal */
  readonly functions: readonly OwnFunctions[];
  /** @internal */
  readonly callees: readonly (CompiledExport | undefined)[];
  /** @internal */
  readonly origin: Origin | undefined;
  readonly #exports: ReadonlyMap<string, ExportedFunction>;
  readonly #functions: ReadonlySet<ExportedFunction>;
  /** What imports that instances were given came to. */
  readonly #bound = new WeakMap<HostImports, BoundHost>();

  /** @internal Use {@link compileComponent}. */
  constructor(parts: {
    type: ComponentType;
    plan: InstancePlan;
    coreModules: readonly CoreModuleInfo[];
    steps: readonly CompiledStep[];
    exports: readonly CompiledExport[];
    importStubs: readonly ImportStub[];
    artifact: ComponentArtifact;
    limits: AdmissionLimits;
    source: ComponentSource;
  }) {
    const { plan, artifact } = parts;
    this.type = parts.type;
    this.limits = parts.limits;
    this.plan = plan;
    this.coreModules = parts.coreModules;
    this.tableElements = parts.coreModules.reduce((sum, { tableElements }) => sum + tableElements, 0);
    this.memoryCount = parts.coreModules.reduce((sum, { memories }) => sum + memories.length, 0);
    this.steps = parts.steps;
    this.exports = parts.exports.filter((_, index) => plan.exports[index]?.outside);
    this.importStubs = parts.importStubs;
    this.origin = Origin.of(
      parts.steps.map(({ moduleState, startExport }) => ({ state: moduleState, hasStart: startExport !== undefined })),
    );
    this.artifact = artifact;
    this.source = parts.source;
    this.functions = artifact.modules.map(({ functions }) => functions);
    this.callees = plan.lowerings.map(({ target }) =>
      target.kind === 'inside' ? parts.exports[target.export] : undefined,
    );
    this.#functions = new Set(parts.exports);
    this.#exports = new Map(this.exports.map((item) => [item.name, item]));
    this.needs = missingImports(plan, {});
  }

  /** Finds an exported function by its name. */
  export(name: string): ExportedFunction | undefined {
    return this.#exports.get(name);
  }

  /** @internal */
  owns(func: ExportedFunction): boolean {
    return this.#functions.has(func);
  }

  /** Those of {@link needs} that `imports` do not have: what {@link instantiate} would refuse to do without. */
  missing(imports: HostImports): readonly string[] {
    return missingImports(this.plan, imports);
  }

  /**
   * Makes an instance: its own memory, its own handles.
   *
   * @param imports What its imports are bound to; not changed afterwards, and best the same object for all instances.
   * @param options See {@link InstantiateOptions}.
   * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING` — names every import that nothing was given for.
   * @throws {RuntimeError} `COMPONENT_LIMIT` — the process has no room for its memory.
   * @throws {RuntimeError} `COMPONENT_TRAPPED` — its start function trapped.
   */
  async instantiate(
    imports: HostImports = NO_IMPORTS,
    options: InstantiateOptions = NO_OPTIONS,
  ): Promise<ComponentInstance> {
    const instance = this.prepare(imports, options);
    await instance.link(options.signal);
    return instance;
  }

  /**
   * As {@link instantiate}, in two steps: nothing of the instance has run before its `link`, and whoever has it can kill it
   * while that waits. Costs no signal.
   *
   * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING` — as `instantiate`.
   */
  prepare(imports: HostImports = NO_IMPORTS, options: InstantiateOptions = NO_OPTIONS): ComponentInstance {
    return new ComponentInstance(this, this.#bind(imports), options);
  }

  #bind(imports: HostImports): BoundHost {
    let bound = this.#bound.get(imports);
    if (bound === undefined) {
      bound = bindHost(this.plan, imports);
      this.#bound.set(imports, bound);
    }
    return bound;
  }
}

/**
 * Decodes, validates, admits and compiles a component.
 *
 * @param bytes The component's binary. Kept as it is, to be handed to other threads; do not change it.
 * @throws {RuntimeError} `NOT_A_COMPONENT`, `COMPONENT_INVALID`, `COMPONENT_UNSUPPORTED`, `COMPONENT_LIMIT`: what is
 *   wrong, with the byte offset in `details.offset` where there is one.
 * @throws {RuntimeError} `COMPONENT_INVALID` — `artifact` was made of something else.
 * @throws {RuntimeError} `RUNTIME_UNSUPPORTED` — this Node.js cannot suspend WebAssembly; use version 24 or later.
 *
 * @example
 * ```ts
 * const greeter = await compileComponent(await readFile('greeter.wasm'));
 * const instance = await greeter.instantiate();
 * console.log(await instance.call('demo:greeter/greet#hello', ['world']));
 * ```
 */
export async function compileComponent(bytes: Uint8Array, options: CompileOptions = {}): Promise<CompiledComponent> {
  requireSuspension();
  const component = await inSlices(decodeInSlices(bytes, options.parts), options);
  const plan = planComponent(component);
  const limits = { ...ADMISSION_DEFAULTS, ...options.limits };
  const metered = options.metered === true;
  const id = await artifactId({ bytes, parts: options.parts, limits, metered });
  if (options.artifact !== undefined) checkArtifact(options.artifact, id);
  const coreModules = plan.steps.map((step) => readCoreModule(step.bytes));
  const requests = new Requests(plan, shareOut(coreModules, limits), {
    exportState: canReturn(plan, coreModules),
    fuelSlice: metered ? FUEL_SLICE : undefined,
  });
  const modules = new ModuleCache(limits.moduleBytes, options);
  const compiled: CompiledStep[] = [];
  for (const [number, step] of plan.steps.entries()) {
    compiled.push(compiledStep(step, await modules.get(step.bytes, requests.of(number))));
  }
  if (options.artifact === undefined) {
    const definitions = [...component.definitions, ...component.parts.values()];
    validateUnused(definitions, new Set(plan.steps.map((step) => step.bytes)));
  }
  const { steps: _, ...rest } = plan;
  return new CompiledComponent({
    type: component.type,
    plan: rest,
    coreModules: coreModules.map(describeModule),
    steps: compiled,
    exports: await eachInSlices(plan.exports, options, (item) => compiledExport(item, requests.target(item))),
    artifact: options.artifact ?? { id, modules: modules.made },
    limits,
    source: { bytes, options: { limits, metered, ...(options.parts && { parts: options.parts }) } },
    importStubs: await eachInSlices(plan.lowerings, options, ({ type, encoding }) => compileImport(type, encoding)),
  });
}

/** A core module that nothing instantiates has to be valid all the same. */
function validateUnused(definitions: readonly Definition[], used: ReadonlySet<Uint8Array>): void {
  for (const definition of definitions) {
    if (definition.kind === 'component') validateUnused(definition.component.definitions, used);
    if (definition.kind !== 'core-module' || used.has(definition.bytes)) continue;
    if (WebAssembly.validate(definition.bytes as Uint8Array<ArrayBuffer>)) continue;
    throw new RuntimeError('COMPONENT_INVALID', 'Cannot compile the component: a core module is invalid');
  }
}

function requireSuspension(): void {
  if (typeof WebAssembly.Suspending === 'function' && typeof WebAssembly.promising === 'function') return;
  throw new RuntimeError(
    'RUNTIME_UNSUPPORTED',
    `Node.js ${process.version} cannot suspend WebAssembly; use Node.js 24 or later`,
    {
      details: { version: process.version },
    },
  );
}

async function inSlices<T>(work: Generator<undefined, T>, options: CompileOptions): Promise<T> {
  for (;;) {
    options.signal?.throwIfAborted();
    const slice = work.next();
    if (slice.done === true) return slice.value;
    await pause(options);
  }
}

/** As `items.map(work)`, with other work between. */
async function eachInSlices<T, R>(items: readonly T[], options: CompileOptions, work: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) {
    results.push(work(item));
    if (results.length % SLICE_FUNCTIONS !== 0) continue;
    await pause(options);
    options.signal?.throwIfAborted();
  }
  return results;
}

function pause({ clock = systemClock }: CompileOptions): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

/**
 * Compiles each core module once for each way that it is linked: a component can instantiate one a thousand times, and
 * that must cost little.
 */
class ModuleCache {
  /** The modules compiled so far; each is named by its place here. */
  readonly made: CompiledModule[] = [];
  readonly #ways = new Map<Uint8Array, Map<string, CompiledModule>>();
  readonly #limitBytes: number;
  readonly #options: CompileOptions;
  #admittedBytes = 0;

  constructor(limitBytes: number, options: CompileOptions) {
    this.#limitBytes = limitBytes;
    this.#options = options;
  }

  async get(bytes: Uint8Array, request: AdmissionRequest): Promise<CompiledModule> {
    const key = JSON.stringify({ ...request, keep: [...request.keep].sort() });
    const ways = this.#ways.get(bytes) ?? new Map<string, CompiledModule>();
    this.#ways.set(bytes, ways);
    let compiled = ways.get(key);
    if (compiled === undefined) {
      compiled = this.#options.artifact?.modules[this.made.length] ?? (await this.#compile(bytes, request));
      this.made.push(compiled);
      ways.set(key, compiled);
    }
    return compiled;
  }

  async #compile(bytes: Uint8Array, request: AdmissionRequest): Promise<CompiledModule> {
    this.#admittedBytes += bytes.length;
    if (this.#admittedBytes > this.#limitBytes) {
      throw new RuntimeError(
        'COMPONENT_LIMIT',
        `Cannot admit the component: its core modules have more than ${this.#limitBytes} bytes together`,
        { details: { limit: 'module', limitBytes: this.#limitBytes } },
      );
    }
    const named = { ...request, name: String(this.made.length) };
    const { bytes: admitted, ...rest } = await inSlices(admitModule(bytes, named), this.#options);
    const module = await WebAssembly.compile(admitted).catch((error: unknown) => {
      throw nameLinkFailure(error);
    });
    return { ...rest, module };
  }
}

function compiledStep(
  step: Step,
  { module, hooks, pumpExport, startExport, state: moduleState }: CompiledModule,
): CompiledStep {
  const sources = step.imports.map((item) => item.source);
  const kinds = hooks.map(({ name }) => hookKind(name));
  return { module, sources, hooks: kinds, pumpExport, startExport, moduleState, state: step.state };
}

/** What a hook does, whatever the type of the values that it passes on. */
function hookKind(name: string): HookKind {
  if (name.startsWith('done-')) return 'done-value';
  return name.split('-', 1)[0] as HookKind;
}

function compiledExport(item: ExportPlan, target: number): CompiledExport {
  return {
    name: item.name,
    type: item.type,
    stub: compileExport(item.type, item.encoding),
    context: item.context,
    step: item.core.step,
    target,
    hasPostReturn: item.postReturn !== undefined,
  };
}
