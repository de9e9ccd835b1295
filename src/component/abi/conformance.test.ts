import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../errors/index.ts';
import { type CanonOptions, flatten, type ValueType } from '../binary/index.ts';
import { HostResourceType } from '../host.ts';
import { anyType, anyTyped, anyValue, arrived } from './arbitraries.suite.ts';
import { Explainer } from './explain.ts';
import { Handle } from './handles.ts';
import { ENCODINGS, FakeGuest, imported, params } from './harness.suite.ts';
import { compileExport, compileImport } from './index.ts';
import { layoutOf } from './layout.ts';
import { type Flat, liftValues, lowerValues, ReferenceTrap } from './reference.suite.ts';
import { alignment, elemSize, flattenType } from './reference-types.suite.ts';

const RUNS = { numRuns: 150 };

const anyEncoding = fc.constantFrom(...ENCODINGS);

/** Some parameters: few, so that they stay flat, or many, so that they are spilled. */
const anyArguments = fc.array(anyTyped, { maxLength: 6 });

/** The flat values as the reference counts them: 32-bit integers without sign. */
function unsigned(flats: readonly (number | bigint)[], types: readonly string[]): Flat[] {
  return flats.map((flat, at) => {
    if (types[at] === 'i32') return Number(flat) >>> 0;
    if (types[at] === 'i64') return BigInt.asUintN(64, flat as bigint);
    return types[at] === 'f32' ? Math.fround(flat as number) : flat;
  });
}

/** As wasm hands them to JavaScript: signed. */
function signed(flats: readonly Flat[], types: readonly string[]): Flat[] {
  return flats.map((flat, at) => {
    if (types[at] === 'i32') return Number(flat) | 0;
    return types[at] === 'i64' ? BigInt.asIntN(64, flat as bigint) : flat;
  });
}

/** A value, or the fact that there was a trap. */
function outcome<T>(work: () => T): { value: T } | 'trap' {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof ReferenceTrap || RuntimeError.is(error, 'COMPONENT_TRAPPED')) return 'trap';
    throw error;
  }
}

describe('compiled code and the reference agree', () => {
  test('layoutOf gives the size and alignment of any type, flatten its core types', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        const { sizeBytes, align } = layoutOf(type);
        assert.deepEqual([sizeBytes, align], [elemSize(type), alignment(type)]);
        assert.deepEqual(flatten(type), flattenType(type).slice(0, 17));
      }),
      RUNS,
    );
  });

  test('ExportStub.lower writes arguments that the reference reads', () => {
    fc.assert(
      fc.property(anyArguments, anyEncoding, (args, encoding) => {
        const guest = new FakeGuest(encoding);
        const types = args.map((arg) => arg.type);
        const stub = compileExport({ params: params(...types), result: undefined }, encoding);
        const flats: (number | bigint)[] = [];
        stub.lower(
          guest.ctx,
          args.map((arg) => arg.value),
          flats,
        );
        assert.equal(flats.length, stub.flat.params.length);
        const back = liftValues(guest.reference, 16, { flats: unsigned(flats, stub.flat.params), types });
        assert.deepEqual(back, arrived(args.map((arg) => arg.value)));
      }),
      RUNS,
    );
  });

  test('ExportStub.lift reads a result that the reference wrote', () => {
    fc.assert(
      fc.property(anyTyped, anyEncoding, ({ type, value }, encoding) => {
        const guest = new FakeGuest(encoding);
        const stub = compileExport({ params: [], result: type }, encoding);
        const flats = lowerValues(guest.reference, 1, { values: [value], types: [type] });
        const result = stub.lift(guest.ctx, signed(flats, stub.flat.results)[0]);
        assert.deepEqual(result, arrived(value));
      }),
      RUNS,
    );
  });

  test('ImportStub reads arguments that the reference wrote, and writes a result that it reads', () => {
    fc.assert(
      fc.property(anyArguments, anyTyped, anyEncoding, (args, { type, value }, encoding) => {
        const guest = new FakeGuest(encoding);
        const types = args.map((arg) => arg.type);
        const stub = compileImport({ params: params(...types), result: type }, encoding);
        let seen: unknown[] = [];
        const core = imported(guest.ctx, stub, (...values: unknown[]) => {
          seen = values;
          return value;
        });
        const isSpilled = flattenType(type).length > 1;
        const out = isSpilled ? guest.allocate(alignment(type), elemSize(type)) : 0;
        const flats = lowerValues(guest.reference, 16, { values: args.map((arg) => arg.value), types });
        if (isSpilled) flats.push(out);
        const flat = core(...signed(flats, stub.flat.params));
        const result = isSpilled ? [out] : unsigned([flat!], stub.flat.results);
        assert.deepEqual(seen, arrived(args.map((arg) => arg.value)));
        assert.deepEqual(liftValues(guest.reference, 1, { flats: result, types: [type] }), [arrived(value)]);
      }),
      RUNS,
    );
  });
});

/** Bytes that are often small numbers, so that pointers, lengths and discriminants sometimes hold. */
const anyBytes = fc.oneof(
  fc.uint8Array({ minLength: 1024, maxLength: 1024 }),
  fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 8, 16, 64, 128, 200, 255), { minLength: 1024, maxLength: 1024 }),
);

const anyFlat: Readonly<Record<string, fc.Arbitrary<Flat>>> = {
  i32: fc.oneof(
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: 1100 }),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  ),
  i64: fc.oneof(fc.bigInt({ min: 0n, max: 1100n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  f32: fc.float(),
  f64: fc.double(),
};

interface HostileCase {
  readonly types: readonly ValueType[];
  readonly flats: readonly Flat[];
  readonly bytes: readonly number[] | Uint8Array;
  readonly encoding: CanonOptions['encoding'];
}

const anyHostile: fc.Arbitrary<HostileCase> = fc.array(anyType, { minLength: 1, maxLength: 3 }).chain((types) => {
  const flat = types.flatMap(flattenType);
  const wanted = flat.length > 16 ? ['i32'] : flat;
  return fc.record({
    types: fc.constant(types),
    flats: fc.tuple(...wanted.map((kind) => anyFlat[kind]!)),
    bytes: anyBytes,
    encoding: anyEncoding,
  });
});

describe('hostile guests (A1, A2)', () => {
  test('ImportStub gives the value or the trap of the reference for whatever a guest passes', () => {
    const seen = { trap: 0, value: 0 };
    fc.assert(
      fc.property(anyHostile, ({ types, flats, bytes, encoding }) => {
        const guest = new FakeGuest(encoding);
        guest.bytes.set(bytes);
        const stub = compileImport({ params: params(...types), result: undefined }, encoding);
        let seenValues: unknown;
        const core = imported(guest.ctx, stub, (...values: unknown[]) => {
          seenValues = values;
        });
        const expected = outcome(() => liftValues(guest.reference, 16, { flats, types }));
        const actual = outcome(() => {
          core(...signed(flats, stub.flat.params));
          return seenValues;
        });
        seen[actual === 'trap' ? 'trap' : 'value']++;
        assert.deepEqual(actual, expected);
      }),
      { numRuns: 600 },
    );
    assert.ok(seen.trap > 30 && seen.value > 30, `both happen: ${JSON.stringify(seen)}`);
  });

  test('ExportStub.lift gives the value or the trap of the reference for whatever a guest returns', () => {
    fc.assert(
      fc.property(anyHostile, fc.integer({ min: 0, max: 1100 }), ({ types, bytes, encoding }, pointer) => {
        const type: ValueType = { kind: 'tuple', types };
        if (flattenType(type).length <= 1) return;
        const guest = new FakeGuest(encoding);
        guest.bytes.set(bytes);
        const stub = compileExport({ params: [], result: type }, encoding);
        const expected = outcome(() => liftValues(guest.reference, 1, { flats: [pointer], types: [type] })[0]);
        const actual = outcome(() => stub.lift(guest.ctx, pointer));
        assert.deepEqual(actual, expected);
      }),
      { numRuns: 300 },
    );
  });
});

/** Handles of two resource types, some lent, in a table with gaps: what a guest may pass, and what it may not. */
const anyHandleCase = fc.record({
  table: fc.array(
    fc.record({
      slot: fc.nat(1),
      lends: fc.constantFrom(0, 0, 0, 1),
      isFreed: fc.constantFrom(false, false, false, true),
    }),
    { minLength: 3, maxLength: 6 },
  ),
  passed: fc.array(
    fc.record({
      slot: fc.option(fc.nat(1), { nil: undefined, freq: 3 }), // undefined: the right one
      kind: fc.constantFrom('own', 'borrow'),
      index: fc.nat(6),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

describe('handles', () => {
  test('ImportStub gives the objects or the trap of the reference, and the next handle has the same number', () => {
    const seen = { trap: 0, value: 0 };
    fc.assert(
      fc.property(anyHandleCase, ({ table, passed }) => {
        const { state, ctx, reference } = new FakeGuest();
        const resources = [new HostResourceType('a'), new HostResourceType('b')];
        state.resourceTypes.push(...resources);
        for (const { slot, lends } of table) {
          const rep = {};
          reference.add({ slot, rep, own: true, lends });
          const handle = new Handle(resources[slot]!, rep, undefined);
          handle.lends = lends;
          state.handles.add(handle);
        }
        for (const [at, { isFreed }] of table.entries()) {
          if (!isFreed) continue;
          reference.remove(at + 1);
          state.handles.remove(at + 1);
        }
        const types = passed.map(({ index, kind, slot = table[index - 1]?.slot ?? 0 }): ValueType => {
          return { kind, resource: { slot, name: 'r', origin: { kind: 'import', path: ['r'] } } };
        });
        const flats = passed.map(({ index }) => index);
        let received: unknown[] = [];
        const stub = compileImport({ params: params(...types), result: undefined }, 'utf8');
        const core = imported(ctx, stub, (...values) => {
          received = values;
        });
        const expected = outcome(() => liftValues(reference, 16, { flats, types }));
        const actual = outcome(() => {
          core(...flats);
          return received;
        });
        seen[actual === 'trap' ? 'trap' : 'value']++;
        assert.deepEqual(actual, expected);
        if (actual === 'trap') return;
        for (const [at, value] of actual.value.entries()) assert.equal(value, (expected as typeof actual).value[at]);
        const next = new Handle(resources[0]!, {}, undefined);
        assert.equal(state.handles.add(next), reference.add({ slot: 0, rep: next.rep, own: true, lends: 0 }));
      }),
      { numRuns: 600 },
    );
    assert.ok(seen.trap > 30 && seen.value > 30, JSON.stringify(seen));
  });
});

/** Puts something else in the place of one part of a value. */
function spoiled(value: unknown, wrong: unknown, at: number): unknown {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((part, index) => (index === at % value.length ? spoiled(part, wrong, at >> 2) : part));
  }
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && at % 5 !== 0) {
    const names = Object.keys(value);
    const chosen = names[at % names.length];
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, name === chosen ? spoiled(part, wrong, at >> 2) : part]),
    );
  }
  return wrong;
}

const anyWrong = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    '',
    'ab',
    -1,
    0.5,
    256,
    2 ** 32,
    Number.NaN,
    -0,
    5n,
    -1n,
    2n ** 64n,
    [],
    {},
  ),
  fc.constantFrom<unknown>(
    Symbol('s'),
    () => 1,
    new DataView(new ArrayBuffer(1)),
    { length: -1 },
    { length: 1 },
    { tag: 'ok' },
  ),
  fc.constantFrom<unknown>(new Float64Array([1, 300]), new Uint8Array([1, 2]), ['a'], [1, 2, 3], { valueOf: () => 3 }),
);

describe('wrong values (A3)', () => {
  test('ExportStub.lower refuses exactly what the explainer finds wrong, before the guest allocates', () => {
    const seen = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(anyTyped, anyWrong, fc.nat(), ({ type, value }, wrong, at) => {
        const guest = new FakeGuest();
        const candidate = at % 4 === 0 ? value : spoiled(value, wrong, at >> 2);
        const stub = compileExport({ params: params(type), result: undefined }, 'utf8');
        const finding = new Explainer(guest.state).explain(type, candidate, 'args[0]');
        try {
          stub.lower(guest.ctx, [candidate], []);
          seen.taken++;
          assert.equal(finding, undefined, 'the explainer finds nothing in what was taken');
        } catch (error) {
          seen.refused++;
          if (!RuntimeError.is(error, 'VALUE_INVALID')) throw error;
          assert.ok(finding !== undefined, `the explainer finds what was refused: ${error.message}`);
          assert.equal(error.message, `Cannot pass ${finding.path}: ${finding.problem}`);
          assert.equal(guest.allocations, 0);
        }
      }),
      { numRuns: 600 },
    );
    assert.ok(seen.refused > 50 && seen.taken > 50, JSON.stringify(seen));
  });

  test('ImportStub refuses exactly the results that the explainer finds wrong', () => {
    fc.assert(
      fc.property(anyTyped, anyWrong, fc.nat(), ({ type, value }, wrong, at) => {
        const guest = new FakeGuest();
        const candidate = at % 4 === 0 ? value : spoiled(value, wrong, at >> 2);
        const stub = compileImport({ params: [], result: type }, 'utf8');
        const core = imported(guest.ctx, stub, () => candidate);
        const finding = new Explainer(guest.state).explain(type, candidate, 'result');
        try {
          core(...(stub.flat.params.length === 0 ? [] : [guest.allocate(8, 4096)]));
          assert.equal(finding, undefined);
        } catch (error) {
          if (!RuntimeError.is(error, 'VALUE_INVALID')) throw error;
          assert.ok(finding !== undefined);
          assert.equal(guest.state.failure, error);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('anyValue makes values in which the explainer finds nothing', () => {
    fc.assert(
      fc.property(
        anyType.chain((type) => fc.tuple(fc.constant(type), anyValue(type))),
        ([type, value]) => {
          assert.equal(new Explainer(new FakeGuest().state).explain(type, value, 'value'), undefined);
        },
      ),
      RUNS,
    );
  });
});
