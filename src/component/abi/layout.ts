import type { PrimitiveKind, ValueType } from '../binary/index.ts';
import { ARRAY_BASE_BYTES } from './limits.ts';

/** What the Canonical ABI says of a type in memory, and what the code generator asks about it. */
interface Layout {
  /** Bytes in guest memory. */
  readonly sizeBytes: number;
  /** Alignment in guest memory: 1, 2, 4 or 8. */
  readonly align: number;
  /** Nodes of the type tree: how much code it becomes when written in place. */
  readonly weight: number;
  /**
   * Estimated host bytes of a value with the slot that holds it, beside strings, lists and handles in it, which are
   * charged when they are met. Measured in Node 24 and 26, at the most for each type.
   */
  readonly hostBytes: number;
  /** A value holds a string or list: lifting reads memory, lowering allocates. */
  readonly inMemory: boolean;
  readonly hasBorrow: boolean;
  readonly hasHandle: boolean;
}

/** A type whose values are a pointer and a length. A primitive among them is a string. */
export type Sequence = ValueType & { kind: PrimitiveKind | 'list' };

/** A type whose values are one 32-bit word, but no number. A primitive among them is a char. */
export type Word = ValueType & { kind: PrimitiveKind | 'own' | 'borrow' | 'flags' | 'enum' };

/** One alternative of a variant, option, result or enum. */
export interface Alternative {
  readonly tag: string;
  readonly type: ValueType | undefined;
}

/** A value that needs nothing beside the place that holds it. */
const SLOT_BYTES = 8;

/** An object beside its fields: its header, and the slot that holds it. */
const OBJECT_BYTES = 32;

const known = new WeakMap<ValueType, Layout>();

/** Lays a type out. The cost is linear in the graph of the type: equal parts that are one object are seen once. */
export function layoutOf(type: ValueType): Layout {
  let layout = known.get(type);
  if (layout === undefined) {
    layout = computeLayout(type);
    known.set(type, layout);
  }
  return layout;
}

function computeLayout(type: ValueType): Layout {
  switch (type.kind) {
    case 'bool':
    case 's8':
    case 'u8':
      return scalar(1);
    case 's16':
    case 'u16':
      return scalar(2);
    case 's32':
      return scalar(4);
    case 'u32':
    case 'f32':
      return { ...scalar(4), hostBytes: 24 };
    case 'char':
      return { ...scalar(4), hostBytes: 32 };
    case 's64':
    case 'u64':
      return { ...scalar(8), hostBytes: 32 };
    case 'f64':
      return { ...scalar(8), hostBytes: 24 };
    case 'own':
    case 'borrow':
      return { ...scalar(4), hasHandle: true, hasBorrow: type.kind === 'borrow' };
    case 'flags':
      return {
        ...scalar(flagsBytes(type.names.length)),
        weight: type.names.length,
        hostBytes: OBJECT_BYTES + SLOT_BYTES * type.names.length,
      };
    case 'string':
      return { ...scalar(4), sizeBytes: 8, inMemory: true };
    case 'list': {
      const element = layoutOf(type.element);
      return { ...element, sizeBytes: 8, align: 4, weight: 1, hostBytes: SLOT_BYTES, inMemory: true };
    }
    case 'record':
      return sequence(partsOf(type), OBJECT_BYTES);
    case 'tuple':
      return sequence(partsOf(type), SLOT_BYTES + ARRAY_BASE_BYTES);
    case 'option': {
      const layout = alternatives(alternativesOf(type));
      return isTaggedOption(type) ? layout : { ...layout, hostBytes: layoutOf(type.some).hostBytes };
    }
    default:
      return alternatives(alternativesOf(type));
  }
}

function scalar(sizeBytes: number): Layout {
  return {
    sizeBytes,
    align: sizeBytes,
    weight: 1,
    hostBytes: SLOT_BYTES,
    inMemory: false,
    hasBorrow: false,
    hasHandle: false,
  };
}

function sequence(types: readonly ValueType[], baseBytes: number): Layout {
  const layouts = types.map(layoutOf);
  const align = greatest(layouts, 'align', 1);
  const last = types.length - 1;
  const end = types.length === 0 ? 0 : offsetsOf(types)[last]! + layouts[last]!.sizeBytes;
  return {
    sizeBytes: alignTo(end, align),
    align,
    weight: total(layouts, 'weight') + 1,
    hostBytes: total(layouts, 'hostBytes') + baseBytes,
    inMemory: layouts.some((part) => part.inMemory),
    hasBorrow: layouts.some((part) => part.hasBorrow),
    hasHandle: layouts.some((part) => part.hasHandle),
  };
}

function alternatives(cases: readonly Alternative[]): Layout {
  const layouts = cases.flatMap((entry) => (entry.type === undefined ? [] : [layoutOf(entry.type)]));
  const align = greatest(layouts, 'align', discriminantBytes(cases.length));
  const payload = greatest(layouts, 'sizeBytes', 0);
  return {
    sizeBytes: alignTo(payloadOffset(cases) + payload, align),
    align,
    weight: total(layouts, 'weight') + cases.length,
    hostBytes: layouts.length === 0 ? SLOT_BYTES : greatest(layouts, 'hostBytes', 0) + OBJECT_BYTES + SLOT_BYTES,
    inMemory: layouts.some((part) => part.inMemory),
    hasBorrow: layouts.some((part) => part.hasBorrow),
    hasHandle: layouts.some((part) => part.hasHandle),
  };
}

function greatest(layouts: readonly Layout[], key: 'align' | 'hostBytes' | 'sizeBytes', least: number): number {
  return layouts.reduce((most, part) => Math.max(most, part[key]), least);
}

function total(layouts: readonly Layout[], key: 'weight' | 'hostBytes'): number {
  return layouts.reduce((sum, part) => sum + part[key], 0);
}

/** Rounds `offset` up to a multiple of `align`. */
export function alignTo(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

/** Gives the offset of each part of a record, tuple or spilled parameter list. */
export function offsetsOf(types: readonly ValueType[]): readonly number[] {
  let offset = 0;
  return types.map((type) => {
    const { align, sizeBytes } = layoutOf(type);
    const at = alignTo(offset, align);
    offset = at + sizeBytes;
    return at;
  });
}

/** Lays out values side by side, as spilled parameters and results are. */
export function layoutOfAll(types: readonly ValueType[]): Layout {
  return sequence(types, 0);
}

/** Gives the types of the parts of a record or tuple, in order. */
export function partsOf(type: ValueType & { kind: 'record' | 'tuple' }): readonly ValueType[] {
  return type.kind === 'tuple' ? type.types : type.fields.map((field) => field.type);
}

/** Gives the alternatives of a type that has a discriminant, in order of it, under the tags that values carry. */
export function alternativesOf(
  type: ValueType & { kind: 'variant' | 'enum' | 'option' | 'result' },
): readonly Alternative[] {
  switch (type.kind) {
    case 'variant':
      return type.cases.map((entry) => ({ tag: entry.name, type: entry.type }));
    case 'enum':
      return type.names.map((tag) => ({ tag, type: undefined }));
    case 'option':
      return [
        { tag: 'none', type: undefined },
        { tag: 'some', type: type.some },
      ];
    default:
      return [
        { tag: 'ok', type: type.ok },
        { tag: 'err', type: type.error },
      ];
  }
}

/** Bytes of the discriminant of `count` alternatives. */
export function discriminantBytes(count: number): 1 | 2 | 4 {
  if (count <= 2 ** 8) return 1;
  return count <= 2 ** 16 ? 2 : 4;
}

/** Gives the offset at which every payload of these alternatives starts. */
export function payloadOffset(cases: readonly Alternative[]): number {
  const align = cases.reduce(
    (most, entry) => (entry.type === undefined ? most : Math.max(most, layoutOf(entry.type).align)),
    1,
  );
  return alignTo(discriminantBytes(cases.length), align);
}

function flagsBytes(count: number): 1 | 2 | 4 {
  if (count <= 8) return 1;
  return count <= 16 ? 2 : 4;
}

/** Tells whether `option` of this type needs tags, because `undefined` would be one of the values inside. */
export function isTaggedOption(type: ValueType & { kind: 'option' }): boolean {
  return type.some.kind === 'option';
}
