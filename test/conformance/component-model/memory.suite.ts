/** Lists, pointers and the allocator: bounds, alignment, what is asked of `realloc` and what it may answer. */
import assert from 'node:assert/strict';
import {
  assertCall,
  breaks,
  type Case,
  callCase,
  canon,
  type Failure,
  type Group,
  instantiate,
  isFailure,
  LIBC,
  lifted,
  lowered,
  plain,
  traps,
} from './kit.ts';

const PAGE = 65_536;
const u32s = (count: number): string => Array.from({ length: count }, () => 'u32').join(' ');
const paramsOf = (count: number): string => Array.from({ length: count }, (_, at) => `(param "p${at}" u32)`).join(' ');

/** A list of `length` elements at `at` in one page of zeros. */
interface ListRow {
  readonly element: string;
  readonly at: number;
  readonly length: number;
  readonly expect: readonly unknown[] | Failure;
}

const LISTS: readonly ListRow[] = [
  { element: 'u8', at: 0, length: 0, expect: [] },
  { element: 'u8', at: PAGE, length: 0, expect: [] },
  { element: 'u8', at: PAGE - 1, length: 1, expect: [0] },
  { element: 'u8', at: PAGE - 1, length: 2, expect: breaks('list-bounds') },
  { element: 'u8', at: PAGE + 1, length: 0, expect: breaks('list-bounds') },
  { element: 'u8', at: 0xffffffff, length: 0, expect: breaks('list-bounds') },
  { element: 'u8', at: 0, length: PAGE + 1, expect: breaks('list-bounds') },
  { element: 'u8', at: 0, length: 0xffffffff, expect: breaks('list-length') },
  { element: 'u16', at: 1, length: 0, expect: breaks('list-align') },
  { element: 'u16', at: PAGE - 2, length: 1, expect: [0] },
  { element: 'u16', at: PAGE - 1, length: 1, expect: breaks('list-align') },
  { element: 'u32', at: 4, length: 2, expect: [0, 0] },
  { element: 'u32', at: 2, length: 1, expect: breaks('list-align') },
  { element: 'u32', at: 0, length: 0x40000000, expect: breaks('list-length') },
  { element: 'u32', at: 0, length: 0x40000001, expect: breaks('list-length') },
  { element: 'u64', at: PAGE - 8, length: 1, expect: [0n] },
  { element: 'u64', at: PAGE - 4, length: 1, expect: breaks('list-align') },
  { element: 'u64', at: 0, length: 0x20000000, expect: breaks('list-length') },
  { element: 'u64', at: 0, length: 0x20000001, expect: breaks('list-length') },
  { element: 'f64', at: 4, length: 0, expect: breaks('list-align') },
  { element: 'bool', at: PAGE - 1, length: 1, expect: [false] },
  { element: 'char', at: 1, length: 0, expect: breaks('list-align') },
  { element: '(tuple u8 u32)', at: PAGE - 8, length: 1, expect: [[0, 0]] },
  { element: '(tuple u8 u32)', at: PAGE - 4, length: 1, expect: breaks('list-bounds') },
  { element: '(tuple u8 u32)', at: 2, length: 1, expect: breaks('list-align') },
  { element: '(tuple u8 u64)', at: 0, length: 0x10000001, expect: breaks('list-length') },
  { element: '(option u64)', at: PAGE - 16, length: 1, expect: [undefined] },
  { element: 'string', at: PAGE - 8, length: 1, expect: [''] },
  { element: 'string', at: PAGE - 4, length: 1, expect: breaks('list-bounds') },
  { element: 'string', at: 0, length: 0x20000000, expect: breaks('list-length') },
  { element: '(list u8)', at: 16, length: 2, expect: [[], []] },
  { element: '(list u64)', at: 2, length: 1, expect: breaks('list-align') },
];

function listCases({ element, at, length, expect }: ListRow): Case[] {
  const title = `list<${element}> at ${at}, length ${length}`;
  return [
    {
      name: `${title}, for the host`,
      run: async () => {
        const got: unknown[] = [];
        const func = `(call $f (i32.const ${at}) (i32.const ${length}))`;
        const wat = lowered(`(param "x" (list ${element}))`, '(param i32 i32)', { func });
        const instance = await instantiate(wat, { host: { f: (list: unknown) => void got.push(list) } });
        if (isFailure(expect)) return assertCall(instance, ['f'], expect);
        await instance.call('f');
        assert.deepEqual(plain(got), plain([expect]));
      },
    },
    {
      name: `${title}, as a result`,
      run: async () => {
        const func = `(result i32) (i32.store (i32.const 0x100) (i32.const ${at})) (i32.store (i32.const 0x104) (i32.const ${length})) (i32.const 0x100)`;
        await assertCall(await instantiate(lifted(`(result (list ${element}))`, func)), ['f'], expect);
      },
    },
  ];
}

const host = (...results: unknown[]) => ({ host: { f: () => results[0] } });
/** Seventeen parameters no longer fit into registers. */
const SEVENTEEN = Array.from({ length: 17 }, (_, at) => at);

function pointerCase(name: string, wat: string, expect: unknown): Case {
  return callCase(name, wat, { imports: () => host([1, 2]), call: ['f'], expect });
}

const returned = (type: string, at: number): string => lifted(`(result ${type})`, `(result i32) (i32.const ${at})`);
const resultAt = (at: number): string =>
  lowered('(result (tuple u32 u32))', '(param i32)', { func: `(call $f (i32.const ${at}))` });
const paramsAt = (at: number): string => lowered(paramsOf(17), '(param i32)', { func: `(call $f (i32.const ${at}))` });

const POINTERS: readonly Case[] = [
  pointerCase('a result that ends with the memory', returned('(tuple u32 u32)', PAGE - 8), [0, 0]),
  pointerCase('a result beyond the memory', returned('(tuple u32 u32)', PAGE - 4), breaks('pointer-bounds')),
  pointerCase('a result at the end of the address space', returned('(tuple u8 u8)', -1), breaks('pointer-bounds')),
  pointerCase('a result that is misaligned', returned('(tuple u32 u32)', 1), breaks('pointer-align')),
  pointerCase('a result that is misaligned by half', returned('(tuple u8 u64)', 4), breaks('pointer-align')),
  pointerCase('a string result that is misaligned', returned('string', 2), breaks('pointer-align')),
  pointerCase('a string result beyond the memory', returned('string', PAGE - 4), breaks('pointer-bounds')),
  pointerCase('room for the host’s result that ends with the memory', resultAt(PAGE - 8), undefined),
  pointerCase('room for the host’s result beyond the memory', resultAt(PAGE - 4), breaks('pointer-bounds')),
  pointerCase('room for the host’s result at −4', resultAt(-4), breaks('pointer-bounds')),
  pointerCase('room for the host’s result that is misaligned', resultAt(1), breaks('pointer-align')),
  pointerCase('spilled arguments that end with the memory', paramsAt(PAGE - 68), undefined),
  pointerCase('spilled arguments beyond the memory', paramsAt(PAGE - 64), breaks('pointer-bounds')),
  pointerCase('spilled arguments that are misaligned', paramsAt(2), breaks('pointer-align')),
  {
    name: 'sixteen arguments pass in registers',
    run: async () => {
      const got: number[][] = [];
      const func = `(call $f ${SEVENTEEN.slice(1)
        .map((at) => `(i32.const ${at})`)
        .join(' ')})`;
      const core = `(param ${SEVENTEEN.slice(1)
        .map(() => 'i32')
        .join(' ')})`;
      const f = (...args: number[]) => void got.push(args);
      const instance = await instantiate(lowered(paramsOf(16), core, { func }), { host: { f } });
      await instance.call('f');
      assert.deepEqual(got, [SEVENTEEN.slice(1)]);
    },
  },
  {
    name: 'seventeen arguments pass in memory',
    run: async () => {
      const got: number[][] = [];
      const stores = SEVENTEEN.map((at) => `(i32.store (i32.const ${64 + 4 * at}) (i32.const ${at}))`).join(' ');
      const wat = lowered(paramsOf(17), '(param i32)', { func: `${stores} (call $f (i32.const 64))` });
      const instance = await instantiate(wat, { host: { f: (...args: number[]) => void got.push(args) } });
      await instance.call('f');
      assert.deepEqual(got, [SEVENTEEN]);
    },
  },
  {
    name: 'seventeen arguments for the guest are in memory that it allocated',
    run: async () => {
      const func =
        '(param i32) (result i32) (i32.store (i32.const 0x100) (local.get 0)) (i32.store (i32.const 0x104) (i32.const 17)) (i32.const 0x100)';
      const instance = await instantiate(lifted(`${paramsOf(17)} (result (list u32))`, func));
      await assertCall(instance, ['f', ...SEVENTEEN], SEVENTEEN);
      await assertCall(instance, ['log'], [0, 0, 4, 68]);
    },
  },
  {
    name: 'seventeen values in one result are in memory',
    run: () =>
      instantiate(returned(`(tuple ${u32s(17)})`, 16)).then((made) => assertCall(made, ['f'], Array(17).fill(0))),
  },
];

/** What the guest is asked for: `old pointer, old size, alignment, size` for each call, in order. */
const ASKED: readonly (readonly [type: string, value: unknown, calls: readonly number[]])[] = [
  ['(list u8)', [], [0, 0, 1, 0]],
  ['(list u8)', [1, 2, 3], [0, 0, 1, 3]],
  ['(list u64)', [], [0, 0, 8, 0]],
  ['(list u64)', [1n, 2n], [0, 0, 8, 16]],
  ['(list (tuple u8 u32))', [[1, 2]], [0, 0, 4, 8]],
  ['string', '', [0, 0, 1, 0]],
  ['string', 'é', [0, 0, 1, 2]],
  ['(list string)', ['a', 'bc'], [0, 0, 4, 16, 0, 0, 1, 1, 0, 0, 1, 2]],
  ['(list (list u16))', [[1], []], [0, 0, 4, 16, 0, 0, 2, 2, 0, 0, 2, 0]],
];

const ALLOCATIONS: readonly Case[] = ASKED.map(([type, value, calls]) => ({
  name: `${type} ${JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item))} asks for ${calls}`,
  run: async () => {
    const instance = await instantiate(lifted(`(param "x" ${type})`, '(param i32 i32)'));
    await instance.call('f', [value]);
    await assertCall(instance, ['log'], calls);
  },
}));

/** Component whose allocator is `body`; `f` takes a value of `type` as `core`, `g` one of the host's results. */
function allocator(body: string, type = '(list u32)'): string {
  return `(component
    (import "host" (instance $host (export "f" (func (result ${type}))) (export "call" (func))))
    (core module $A
      (import "host" "call" (func $call))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) ${body}))
    (core module $Shim
      (table (export "t") 1 funcref)
      (func (export "call") (call_indirect (i32.const 0))))
    (core instance $shim (instantiate $Shim))
    (core instance $a (instantiate $A (with "host" (instance (export "call" (func $shim "call"))))))
    (core func $call (canon lower (func $host "call")))
    (core module $Fix (import "" "t" (table 1 funcref)) (import "" "call" (func $call)) (elem (i32.const 0) func $call))
    (core instance (instantiate $Fix (with "" (instance (export "t" (table $shim "t")) (export "call" (func $call))))))
    (core func $f (canon lower (func $host "f") (memory $a "mem") (realloc (func $a "realloc"))))
    (core module $M
      (import "" "f" (func $f (param i32)))
      (func (export "take") (param i32 i32))
      (func (export "get") (call $f (i32.const 16))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "take") (param "x" ${type}) (canon lift (core func $m "take") (memory $a "mem") (realloc (func $a "realloc"))))
    (func (export "get") (canon lift (core func $m "get"))))`;
}

const ANSWERS: readonly (readonly [name: string, body: string, value: unknown, expect: unknown])[] = [
  ['a pointer to the last elements', `(i32.const ${PAGE - 8})`, [1, 2], undefined],
  ['a pointer to the end for nothing', `(i32.const ${PAGE})`, [], undefined],
  ['a pointer beyond the memory', `(i32.const ${PAGE - 4})`, [1, 2], breaks('realloc-bounds')],
  ['a pointer beyond the memory for nothing', '(i32.const -4)', [], breaks('realloc-bounds')],
  ['a pointer just beyond the memory for nothing', `(i32.const ${PAGE + 4})`, [], breaks('realloc-bounds')],
  ['a misaligned pointer', '(i32.const 2)', [1], breaks('realloc-align')],
  ['a misaligned pointer for nothing', '(i32.const 1)', [], breaks('realloc-align')],
  ['−1, which is misaligned first', '(i32.const -1)', [1, 2], breaks('realloc-align')],
  ['a pointer to memory that it grew by', '(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))', [1, 2], undefined],
  ['a trap', '(unreachable)', [1], traps('unreachable')],
  ['a call of the host', '(call $call) (i32.const 0)', [1], breaks('cannot-leave')],
];

const ANSWER_CASES: readonly Case[] = ANSWERS.flatMap(([name, body, value, expect]) => {
  const imports = () => ({ host: { f: () => value, call: () => undefined } });
  const wat = allocator(body);
  return [
    callCase(`${name}, for an argument`, wat, { imports, call: ['take', value], expect }),
    callCase(`${name}, for a result of the host`, wat, { imports, call: ['get'], expect }),
  ];
});

/** Each element of the list makes the allocator grow the memory, which detaches every view of it. */
const GROWTH: Case = {
  name: 'memory that grows under a list while it is written',
  run: async () => {
    const wat = `(component
      (core module $M
        (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
        (func (export "f") (param i32 i32) (result i32)
          (i32.store (i32.const 64) (local.get 0)) (i32.store (i32.const 68) (local.get 1)) (i32.const 64)))
      (core instance $m (instantiate $M))
      (func (export "f") (param "x" (list string)) (result (list string))
        (canon lift (core func $m "f") (memory $m "mem") (realloc (func $m "realloc")))))`;
    const value = Array.from({ length: 20 }, (_, at) => 'é'.repeat(at));
    await assertCall(await instantiate(wat), ['f', value], value);
  },
};

/** A component may give memory of one core module and the allocator of another. */
const SPLIT: Case = {
  name: 'memory and allocator of different core modules',
  run: async () => {
    const wat = `(component
      ${LIBC}
      (core module $Own (memory (export "mem") 1) (data (i32.const 8) "own"))
      (core instance $own (instantiate $Own))
      (core module $M (func (export "f") (param i32 i32) (result i32) (local.get 0)))
      (core instance $m (instantiate $M))
      (func (export "f") (param "x" string) (result u32) (canon lift (core func $m "f") ${canon()})))`;
    await assertCall(await instantiate(wat), ['f', 'text'], 0x8000);
  },
};

export const MEMORY: readonly Group[] = [
  { name: 'Lists', cases: LISTS.flatMap(listCases) },
  { name: 'Pointers to what does not fit registers', cases: POINTERS },
  { name: 'What is asked of the allocator', cases: ALLOCATIONS },
  { name: 'What the allocator answers', cases: [...ANSWER_CASES, GROWTH, SPLIT] },
];
