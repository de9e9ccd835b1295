import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flatten, flattenFunc } from './index.ts';
import type { CoreValueType, PrimitiveKind, ValueType } from './model.ts';

const of = (kind: PrimitiveKind): ValueType => ({ kind });
const tuple = (...types: ValueType[]): ValueType => ({ kind: 'tuple', types });
const option = (some: ValueType): ValueType => ({ kind: 'option', some });
const variant = (...types: (ValueType | undefined)[]): ValueType => ({
  kind: 'variant',
  cases: types.map((type, at) => ({ name: `c${at}`, type })),
});

test('flatten gives the core values of each type', () => {
  const cases: readonly (readonly [ValueType, readonly CoreValueType[]])[] = [
    [of('bool'), ['i32']],
    [of('s16'), ['i32']],
    [of('char'), ['i32']],
    [of('u64'), ['i64']],
    [of('f32'), ['f32']],
    [of('f64'), ['f64']],
    [of('string'), ['i32', 'i32']],
    [{ kind: 'list', element: of('u64') }, ['i32', 'i32']],
    [{ kind: 'flags', names: ['a'] }, ['i32']],
    [{ kind: 'enum', names: ['a'] }, ['i32']],
    [tuple(of('u8'), of('f64'), of('string')), ['i32', 'f64', 'i32', 'i32']],
    [{ kind: 'record', fields: [{ name: 'a', type: tuple(of('s64')) }] }, ['i64']],
    [option(of('u8')), ['i32', 'i32']],
    [{ kind: 'result', ok: undefined, error: undefined }, ['i32']],
    [{ kind: 'result', ok: of('f32'), error: of('u32') }, ['i32', 'i32']],
    [{ kind: 'result', ok: of('f32'), error: of('f32') }, ['i32', 'f32']],
    [variant(of('f32'), of('f64')), ['i32', 'i64']],
    [variant(of('f64'), of('f64')), ['i32', 'f64']],
    [variant(undefined, of('u32'), tuple(of('u64'), of('f32'))), ['i32', 'i64', 'f32']],
    [variant(of('string'), tuple(of('f32'), of('f32'), of('f32'))), ['i32', 'i32', 'i32', 'f32']],
  ];
  for (const [type, expected] of cases) assert.deepEqual(flatten(type), expected, JSON.stringify(type));
});

test('flatten cuts what is never passed flat, and stays fast on types that share parts', () => {
  let type: ValueType = of('u8');
  for (let level = 0; level < 90; level += 1) type = level % 2 === 0 ? tuple(type, type) : variant(type, type);
  assert.equal(flatten(type).length, 17);
});

test('flattenFunc passes up to 16 values flat and more by a pointer', () => {
  const params = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `p${at}`, type: of('u32') }));
  assert.equal(flattenFunc({ params: params(16), result: undefined }, 'lift').params.length, 16);
  assert.deepEqual(flattenFunc({ params: params(17), result: undefined }, 'lift').params, ['i32']);
  assert.deepEqual(flattenFunc({ params: params(17), result: undefined }, 'lower').params, ['i32']);
});

test('flattenFunc returns a pointer from a lifted function and takes one in a lowered one', () => {
  const type = { params: [{ name: 'a', type: of('f64') }], result: of('string') };
  assert.deepEqual(flattenFunc(type, 'lift'), { params: ['f64'], results: ['i32'] });
  assert.deepEqual(flattenFunc(type, 'lower'), { params: ['f64', 'i32'], results: [] });
  assert.deepEqual(flattenFunc({ params: [], result: of('u64') }, 'lower'), { params: [], results: ['i64'] });
});
