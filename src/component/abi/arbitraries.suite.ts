import fc from 'fast-check';
import type { PrimitiveKind, ValueType } from '../binary/index.ts';

const PRIMITIVES: readonly PrimitiveKind[] = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
];

const WORDS = [
  'a',
  'get-x',
  'http-URL',
  'is-ready',
  'constructor',
  'to-string',
  'tag',
  'val',
  'x1-y2',
  'last',
] as const;

/** Names of the fields or cases of one type: some with several words, none twice. */
function labels(count: number): string[] {
  return Array.from({ length: count }, (_, at) => (at < WORDS.length ? WORDS[at]! : `label-n${at}`));
}

/** Any value type without handles, a few levels deep. */
export const anyType: fc.Arbitrary<ValueType> = fc.letrec<{ type: ValueType }>((tie) => {
  const inner = tie('type') as fc.Arbitrary<ValueType>;
  const optional = fc.option(inner, { nil: undefined });
  return {
    type: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...PRIMITIVES).map((kind): ValueType => ({ kind })),
      inner.map((element): ValueType => ({ kind: 'list', element })),
      fc.array(inner, { minLength: 1, maxLength: 5 }).map((types): ValueType => ({ kind: 'tuple', types })),
      fc.array(inner, { minLength: 1, maxLength: 5 }).map((types): ValueType => {
        const names = labels(types.length);
        return { kind: 'record', fields: types.map((type, at) => ({ name: names[at]!, type })) };
      }),
      fc.array(optional, { minLength: 1, maxLength: 6 }).map((types): ValueType => {
        const names = labels(types.length);
        return { kind: 'variant', cases: types.map((type, at) => ({ name: names[at]!, type })) };
      }),
      inner.map((some): ValueType => ({ kind: 'option', some })),
      fc.tuple(optional, optional).map(([ok, error]): ValueType => ({ kind: 'result', ok, error })),
      fc
        .oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(255, 256, 257, 300))
        .map((count): ValueType => ({ kind: 'enum', names: labels(count) })),
      fc.constantFrom(1, 3, 8, 9, 16, 17, 32).map((count): ValueType => ({ kind: 'flags', names: labels(count) })),
    ),
  };
}).type;

/** Text with every kind of character, also lone surrogates, in the lengths at which the code takes other paths. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'binary-ascii', maxLength: 140 }),
  fc
    .array(fc.constantFrom('a', 'é', 'ÿ', '€', '😀', '\ud800', '\udc00', '\ufeff', '\0'), { maxLength: 30 })
    .map((parts) => parts.join('')),
);

const anyChar = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });

/** Any value of `type`, in the form that lifting gives, but that strings may hold lone surrogates. */
export function anyValue(type: ValueType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 's8':
      return fc.integer({ min: -128, max: 127 });
    case 'u8':
      return fc.integer({ min: 0, max: 255 });
    case 's16':
      return fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
    case 'u16':
      return fc.integer({ min: 0, max: 2 ** 16 - 1 });
    case 's32':
      return fc.integer();
    case 'u32':
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case 's64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'u64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'f32':
      return fc.float();
    case 'f64':
      return fc.double();
    case 'char':
      return anyChar;
    case 'string':
      return anyText;
    case 'list':
      return anyList(type.element);
    case 'tuple':
      return fc.tuple(...type.types.map(anyValue));
    case 'record':
      return fc
        .tuple(...type.fields.map((field) => anyValue(field.type)))
        .map((values) => Object.fromEntries(type.fields.map((field, at) => [property(field.name), values[at]])));
    case 'flags':
      return fc
        .array(fc.boolean(), { minLength: type.names.length, maxLength: type.names.length })
        .map((bits) => Object.fromEntries(type.names.map((name, at) => [property(name), bits[at]])));
    case 'enum':
      return fc.constantFrom(...type.names);
    case 'option':
      return type.some.kind === 'option'
        ? fc.oneof(
            fc.constant({ tag: 'none' }),
            anyValue(type.some).map((val) => ({ tag: 'some', val })),
          )
        : fc.option(anyValue(type.some), { nil: undefined });
    case 'result':
      return fc.oneof(alternative('ok', type.ok), alternative('err', type.error));
    case 'variant':
      return fc.oneof(...type.cases.map((entry) => alternative(entry.name, entry.type)));
    default:
      throw new Error(`no values for ${type.kind}`);
  }
}

function alternative(tag: string, type: ValueType | undefined): fc.Arbitrary<unknown> {
  return type === undefined ? fc.constant({ tag }) : anyValue(type).map((val) => ({ tag, val }));
}

function property(label: string): string {
  return label.toLowerCase().replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

const TYPED: Readonly<Record<string, (values: never[]) => unknown>> = {
  s8: (values) => Int8Array.from(values),
  u8: (values) => Uint8Array.from(values),
  s16: (values) => Int16Array.from(values),
  u16: (values) => Uint16Array.from(values),
  s32: (values) => Int32Array.from(values),
  u32: (values) => Uint32Array.from(values),
  s64: (values) => BigInt64Array.from(values),
  u64: (values) => BigUint64Array.from(values),
  f32: (values) => Float32Array.from(values),
  f64: (values) => Float64Array.from(values),
};

function anyList(element: ValueType): fc.Arbitrary<unknown> {
  const values = fc.array(anyValue(element), { maxLength: 5 });
  const typed = TYPED[element.kind];
  return typed === undefined ? values : values.map((items) => typed(items as never[]));
}

/** The value as it arrives: lone surrogates have become U+FFFD. */
export function arrived(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(arrived);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, arrived(inner)]));
}

/** A type with a value of it. */
export const anyTyped: fc.Arbitrary<{ type: ValueType; value: unknown }> = anyType.chain((type) =>
  anyValue(type).map((value) => ({ type, value })),
);
