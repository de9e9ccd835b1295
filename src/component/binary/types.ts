import { TYPE_DEPTH_MAX, TYPE_SIZE_MAX } from './limits.ts';
import type { CoreExternType, CoreFuncType, FuncType, PrimitiveKind, ValueType } from './model.ts';

/**
 * Types as the validator needs them. They are immutable graphs: equal parts may be one object, and the *identity* of
 * an object matters, because a type that is imported or exported gets a name by becoming a new object ({@link renamed}).
 *
 *   (type $r (record …))         → Value A
 *   (export $r2 "r" (type $r))   → Value B, a copy of A; a function may be exported with B, but not with A
 */

/** What makes a resource type itself. Its identity is all it has; the name is for messages. */
export interface ResourceId {
  readonly name: string;
}

/** A resource type under one of its names. */
export interface Resource {
  readonly id: ResourceId;
}

export type Value = ValueType<Resource>;
export type Func = FuncType<Resource>;

/** Where an import or export is found: its name, then names of exports inside. */
export type Path = readonly string[];

export interface Instance {
  readonly exports: ReadonlyMap<string, Entity>;
  /** Resources that the type itself introduces. Always empty once an instance of the type exists. */
  readonly defined: readonly ResourceId[];
  /** Resources that are exported, with the place where. */
  readonly explicit: ReadonlyMap<ResourceId, Path>;
}

export interface ComponentShape {
  readonly imports: ReadonlyMap<string, Entity>;
  readonly exports: ReadonlyMap<string, Entity>;
  /** Resources that an instantiation must supply, with the place in the imports. */
  readonly imported: ReadonlyMap<ResourceId, Path>;
  /** Resources that each instantiation makes anew, with the place in the exports. */
  readonly defined: ReadonlyMap<ResourceId, Path>;
  /** Resources that are exported, made here or not, with the place where. */
  readonly explicit: ReadonlyMap<ResourceId, Path>;
}

/** A core function or tag type with the number by which equal types are told ({@link CoreTypes}). */
export interface CoreFunc {
  readonly kind: 'func' | 'tag';
  readonly type: CoreFuncType;
  readonly id: number;
}
export type CoreItem = CoreFunc | Exclude<CoreExternType, { readonly kind: 'func' | 'tag' }>;
export type CoreMemory = Extract<CoreItem, { readonly kind: 'memory' }>;
export type CoreTable = Extract<CoreItem, { readonly kind: 'table' }>;
export type CoreGlobal = Extract<CoreItem, { readonly kind: 'global' }>;

export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly type: CoreItem;
}
export interface CoreModule {
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreItem>;
}
export type CoreInstance = ReadonlyMap<string, CoreItem>;

/** What stands in the type index space. */
export type AnyType =
  | { readonly sort: 'value'; readonly type: Value }
  | { readonly sort: 'resource'; readonly type: Resource }
  | { readonly sort: 'func'; readonly type: Func }
  | { readonly sort: 'instance'; readonly type: Instance }
  | { readonly sort: 'component'; readonly type: ComponentShape };

/** What stands in the core type index space. */
export type CoreType =
  | { readonly sort: 'module'; readonly type: CoreModule }
  | { readonly sort: 'sub'; readonly id: number };

/** The type of something that is imported, exported or passed on. */
export type Entity =
  | { readonly kind: 'func'; readonly type: Func }
  | { readonly kind: 'instance'; readonly type: Instance }
  | { readonly kind: 'component'; readonly type: ComponentShape }
  | { readonly kind: 'core-module'; readonly type: CoreModule }
  /** `created` is `referenced` under the name that the import or export gives; the same object for a new resource. */
  | { readonly kind: 'type'; readonly created: AnyType; readonly referenced: AnyType };

const PRIMITIVES: Readonly<Record<number, PrimitiveKind>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
};

/** The primitive type that a byte of the binary stands for, if it is one. */
export function primitiveOf(byte: number): Value | undefined {
  const kind = PRIMITIVES[byte];
  return kind === undefined ? undefined : { kind };
}

/** The same type as a new object: the form in which an import or export puts it into the index space. */
export function renamed(type: AnyType): AnyType {
  if (type.sort === 'value') return { sort: 'value', type: { ...type.type } };
  if (type.sort === 'resource') return { sort: 'resource', type: { ...type.type } };
  return type; // functions, instances and components need no name
}

/** What is known of a type without walking it. */
export interface TypeInfo {
  /** Parts, counted as a tree. */
  readonly size: number;
  readonly depth: number;
  /** Whether a `borrow` is somewhere in it. */
  readonly borrow: boolean;
  /** Whether a value of it can point into memory: it has a string or a list. */
  readonly pointer: boolean;
}

export const LEAF_INFO: TypeInfo = { size: 1, depth: 1, borrow: false, pointer: false };

/** Combines what is known of the parts. Throws by `fail` if the whole is too large. */
export function combineInfo(parts: Iterable<TypeInfo>, fail: (problem: string) => never, base = LEAF_INFO): TypeInfo {
  let { size, depth, borrow, pointer } = base;
  for (const part of parts) {
    size += part.size;
    depth = Math.max(depth, part.depth + 1);
    borrow ||= part.borrow;
    pointer ||= part.pointer;
    if (size >= TYPE_SIZE_MAX) fail(`a type has ${TYPE_SIZE_MAX} parts or more, counted as a tree`);
    if (depth > TYPE_DEPTH_MAX) fail(`types are nested more than ${TYPE_DEPTH_MAX} deep`);
  }
  return { size, depth, borrow, pointer };
}

/** The types that a value type is made of directly. */
export function partsOf<R>(type: ValueType<R>): readonly ValueType<R>[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'variant':
      return type.cases.flatMap((entry) => entry.type ?? []);
    case 'list':
      return [type.element];
    case 'tuple':
      return type.types;
    case 'option':
      return [type.some];
    case 'result':
      return [type.ok, type.error].filter((part) => part !== undefined);
    default:
      return [];
  }
}

/** The value types that a function type mentions. */
export function valuesOf<R>(type: FuncType<R>): readonly ValueType<R>[] {
  const values = type.params.map((param) => param.type);
  if (type.result !== undefined) values.push(type.result);
  return values;
}
