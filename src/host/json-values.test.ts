import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FuncType, ValueType } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { argumentsFromJson, fromJson, toJson } from './json-values.ts';

const U8: ValueType = { kind: 'u8' };
const U64: ValueType = { kind: 'u64' };
const TEXT: ValueType = { kind: 'string' };
const option = (some: ValueType): ValueType => ({ kind: 'option', some });
const list = (element: ValueType): ValueType => ({ kind: 'list', element });
const record = (fields: Record<string, ValueType>): ValueType => ({
  kind: 'record',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});

function refused(read: () => unknown, pattern: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(RuntimeError.is(error, 'MESSAGE_INVALID'), String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

/** A type and values of it in their JavaScript form. */
interface Sample {
  readonly type: ValueType;
  readonly value: fc.Arbitrary<unknown>;
}

const label = fc.constantFrom('a', 'b-c', 'get-URL', 'HTTP', 'x-1', 'constructor', 'to-string', 'value-of', 'then');

/** Property name of one of the labels above. */
function property(name: string): string {
  return name.toLowerCase().replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

const scalar: fc.Arbitrary<Sample> = fc.constantFrom<Sample>(
  { type: { kind: 'bool' }, value: fc.boolean() },
  { type: { kind: 's32' }, value: fc.integer() },
  { type: U64, value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { type: { kind: 's64' }, value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: { kind: 'f64' }, value: fc.double().map((value) => (Object.is(value, -0) ? 0 : value)) },
  { type: TEXT, value: fc.string() },
  { type: { kind: 'enum', names: ['a', 'b'] }, value: fc.constantFrom('a', 'b') },
  {
    type: { kind: 'flags', names: ['x-y', 'URL'] },
    value: fc.record({ xY: fc.boolean(), url: fc.boolean() }, { noNullPrototype: true }),
  },
  { type: list(U8), value: fc.uint8Array({ maxLength: 9 }) },
);

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('sample').map(
      ({ type, value }): Sample => ({
        type: option(type),
        value:
          type.kind === 'option'
            ? fc.oneof(
                fc.constant({ tag: 'none' }),
                value.map((val) => ({ tag: 'some', val })),
              )
            : fc.oneof(fc.constant(undefined), value),
      }),
    ),
    tie('sample')
      .filter(({ type }) => !/^[suf](16|32|64)$/.test(type.kind))
      .map(({ type, value }): Sample => ({ type: list(type), value: fc.array(value, { maxLength: 3 }) })),
    fc.tuple(tie('sample'), tie('sample')).map(
      ([a, b]): Sample => ({
        type: { kind: 'tuple', types: [a.type, b.type] },
        value: fc.tuple(a.value, b.value),
      }),
    ),
    fc.tuple(tie('sample'), tie('sample')).map(
      ([a, b]): Sample => ({
        type: {
          kind: 'variant',
          cases: [
            { name: 'none-of-it', type: undefined },
            { name: 'a', type: a.type },
            { name: 'b', type: b.type },
          ],
        },
        value: fc.oneof(
          fc.constant({ tag: 'none-of-it' }),
          a.value.map((val) => ({ tag: 'a', val })),
          b.value.map((val) => ({ tag: 'b', val })),
        ),
      }),
    ),
    fc.dictionary(label, tie('sample'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }).map(
      (fields): Sample => ({
        type: record(Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type]))),
        value: fc.record(
          Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [property(name), value])),
          {
            noNullPrototype: true,
          },
        ),
      }),
    ),
  ),
}));

test('fromJson reads back what toJson wrote, through real JSON', () => {
  fc.assert(
    fc.property(
      sample.chain(({ type, value }) => fc.tuple(fc.constant(type), value)),
      ([type, value]) => {
        const written: unknown = JSON.parse(JSON.stringify(toJson(type, value)));
        assert.deepEqual(fromJson(type, written, 'it'), value);
      },
    ),
    { numRuns: 500 },
  );
});

test('fromJson takes the fields of a record by either of their names, and each once', () => {
  const type = record({ 'get-URL': TEXT, 'b-c': U8 });
  const value = { getUrl: 'x', bC: 1 };
  assert.deepEqual(fromJson(type, { 'get-URL': 'x', 'b-c': 1 }, 'it'), value);
  assert.deepEqual(fromJson(type, { getUrl: 'x', bC: 1 }, 'it'), value);
  refused(() => fromJson(type, { 'get-URL': 'x', getUrl: 'y', bC: 1 }, 'it'), /it: expected the field "get-URL" once/);
  refused(() => fromJson(type, { getURL: 'x', bC: 1 }, 'it'), /it: expected no field but get-URL, b-c, got "getURL"/);
});

test('fromJson takes nothing from the prototype of an object for a field that is missing', () => {
  for (const name of ['constructor', 'to-string', 'value-of', 'has-own-property']) {
    assert.deepEqual(Object.values(fromJson(record({ [name]: option(TEXT) }), {}, 'it') as object), [undefined]);
    refused(() => fromJson(record({ [name]: TEXT }), {}, 'it'), /expected a string, got nothing/);
  }
  const own: unknown = JSON.parse('{"__proto__": 1}');
  refused(() => fromJson(record({ a: option(U8) }), own, 'it'), /expected no field but a, got "__proto__"/);
});

test('fromJson keeps the two names apart that would be one in JavaScript', () => {
  const type = record({ 'a-1b': U8, a1b: U8 });
  assert.deepEqual(fromJson(type, { 'a-1b': 1, a1b: 2 }, 'it'), { 'a-1b': 1, a1b: 2 });
});

test('fromJson refuses what a variant does not have', () => {
  const type: ValueType = { kind: 'result', ok: undefined, error: TEXT };
  assert.deepEqual(fromJson(type, { tag: 'ok' }, 'it'), { tag: 'ok' });
  refused(() => fromJson(type, { tag: 'ok', val: 1 }, 'it'), /it: expected nothing but tag for "ok", got "val"/);
  refused(() => fromJson(type, { tag: 'err', val: 'x', more: 1 }, 'it'), /tag and val for "err", got "more"/);
  refused(() => fromJson(type, { tag: 'none' }, 'it'), /it\.tag: expected one of ok, err, got "none"/);
  refused(() => fromJson(type, { tag: 'err' }, 'it'), /it\.err: expected a string, got nothing/);
});

test('fromJson tells the levels of nested options apart', () => {
  const type = option(option(U8));
  assert.deepEqual(fromJson(type, { tag: 'some', val: null }, 'it'), { tag: 'some', val: undefined });
  assert.deepEqual(fromJson(type, { tag: 'some', val: 7 }, 'it'), { tag: 'some', val: 7 });
  assert.deepEqual(fromJson(type, { tag: 'none' }, 'it'), { tag: 'none' });
  refused(() => fromJson(type, null, 'it'), /expected an object, got null/);
});

test('fromJson takes 64-bit numbers as they are if they are exact, and as text', () => {
  assert.equal(fromJson(U64, 2 ** 53 - 1, 'it'), 2n ** 53n - 1n);
  assert.equal(fromJson(U64, '18446744073709551615', 'it'), 2n ** 64n - 1n);
  for (const wrong of [2 ** 53, 1.5, '0x10', '', ' 1', '9'.repeat(21), null, true])
    refused(() => fromJson(U64, wrong, 'it'), /expected an integer, as a string if it is beyond 2\^53/);
});

test('fromJson takes bytes as base64 or as numbers, and nothing that only looks like it', () => {
  assert.deepEqual(fromJson(list(U8), 'aGk=', 'it'), new Uint8Array([104, 105]));
  assert.deepEqual(fromJson(list(U8), [1, 2], 'it'), [1, 2]);
  for (const wrong of ['a', 'aGk', 'a===', '====', 'aG k', 'aGk=\n'])
    refused(() => fromJson(list(U8), wrong, 'it'), /expected base64/);
});

test('fromJson refuses a value of any depth or length with a short message', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  refused(() => fromJson(TEXT, deep, 'it'), /^Cannot read it: expected a string, got an array of 1$/);
  refused(() => fromJson(U8, 'x'.repeat(1e6), 'it'), /^.{1,120}$/);
  const names = Array.from({ length: 10_000 }, (_, index) => `case-${index}`);
  refused(() => fromJson({ kind: 'enum', names }, 'x', 'it'), /^.{1,300} and 9980 more, got "x"$/);
});

test('argumentsFromJson says how many are expected, and which', () => {
  const params = [
    { name: 'a', type: U8 },
    { name: 'b', type: TEXT },
  ];
  const type: FuncType = { params, result: undefined };
  assert.deepEqual(argumentsFromJson(type, [1, 'x']), [1, 'x']);
  refused(() => argumentsFromJson(type, [1]), /^Cannot read the arguments: expected 2 \(a, b\), got 1$/);
  refused(() => argumentsFromJson({ params: [], result: undefined }, [1]), /: expected 0, got 1$/);
  refused(() => argumentsFromJson(type, { a: 1 }), /expected an array of 2, got an object/);
  refused(() => argumentsFromJson({ params: [], result: undefined }, null), /expected an array of 0, got null/);
  refused(() => argumentsFromJson(type, [1, 2]), /^Cannot read b: expected a string, got 2$/);
});
