import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FuncType, ValueType } from '../component/index.ts';
import { TypeComparison } from './link-types.ts';

const U8: ValueType = { kind: 'u8' };
const TEXT: ValueType = { kind: 'string' };
const takes = (type: ValueType): FuncType => ({ params: [{ name: 'p', type }], result: undefined });
const compare = (found: ValueType, wanted: ValueType) => new TypeComparison().func(takes(found), takes(wanted));

/** Types that are told apart, each from all the others. */
const TYPES: readonly ValueType[] = [
  U8,
  TEXT,
  { kind: 'record', fields: [{ name: 'a', type: U8 }] },
  { kind: 'record', fields: [{ name: 'b', type: U8 }] },
  { kind: 'record', fields: [{ name: 'a', type: TEXT }] },
  {
    kind: 'record',
    fields: [
      { name: 'a', type: U8 },
      { name: 'b', type: U8 },
    ],
  },
  {
    kind: 'record',
    fields: [
      { name: 'b', type: U8 },
      { name: 'a', type: U8 },
    ],
  },
  { kind: 'variant', cases: [{ name: 'a', type: U8 }] },
  { kind: 'variant', cases: [{ name: 'a', type: undefined }] },
  { kind: 'variant', cases: [{ name: 'A', type: U8 }] },
  { kind: 'enum', names: ['a'] },
  { kind: 'enum', names: ['a', 'b'] },
  { kind: 'flags', names: ['a'] },
  { kind: 'tuple', types: [U8] },
  { kind: 'tuple', types: [U8, U8] },
  { kind: 'list', element: U8 },
  { kind: 'list', element: TEXT },
  { kind: 'option', some: U8 },
  { kind: 'option', some: { kind: 'option', some: U8 } },
  { kind: 'result', ok: U8, error: undefined },
  { kind: 'result', ok: undefined, error: U8 },
  { kind: 'result', ok: undefined, error: undefined },
];

test('TypeComparison finds a type equal to a copy of itself, and to no other', () => {
  for (const [at, found] of TYPES.entries()) {
    for (const [other, wanted] of TYPES.entries()) {
      const mismatch = compare(found, structuredClone(wanted));
      assert.equal(mismatch === undefined, at === other, `${at} ${other} ${mismatch}`);
    }
  }
});

test('TypeComparison says what is expected, what is found, and where', () => {
  const deep = (type: ValueType): ValueType => ({
    kind: 'record',
    fields: [{ name: 'items', type: { kind: 'list', element: { kind: 'result', ok: U8, error: type } } }],
  });
  assert.equal(
    compare(deep(TEXT), deep(U8)),
    'expected u8, found string in err in a list in field "items" in parameter "p"',
  );
  const answers = (result: ValueType | undefined): FuncType => ({ params: [], result });
  assert.equal(new TypeComparison().func(answers(U8), answers(undefined)), 'expected nothing, found u8 in the result');
  assert.equal(new TypeComparison().func(takes(U8), answers(U8)), 'expected 0 parameters, found 1');
});

/** A type whose tree has 2^depth leaves, and whose parts are shared; every part is an object of its own. */
function doubled(depth: number, leaf: ValueType = { kind: 'u8' }): ValueType {
  let type = leaf;
  for (let level = 0; level < depth; level++) type = { kind: 'tuple', types: [type, type] };
  return type;
}

test('TypeComparison compares shared parts once', () => {
  assert.equal(compare(doubled(90), doubled(90)), undefined);
  assert.match(String(compare(doubled(90), doubled(90, TEXT))), /^expected string, found u8 in member "0"/);
});

test('TypeComparison gives up on types that have too many pairs of parts to compare', () => {
  const wide = (leaf: () => ValueType): ValueType => ({ kind: 'tuple', types: Array.from({ length: 1_001 }, leaf) });
  const rows = Array.from({ length: 1_001 }, () => wide(() => ({ kind: 'u8' })));
  const found: ValueType = { kind: 'tuple', types: rows };
  assert.match(String(compare(found, structuredClone(found))), /^the types have more than 1000000 parts/);
});
