/** Values of JavaScript that mean harm, and names that mean something to JavaScript: refused or passed, never believed. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CompiledComponent, type ComponentInstance, compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';

/** Names that every object has a property of, in the spelling of WIT. */
const NAMES = ['constructor', 'to-string', 'value-of', 'has-own-property', 'is-prototype-of', 'to-json', 'then'];
const KEYS = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', 'toJson', 'then'];

/** Each function takes a value of the type and answers it, through the host's `echo` of the same name. */
const TYPES: Readonly<Record<string, string>> = {
  bool: 'bool',
  u8: 'u8',
  s64: 's64',
  u64: 'u64',
  f64: 'f64',
  char: 'char',
  string: 'string',
  bytes: '(list u8)',
  doubles: '(list f64)',
  strings: '(list string)',
  pair: '(tuple u8 string)',
  maybe: '(option string)',
  'maybe-maybe': '(option (option u8))',
  outcome: '(result u8 (error string))',
  fields: '$fields',
  cases: '$cases',
  words: '$words',
  bits: '$bits',
  deep: '(list (list (list (list u8))))',
};

const field = (name: string) => `(field "${name}" (option u8))`;
const NAMED = `
  (type $fields' (record ${NAMES.map(field).join(' ')})) (export $fields "t-fields" (type $fields'))
  (type $cases' (variant ${NAMES.map((name) => `(case "${name}" u8)`).join(' ')})) (export $cases "t-cases" (type $cases'))
  (type $words' (enum ${NAMES.map((name) => `"${name}"`).join(' ')})) (export $words "t-words" (type $words'))
  (type $bits' (flags ${NAMES.map((name) => `"${name}"`).join(' ')})) (export $bits "t-bits" (type $bits'))`;

/** Core parameters of each type, and how many bytes its result takes; 0 if it is a flat value. */
const FLAT: Readonly<Record<string, readonly [params: string, resultBytes: number]>> = {
  bool: ['i32', 0],
  u8: ['i32', 0],
  s64: ['i64', 0],
  u64: ['i64', 0],
  f64: ['f64', 0],
  char: ['i32', 0],
  string: ['i32 i32', 8],
  bytes: ['i32 i32', 8],
  doubles: ['i32 i32', 8],
  strings: ['i32 i32', 8],
  deep: ['i32 i32', 8],
  words: ['i32', 0],
  bits: ['i32', 0],
};

/** Types whose flat values are stored as they come, each in four bytes. */
function echoing(name: string): string {
  const [params, bytes] = FLAT[name] as readonly [string, number];
  if (bytes === 0) return `(func (export "${name}") (param ${params}) (result ${params}) (local.get 0))`;
  return `(func (export "${name}") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))`;
}

const taking = (name: string): boolean => !Object.hasOwn(FLAT, name);
/** The other types are only taken. */
const TAKEN: Readonly<Record<string, string>> = {
  pair: 'i32 i32 i32',
  maybe: 'i32 i32 i32',
  'maybe-maybe': 'i32 i32 i32',
  outcome: 'i32 i32 i32',
  cases: 'i32 i32',
  fields: 'i32 '.repeat(14),
};

const WAT = `(component ${NAMED}
  (core module $M
    (memory (export "mem") 4)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    ${Object.keys(TYPES)
      .map((name) => (taking(name) ? `(func (export "${name}") (param ${TAKEN[name]}))` : echoing(name)))
      .join('\n    ')})
  (core instance $m (instantiate $M))
  ${Object.entries(TYPES)
    .map(
      ([name, type]) => `(func (export "${name}") (param "x" ${type}) ${taking(name) ? '' : `(result ${type})`}
    (canon lift (core func $m "${name}") (memory $m "mem") (realloc (func $m "realloc"))))`,
    )
    .join('\n  ')})`;

const refuse = (): never => {
  throw new TypeError('a trap of the value');
};
const thrower = new Proxy(
  {},
  { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse },
);
const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
})();
const withGetter = (key: string): object => Object.defineProperty({}, key, { get: refuse, enumerable: true });
const cyclic: unknown[] = [];
cyclic.push(cyclic);
const detached = (() => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
})();
const lyingLength = Object.defineProperty(new Uint8Array(4), 'length', { value: 2 ** 30 });
const callable = Object.assign(() => 1, { tag: 'ok', val: 1 });

/** Values of any kind, each of which is refused by every type but those that are named. */
const STRANGE: readonly (readonly [what: string, value: unknown, takenBy: readonly string[]])[] = [
  ['nothing', undefined, ['maybe', 'bits']],
  ['null', null, ['maybe', 'bits']],
  ['a symbol', Symbol('x'), []],
  ['a function', callable, []],
  ['a boxed number', Object(1), []],
  ['a boxed string', Object('text'), []],
  ['a boxed boolean', Object(true), []],
  ['a fraction', 1.5, ['f64']],
  ['minus zero', -0, ['f64', 'u8']],
  ['NaN', Number.NaN, ['f64']],
  ['a number that is too large', 2 ** 53, ['f64']],
  ['a bigint that is too large', 2n ** 64n, []],
  ['a bigint that is too small', -(2n ** 63n) - 1n, []],
  ['a number as text', '1', []],
  ['a date', new Date(0), []],
  ['a map', new Map(), []],
  ['a proxy that throws', thrower, []],
  ['a proxy that was revoked', revoked, []],
  ['an object without a prototype', Object.create(null), []],
];

describe('Hostile values: whatever it is', () => {
  let component: CompiledComponent;
  let instance: ComponentInstance;
  before(async () => {
    component = await compileComponent(await parseWat(WAT));
    instance = await component.instantiate();
  });

  for (const [what, value, takenBy] of STRANGE) {
    test(`${what} is refused where it does not fit, and ends nothing`, async () => {
      for (const name of Object.keys(TYPES)) {
        const error = await instance.call(name, [value]).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        assert.equal(instance.failure, undefined, `${name} ended the instance`);
        if (error !== undefined) {
          assert.ok(RuntimeError.is(error, 'VALUE_INVALID'), `${name}: ${String(error)}`);
          assert.match(error.message, /^Cannot pass args/);
        } else if (!MAYBE_FITS.has(`${name}/${what}`)) {
          assert.ok(takenBy.includes(name), `${name} took ${what}`);
        }
      }
      assert.equal(await instance.call('string', ['still here']), 'still here');
    });
  }
});

/** What fits a type by accident: a text of one character is a char, any text is a string. */
const MAYBE_FITS: ReadonlySet<string> = new Set([
  'char/a number as text',
  'string/a number as text',
  'maybe/a number as text',
  'f64/a number that is too large',
  'fields/an object without a prototype',
  'bits/an object without a prototype',
  'fields/a map',
  'bits/a map',
  'fields/a date',
  'bits/a date',
  'fields/a boxed number',
  'fields/a boxed string',
  'fields/a boxed boolean',
  'bits/a boxed number',
  'bits/a boxed string',
  'bits/a boxed boolean',
  'maybe-maybe/nothing',
  'strings/a boxed string',
]);

describe('Hostile values: lists, tuples and text', () => {
  let instance: ComponentInstance;
  before(async () => {
    instance = await (await compileComponent(await parseWat(WAT))).instantiate();
  });
  const refused = async (name: string, value: unknown): Promise<void> => {
    await assert.rejects(instance.call(name, [value]), { code: 'VALUE_INVALID' });
    assert.equal(instance.failure, undefined);
  };

  test('a list that holds itself', () => refused('deep', cyclic));
  test('a list with holes', () => refused('bytes', new Array(3)));
  test('a list with a hole that the prototype fills', async () => {
    await refused('strings', Object.setPrototypeOf(new Array(1), thrower));
  });
  test('a length that is no length', async () => {
    for (const length of [-1, 1.5, '3', 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 3n])
      await refused('bytes', { length });
  });
  test('a length without end', async () => {
    for (const length of [2 ** 28, 2 ** 32, 2 ** 53 - 1]) {
      await refused('bytes', { length });
      await refused('strings', { length });
    }
  });
  test('a getter that throws', async () => {
    await refused('bytes', withGetter('length'));
    await refused('outcome', withGetter('tag'));
    await refused('fields', withGetter('constructor'));
    await refused('bits', withGetter('constructor'));
    await refused('strings', Object.defineProperty(['a'], 0, { get: refuse }));
  });
  test('a typed array that lies about its length', async () => {
    assert.deepEqual(await instance.call('bytes', [lyingLength]), new Uint8Array(4));
  });
  test('a typed array whose buffer is gone', () => refused('bytes', detached));
  test('a view of shared memory is copied', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(3);
    const got = (await instance.call('bytes', [shared])) as Uint8Array;
    assert.deepEqual(Array.from(got), [3, 3, 3, 3]);
    assert.ok(!(got.buffer instanceof SharedArrayBuffer));
  });
  test('a typed array of other elements is read element by element', async () => {
    assert.deepEqual(await instance.call('bytes', [Float64Array.of(1, 2)]), Uint8Array.of(1, 2));
    await refused('bytes', Float64Array.of(1.5));
    await refused('bytes', BigInt64Array.of(1n));
    await refused('doubles', BigInt64Array.of(1n));
  });
  test('a view that is no list', () => refused('bytes', new DataView(new ArrayBuffer(4))));
  test('a tuple that is too short or too long', async () => {
    for (const value of [[], [1], [1, 'a', 2], { length: 2 }]) await refused('pair', value);
  });
  test('a text without end', async () => {
    await refused('string', 'x'.repeat(2 ** 28));
    await refused('strings', ['x'.repeat(2 ** 28)]);
  });
  test('a text with half a character', async () => {
    assert.equal(await instance.call('string', ['\ud800']), '\ufffd');
    await refused('char', '\ud800');
    await refused('char', 'ab');
    await refused('char', '');
    assert.equal(await instance.call('char', ['\u{1f370}']), '\u{1f370}');
  });
  test('a list that means gigabytes', async () => {
    const megabyte = 'x'.repeat(2 ** 20);
    await assert.rejects(instance.call('strings', [new Array(200).fill(megabyte)]), { code: 'VALUE_INVALID' });
    assert.equal(instance.failure, undefined);
  });
  test('a value that changes while it is read', async () => {
    const own = await (await compileComponent(await parseWat(WAT))).instantiate();
    let reads = 0;
    const shifty = Object.defineProperty(['a', 'b'], 1, { get: () => (reads++ === 0 ? 'b' : 7) });
    await assert.rejects(own.call('strings', [shifty]), (error: unknown) => RuntimeError.is(error));
  });
  test('a value whose getter kills the instance', async () => {
    const own = await (await compileComponent(await parseWat(WAT))).instantiate();
    const killer = Object.defineProperty({ tag: 'ok' }, 'val', {
      get: () => {
        own.kill();
        return 1;
      },
    });
    await assert.rejects(own.call('outcome', [killer]), { code: 'COMPONENT_KILLED' });
    assert.equal(own.failure?.code, 'COMPONENT_KILLED');
    assert.equal(own.busy, false);
  });
  test('a value whose getter calls the instance', async () => {
    const inner: unknown[] = [];
    const nosy = Object.defineProperty({ tag: 'ok' }, 'val', {
      get: () => {
        instance.call('u8', [1]).catch((error: unknown) => inner.push((error as RuntimeError).code));
        return 1;
      },
    });
    await instance.call('outcome', [nosy]);
    assert.ok(inner.length > 0 && inner.every((code) => code === 'COMPONENT_BUSY'));
    assert.equal(await instance.call('u8', [1]), 1);
  });
  test('too few arguments, too many, none at all', async () => {
    for (const args of [[], [1, 2], new Array(1000)]) {
      await assert.rejects(instance.call('u8', args), { code: 'VALUE_INVALID' });
    }
    for (const args of [null, 7, 'u8', {}]) {
      await assert.rejects(instance.call('u8', args as never), (error: unknown) => RuntimeError.is(error));
      assert.equal(instance.busy, false);
    }
  });
  test('a function that there is not', async () => {
    for (const name of ['', '__proto__', 'constructor', 'toString', 'u8#', '#u8']) {
      await assert.rejects(instance.call(name, []), { code: 'OPERATION_UNKNOWN' });
    }
  });
});

describe('Hostile values: names', () => {
  let instance: ComponentInstance;
  before(async () => {
    instance = await (await compileComponent(await parseWat(WAT))).instantiate();
  });

  test('what every object inherits is no flag', async () => {
    assert.deepEqual(
      { ...((await instance.call('bits', [{}])) as object) },
      Object.fromEntries(KEYS.map((key) => [key, false])),
    );
    const on = Object.fromEntries(KEYS.map((key) => [key, true]));
    assert.deepEqual({ ...((await instance.call('bits', [on])) as object) }, on);
  });
  test('what every object inherits is no field', async () => {
    await instance.call('fields', [{}]);
    await instance.call('fields', [Object.fromEntries(KEYS.map((key) => [key, 1]))]);
  });
  test('what every object inherits is no case', async () => {
    for (const name of ['__proto__', 'toString', 'valueOf', 'hasOwnProperty']) {
      await assert.rejects(instance.call('words', [name]), { code: 'VALUE_INVALID' });
      await assert.rejects(instance.call('cases', [{ tag: name, val: 1 }]), { code: 'VALUE_INVALID' });
    }
    for (const name of NAMES) assert.equal(await instance.call('words', [name]), name);
    for (const name of NAMES) await instance.call('cases', [{ tag: name, val: 1 }]);
  });
  test('a payload that every object inherits is none', async () => {
    await assert.rejects(instance.call('cases', [{ tag: 'constructor' }]), { code: 'VALUE_INVALID' });
  });
  test('a prototype that was poisoned changes nothing', async () => {
    const poisoned = Object.create({ constructor: true, toString: true });
    await instance.call('bits', [poisoned]);
    assert.equal(await instance.call('string', ['still here']), 'still here');
  });
  test('imports, exports and interfaces may have such names', async () => {
    const name = (at: number) => NAMES[at % NAMES.length] as string;
    const wat = `(component
      (import "constructor" (instance $i ${NAMES.map((item) => `(export "${item}" (func (result u32)))`).join(' ')}))
      ${NAMES.map((item) => `(core func $${item} (canon lower (func $i "${item}")))`).join(' ')}
      (core module $M
        ${NAMES.map((item) => `(import "__proto__" "${item}" (func $${item} (result i32)))`).join(' ')}
        ${NAMES.map((item) => `(func (export "${item}") (result i32) (call $${item}))`).join(' ')}
        (func (export "__proto__") (result i32) (call $${name(0)})))
      (core instance $m (instantiate $M (with "__proto__" (instance ${NAMES.map((item) => `(export "${item}" (func $${item}))`).join(' ')}))))
      ${NAMES.map((item) => `(func (export "${item}") (result u32) (canon lift (core func $m "${item}")))`).join(' ')}
      (func (export "last") (result u32) (canon lift (core func $m "__proto__"))))`;
    const component = await compileComponent(await parseWat(wat));
    await assert.rejects(component.instantiate({}), { code: 'COMPONENT_IMPORT_MISSING' });
    await assert.rejects(component.instantiate({ constructor: {} } as never), { code: 'COMPONENT_IMPORT_MISSING' });
    const offered = Object.fromEntries(NAMES.map((item, at) => [item, () => at]));
    const own = await component.instantiate({ constructor: offered } as never);
    for (const [at, item] of NAMES.entries()) assert.equal(await own.call(item), at);
    assert.equal(await own.call('last'), 0);
  });
});
