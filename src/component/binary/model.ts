/**
 * What the decoder and validator make of a component binary: a tree without type indices. Everything that a later
 * stage needs to know about a type is resolved here; item indices remain only between the definitions of one component.
 */

/** Kinds of value types that hold nothing else. */
export type PrimitiveKind =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string';

export interface Field<R = ResourceSymbol> {
  readonly name: string;
  readonly type: ValueType<R>;
}
export interface Case<R = ResourceSymbol> {
  readonly name: string;
  readonly type: ValueType<R> | undefined;
}

/** A type of a value, fully resolved. `R` is how a handle names its resource; the validator has a form of its own. */
export type ValueType<R = ResourceSymbol> =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'record'; readonly fields: readonly Field<R>[] }
  | { readonly kind: 'variant'; readonly cases: readonly Case<R>[] }
  | { readonly kind: 'list'; readonly element: ValueType<R> }
  | { readonly kind: 'tuple'; readonly types: readonly ValueType<R>[] }
  | { readonly kind: 'flags'; readonly names: readonly string[] }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'option'; readonly some: ValueType<R> }
  | { readonly kind: 'result'; readonly ok: ValueType<R> | undefined; readonly error: ValueType<R> | undefined }
  | { readonly kind: 'own'; readonly resource: R }
  | { readonly kind: 'borrow'; readonly resource: R };

/**
 * A resource type as one component sees it. At run time, an instance of that component holds one run-time resource type
 * per slot; two symbols of one component may turn out to be the same one (`origin` says when that is known).
 */
export interface ResourceSymbol {
  /**
   * Index among `Component.resources`, unique in its component; −1 for one that is bound inside the type of a component
   * that is imported, exported or passed on, and that no value of this component can have.
   */
  readonly slot: number;
  /** For messages: the name it is imported, exported or best known by. */
  name: string;
  readonly origin: ResourceOrigin;
}

export type ResourceOrigin =
  /** Defined here, by a type definition with this representation and destructor (index into core functions). */
  | { readonly kind: 'local'; readonly dtor: number | undefined }
  /** Imported: directly as a type (path of one name) or inside an instance (import name, then export name…). */
  | { readonly kind: 'import'; readonly path: readonly string[] }
  /** Exported by instance `instance` of this component's instance index space, which instantiates a nested component. */
  | { readonly kind: 'instance'; readonly instance: number; readonly path: readonly string[] }
  /** Made by an export definition from another symbol: the same resource under another, opaque name. */
  | { readonly kind: 'export'; readonly of: ResourceSymbol };

/** Type of a component-level function. At most one result since the named-results form is gone. */
export interface FuncType<R = ResourceSymbol> {
  readonly params: readonly Field<R>[];
  readonly result: ValueType<R> | undefined;
}

/** Type of something importable or exportable. */
export type ExternType =
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'instance'; readonly type: InstanceType }
  | { readonly kind: 'type'; readonly type: TypeBound }
  | { readonly kind: 'component'; readonly type: ComponentType }
  | { readonly kind: 'core-module'; readonly type: CoreModuleType };

/** A type that is imported or exported: a resource, or a value type under a name. */
export type TypeBound =
  | { readonly kind: 'resource'; readonly resource: ResourceSymbol }
  | { readonly kind: 'value'; readonly type: ValueType }
  | { readonly kind: 'other' };

export interface InstanceType {
  readonly exports: ReadonlyMap<string, ExternType>;
}
export interface ComponentType {
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
}

export type CoreValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref' | 'other';
export interface CoreFuncType {
  readonly params: readonly CoreValueType[];
  readonly results: readonly CoreValueType[];
}
export type CoreExternType =
  | { readonly kind: 'func'; readonly type: CoreFuncType }
  | {
      readonly kind: 'memory';
      readonly min: bigint;
      readonly max: bigint | undefined;
      readonly shared: boolean;
      readonly is64: boolean;
    }
  | {
      readonly kind: 'table';
      readonly element: string;
      readonly min: bigint;
      readonly max: bigint | undefined;
      readonly is64: boolean;
    }
  | { readonly kind: 'global'; readonly type: string; readonly mutable: boolean }
  | { readonly kind: 'tag'; readonly type: CoreFuncType };
export interface CoreModuleType {
  readonly imports: readonly { readonly module: string; readonly name: string; readonly type: CoreExternType }[];
  readonly exports: ReadonlyMap<string, CoreExternType>;
}

export type CoreSort = 'func' | 'table' | 'memory' | 'global' | 'tag' | 'type' | 'module' | 'instance';
export type Sort = 'func' | 'value' | 'type' | 'component' | 'instance' | 'core-module';

/** Options of `canon lift` and `canon lower`. Indices are into the core function and core memory index spaces. */
export interface CanonOptions {
  readonly encoding: 'utf8' | 'utf16' | 'latin1+utf16';
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  readonly postReturn: number | undefined;
}

/**
 * One definition of a component, in binary order. Each appends one item to the index space named beside it (exports
 * too: they define a new index of their sort). Indices refer to what earlier definitions of the same component made.
 */
export type Definition =
  | { readonly kind: 'core-module'; readonly bytes: Uint8Array; readonly type: CoreModuleType } // core module
  | {
      readonly kind: 'core-instantiate';
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    } // core instance
  | {
      readonly kind: 'core-exports';
      readonly exports: readonly { readonly name: string; readonly sort: CoreSort; readonly index: number }[];
    } // core instance
  | { readonly kind: 'component'; readonly component: Component } // component
  | {
      readonly kind: 'instantiate';
      readonly component: number;
      readonly args: readonly { readonly name: string; readonly sort: Sort; readonly index: number }[];
      readonly type: InstanceType;
    } // instance
  | {
      readonly kind: 'exports';
      readonly exports: readonly { readonly name: string; readonly sort: Sort; readonly index: number }[];
      readonly type: InstanceType;
    } // instance
  | { readonly kind: 'alias-export'; readonly sort: Sort; readonly instance: number; readonly name: string } // sort
  | { readonly kind: 'alias-core-export'; readonly sort: CoreSort; readonly instance: number; readonly name: string } // core sort
  | {
      readonly kind: 'alias-outer';
      readonly sort: 'type' | 'component' | 'core-module' | 'core-type';
      readonly count: number;
      readonly index: number;
    } // sort
  | { readonly kind: 'type'; readonly resource: ResourceSymbol | undefined } // type; `resource` if it defines a local one
  | { readonly kind: 'core-type' } // core type
  | { readonly kind: 'lift'; readonly coreFunc: number; readonly type: FuncType; readonly options: CanonOptions } // func
  | { readonly kind: 'lower'; readonly func: number; readonly type: FuncType; readonly options: CanonOptions } // core func
  | { readonly kind: 'resource-new' | 'resource-rep' | 'resource-drop'; readonly resource: ResourceSymbol } // core func
  | { readonly kind: 'import'; readonly name: string; readonly type: ExternType } // sort of type
  | {
      readonly kind: 'export';
      readonly name: string;
      readonly sort: Sort;
      readonly index: number;
      readonly type: ExternType;
    }; // sort

/** A binary that stands for an import of a component or core module. */
export type Part = Extract<Definition, { readonly kind: 'component' | 'core-module' }>;

/**
 * Binaries for components and core modules that a component imports: by the name of the import, or as `interface#name` for
 * one that an imported instance exports. They are linked as if they were nested in the component.
 */
export type Parts = Readonly<Record<string, Uint8Array>>;

/** A decoded and validated component. */
export interface Component {
  readonly definitions: readonly Definition[];
  /** Every resource type that a type in this component (not in nested ones) can mention, by slot. */
  readonly resources: readonly ResourceSymbol[];
  readonly type: ComponentType;
}

/** A component that nothing is around, with what stands for its imports of components and core modules. */
export interface RootComponent extends Component {
  readonly parts: ReadonlyMap<string, Part>;
}
