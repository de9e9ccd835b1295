import type { CoreTypeSpace } from './core-types.ts';
import { COMPONENTS_MAX, CORE_ITEMS_MAX, FUNCTIONS_MAX, INSTANCES_MAX, MODULES_MAX, TYPES_MAX } from './limits.ts';
import type { Definition } from './model.ts';
import type { Session } from './session.ts';
import { ModelWriter } from './to-model.ts';
import type {
  AnyType,
  ComponentShape,
  CoreFunc,
  CoreGlobal,
  CoreInstance,
  CoreMemory,
  CoreModule,
  CoreTable,
  CoreType,
  Entity,
  Func,
  Instance,
  Path,
  Resource,
  ResourceId,
  Value,
} from './types.ts';

/** What a scope is: a component, or the declaration of a component's or an instance's type. */
export type ScopeKind = 'component' | 'component-type' | 'instance-type';

interface TypeBySort {
  readonly value: Value;
  readonly resource: Resource;
  readonly func: Func;
  readonly instance: Instance;
  readonly component: ComponentShape;
}

const SORT_TEXTS: Readonly<Record<keyof TypeBySort, string>> = {
  value: 'the type of a value',
  resource: 'a resource type',
  func: 'a function type',
  instance: 'an instance type',
  component: 'a component type',
};

/** The two directions in which a scope has names. */
export type Side = 'import' | 'export';

/** One side, imports or exports, of a scope. */
export class Externs {
  readonly entities = new Map<string, Entity>();
  /** Names as they must differ, with the name that was there first. */
  readonly unique = new Map<string, string>();
  /** Types that have a name on this side: those that its functions may mention. */
  readonly named = new Set<object>();
  /** Types without a name of their own whose parts all have one: kept because types share parts. */
  readonly fullyNamed = new Set<object>();
  /** Resource types that are imported or exported directly, for the names of methods. */
  readonly resourceNames = new Map<Resource, string>();
  readonly resourceLabels = new Set<string>();

  nameResource(resource: Resource, name: string): void {
    this.resourceNames.set(resource, name);
    this.resourceLabels.add(name);
  }
}

/** Everything that the definitions of one component (or the declarations of one type) have defined so far. */
export class Scope implements CoreTypeSpace {
  readonly kind: ScopeKind;
  readonly parent: Scope | undefined;
  readonly depth: number;
  readonly #session: Session;

  readonly coreTypes: CoreType[] = [];
  readonly coreFuncs: CoreFunc[] = [];
  readonly coreTables: CoreTable[] = [];
  readonly coreMemories: CoreMemory[] = [];
  readonly coreGlobals: CoreGlobal[] = [];
  readonly coreTags: CoreFunc[] = [];
  readonly coreModules: CoreModule[] = [];
  readonly coreInstances: CoreInstance[] = [];
  readonly types: AnyType[] = [];
  readonly funcs: Func[] = [];
  readonly instances: Instance[] = [];
  readonly components: ComponentShape[] = [];

  readonly imports = new Externs();
  readonly exports = new Externs();
  /** Resources that imports introduced, with the place. */
  readonly importedResources = new Map<ResourceId, Path>();
  /** Resources that arose here. `true`: by a definition here, so that their representation is known. */
  readonly definedResources = new Map<ResourceId, boolean>();
  /** Resources that are exported, with the place. */
  readonly explicitResources = new Map<ResourceId, Path>();

  readonly definitions: Definition[] = [];
  readonly model: ModelWriter;

  constructor(session: Session, kind: ScopeKind, parent: Scope | undefined) {
    this.#session = session;
    this.kind = kind;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.model = new ModelWriter(session);
  }

  /** Core types in use; with {@link at} what the reader of core types asks for. */
  get length(): number {
    return this.coreTypes.length;
  }

  at(index: number): number | undefined {
    const type = this.coreTypes[index];
    return type?.sort === 'sub' ? type.id : undefined;
  }

  side(side: Side): Externs {
    return side === 'import' ? this.imports : this.exports;
  }

  /** The item at `index` of an index space. Throws if there is none. */
  lookup<T>(space: readonly T[], index: number, what: string): T {
    const found = space[index];
    if (found !== undefined) return found;
    const count = space.length === 1 ? '1 is' : `${space.length} are`;
    return this.#session.fail(`${what} ${index} is not defined: ${count} defined before it`);
  }

  type(index: number): AnyType {
    return this.lookup(this.types, index, 'type');
  }

  /** The type at `index`, which must be of one sort. */
  typeOf<S extends keyof TypeBySort>(index: number, sort: S): TypeBySort[S] {
    const any = this.type(index);
    if (any.sort !== sort) this.#session.fail(`type ${index} is not ${SORT_TEXTS[sort]}`);
    return any.type as TypeBySort[S];
  }

  coreFunc(index: number): CoreFunc {
    return this.lookup(this.coreFuncs, index, 'core function');
  }

  /** Throws if an index space has more items than are allowed. Called after each section and declaration. */
  checkCounts(): void {
    const counts: readonly (readonly [count: number, max: number, things: string])[] = [
      [this.coreTypes.length + this.types.length, TYPES_MAX, 'types'],
      [this.coreFuncs.length + this.funcs.length, FUNCTIONS_MAX, 'functions'],
      [this.coreInstances.length + this.instances.length, INSTANCES_MAX, 'instances'],
      [this.coreModules.length, MODULES_MAX, 'core modules'],
      [this.components.length, COMPONENTS_MAX, 'components'],
      [this.coreTables.length, CORE_ITEMS_MAX, 'core tables'],
      [this.coreMemories.length, CORE_ITEMS_MAX, 'core memories'],
      [this.coreGlobals.length, CORE_ITEMS_MAX, 'core globals'],
      [this.coreTags.length, CORE_ITEMS_MAX, 'core tags'],
    ];
    for (const [count, max, things] of counts) {
      if (count > max) this.#session.fail(`${count} ${things} are more than the ${max} that are allowed`);
    }
  }
}
