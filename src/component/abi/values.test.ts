import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import type { ValueType } from '../binary/index.ts';
import { exported, FakeGuest, list, params, prim, thrownBy } from './harness.suite.ts';
import { compileExport } from './index.ts';
import { propertyNames, toCamelCase } from './names.ts';

/** Lowers `value` into a guest and lifts it again. */
function roundTrip(type: ValueType, value: unknown): unknown {
  const guest = new FakeGuest();
  const stub = compileExport({ params: params(list(type)), result: list(type) }, 'utf8');
  const core = (ptr: number, length: number) => {
    guest.memory.grow(1);
    new Uint32Array(guest.memory.buffer).set([ptr, length]);
    return 0;
  };
  return (exported(guest.ctx, stub, core)([value]) as unknown[])[0];
}

function refusal(type: ValueType, ...args: unknown[]): string {
  const guest = new FakeGuest();
  const stub = compileExport({ params: params(type), result: undefined }, 'utf8');
  const error = thrownBy(() => stub.lower(guest.ctx, args, []));
  assert.ok(RuntimeError.is(error, 'VALUE_INVALID'), String(error));
  assert.equal(guest.allocations, 0, 'the guest was not touched');
  return error.message;
}

const person: ValueType = {
  kind: 'record',
  fields: [
    { name: 'name', type: prim('string') },
    { name: 'home-page', type: { kind: 'option', some: prim('string') } },
  ],
};

describe('values', () => {
  test('toCamelCase joins words and takes acronyms as words', () => {
    assert.deepEqual(['name', 'home-page', 'get-HTTP-status', 'URL', 'a-1b'].map(toCamelCase), [
      'name',
      'homePage',
      'getHttpStatus',
      'url',
      'a1b',
    ]);
  });

  test('propertyNames keeps labels that would otherwise share a name', () => {
    assert.deepEqual(propertyNames(['a-1b', 'a1b', 'c-d']), ['a-1b', 'a1b', 'cD']);
  });

  test('ExportStub passes the documented form of each type', () => {
    const cases: readonly (readonly [ValueType, unknown])[] = [
      [person, { name: 'Ada', homePage: 'https://a.example' }],
      [person, { name: 'Ada', homePage: undefined }],
      [{ kind: 'tuple', types: [prim('u8'), prim('char')] }, [7, '😀']],
      [{ kind: 'result', ok: undefined, error: prim('string') }, { tag: 'ok' }],
      [
        { kind: 'result', ok: undefined, error: prim('string') },
        { tag: 'err', val: 'no' },
      ],
      [
        { kind: 'option', some: { kind: 'option', some: prim('u8') } },
        { tag: 'some', val: undefined },
      ],
      [{ kind: 'option', some: { kind: 'option', some: prim('u8') } }, { tag: 'none' }],
      [{ kind: 'enum', names: ['not-found', 'denied'] }, 'not-found'],
      [
        { kind: 'flags', names: ['can-read', 'can-write'] },
        { canRead: true, canWrite: false },
      ],
      [list(prim('u8')), Uint8Array.of(1, 2)],
      [list(prim('s64')), BigInt64Array.of(-1n)],
      [list(prim('bool')), [true, false]],
      [prim('u64'), 2n ** 64n - 1n],
      [prim('f32'), 1.5],
    ];
    for (const [type, value] of cases) {
      // Lists of numbers come as typed arrays; the list around the value is taken off.
      assert.deepEqual(roundTrip(type, value), value);
    }
  });

  test('ExportStub.lower takes other forms too: arrays for typed arrays, array-likes, null, missing flags', () => {
    const flags: ValueType = { kind: 'flags', names: ['can-read', 'can-write'] };
    assert.deepEqual(roundTrip(list(prim('u8')), [1, 2]), Uint8Array.of(1, 2));
    assert.deepEqual(roundTrip(list(prim('u16')), Uint8Array.of(1, 2)), Uint16Array.of(1, 2));
    assert.deepEqual(roundTrip(list(prim('f64')), Float32Array.of(0.5)), Float64Array.of(0.5));
    assert.deepEqual(roundTrip(list(prim('u8')), Buffer.from('hi')), Uint8Array.of(104, 105));
    assert.deepEqual(roundTrip(list(prim('string')), { length: 1, 0: 'x' }), ['x']);
    assert.deepEqual(roundTrip(person, { name: 'Ada', homePage: null }), { name: 'Ada', homePage: undefined });
    assert.deepEqual(roundTrip(flags, { canWrite: true }), { canRead: false, canWrite: true });
  });

  test('ExportStub passes a lone surrogate as U+FFFD (A4)', () => {
    for (const text of ['\ud800', 'a\udc00b', `${'long '.repeat(50)}\ud800`, '\ud800'.repeat(9)]) {
      assert.equal(roundTrip(prim('string'), text), text.toWellFormed());
    }
  });

  test('ExportStub keeps a byte order mark and a NUL', () => {
    assert.equal(roundTrip(prim('string'), '\ufeffa\0é'), '\ufeffa\0é');
  });

  test('ExportStub.lower says where a value departs from its type, and never what it is', () => {
    const people = list(person);
    assert.equal(refusal(people), 'Cannot pass args: expected 1 argument, got 0');
    assert.equal(refusal(people, [{ name: 7 }]), 'Cannot pass args[0][0].name: expected string, got number');
    assert.equal(
      refusal(people, [{ name: 'a', homePage: 1 }]),
      'Cannot pass args[0][0].homePage: expected string, got number',
    );
    assert.equal(refusal(people, ['secret']), 'Cannot pass args[0][0]: expected object, got string');
    assert.equal(
      refusal(list(prim('u8')), [1, 256]),
      'Cannot pass args[0][1]: expected integer from 0 to 255, got another number',
    );
    assert.equal(refusal(prim('u64'), 5), 'Cannot pass args[0]: expected bigint in the range of u64, got number');
    assert.equal(
      refusal({ kind: 'enum', names: ['a', 'b'] }, 'secret'),
      'Cannot pass args[0]: expected "a" or "b", got another string',
    );
    assert.equal(
      refusal({ kind: 'result', ok: undefined, error: prim('char') }, { tag: 'err', val: 'ab' }),
      'Cannot pass args[0].val: expected string of one character, got another string',
    );
    assert.equal(
      refusal({ kind: 'tuple', types: [prim('u8')] }, [1, 2]),
      'Cannot pass args[0]: expected array of 1, got array of another length',
    );
  });
});

describe('hostile values (A3)', () => {
  test('ExportStub.lower turns what a getter or proxy throws into VALUE_INVALID', () => {
    const throwing = {
      get name(): string {
        throw new Error('mine');
      },
    };
    assert.match(refusal(person, throwing), /reading the value threw/);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.match(refusal(person, proxy), /reading the value threw/);
    assert.match(refusal(list(prim('u8')), Object.create(Uint8Array.prototype)), /reading the value threw/);
  });

  test('ExportStub.lower refuses lengths that no guest could hold, at once', () => {
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    assert.match(refusal(list({ kind: 'option', some: prim('u8') }), sparse), /too large/);
    assert.match(refusal(list(prim('u8')), { length: 2 ** 53 - 1 }), /too large/);
    assert.match(refusal(list(prim('u8')), { length: -1 }), /expected Uint8Array or array, got object/);
    assert.match(
      refusal(list(prim('u8')), { length: { valueOf: () => 3 } }),
      /expected Uint8Array or array, got object/,
    );
  });

  test('ExportStub.lower believes the true length of a typed array only', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    Object.defineProperty(bytes, 'length', { value: 1 });
    assert.deepEqual(roundTrip(list(prim('u8')), bytes), Uint8Array.of(1, 2, 3));
    const empty = new Uint8Array(0);
    Object.defineProperty(empty, 'length', { value: 1000 });
    assert.deepEqual(roundTrip(list(prim('u8')), empty), new Uint8Array(0));
  });

  test('ExportStub.lower refuses a value that changes after it was checked', () => {
    let reads = 0;
    const shifty = {
      get name(): unknown {
        reads++;
        return reads === 1 ? 'text' : 7;
      },
    };
    const guest = new FakeGuest();
    const stub = compileExport({ params: params(person), result: undefined }, 'utf8');
    const error = thrownBy(() => stub.lower(guest.ctx, [shifty], []));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    assert.equal(guest.state.mayLeave, true);
  });

  test('generated code holds labels as data, whatever they are (A8)', () => {
    const hostile = ['__proto__', "'];throw 1;//", '`$`', '"\\', '\u2028\n', 'constructor', 'toString'];
    const record: ValueType = { kind: 'record', fields: hostile.map((name) => ({ name, type: prim('u8') })) };
    const names = propertyNames(hostile);
    const value = Object.fromEntries(names.map((name, at) => [name, at]));
    Object.defineProperty(value, names[0]!, { value: 0, enumerable: true, configurable: true, writable: true });
    const back = roundTrip(record, value) as object;
    assert.equal(Object.getPrototypeOf(back), Object.prototype);
    assert.deepEqual(
      Object.entries(back),
      names.map((name, at) => [name, at]),
    );
    const choice: ValueType = { kind: 'variant', cases: hostile.map((name) => ({ name, type: prim('u8') })) };
    for (const tag of hostile) assert.deepEqual(roundTrip(choice, { tag, val: 1 }), { tag, val: 1 });
    assert.match(refusal(choice, { tag: 'valueOf', val: 1 }), /args\[0\]\.tag/);
  });

  test('ExportStub.lower takes nothing that every object inherits for a field or flag', () => {
    const names = ['constructor', 'to-string', 'value-of'];
    const none = { constructor: undefined, toString: undefined, valueOf: undefined };
    const some: ValueType = { kind: 'option', some: prim('u8') };
    assert.deepEqual(roundTrip({ kind: 'record', fields: names.map((name) => ({ name, type: some })) }, {}), none);
    const off = { constructor: false, toString: false, valueOf: false };
    assert.deepEqual(roundTrip({ kind: 'flags', names }, {}), off);
    assert.match(refusal({ kind: 'flags', names }, { toString: 1 }), /toString: expected boolean, got number/);
  });

  test('ExportStub.lower refuses a typed array whose buffer is gone or too small', () => {
    const bytes = Uint8Array.of(1, 2);
    bytes.buffer.transfer();
    assert.match(refusal(list(prim('u8')), bytes), /reading the value threw/);
    const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
    const last = new Uint8Array(buffer, 4, 4);
    buffer.resize(4);
    for (const element of ['u8', 'u16'] as const) {
      assert.match(refusal(list(prim(element)), last), /reading the value threw/);
    }
  });

  test('compileExport compiles a type whose parts are shared many times in linear code', () => {
    let type: ValueType = { kind: 'option', some: prim('u8') };
    for (let depth = 0; depth < 12; depth++)
      type = { kind: 'variant', cases: ['a', 'b', 'c'].map((name) => ({ name, type })) };
    let value: unknown = 7;
    for (let depth = 0; depth < 12; depth++) value = { tag: 'c', val: value };
    assert.deepEqual(roundTrip(type, value), value);
    const guest = new FakeGuest();
    const flats: (number | bigint)[] = [];
    compileExport({ params: params(type), result: undefined }, 'utf8').lower(guest.ctx, [value], flats);
    assert.deepEqual(flats, [...Array.from({ length: 12 }, () => 2), 1, 7]);
  });
});
