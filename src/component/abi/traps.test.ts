import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import type { CanonOptions, ValueType } from '../binary/index.ts';
import { FakeGuest, imported, list, params, prim, thrownBy } from './harness.suite.ts';
import { compileExport, compileImport } from './index.ts';
import { ARRAY_BASE_BYTES, TEXT_UNITS_MAX } from './limits.ts';

/** What a guest can get wrong when it passes one value of `type`. */
interface Breach {
  readonly rule: string;
  readonly type: ValueType;
  readonly flats: readonly (number | bigint)[];
  readonly encoding?: CanonOptions['encoding'];
  readonly bytes?: readonly [at: number, ...bytes: number[]];
}

const PAGE = 65_536;

/** An import that takes one value and gives nothing. */
const taking = (type: ValueType, encoding: CanonOptions['encoding'] = 'utf8') =>
  compileImport({ params: params(type), result: undefined }, encoding);

/** A tuple of 17, which is passed by a pointer. */
const spilled: ValueType = { kind: 'tuple', types: Array.from({ length: 17 }, () => prim('u32')) };

const wide: ValueType = { kind: 'enum', names: Array.from({ length: 300 }, (_, at) => `n${at}`) };

const either: ValueType = { kind: 'result', ok: prim('u32'), error: prim('string') };

const BREACHES: readonly Breach[] = [
  { rule: 'string-utf8', type: prim('string'), flats: [64, 1], bytes: [64, 0x80] },
  { rule: 'string-utf8', type: prim('string'), flats: [64, 2], bytes: [64, 0xc0, 0x80] }, // overlong
  { rule: 'string-utf8', type: prim('string'), flats: [64, 3], bytes: [64, 0xed, 0xa0, 0x80] }, // surrogate
  { rule: 'string-utf8', type: prim('string'), flats: [64, 4], bytes: [64, 0xf4, 0x90, 0x80, 0x80] }, // above the last
  { rule: 'string-utf8', type: prim('string'), flats: [64, 2], bytes: [64, 0xe2, 0x82, 0xac] }, // cut
  { rule: 'string-utf8', type: prim('string'), flats: [64, 200], bytes: [263, 0xff] }, // last of a long one
  { rule: 'string-bounds', type: prim('string'), flats: [PAGE - 1, 2] },
  { rule: 'string-bounds', type: prim('string'), flats: [-1, 1] },
  { rule: 'string-bounds', type: prim('string'), flats: [PAGE + 1, 0] },
  { rule: 'string-length', type: prim('string'), flats: [0, 2 ** 28] },
  { rule: 'string-length', type: prim('string'), flats: [0, -1] },
  { rule: 'string-length', type: prim('string'), flats: [0, 2 ** 27], encoding: 'utf16' },
  { rule: 'string-align', type: prim('string'), flats: [65, 1], encoding: 'utf16' },
  { rule: 'string-align', type: prim('string'), flats: [65, 1], encoding: 'latin1+utf16' },
  { rule: 'string-bounds', type: prim('string'), flats: [PAGE - 2, 2], encoding: 'utf16' },
  { rule: 'string-utf16', type: prim('string'), flats: [64, 1], encoding: 'utf16', bytes: [64, 0x00, 0xd8] },
  {
    rule: 'string-utf16',
    type: prim('string'),
    flats: [64, 2 ** 31 + 1],
    encoding: 'latin1+utf16',
    bytes: [64, 0x00, 0xdc],
  },
  { rule: 'char-range', type: prim('char'), flats: [0x110000] },
  { rule: 'char-range', type: prim('char'), flats: [0xd800] },
  { rule: 'char-range', type: prim('char'), flats: [0xdfff] },
  { rule: 'char-range', type: prim('char'), flats: [-1] },
  { rule: 'discriminant', type: either, flats: [2, 0, 0] },
  { rule: 'discriminant', type: either, flats: [-1, 0, 0] },
  { rule: 'discriminant', type: { kind: 'option', some: prim('u8') }, flats: [2, 0] },
  { rule: 'discriminant', type: wide, flats: [300] },
  { rule: 'discriminant', type: list(wide), flats: [64, 1], bytes: [64, 44, 1] },
  { rule: 'discriminant', type: list(either), flats: [64, 1], bytes: [64, 7] },
  { rule: 'list-align', type: list(prim('u16')), flats: [65, 0] },
  { rule: 'list-align', type: list(prim('u64')), flats: [68, 1] },
  { rule: 'list-align', type: list(prim('string')), flats: [66, 1] },
  { rule: 'list-bounds', type: list(prim('u8')), flats: [PAGE - 1, 2] },
  { rule: 'list-bounds', type: list(prim('string')), flats: [PAGE - 4, 1] },
  { rule: 'list-bounds', type: list(prim('u8')), flats: [PAGE + 1, 0] },
  { rule: 'list-length', type: list(prim('u8')), flats: [0, 2 ** 28] },
  { rule: 'list-length', type: list(prim('u64')), flats: [0, -1] },
  { rule: 'pointer-align', type: spilled, flats: [66] },
  { rule: 'pointer-bounds', type: spilled, flats: [PAGE - 64] },
  { rule: 'pointer-bounds', type: spilled, flats: [-4] },
];

function ruleOf(error: unknown): unknown {
  assert.ok(RuntimeError.is(error, 'COMPONENT_TRAPPED'), String(error));
  assert.equal(error.details.trap, 'abi');
  return error.details.rule;
}

describe('breaches of the canonical ABI (A1)', () => {
  for (const [at, { rule, type, flats, encoding = 'utf8', bytes }] of BREACHES.entries()) {
    test(`ImportStub traps by ${rule} for ${type.kind} ${flats.join(' ')} (${at})`, () => {
      const guest = new FakeGuest(encoding);
      if (bytes !== undefined) guest.bytes.set(bytes.slice(1), bytes[0]);
      let isCalled = false;
      const core = imported(guest.ctx, taking(type, encoding), () => {
        isCalled = true;
      });
      const error = thrownBy(() => core(...flats));
      assert.equal(ruleOf(error), rule);
      assert.equal(guest.state.failure, error);
      assert.equal(isCalled, false);
    });
  }

  test('ExportStub.lift traps for a result pointer that is not aligned or out of bounds', () => {
    const guest = new FakeGuest();
    const stub = compileExport({ params: [], result: prim('string') }, 'utf8');
    assert.equal(ruleOf(thrownBy(() => stub.lift(guest.ctx, 2))), 'pointer-align');
    assert.equal(ruleOf(thrownBy(() => stub.lift(guest.ctx, PAGE - 4))), 'pointer-bounds');
    assert.equal(ruleOf(thrownBy(() => stub.lift(guest.ctx, -4))), 'pointer-bounds');
  });

  test('ImportStub traps for a pointer to the result that is not aligned or out of bounds', () => {
    const guest = new FakeGuest();
    const core = imported(guest.ctx, compileImport({ params: [], result: prim('string') }, 'utf8'), () => 'text');
    assert.equal(ruleOf(thrownBy(() => core(2))), 'pointer-align');
    assert.equal(ruleOf(thrownBy(() => core(PAGE))), 'pointer-bounds');
  });

  test('CanonContext traps for what an allocator returns out of bounds or not aligned, also for nothing', () => {
    const stub = compileExport({ params: params(list(prim('u64'))), result: undefined }, 'utf8');
    for (const [answer, rule] of [
      [PAGE - 8, 'realloc-bounds'],
      [-8, 'realloc-bounds'],
      [12, 'realloc-align'],
    ] as const) {
      const guest = new FakeGuest();
      guest.answer = answer;
      assert.equal(ruleOf(thrownBy(() => stub.lower(guest.ctx, [[1n, 2n]], []))), rule);
    }
    const guest = new FakeGuest();
    guest.answer = PAGE + 8;
    assert.equal(ruleOf(thrownBy(() => stub.lower(guest.ctx, [[]], []))), 'realloc-bounds');
  });

  test('ImportStub traps when it is called while the guest allocates (A5)', () => {
    const guest = new FakeGuest();
    const core = imported(guest.ctx, compileImport({ params: [], result: undefined }, 'utf8'), () => undefined);
    guest.ctx.setRealloc(() => {
      core();
      return 0;
    });
    const stub = compileExport({ params: params(prim('string')), result: undefined }, 'utf8');
    assert.equal(ruleOf(thrownBy(() => stub.lower(guest.ctx, ['text'], []))), 'cannot-leave');
    assert.equal(ruleOf(guest.state.failure), 'cannot-leave');
  });

  test('ExportStub.lower hands on what the guest threw while it allocated', () => {
    const guest = new FakeGuest();
    const fault = new WebAssembly.RuntimeError('unreachable');
    guest.ctx.setRealloc(() => {
      throw fault;
    });
    const stub = compileExport({ params: params(prim('string')), result: undefined }, 'utf8');
    assert.throws(
      () => stub.lower(guest.ctx, ['text'], []),
      (error) => error === fault,
    );
  });
});

describe('what the canonical ABI allows', () => {
  function lifted(type: ValueType, ...flats: (number | bigint)[]): unknown {
    let seen: unknown;
    const guest = new FakeGuest();
    imported(guest.ctx, taking(type), (value: unknown) => {
      seen = value;
    })(...flats);
    return seen;
  }

  test('ImportStub wraps integers that are too wide, and takes any other number than 0 for true', () => {
    assert.equal(lifted(prim('u8'), 300), 44);
    assert.equal(lifted(prim('s8'), 200), -56);
    assert.equal(lifted(prim('u16'), -1), 65_535);
    assert.equal(lifted(prim('u32'), -1), 2 ** 32 - 1);
    assert.equal(lifted(prim('u64'), -1n), 2n ** 64n - 1n);
    assert.equal(lifted(prim('bool'), 2), true);
    assert.equal(lifted(prim('bool'), 0), false);
  });

  test('ImportStub ignores the bits of flags that have no name', () => {
    assert.deepEqual(lifted({ kind: 'flags', names: ['can-read', 'can-write'] }, -2), {
      canRead: false,
      canWrite: true,
    });
  });

  test('ImportStub gives a NaN of any payload its canonical bits (A4)', () => {
    const guest = new FakeGuest();
    guest.bytes.set([1, 2, 0xa0, 0xff], 64);
    let seen: Float32Array | undefined;
    const stub = taking(list(prim('f32')));
    imported(guest.ctx, stub, (value: Float32Array) => {
      seen = value;
    })(64, 1);
    assert.equal(new Uint32Array((seen as Float32Array).buffer as ArrayBuffer)[0], 0x7fc00000);
  });

  test('ImportStub gives a single NaN its canonical bits too (A4)', () => {
    const guest = new FakeGuest();
    const seen = new Float64Array(2);
    guest.bytes.set([1, 2, 3, 4, 5, 6, 0xfc, 0xff], 64);
    const pair: ValueType = { kind: 'tuple', types: [prim('f64'), ...Array.from({ length: 17 }, () => prim('u8'))] };
    imported(guest.ctx, taking(pair), ([value]: [number]) => {
      seen[0] = value;
    })(64);
    assert.equal(new BigUint64Array(seen.buffer)[0], 0x7ff8000000000000n);
  });

  test('ExportStub.lower extends what shares a wider place by zeros', () => {
    const guest = new FakeGuest();
    const cases = [
      { name: 'a', type: prim('s32') },
      { name: 'b', type: prim('u64') },
    ];
    const flats: (number | bigint)[] = [];
    const stub = compileExport({ params: params({ kind: 'variant', cases }), result: undefined }, 'utf8');
    stub.lower(guest.ctx, [{ tag: 'a', val: -1 }], flats);
    assert.deepEqual(flats, [0, 0xffffffffn]);
  });

  test('ImportStub reads a string and a list of nothing at the very end of memory', () => {
    assert.equal(lifted(prim('string'), PAGE, 0), '');
    assert.deepEqual(lifted(list(prim('u8')), PAGE, 0), new Uint8Array(0));
  });
});

describe('budgets (A2)', () => {
  /** `count` lists of the same `size` bytes, in a guest that has one page. */
  function aliased(guest: FakeGuest, count: number, size: number): void {
    const words = new Uint32Array(guest.memory.buffer);
    for (let at = 0; at < count; at++) words.set([0, size], 2 * at);
  }

  test('ImportStub ends a guest whose lists share memory before they fill the host', () => {
    const guest = new FakeGuest();
    aliased(guest, 8000, 64_000);
    let isCalled = false;
    const stub = taking(list(list(prim('u8'))));
    const core = imported(guest.ctx, stub, () => {
      isCalled = true;
    });
    const error = thrownBy(() => core(0, 8000));
    assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'));
    assert.deepEqual(error.details, { limit: 'lift-budget', limitValue: guest.state.liftBudgetMax });
    assert.equal(guest.state.failure, error);
    assert.equal(isCalled, false);
  });

  test('ImportStub charges each element of a list that is no typed array', () => {
    const guest = new FakeGuest();
    guest.state.liftBudgetMax = ARRAY_BASE_BYTES + 100 * 8;
    const core = imported(guest.ctx, taking(list(prim('bool'))), () => {});
    core(0, 100);
    assert.throws(() => core(0, 101), { code: 'COMPONENT_LIMIT' });
  });

  test('ImportStub starts every call with the whole budget', () => {
    const guest = new FakeGuest();
    guest.state.liftBudgetMax = 2000;
    const core = imported(guest.ctx, taking(prim('string')), () => {});
    for (let call = 0; call < 10; call++) core(0, 1500);
    assert.throws(() => core(0, 2000), { code: 'COMPONENT_LIMIT' });
  });

  test('ImportStub charges text that takes more room in the host than in the guest for it', () => {
    const guest = new FakeGuest();
    guest.state.liftBudgetMax = 1000;
    guest.bytes.fill(0x61, 0, 800);
    const core = imported(guest.ctx, taking(prim('string')), () => {});
    core(0, 800);
    guest.bytes.set([0xc3, 0xa9], 400);
    assert.throws(() => core(0, 800), { code: 'COMPONENT_LIMIT' });
  });

  test('ImportStub refuses a list longer than the canonical ABI allows, however large the memory', () => {
    const guest = new FakeGuest();
    guest.state.liftBudgetMax = Number.MAX_SAFE_INTEGER;
    guest.ctx.setMemory(new WebAssembly.Memory({ initial: 4097 })); // reserved, never touched
    const core = imported(guest.ctx, taking(list(prim('u8'))), () => {});
    assert.equal(ruleOf(thrownBy(() => core(0, 2 ** 28))), 'list-length');
  });

  test('ExportStub.lift charges its result', () => {
    const guest = new FakeGuest();
    guest.state.liftBudgetMax = 1000;
    new Uint32Array(guest.memory.buffer).set([0, 2000]);
    const stub = compileExport({ params: [], result: list(prim('u8')) }, 'utf8');
    assert.throws(() => stub.lift(guest.ctx, 0), { code: 'COMPONENT_LIMIT' });
  });

  test('ExportStub.lower refuses arguments whose parts are shared without end', () => {
    const guest = new FakeGuest();
    let value: unknown = Array.from({ length: 100 }, () => 'x');
    let type: ValueType = list(prim('string'));
    for (let depth = 0; depth < 20; depth++) {
      value = Array.from({ length: 100 }, () => value);
      type = list(type);
    }
    guest.state.lowerBudgetMax = 100_000;
    const stub = compileExport({ params: params(type), result: undefined }, 'utf8');
    const error = thrownBy(() => stub.lower(guest.ctx, [value], []));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    assert.match(error.message, /too large/);
    assert.equal(guest.allocations, 0);
  });

  test('ExportStub.lower refuses more bytes than the budget, before the guest allocates', () => {
    for (const part of [new Uint8Array(1000), Array.from({ length: 1000 }, () => 1)]) {
      const guest = new FakeGuest();
      guest.state.lowerBudgetMax = 100_000;
      const stub = compileExport({ params: params(list(list(prim('u8')))), result: undefined }, 'utf8');
      stub.lower(guest.ctx, [Array.from({ length: 90 }, () => part)], []);
      const taken = guest.allocations;
      const tooMuch = Array.from({ length: 101 }, () => part);
      assert.throws(() => stub.lower(guest.ctx, [tooMuch], []), { code: 'VALUE_INVALID' });
      assert.equal(guest.allocations, taken);
    }
  });

  test('ExportStub.lower refuses text that might not fit in some encoding, before the guest allocates', () => {
    const guest = new FakeGuest();
    const long = 'x'.repeat(TEXT_UNITS_MAX + 1); // a rope: nothing of it is made
    const stub = compileExport({ params: params(prim('string')), result: undefined }, 'utf8');
    assert.throws(() => stub.lower(guest.ctx, [long], []), { code: 'VALUE_INVALID', message: /too large/ });
    assert.equal(guest.allocations, 0);
  });

  test('ImportStub ends a call whose result asks for more memory than the budget', () => {
    const guest = new FakeGuest();
    guest.state.lowerBudgetMax = 1000;
    const core = imported(guest.ctx, compileImport({ params: [], result: prim('string') }, 'utf8'), () =>
      'x'.repeat(1001),
    );
    const error = thrownBy(() => core(8));
    assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'));
    assert.deepEqual(error.details, { limit: 'lower-budget', limitValue: 1000 });
  });
});
