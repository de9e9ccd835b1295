/** What a guest can do wrong in one call, and how it must end. */
import { type End, type Guest, limit, rule, trap } from './kit.ts';

export interface Attack extends Guest {
  readonly name: string;
  readonly end: End;
  /** The function to call. Default: `f`. */
  readonly call?: readonly [name: string, ...args: unknown[]];
}

const PAGE = 65_536;
/** Stores `list<u8>`-shaped pairs: `count` times the same pointer and length from `at` on. */
const same = (at: number, count: number, pair: readonly [number, number]): string => `
  (local.set $i (i32.const 0))
  (loop $next
    (i32.store (i32.add (i32.const ${at}) (i32.mul (local.get $i) (i32.const 8))) (i32.const ${pair[0]}))
    (i32.store (i32.add (i32.const ${at + 4}) (i32.mul (local.get $i) (i32.const 8))) (i32.const ${pair[1]}))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const ${count}))))`;
const aliased = (fields: string): string => `(func $fill (local $i i32) ${fields})`;

/** Traps of instructions. */
export const INSTRUCTIONS: readonly Attack[] = [
  { name: 'unreachable', attack: '(unreachable)', end: trap('unreachable') },
  { name: 'a load beyond the memory', attack: '(drop (i32.load (i32.const -1)))', end: trap('memory-out-of-bounds') },
  {
    name: 'a store at the very end',
    attack: '(i32.store (i32.const 65533) (i32.const 0))',
    end: trap('memory-out-of-bounds'),
  },
  {
    name: 'a fill beyond the memory',
    attack: '(memory.fill (i32.const 65530) (i32.const 0) (i32.const 7))',
    end: trap('memory-out-of-bounds'),
  },
  {
    name: 'a copy beyond the memory',
    attack: '(memory.copy (i32.const 0) (i32.const -1) (i32.const 2))',
    end: trap('memory-out-of-bounds'),
  },
  {
    name: 'division by zero',
    attack: '(drop (i32.div_u (i32.const 1) (i32.const 0)))',
    end: trap('integer-divide-by-zero'),
  },
  {
    name: 'remainder by zero',
    attack: '(drop (i64.rem_s (i64.const 1) (i64.const 0)))',
    end: trap('integer-divide-by-zero'),
  },
  {
    name: 'overflow of a division',
    attack: '(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))',
    end: trap('integer-overflow'),
  },
  {
    name: 'NaN made an integer',
    attack: '(drop (i32.trunc_f32_s (f32.const nan)))',
    end: trap('invalid-conversion-to-integer'),
  },
  {
    name: 'a call through an empty slot',
    fields: '(table 1 funcref)',
    attack: '(call_indirect (i32.const 0))',
    end: trap('indirect-call-mismatch'),
  },
  {
    name: 'a call beyond the table',
    fields: '(table 1 funcref)',
    attack: '(call_indirect (i32.const 1))',
    end: trap('table-out-of-bounds'),
  },
  {
    name: 'a call of another type',
    fields: '(table 1 funcref) (elem (i32.const 0) func $other) (func $other (param i32))',
    attack: '(call_indirect (i32.const 0))',
    end: trap('indirect-call-mismatch'),
  },
  {
    name: 'a table read beyond its end',
    fields: '(table 1 funcref)',
    attack: '(drop (table.get (i32.const 9)))',
    end: trap('table-out-of-bounds'),
  },
];

/** Broken rules at imports. */
export const IMPORTS: readonly Attack[] = [
  {
    name: 'a string beyond the memory',
    attack: `(call $text (i32.const ${PAGE}) (i32.const 1))`,
    end: rule('string-bounds'),
  },
  {
    name: 'a string that wraps around',
    attack: '(call $text (i32.const -1) (i32.const 2))',
    end: rule('string-bounds'),
  },
  { name: 'a string of 4 GiB', attack: '(call $text (i32.const 0) (i32.const -1))', end: rule('string-length') },
  {
    name: 'a string that is not UTF-8',
    attack: '(i32.store8 (i32.const 0) (i32.const 0xff)) (call $text (i32.const 0) (i32.const 1))',
    end: rule('string-utf8'),
  },
  {
    name: 'a list beyond the memory',
    attack: `(call $numbers (i32.const ${PAGE - 8}) (i32.const 2))`,
    end: rule('list-bounds'),
  },
  {
    name: 'a list whose size wraps around',
    attack: '(call $numbers (i32.const 0) (i32.const 0x20000001))',
    end: rule('list-length'),
  },
  { name: 'a misaligned list', attack: '(call $numbers (i32.const 4) (i32.const 1))', end: rule('list-align') },
  {
    name: 'a list of strings of which one is bad',
    attack: '(i32.store (i32.const 72) (i32.const -1)) (call $strings (i32.const 64) (i32.const 2))',
    end: rule('string-bounds'),
  },
  {
    name: 'room for a result beyond the memory',
    attack: `(call $pair (i32.const ${PAGE - 4}))`,
    end: rule('pointer-bounds'),
  },
  { name: 'misaligned room for a result', attack: '(call $pair (i32.const 2))', end: rule('pointer-align') },
  { name: 'a surrogate as a char', attack: '(call $char (i32.const 0xd800))', end: rule('char-range') },
  { name: 'a char beyond Unicode', attack: '(call $char (i32.const 0x110000))', end: rule('char-range') },
  { name: 'a case that there is not', attack: '(call $choice (i32.const 2) (i32.const 0))', end: rule('discriminant') },
  { name: 'a handle that it does not have', attack: '(call $take (i32.const 1))', end: rule('handle-missing') },
  { name: 'handle 0xffffffff', attack: '(call $use (i32.const -1))', end: rule('handle-missing') },
  { name: 'a handle of another type', attack: '(call $take (call $new-mine (i32.const 1)))', end: rule('handle-type') },
  {
    name: 'a handle given twice',
    attack: '(drop (call $make)) (call $take (i32.const 1)) (call $take (i32.const 1))',
    end: rule('handle-missing'),
  },
  {
    name: 'a handle dropped twice',
    attack: '(drop (call $make)) (call $drop (i32.const 1)) (call $drop (i32.const 1))',
    end: rule('handle-missing'),
  },
  {
    name: 'a handle given and lent at once',
    attack: '(drop (call $make)) (call $give-and-use (i32.const 1) (i32.const 1))',
    end: rule('handle-missing'),
  },
];

/** An allocator that is asked for memory while the host passes a string. */
export const ALLOCATORS: readonly Attack[] = [
  { name: 'it answers with a pointer beyond the memory', realloc: '(i32.const -8)', end: rule('realloc-bounds') },
  { name: 'it answers with the end of the memory', realloc: `(i32.const ${PAGE})`, end: rule('realloc-bounds') },
  { name: 'it traps', realloc: '(block (result i32) (unreachable))', end: trap('unreachable') },
  { name: 'it calls the host', realloc: '(block (result i32) (call $call) (i32.const 64))', end: rule('cannot-leave') },
  { name: 'it reads beyond the memory', realloc: '(i32.load (i32.const -1))', end: trap('memory-out-of-bounds') },
  {
    name: 'it recurs for ever',
    realloc: '(call $alloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))',
    end: trap('stack-overflow'),
  },
].flatMap((attack) => [
  { ...attack, name: `${attack.name}, for a result of the host`, attack: '(call $get (i32.const 64))' },
  { ...attack, name: `${attack.name}, for an argument`, attack: '', call: ['echo', 'some text'] as const },
]);

/** Requests without measure. */
export const GREED: readonly Attack[] = [
  {
    name: 'lists that share memory and mean gigabytes',
    fields: aliased(`${same(0x100, 4000, [0x8000, 4000])} ${same(0x8000, 4000, [0, PAGE - 1])}`),
    attack: '(call $fill) (call $lists (i32.const 0x100) (i32.const 3000))',
    end: limit('lift-budget'),
  },
  {
    name: 'many strings that share memory',
    pages: '4',
    fields: aliased(same(0x100, 2000, [2 * PAGE, 2 * PAGE])),
    attack: '(call $fill) (call $strings (i32.const 0x100) (i32.const 2000))',
    end: limit('lift-budget'),
  },
  {
    name: 'handles without end',
    attack: '(loop $next (drop (call $new-mine (i32.const 1))) (br $next))',
    end: limit('handles'),
  },
];

/** Code that the guest runs when it is cleaning up. */
export const CLEANING: readonly Attack[] = [
  {
    name: 'a destructor that traps',
    attack: '(call $drop-mine (call $new-mine (i32.const 1)))',
    dtor: '(unreachable)',
    end: trap('unreachable'),
  },
  { name: 'a post-return that traps', attack: '', post: '(unreachable)', call: ['p'], end: trap('unreachable') },
  {
    name: 'a post-return that calls the host',
    attack: '',
    post: '(call $call)',
    call: ['p'],
    end: rule('cannot-leave'),
  },
  {
    name: 'a post-return that drops a handle',
    attack: '',
    post: '(call $drop-mine (i32.const 1))',
    call: ['p'],
    end: rule('cannot-leave'),
  },
  {
    name: 'a post-return that makes a handle',
    attack: '',
    post: '(drop (call $new-mine (i32.const 1)))',
    call: ['p'],
    end: rule('cannot-leave'),
  },
];

/** Calls without end. */
export const STACKS: readonly Attack[] = [
  { name: 'it calls itself', fields: '(func $self (call $self))', attack: '(call $self)', end: trap('stack-overflow') },
  {
    name: 'it calls itself with much in its frame',
    fields: `(func $self (param ${'i64 '.repeat(200)}) (call $self ${'(i64.const 1) '.repeat(200)}))`,
    attack: `(call $self ${'(i64.const 1) '.repeat(200)})`,
    end: trap('stack-overflow'),
  },
  {
    name: 'it calls the host at every depth',
    fields: '(func $self (call $call) (call $self))',
    attack: '(call $self)',
    end: trap('stack-overflow'),
  },
  {
    name: 'it passes a value at every depth',
    fields: '(func $self (call $text (i32.const 0) (i32.const 100)) (call $self) (call $call))',
    attack: '(call $self)',
    end: trap('stack-overflow'),
  },
];
