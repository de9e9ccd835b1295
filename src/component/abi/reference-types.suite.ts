/** What the Canonical ABI's specification says of types alone: despecialization, alignment, size and flattening. */
import type { ValueType } from '../binary/index.ts';

// ── despecialization: every type is a scalar, string, list, record, variant, flags or handle ──

export interface Variant {
  readonly cases: readonly { readonly label: string; readonly type: ValueType | undefined }[];
}

export function asRecord(type: ValueType): readonly { label: string; type: ValueType }[] | undefined {
  if (type.kind === 'record') return type.fields.map((field) => ({ label: field.name, type: field.type }));
  if (type.kind === 'tuple') return type.types.map((part, index) => ({ label: String(index), type: part }));
  return undefined;
}

export function asVariant(type: ValueType): Variant | undefined {
  const one = (label: string, payload: ValueType | undefined) => ({ label, type: payload });
  switch (type.kind) {
    case 'variant':
      return { cases: type.cases.map((entry) => one(entry.name, entry.type)) };
    case 'enum':
      return { cases: type.names.map((name) => one(name, undefined)) };
    case 'option':
      return { cases: [one('none', undefined), one('some', type.some)] };
    case 'result':
      return { cases: [one('ok', type.ok), one('err', type.error)] };
    default:
      return undefined;
  }
}

// ── alignment and size ──

const SIZES: Readonly<Record<string, number>> = {
  bool: 1,
  s8: 1,
  u8: 1,
  s16: 2,
  u16: 2,
  s32: 4,
  u32: 4,
  s64: 8,
  u64: 8,
  f32: 4,
  f64: 8,
  char: 4,
  own: 4,
  borrow: 4,
};

export function alignment(type: ValueType): number {
  const record = asRecord(type);
  if (record !== undefined) return Math.max(1, ...record.map((field) => alignment(field.type)));
  const variant = asVariant(type);
  if (variant !== undefined) return Math.max(discriminantSize(variant), maxCaseAlignment(variant));
  if (type.kind === 'flags') return elemSize(type);
  if (type.kind === 'string' || type.kind === 'list') return 4;
  return SIZES[type.kind]!;
}

export function discriminantSize({ cases }: Variant): number {
  return [1, 1, 2, 4][Math.ceil(Math.log2(cases.length) / 8)]!;
}

export function maxCaseAlignment({ cases }: Variant): number {
  return Math.max(1, ...cases.map((entry) => (entry.type === undefined ? 1 : alignment(entry.type))));
}

export function alignTo(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

export function elemSize(type: ValueType): number {
  const record = asRecord(type);
  if (record !== undefined) {
    let size = 0;
    for (const field of record) size = alignTo(size, alignment(field.type)) + elemSize(field.type);
    return alignTo(size, alignment(type));
  }
  const variant = asVariant(type);
  if (variant !== undefined) {
    const start = alignTo(discriminantSize(variant), maxCaseAlignment(variant));
    const payload = Math.max(0, ...variant.cases.map((entry) => (entry.type === undefined ? 0 : elemSize(entry.type))));
    return alignTo(start + payload, alignment(type));
  }
  if (type.kind === 'flags') return type.names.length <= 8 ? 1 : type.names.length <= 16 ? 2 : 4;
  if (type.kind === 'string' || type.kind === 'list') return 8;
  return SIZES[type.kind]!;
}

// ── flattening ──

export function flattenType(type: ValueType): string[] {
  const record = asRecord(type);
  if (record !== undefined) return record.flatMap((field) => flattenType(field.type));
  const variant = asVariant(type);
  if (variant !== undefined) {
    const flat: string[] = [];
    for (const entry of variant.cases) {
      if (entry.type === undefined) continue;
      for (const [index, part] of flattenType(entry.type).entries()) {
        flat[index] = index < flat.length ? join(flat[index]!, part) : part;
      }
    }
    return ['i32', ...flat];
  }
  switch (type.kind) {
    case 'string':
    case 'list':
      return ['i32', 'i32'];
    case 's64':
    case 'u64':
      return ['i64'];
    case 'f32':
    case 'f64':
      return [type.kind];
    default:
      return ['i32'];
  }
}

function join(a: string, b: string): string {
  if (a === b) return a;
  return [a, b].sort().join() === 'f32,i32' ? 'i32' : 'i64';
}
