/** What hostile code does, wherever it runs: the columns of the table. */

/** How a cell ends: a code, and what its details name (`limit`, `rule` or `trap`), if they do. */
export type End = string;

const DEADLINE: End = 'COMPONENT_DEADLINE';
const INSIDE: End = 'COMPONENT_LIMIT fuel-inside';
const OVERFLOW: End = 'COMPONENT_TRAPPED stack-overflow';
export const CANNOT_LEAVE: End = 'COMPONENT_TRAPPED cannot-leave';
const UNREACHABLE: End = 'COMPONENT_TRAPPED unreachable';
/** Imports that need memory are called through a table, which is filled when all modules are there. */
const TOO_EARLY: End = 'COMPONENT_TRAPPED indirect-call-mismatch';

/**
 * One shape. Its code may use the locals `$i` and `$n` and the functions of `places.ts`: `$now`, `$wait` (for an hour), `$log`,
 * `$random`, `$fields`, `$exit`, `$new` and `$drop`.
 */
export interface Shape {
  readonly name: string;
  /** Core instructions without a result. */
  readonly body: string;
  /** Fields of the core module that they need. */
  readonly fields?: string;
  /** Where code can be suspended. */
  readonly end: End;
  /** In a destructor, where it cannot; it may call the host. Default: as everywhere. */
  readonly inDestructor?: End;
  /** In an allocator, where it cannot, and may not call the host; a post-return may not either, but can be suspended. Default: as in a destructor. */
  readonly whileConfined?: End;
  /** Before an instance has its first message. Default: as everywhere. */
  readonly whileMade?: End;
  /** In a start section, which runs before all of the instance is there. Default: as before the first message. */
  readonly inStartSection?: End;
}

const loops = (name: string, body: string, fields = ''): Shape => ({
  name,
  body,
  fields,
  end: DEADLINE,
  inDestructor: INSIDE,
});
const endless = (inner: string): string => `(loop $again ${inner} (br $again))`;

/** Pages that the memory of a guest of the table has at most. */
export const PAGES_MAX = 128;
const ALL_BYTES = PAGES_MAX * 65_536;
const GROW = `(drop (memory.grow (i32.const ${PAGES_MAX - 8})))`;
const GROWN = `(i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))`;

/** Entries of `fields.from-list` that all name the same bytes: 2,000 times 64 KiB. */
const ALIASES = `
  (loop $next
    (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $i) (i32.const 16))) (i32.const 0))
    (i32.store (i32.add (i32.const 4100) (i32.mul (local.get $i) (i32.const 16))) (i32.const 65536))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 2000))))`;

export const SHAPES: readonly Shape[] = [
  loops('loop: br', '(loop $l (br $l))'),
  loops('loop: br_if', '(loop $l (br_if $l (i32.const 1)))'),
  loops('loop: br_table', '(loop $l (br_table $l $l $l (local.get $i)))'),
  loops('loop: parameters', '(i32.const 1) (loop $l (param i32) (br $l))'),
  loops('loop: out of a block', '(loop $l (block $b (br $b)) (br $l))'),
  loops('loop: call', endless('(call $nothing)'), '(func $nothing)'),
  loops('loop: tail call', '(call $tail)', '(func $tail (return_call $tail))'),
  loops(
    'loop: tail calls in turn',
    '(call $even)',
    '(table $both 2 funcref) (elem (table $both) (i32.const 0) func $even $odd) (func $even (return_call $odd)) (func $odd (return_call_indirect $both (i32.const 0)))',
  ),
  { name: 'recursion', body: '(call $deep)', fields: '(func $deep (call $deep))', end: OVERFLOW },
  {
    name: 'recursion: mutual',
    body: '(call $one)',
    fields: '(func $one (call $two)) (func $two (call $one))',
    end: OVERFLOW,
  },
  {
    name: 'recursion: large frames',
    body: `(call $wide ${'(i64.const 1) '.repeat(200)})`,
    fields: `(func $wide (param ${'i64 '.repeat(200)}) (call $wide ${'(i64.const 1) '.repeat(200)}))`,
    end: OVERFLOW,
  },
  {
    name: 'recursion: caught',
    body: '(call $caught)',
    fields: '(func $caught try (call $caught) catch_all end (call $caught))',
    end: OVERFLOW,
  },
  loops('memory.grow, for ever', endless('(drop (memory.grow (i32.const 1)))')),
  {
    name: 'memory.grow, until refused',
    body: `(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable`,
    end: 'COMPONENT_LIMIT memory',
    inDestructor: UNREACHABLE,
    whileConfined: 'COMPONENT_LIMIT memory',
  },
  loops(
    'table.grow, for ever',
    endless('(drop (table.grow $grown (ref.null extern) (i32.const 10)))'),
    '(table $grown 1 externref)',
  ),
  loops('memory.fill', `${GROW} ${endless(`(memory.fill (i32.const 0) (i32.const 1) ${GROWN})`)}`),
  loops('memory.copy', `${GROW} ${endless(`(memory.copy (i32.const 1) (i32.const 0) ${GROWN})`)}`),
  loops('catch_all', endless('try (loop (br 0)) catch_all end')),
  loops('try_table catch_all', endless('(block $caught (try_table (catch_all $caught) (loop (br 0))))')),
  loops(
    'try_table catch_all_ref',
    endless('(drop (block $caught (result exnref) (try_table (catch_all_ref $caught) (loop (br 0))) (unreachable)))'),
  ),
  {
    ...loops('host calls', endless('(drop (call $now))')),
    whileConfined: CANNOT_LEAVE,
  },
  {
    ...loops('host calls: random bytes', endless('(call $reset) (call $random (i64.const 60000) (i32.const 16))')),
    whileConfined: CANNOT_LEAVE,
    inStartSection: TOO_EARLY,
  },
  {
    ...loops(
      'host calls: long texts',
      `${GROW} ${endless(`(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const ${ALL_BYTES / 4}))`)}`,
    ),
    whileConfined: CANNOT_LEAVE,
    inStartSection: TOO_EARLY,
  },
  {
    name: 'a list that means gigabytes',
    body: `${GROW} ${ALIASES} (call $fields (i32.const 4096) (i32.const 2000) (i32.const 64))`,
    end: 'COMPONENT_LIMIT lift-budget',
    whileConfined: CANNOT_LEAVE,
    inStartSection: TOO_EARLY,
  },
  {
    name: 'handles',
    body: endless('(drop (call $new (i32.const 1)))'),
    end: 'COMPONENT_LIMIT handles',
    whileConfined: CANNOT_LEAVE,
  },
  { name: 'exit', body: '(call $exit (i32.const 1))', end: 'COMPONENT_EXITED', whileConfined: CANNOT_LEAVE },
  {
    name: 'waits for ever',
    body: '(call $wait)',
    end: DEADLINE,
    inDestructor: 'COMPONENT_TRAPPED cannot-suspend',
    whileConfined: CANNOT_LEAVE,
    // What an instance begins with has the time of a start, not that of a message.
    whileMade: 'ACTOR_START_FAILED',
  },
  { name: 'unreachable', body: '(unreachable)', end: UNREACHABLE },
  {
    name: 'a load beyond the memory',
    body: '(drop (i32.load (i32.const -8)))',
    end: 'COMPONENT_TRAPPED memory-out-of-bounds',
  },
];
