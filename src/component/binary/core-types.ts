import { unsupported } from './failure.ts';
import { FUNCTION_PARAMS_MAX, REC_GROUP_MAX, STRUCT_FIELDS_MAX } from './limits.ts';
import type { CoreFuncType, CoreValueType } from './model.ts';
import type { Reader } from './reader.ts';
import type { CoreFunc } from './types.ts';

/**
 * Core types are compared by text. `i32`, `funcref`, `(ref null #7)`: `#7` is the number that {@link CoreTypes} gave
 * to a type, so equal texts mean equal types. Inside the group that is being read a type that belongs to the group
 * itself is written `@k`, by its place: groups that are equal up to where they stand get the same text, hence the same
 * numbers. That is the equivalence of recursive types that the core specification asks for.
 */
type TypeText = string;

const VALUE_TEXTS: Readonly<Record<number, TypeText>> = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64', 123: 'v128' };

const HEAP_TEXTS: Readonly<Record<number, TypeText>> = {
  117: 'nocont',
  116: 'noexn',
  115: 'nofunc',
  114: 'noextern',
  113: 'none',
  112: 'func',
  111: 'extern',
  110: 'any',
  109: 'eq',
  108: 'i31',
  107: 'struct',
  106: 'array',
  105: 'exn',
  104: 'cont',
};

const MODEL_TYPES: Readonly<Record<TypeText, CoreValueType>> = {
  i32: 'i32',
  i64: 'i64',
  f32: 'f32',
  f64: 'f64',
  v128: 'v128',
  '(ref null func)': 'funcref',
  '(ref null extern)': 'externref',
};

/** Supertypes that a type may have above it. wasm-tools' figure, as all the others. */
const SUPERTYPES_MAX = 63;

interface CoreTypeDefinition {
  /** The function, if it is one: the same object for all functions of the type. */
  readonly func: CoreFunc | undefined;
  /** A smaller number than the type's own. */
  readonly supertype: number | undefined;
  readonly final: boolean;
  /** Supertypes above it. */
  readonly depth: number;
}

/** A type of a group that is being read; types of the group itself are written `@k`. */
interface SubType {
  readonly text: TypeText;
  readonly func: CoreFuncType | undefined;
  readonly supertype: TypeText | undefined;
  readonly final: boolean;
}

/** What an index means where a type is read. */
export interface CoreTypeSpace {
  /** Number of the type at `index`; `undefined` if there is none, or if it is a module type. */
  at(index: number): number | undefined;
  /** Indices in use; the group that is read gets those that follow. */
  readonly length: number;
}

/** Every core type of one component binary, each under one number. */
export class CoreTypes {
  readonly #groups = new Map<string, number>();
  readonly #types: CoreTypeDefinition[] = [];

  /** A function of the type with number `id`, or `undefined` if that is not a function type. */
  func(id: number): CoreFunc | undefined {
    return this.#types[id]?.func;
  }

  /** A function of the plain type with these parameters and results. */
  plainFunc(type: CoreFuncType): CoreFunc {
    const text = (kind: CoreValueType): TypeText => {
      if (kind === 'funcref') return '(ref null func)';
      return kind === 'externref' ? '(ref null extern)' : kind;
    };
    const id = this.#intern([
      { text: funcText(type.params.map(text), type.results.map(text)), func: type, supertype: undefined, final: true },
    ]);
    return this.#types[id]?.func as CoreFunc; // it was put in as one
  }

  /** Tells whether every value of type `a` is one of type `b`: they are equal, or `a` was declared so. */
  isSubtype(a: number, b: number): boolean {
    for (let type: number | undefined = a; type !== undefined; type = this.#types[type]?.supertype) {
      if (type === b) return true;
    }
    return false;
  }

  /** Reads a recursion group, or one type alone, and returns the numbers of its types. */
  readGroup(reader: Reader, space: CoreTypeSpace): number[] {
    const alone = reader.peek() !== 0x4e;
    if (!alone) reader.u8();
    const size = alone ? 1 : reader.count(REC_GROUP_MAX, 'types of a recursion group');
    const group: SubType[] = [];
    while (group.length < size) {
      const type = readSub(reader, space, size);
      if (type.supertype?.startsWith('@') === true && Number(type.supertype.slice(1)) >= group.length) {
        reader.fail('the supertype of a core type must come before it');
      }
      group.push(type);
    }
    if (group.length === 0) return [];
    const first = this.#intern(group);
    const numbers = group.map((_, at) => first + at);
    for (const number of numbers) this.#checkSupertype(number, reader);
    return numbers;
  }

  #checkSupertype(number: number, reader: Reader): void {
    const type = this.#types[number] as CoreTypeDefinition;
    if (type.supertype === undefined) return;
    if (this.#types[type.supertype]?.final !== false) reader.fail('the supertype of a core type is final');
    if (type.depth > SUPERTYPES_MAX) reader.fail(`a core type has more than ${SUPERTYPES_MAX} supertypes`);
  }

  #intern(group: readonly SubType[]): number {
    const key = group.map((type) => `${type.final} ${type.supertype ?? ''} ${type.text}`).join(';');
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const first = this.#types.length;
    for (const { func, supertype, final } of group) {
      const above =
        supertype === undefined ? undefined : Number(supertype.slice(1)) + (supertype[0] === '@' ? first : 0);
      const depth = above === undefined ? 0 : (this.#types[above]?.depth ?? 0) + 1;
      const item: CoreFunc | undefined = func && { kind: 'func', type: func, id: this.#types.length };
      this.#types.push({ func: item, final, supertype: above, depth });
    }
    this.#groups.set(key, first);
    return first;
  }
}

function readSub(reader: Reader, space: CoreTypeSpace, groupSize: number): SubType {
  const form = reader.peek();
  if (form !== 0x50 && form !== 0x4f) {
    return { ...readComposite(reader, space, groupSize), supertype: undefined, final: true };
  }
  reader.u8();
  const supertypes = reader.vector(1, 'supertypes', () => typeText(reader, space, groupSize));
  return { ...readComposite(reader, space, groupSize), supertype: supertypes[0], final: form === 0x4f };
}

function funcText(params: readonly TypeText[], results: readonly TypeText[]): TypeText {
  return `(func (param ${params.join(' ')}) (result ${results.join(' ')}))`;
}

function readComposite(reader: Reader, space: CoreTypeSpace, groupSize: number): Pick<SubType, 'text' | 'func'> {
  const value = (): TypeText => readCoreValueType(reader, space, groupSize);
  const form = reader.u8();
  switch (form) {
    case 0x60: {
      const params = reader.vector(FUNCTION_PARAMS_MAX, 'function parameters', value);
      const results = reader.vector(FUNCTION_PARAMS_MAX, 'function results', value);
      const func = { params: params.map(modelType), results: results.map(modelType) };
      return { text: funcText(params, results), func };
    }
    case 0x5f: {
      const fields = reader.vector(STRUCT_FIELDS_MAX, 'struct fields', () => readField(reader, space, groupSize));
      return { text: `(struct ${fields.join(' ')})`, func: undefined };
    }
    case 0x5e:
      return { text: `(array ${readField(reader, space, groupSize)})`, func: undefined };
    case 0x5d:
      return unsupported(reader.offset - 1, 'core continuation types');
    case 0x4c:
    case 0x4d:
      return unsupported(reader.offset - 1, 'custom descriptors of core types');
    case 0x65:
      return unsupported(reader.offset - 1, 'shared core types');
    default:
      return reader.fail(`0x${form.toString(16)} is not the form of a core type`);
  }
}

function readField(reader: Reader, space: CoreTypeSpace, groupSize: number): TypeText {
  const packed = { 120: 'i8', 119: 'i16' }[reader.peek()];
  if (packed !== undefined) reader.u8();
  const text = packed ?? readCoreValueType(reader, space, groupSize);
  return readMutability(reader) ? `(mut ${text})` : text;
}

export function readMutability(reader: Reader): boolean {
  const flag = reader.u8();
  if (flag > 1) reader.fail(`0x${flag.toString(16)} is not a mutability`);
  return flag === 1;
}

function typeText(reader: Reader, space: CoreTypeSpace, groupSize: number): TypeText {
  const index = reader.u32();
  const inGroup = index - space.length;
  if (inGroup >= 0 && inGroup < groupSize) return `@${inGroup}`;
  return `#${typeNumber(reader, space, index)}`;
}

/** Number of the type at `index`. Throws if there is none. */
export function typeNumber(reader: Reader, space: CoreTypeSpace, index: number): number {
  return space.at(index) ?? reader.fail(`core type ${index} is not defined, or is the type of a module`);
}

/** The model's name for a type: what the canonical ABI cannot meet is `other`. */
export function modelType(text: TypeText): CoreValueType {
  return Object.hasOwn(MODEL_TYPES, text) ? (MODEL_TYPES[text] as CoreValueType) : 'other';
}

/** Reads a core value type as text; outside of a group leave out its size. */
export function readCoreValueType(reader: Reader, space: CoreTypeSpace, groupSize = 0): TypeText {
  const byte = reader.peek();
  const text = VALUE_TEXTS[byte];
  if (text === undefined) return readReferenceType(reader, space, groupSize);
  reader.u8();
  return text;
}

/** Reads a core reference type as text; outside of a group leave out its size. */
export function readReferenceType(reader: Reader, space: CoreTypeSpace, groupSize = 0): TypeText {
  const form = reader.u8();
  if (form === 0x63 || form === 0x64) {
    const heap = readHeapType(reader, space, groupSize);
    return form === 0x63 ? `(ref null ${heap})` : `(ref ${heap})`;
  }
  const heap = HEAP_TEXTS[form];
  if (heap !== undefined) return `(ref null ${heap})`;
  if (form === 0x65) return unsupported(reader.offset - 1, 'shared core types');
  if (form === 0x62) return unsupported(reader.offset - 1, 'exact core reference types');
  return reader.fail(`0x${form.toString(16)} is not a core value type`);
}

export function readHeapType(reader: Reader, space: CoreTypeSpace, groupSize = 0): TypeText {
  const abstract = HEAP_TEXTS[reader.peek()];
  if (abstract !== undefined) {
    reader.u8();
    return abstract;
  }
  if (reader.peek() === 0x65) return unsupported(reader.offset, 'shared core types');
  if (reader.peek() === 0x62) return unsupported(reader.offset, 'exact core reference types');
  const index = reader.s33();
  if (index < 0) return reader.fail('that is not a core heap type');
  const inGroup = index - space.length;
  if (inGroup >= 0 && inGroup < groupSize) return `@${inGroup}`;
  return `#${typeNumber(reader, space, index)}`;
}
