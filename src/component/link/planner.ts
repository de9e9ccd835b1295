import { RuntimeError } from '../../errors/index.ts';
import {
  type CanonOptions,
  type Component,
  type CoreFuncType,
  type CoreSort,
  type Definition,
  type ExternType,
  type FuncType,
  flattenFunc,
  type InstanceType,
  type Part,
  type ResourceSymbol,
  type RootComponent,
  type Sort,
} from '../binary/index.ts';
import { foldShims } from './fold.ts';
import { forwardModule, passOnModule } from './forward.ts';
import { HandleUse } from './handle-use.ts';
import type {
  ContextPlan,
  CoreSource,
  ExportPlan,
  ExportSource,
  LoweringPlan,
  Plan,
  ResourcePlan,
  Step,
  StepImport,
} from './plan.ts';

/** Component instances that one component may make of itself and what it nests; as many as Wasmtime's default store allows. */
const INSTANCES_MAX = 1_000;
/** Definitions evaluated in all of them, with their arguments: nesting multiplies, and this bounds the time. Real components have hundreds. */
const DEFINITIONS_MAX = 1_000_000;
/** Core instances likewise. */
const STEPS_MAX = 1_000;
/** Exported functions, host functions, resource types, and imports of all core instances: so many of each. Every instance pays for them; real components have hundreds. */
const LINKS_MAX = 10_000;

interface LiftItem {
  readonly type: FuncType;
  readonly encoding: CanonOptions['encoding'];
  readonly core: CoreSource;
  readonly postReturn: CoreSource | undefined;
  /** The component instance that it belongs to. */
  readonly state: () => number;
  /** Asked when it is known that somebody calls the function. */
  readonly context: () => number;
}

interface HostItem {
  readonly sort: 'func';
  /** Where the host's function is found. */
  readonly host: readonly string[];
  readonly type: FuncType;
}

type Item =
  | HostItem
  | { readonly sort: 'func'; readonly lift: LiftItem }
  | { readonly sort: 'instance'; readonly exports: ReadonlyMap<string, Item> }
  | { readonly sort: 'type'; readonly resource: number | undefined }
  | { readonly sort: 'component'; readonly component: Component; readonly scope: Scope | undefined }
  | { readonly sort: 'core-module'; readonly definition: Extract<Definition, { kind: 'core-module' }> }
  /** A component or core module that nobody gave. */
  | { readonly sort: 'component' | 'core-module'; readonly missing: string };

type CoreInstance = { readonly get: (name: string) => CoreSource };

/**
 * Decides everything about a component that does not depend on an instance.
 *
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING` for a component or core module that it instantiates and nobody gave,
 *   `COMPONENT_UNSUPPORTED` for what cannot be linked, `COMPONENT_LIMIT` for one that instantiates without measure.
 */
export function planComponent(component: RootComponent): Plan {
  return new Planner(component.parts).plan(component);
}

const DESTRUCTOR: CoreFuncType = { params: ['i32'], results: [] };
const REALLOC: CoreFuncType = { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] };

class Planner {
  readonly steps: Step[] = [];
  readonly states: { slots: (number | undefined)[] }[] = [];
  readonly resources: ResourcePlan[] = [];
  readonly contexts: ContextPlan[] = [];
  readonly lowerings: LoweringPlan[] = [];
  readonly exports: ExportPlan[] = [];
  readonly parts: ReadonlyMap<string, Part>;
  /** Lifted functions that have a number. */
  readonly #lifted = new Map<LiftItem, number>();
  readonly #contextNumbers = new Map<string, number>();
  readonly #hostResources = new Map<string, number>();
  #instances = 0;
  #definitions = 0;
  #coreImports = 0;

  constructor(parts: ReadonlyMap<string, Part>) {
    this.parts = parts;
  }

  plan(component: Component): Plan {
    const root = new Scope(this, component, { outer: undefined, args: undefined });
    for (const [name, item] of root.run()) this.#collectExports(root, name, item);
    root.finish();
    const { steps, states, contexts, lowerings, exports } = this;
    const slots = new Set(states.flatMap((state) => state.slots));
    const resources = this.resources.map((item, index) =>
      item.kind === 'host' ? { ...item, used: slots.has(index) } : item,
    );
    return foldShims({ steps, states, resources, contexts, lowerings, exports });
  }

  enter(component: Component): void {
    this.#instances++;
    this.charge(component.definitions.length + component.resources.length);
    if (this.#instances > INSTANCES_MAX) exceeded(INSTANCES_MAX, 'component instances', 'instances');
  }

  /** Counts what is evaluated. */
  charge(definitions: number): void {
    this.#definitions += definitions;
    if (this.#definitions > DEFINITIONS_MAX)
      exceeded(DEFINITIONS_MAX, 'definitions, nested ones counted', 'definitions');
  }

  addStep(step: Step): number {
    this.#coreImports += step.imports.length;
    if (this.#coreImports > LINKS_MAX) exceeded(LINKS_MAX, 'imports of core modules', 'core-imports');
    if (this.steps.length >= STEPS_MAX) exceeded(STEPS_MAX, 'core instances', 'core-instances');
    return this.steps.push(step) - 1;
  }

  addLowering(lowering: LoweringPlan): number {
    if (this.lowerings.length >= LINKS_MAX) exceeded(LINKS_MAX, 'host functions', 'host-functions');
    return this.lowerings.push(lowering) - 1;
  }

  addResource(resource: ResourcePlan): number {
    if (this.resources.length >= LINKS_MAX) exceeded(LINKS_MAX, 'resource types', 'resource-types');
    return this.resources.push(resource) - 1;
  }

  /** The number of the host's resource that is imported under `path`. */
  hostResource(path: readonly string[]): number {
    const key = path.join('#');
    let number = this.#hostResources.get(key);
    if (number === undefined) {
      number = this.addResource({ kind: 'host', path, used: false });
      this.#hostResources.set(key, number);
    }
    return number;
  }

  /** Notes that an export is referred to, which is how shims are known. */
  use(source: CoreSource): CoreSource {
    if (source.kind === 'export') this.steps[source.step]?.used.add(source.name);
    return source;
  }

  context(plan: ContextPlan): number {
    const { state, memory, realloc } = plan;
    const key = JSON.stringify([state, memory?.step, memory?.name, realloc?.step, realloc?.name]);
    let number = this.#contextNumbers.get(key);
    if (number === undefined) {
      number = this.contexts.push(plan) - 1;
      this.#contextNumbers.set(key, number);
    }
    return number;
  }

  /** Components and core modules that are exported are types only: an instance has nothing to call in them. */
  #collectExports(root: Scope, name: string, item: Item): void {
    if (item.sort === 'instance') {
      for (const [inner, value] of item.exports) this.#collectExports(root, `${name}#${inner}`, value);
    } else if (item.sort === 'func') {
      this.addExport(name, 'host' in item ? root.forward(item) : item.lift, true);
    }
  }

  /** The same function as an export of a core module, which it may not be: of one that is made for it then. */
  exported(source: CoreSource, { type, state }: { type: CoreFuncType; state: number }): ExportSource {
    this.use(source);
    return source.kind === 'export' ? source : this.#passOn([{ source, type }], state)(0);
  }

  /** Puts functions together in a core module that exports them again. Gives what finds them there. */
  #passOn(
    functions: readonly { readonly source: CoreSource; readonly type: CoreFuncType }[],
    state: number,
  ): (at: number) => ExportSource {
    const step = this.addMade(passOnModule(functions.map((item) => item.type)), {
      sources: functions.map((item) => item.source),
      state,
    });
    return (at) => ({ kind: 'export', step, name: String(at) });
  }

  /** A step for a core module made here (`forward.ts`), which imports functions only. */
  addMade(bytes: Uint8Array, { sources, state }: { sources: readonly CoreSource[]; state: number }): number {
    const imports = sources.map((source, at): StepImport => {
      return { module: '', name: String(at), sort: 'func', source: this.use(source) };
    });
    return this.addStep({ bytes, imports, state, used: new Set() });
  }

  /** Makes a lifted function callable: from outside, or by other components of the composition. Gives its number. */
  addExport(name: string, lift: LiftItem, outside: boolean): number {
    const known = this.#lifted.get(lift);
    if (!outside && known !== undefined) return known;
    if (this.exports.length >= LINKS_MAX) exceeded(LINKS_MAX, 'exported functions', 'exported-functions');
    const number = this.exports.push(this.#exportPlan(name, lift, outside)) - 1;
    this.#lifted.set(lift, number);
    return number;
  }

  #exportPlan(name: string, lift: LiftItem, outside: boolean): ExportPlan {
    const { type, encoding } = lift;
    return { name, outside, type, encoding, context: lift.context(), ...this.#entered(lift) };
  }

  /** The pump of one core module enters a function and its post-return, so that module has to export both. */
  #entered({ type, core, postReturn, state }: LiftItem): Pick<ExportPlan, 'core' | 'postReturn'> {
    const entered = flattenFunc(type, 'lift');
    if (postReturn === undefined) {
      return { core: this.exported(core, { type: entered, state: state() }), postReturn };
    }
    this.use(core);
    this.use(postReturn);
    if (core.kind === 'export' && postReturn.kind === 'export' && core.step === postReturn.step) {
      return { core, postReturn };
    }
    const returned: CoreFuncType = { params: entered.results, results: [] };
    const find = this.#passOn(
      [
        { source: core, type: entered },
        { source: postReturn, type: returned },
      ],
      state(),
    );
    return { core: find(0), postReturn: find(1) };
  }
}

function unsupported(feature: string): never {
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot link the component: it has ${feature}, which is not supported yet`,
    {
      details: { feature },
    },
  );
}

function exceeded(max: number, what: string, limit: string): never {
  throw new RuntimeError('COMPONENT_LIMIT', `Cannot link the component: it has more than ${max} ${what}`, {
    details: { limit, limitCount: max },
  });
}

/** Evaluation of one component instance: its index spaces, filled definition by definition. */
class Scope {
  readonly #planner: Planner;
  readonly #component: Component;
  readonly #outer: Scope | undefined;
  readonly #args: ReadonlyMap<string, Item> | undefined;
  /** Number of this instance's state; made when a canonical definition first needs one. */
  #state: number | undefined;
  readonly #items: Record<Sort, Item[]> = {
    func: [],
    value: [],
    type: [],
    component: [],
    instance: [],
    'core-module': [],
  };
  readonly #core: Record<Exclude<CoreSort, 'instance' | 'module' | 'type'>, CoreSource[]> = {
    func: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };
  readonly #coreInstances: CoreInstance[] = [];
  readonly #resources = new Map<ResourceSymbol, number>();
  readonly #handles = new HandleUse();
  readonly #exports = new Map<string, Item>();

  constructor(
    planner: Planner,
    component: Component,
    link: { outer: Scope | undefined; args: ReadonlyMap<string, Item> | undefined },
  ) {
    this.#planner = planner;
    this.#component = component;
    this.#outer = link.outer;
    this.#args = link.args;
  }

  run(): ReadonlyMap<string, Item> {
    this.#planner.enter(this.#component);
    for (const definition of this.#component.definitions) this.#define(definition);
    this.finish();
    return this.#exports;
  }

  /** Notes which resource each slot of the instance is that it can have handles of. */
  finish(): void {
    if (this.#state === undefined) return;
    const { slots } = this.#planner.states[this.#state] as { slots: (number | undefined)[] };
    for (const symbol of this.#component.resources) {
      if (this.#handles.slots.has(symbol.slot)) slots[symbol.slot] = this.#resource(symbol);
    }
  }

  get state(): number {
    this.#state ??= this.#planner.states.push({ slots: [] }) - 1;
    return this.#state;
  }

  context(options: CanonOptions): number {
    const { state } = this;
    const planner = this.#planner;
    // Only core instances have memories.
    const memory = options.memory === undefined ? undefined : (this.#core.memory[options.memory] as ExportSource);
    if (memory !== undefined) planner.use(memory);
    const source = options.realloc === undefined ? undefined : found(this.#core.func[options.realloc]);
    return planner.context({ state, memory, realloc: source && planner.exported(source, { type: REALLOC, state }) });
  }

  /**
   * A function of the host that the component exports as it is. Values that pass are checked as those of any other function
   * of a guest: a core module is made that hands each call on.
   */
  forward({ host, type }: HostItem): LiftItem {
    const planner = this.#planner;
    const forward = forwardModule(type);
    if (forward === undefined) {
      unsupported(`an export of its own import "${host.join('#')}", which has borrowed handles inside other values`);
    }
    this.#handles.add(type);
    const step = planner.steps.length;
    const exported = (name: string): ExportSource => ({ kind: 'export', step, name });
    const memory = forward.hasMemory ? exported('memory') : undefined;
    const realloc = forward.hasMemory ? exported('realloc') : undefined;
    const { state } = this;
    const context = planner.context({ state, memory, realloc });
    const lowering = planner.addLowering({ target: { kind: 'host', path: host }, type, encoding: 'utf8', context });
    const drops = forward.borrows.map(
      (resource): CoreSource => ({ kind: 'resource-drop', state, slot: resource.slot }),
    );
    planner.addMade(forward.bytes, { sources: [{ kind: 'lower', lowering }, ...drops], state });
    const postReturn = forward.hasMemory ? exported('post-return') : undefined;
    return { type, encoding: 'utf8', core: exported('f'), postReturn, state: () => state, context: () => context };
  }

  #define(definition: Definition): void {
    switch (definition.kind) {
      case 'core-module':
        this.#items['core-module'].push({ sort: 'core-module', definition });
        return;
      case 'core-instantiate':
      case 'core-exports':
        this.#coreInstances.push(
          definition.kind === 'core-exports' ? this.#coreBag(definition) : this.#coreInstantiate(definition),
        );
        return;
      case 'component':
        this.#items.component.push({ sort: 'component', component: definition.component, scope: this });
        return;
      case 'instantiate':
      case 'exports':
        this.#items.instance.push({
          sort: 'instance',
          exports: definition.kind === 'exports' ? this.#bag(definition) : this.#instantiate(definition),
        });
        return;
      case 'alias-core-export':
        this.#coreSpace(definition.sort).push(
          (this.#coreInstances[definition.instance] as CoreInstance).get(definition.name),
        );
        return;
      case 'core-type':
        return;
      default:
        this.#defineItem(definition);
    }
  }

  #defineItem(definition: Definition): void {
    switch (definition.kind) {
      case 'alias-export': {
        const instance = this.#items.instance[definition.instance] as Extract<Item, { sort: 'instance' }>;
        this.#items[definition.sort].push(found(instance.exports.get(definition.name)));
        return;
      }
      case 'alias-outer':
        this.#aliasOuter(definition);
        return;
      case 'type':
        this.#items.type.push({ sort: 'type', resource: definition.resource && this.#resource(definition.resource) });
        return;
      case 'import': {
        const item =
          this.#args === undefined
            ? this.#hostItem([definition.name], definition.type)
            : found(this.#args.get(definition.name));
        this.#items[item.sort].push(item);
        return;
      }
      case 'export': {
        const item = found(this.#items[definition.sort][definition.index]);
        this.#exports.set(definition.name, item);
        this.#items[definition.sort].push(item);
        return;
      }
      default:
        this.#defineCanon(definition);
    }
  }

  #defineCanon(definition: Definition): void {
    if (definition.kind === 'lift') {
      const { type, options } = definition;
      this.#handles.add(type);
      const core = this.#core.func[definition.coreFunc] as CoreSource;
      const postReturn = options.postReturn === undefined ? undefined : this.#core.func[options.postReturn];
      const { encoding } = options;
      const state = () => this.state;
      const context = () => this.context(options);
      this.#items.func.push({ sort: 'func', lift: { type, encoding, core, postReturn, state, context } });
    } else if (definition.kind === 'lower') {
      this.#core.func.push(this.#lower(definition));
    } else if (
      definition.kind === 'resource-new' ||
      definition.kind === 'resource-rep' ||
      definition.kind === 'resource-drop'
    ) {
      const { slot } = definition.resource;
      this.#handles.slots.add(slot);
      this.#core.func.push({ kind: definition.kind, state: this.state, slot });
    }
  }

  #lower(definition: Extract<Definition, { kind: 'lower' }>): CoreSource {
    const item = found(this.#items.func[definition.func]) as Extract<Item, { sort: 'func' }>;
    const { type, options } = definition;
    this.#handles.add(type);
    const { encoding } = options;
    const target: LoweringPlan['target'] =
      'host' in item
        ? { kind: 'host', path: item.host }
        : { kind: 'inside', export: this.#planner.addExport(`function ${definition.func} inside`, item.lift, false) };
    const lowering = this.#planner.addLowering({ target, type, encoding, context: this.context(options) });
    return { kind: 'lower', lowering };
  }

  // ── core ──

  #coreSpace(sort: CoreSort): CoreSource[] {
    if (sort === 'instance' || sort === 'module' || sort === 'type') return [];
    return this.#core[sort];
  }

  #coreBag(definition: Extract<Definition, { kind: 'core-exports' }>): CoreInstance {
    this.#planner.charge(definition.exports.length);
    const sources = new Map<string, CoreSource>();
    for (const item of definition.exports) sources.set(item.name, found(this.#coreSpace(item.sort)[item.index]));
    return { get: (name) => found(sources.get(name)) };
  }

  #coreInstantiate(definition: Extract<Definition, { kind: 'core-instantiate' }>): CoreInstance {
    const module = given(this.#items['core-module'][definition.module]) as Extract<Item, { definition: object }>;
    const args = new Map(definition.args.map((arg) => [arg.name, this.#coreInstances[arg.instance] as CoreInstance]));
    this.#planner.charge(definition.args.length + module.definition.type.imports.length);
    const imports: StepImport[] = module.definition.type.imports.map((item) => ({
      module: item.module,
      name: item.name,
      sort: item.type.kind,
      source: this.#planner.use(found(args.get(item.module)).get(item.name)),
    }));
    const step = this.#planner.addStep({ bytes: module.definition.bytes, imports, state: this.state, used: new Set() });
    return { get: (name) => ({ kind: 'export', step, name }) };
  }

  // ── components, instances, types ──

  #bag(definition: Extract<Definition, { kind: 'exports' }>): ReadonlyMap<string, Item> {
    this.#planner.charge(definition.exports.length);
    return new Map(definition.exports.map((item) => [item.name, found(this.#items[item.sort][item.index])]));
  }

  #instantiate(definition: Extract<Definition, { kind: 'instantiate' }>): ReadonlyMap<string, Item> {
    const item = given(this.#items.component[definition.component]) as Extract<Item, { component: object }>;
    this.#planner.charge(definition.args.length);
    const args = new Map(definition.args.map((arg) => [arg.name, found(this.#items[arg.sort][arg.index])]));
    return new Scope(this.#planner, item.component, { outer: item.scope, args }).run();
  }

  #aliasOuter(definition: Extract<Definition, { kind: 'alias-outer' }>): void {
    if (definition.sort === 'core-type') return;
    if (definition.sort === 'type') {
      // Resource types cannot be reached this way, and value types are resolved already.
      this.#items.type.push({ sort: 'type', resource: undefined });
      return;
    }
    let scope: Scope = this;
    for (let level = 0; level < definition.count; level++) scope = found(scope.#outer);
    this.#items[definition.sort].push(found(scope.#items[definition.sort][definition.index]));
  }

  #hostItem(path: readonly string[], type: ExternType): Item {
    switch (type.kind) {
      case 'func':
        return { sort: 'func', host: path, type: type.type };
      case 'instance':
        return { sort: 'instance', exports: this.#hostExports(path, type.type) };
      case 'type':
        // By symbol, not by path: an interface that uses another one's resource names it again.
        return {
          sort: 'type',
          resource: type.type.kind === 'resource' ? this.#resource(type.type.resource) : undefined,
        };
      case 'component':
      case 'core-module': {
        const missing = path.join('#');
        const part = this.#planner.parts.get(missing);
        if (part === undefined) return { sort: type.kind, missing };
        if (part.kind === 'core-module') return { sort: part.kind, definition: part };
        return { sort: part.kind, component: part.component, scope: undefined };
      }
    }
  }

  #hostExports(path: readonly string[], type: InstanceType): ReadonlyMap<string, Item> {
    const exports = new Map<string, Item>();
    for (const [name, inner] of type.exports) exports.set(name, this.#hostItem([...path, name], inner));
    return exports;
  }

  /** The run-time resource that `symbol` stands for in this instance; undefined if nothing here can make one. */
  #resource(symbol: ResourceSymbol): number | undefined {
    const known = this.#resources.get(symbol);
    if (known !== undefined) return known;
    const resource = this.#resolve(symbol);
    if (resource !== undefined) this.#resources.set(symbol, resource);
    return resource;
  }

  #resolve(symbol: ResourceSymbol): number | undefined {
    const { origin } = symbol;
    switch (origin.kind) {
      case 'local': {
        const source = origin.dtor === undefined ? undefined : found(this.#core.func[origin.dtor]);
        const dtor = source && this.#planner.exported(source, { type: DESTRUCTOR, state: this.state });
        return this.#planner.addResource({ kind: 'guest', name: symbol.name, state: this.state, dtor });
      }
      case 'export':
        return this.#resource(origin.of);
      case 'import':
        return this.#args === undefined ? this.#planner.hostResource(origin.path) : resourceAt(this.#args, origin.path);
      case 'instance': {
        const instance = this.#items.instance[origin.instance];
        return instance?.sort === 'instance' ? resourceAt(instance.exports, origin.path) : undefined;
      }
    }
  }
}

function resourceAt(exports: ReadonlyMap<string, Item>, path: readonly string[]): number | undefined {
  const item = exports.get(path[0] as string);
  if (path.length > 1) return item?.sort === 'instance' ? resourceAt(item.exports, path.slice(1)) : undefined;
  return item?.sort === 'type' ? item.resource : undefined;
}

/** A component or core module to instantiate: of those that are imported, one that was given. */
function given(item: Item | undefined): Item {
  const present = found(item);
  if (!('missing' in present)) return present;
  const { missing, sort } = present;
  const what = sort === 'component' ? 'component' : 'core module';
  throw new RuntimeError(
    'COMPONENT_IMPORT_MISSING',
    `Cannot link the component: it instantiates the ${what} "${missing}" that it imports; give its bytes in "parts"`,
    { details: { missing: [missing] } },
  );
}

/** The validator saw to it that every reference leads somewhere. */
function found<T>(item: T | undefined): T {
  if (item === undefined)
    throw new RuntimeError('INTERNAL', 'Broken invariant: a validated component refers to what is not there');
  return item;
}
