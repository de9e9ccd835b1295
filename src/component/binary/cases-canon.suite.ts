import type { CaseTable } from './cases.suite.ts';

/** A core instance with everything that canonical definitions ask for. */
const LIBC = `
  (core module $M
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "none")) (func (export "i") (param i32)) (func (export "ii") (param i32 i32))
    (func (export "I") (param i64)) (func (export "r") (result i32) unreachable)
    (func (export "ir") (param i32) (result i32) unreachable) (func (export "iir") (param i32 i32) (result i32) unreachable)
    (func (export "f") (result f32) unreachable) (func (export "rI") (result i64) unreachable))
  (core instance $m (instantiate $M))
  (alias core export $m "mem" (core memory $mem))
  (alias core export $m "realloc" (core func $realloc))
  (alias core export $m "none" (core func $none)) (alias core export $m "i" (core func $i))
  (alias core export $m "ii" (core func $ii)) (alias core export $m "r" (core func $r))
  (alias core export $m "iir" (core func $iir)) (alias core export $m "ir" (core func $ir))
  (alias core export $m "I" (core func $I)) (alias core export $m "f" (core func $f))
  (alias core export $m "rI" (core func $rI))`;

const MEM = '(memory $mem)';
const ALL = '(memory $mem) (realloc $realloc)';
const LONG = Array.from({ length: 17 }, (_, at) => `(param "p${at}" u32)`).join(' ');
const SIXTEEN = Array.from({ length: 16 }, (_, at) => `(param "p${at}" u32)`).join(' ');
const WIDE_MODULE = `(core module $W (func (export "w") (param ${'i32 '.repeat(16)}))) (core instance $w (instantiate $W))`;

/** `canon lift` and `canon lower`: signatures and options. */
export const CANON_CASES: CaseTable = {
  topic: 'lifting and lowering',
  valid: [
    `${LIBC} (func (canon lift (core func $none)))`,
    `${LIBC} (func (param "a" u8) (canon lift (core func $i)))`,
    `${LIBC} (func (param "a" bool) (result char) (canon lift (core func $ir)))`,
    `${LIBC} (func (param "a" u64) (canon lift (core func $I)))`,
    `${LIBC} (func (result f32) (canon lift (core func $f)))`,
    `${LIBC} (func (param "a" string) (canon lift (core func $ii) ${ALL}))`,
    `${LIBC} (func (result string) (canon lift (core func $r) ${MEM}))`,
    `${LIBC} (func (result string) (canon lift (core func $r) ${MEM} (post-return (core func $i))))`,
    `${LIBC} (func (result (tuple u8 u8)) (canon lift (core func $r) ${MEM}))`,
    `${LIBC} (func (result (tuple u8)) (canon lift (core func $r)))`,
    `${LIBC} (func (param "a" (option u32)) (canon lift (core func $ii)))`,
    `${LIBC} (func (param "a" (result u8 (error f32))) (canon lift (core func $ii)))`,
    `${LIBC} (func (result (result)) (canon lift (core func $r)))`,
    `${LIBC} (func ${LONG} (canon lift (core func $i) ${ALL}))`,
    `${WIDE_MODULE} (func ${SIXTEEN} (canon lift (core func $w "w")))`,
    `${LIBC} (type $e (enum "a" "b")) (type $fl (flags "x" "y")) (func (param "e" $e) (result $fl) (canon lift (core func $ir)))`,
    `(import "f" (func $g)) (core func (canon lower (func $g)))`,
    `(import "f" (func $g (param "a" u64) (result s8))) (core func (canon lower (func $g)))`,
    `(import "f" (func $g (param "a" string))) ${LIBC} (core func (canon lower (func $g) ${MEM}))`,
    `(import "f" (func $g (result string))) ${LIBC} (core func (canon lower (func $g) ${ALL}))`,
    `(import "f" (func $g (result (tuple u64 u64)))) ${LIBC} (core func (canon lower (func $g) ${MEM}))`,
    `(import "f" (func $g ${LONG})) ${LIBC} (core func (canon lower (func $g) ${MEM}))`,
    `(import "f" (func $g)) ${LIBC} (core func (canon lower (func $g) string-encoding=utf8 ${ALL}))`,
    `(import "f" (func $g (param "a" string))) ${LIBC} (core func (canon lower (func $g) string-encoding=utf16 ${ALL})) (core func (canon lower (func $g) string-encoding=latin1+utf16 ${ALL}))`,
    // the signature of a lowered function is what core instantiation sees
    `(import "f" (func $g (param "a" string) (result u8))) ${LIBC} (core func $l (canon lower (func $g) ${ALL})) (core module $N (import "x" "f" (func (param i32 i32) (result i32)))) (core instance (instantiate $N (with "x" (instance (export "f" (func $l))))))`,
    `(import "f" (func $g (result (tuple u8 u8)))) ${LIBC} (core func $l (canon lower (func $g) ${ALL})) (core module $N (import "x" "f" (func (param i32)))) (core instance (instantiate $N (with "x" (instance (export "f" (func $l))))))`,
  ],
  invalid: [
    [
      `${LIBC} (func (canon lift (core func $i)))`,
      /core function \d+ is \(i32\) -> \(\); to be lifted it must be \(\) -> \(\)/,
    ],
    [`${LIBC} (func (canon lift (core func $r)))`, /to be lifted it must be \(\) -> \(\)/],
    [`${LIBC} (func (param "a" u64) (canon lift (core func $i)))`, /must be \(i64\) -> \(\)/],
    [`${LIBC} (func (param "a" f32) (canon lift (core func $i)))`, /must be \(f32\) -> \(\)/],
    [`${LIBC} (func (param "a" (option u64)) (canon lift (core func $ii)))`, /must be \(i32 i64\) -> \(\)/],
    [`${LIBC} (func (result u32) (canon lift (core func $rI)))`, /must be \(\) -> \(i32\)/],
    [`${LIBC} (func ${LONG} (canon lift (core func $ii) ${ALL}))`, /must be \(i32\) -> \(\)/],
    [`${LIBC} (func (canon lift (core func 99)))`, /core function 99 is not defined/],
    [`${LIBC} (type $t string) (func (type $t) (canon lift (core func $none)))`, /not a function type/],
    [`${LIBC} (func (param "a" string) (canon lift (core func $ii)))`, /option memory is required/],
    [`${LIBC} (func (param "a" (list u8)) (canon lift (core func $ii) ${MEM}))`, /option realloc is required/],
    [`${LIBC} (func ${LONG} (canon lift (core func $i) ${MEM}))`, /option realloc is required/],
    [`${LIBC} (func (result string) (canon lift (core func $r)))`, /option memory is required/],
    [`${LIBC} (func (result (tuple u8 u8)) (canon lift (core func $r)))`, /option memory is required/],
    [
      `${LIBC} (func (result string) (canon lift (core func $r) ${MEM} (post-return (core func $none))))`,
      /post-return function must be \(i32\) -> \(\)/,
    ],
    [
      `${LIBC} (func (canon lift (core func $none) (post-return (core func $i))))`,
      /post-return function must be \(\) -> \(\)/,
    ],
    [`${LIBC} (func (canon lift (core func $none) (post-return (core func 77))))`, /core function 77 is not defined/],
    [`${LIBC} (func (canon lift (core func $none) (realloc $realloc)))`, /realloc needs the option memory/],
    [
      `${LIBC} (func (canon lift (core func $none) ${MEM} (realloc $i)))`,
      /realloc function must be \(i32 i32 i32 i32\) -> \(i32\)/,
    ],
    [`${LIBC} (func (canon lift (core func $none) (memory 4)))`, /core memory 4 is not defined: 1 is defined/],
    [`${LIBC} (func (canon lift (core func $none) ${MEM} ${MEM}))`, /option memory is there twice/],
    [`${LIBC} (func (canon lift (core func $none) ${ALL} (realloc $realloc)))`, /option realloc is there twice/],
    [
      `${LIBC} (func (canon lift (core func $none) (post-return $none) (post-return $none)))`,
      /option post-return is there twice/,
    ],
    [
      `(import "f" (func $g)) (core func (canon lower (func $g) string-encoding=utf8 string-encoding=utf16))`,
      /more than one string encoding/,
    ],
    [
      `(import "f" (func $g)) (core func (canon lower (func $g) string-encoding=utf8 string-encoding=utf8))`,
      /more than one string encoding/,
    ],
    [`(import "f" (func $g)) (core func (canon lower (func 3)))`, /function 3 is not defined/],
    [`(import "f" (func $g (param "a" string))) (core func (canon lower (func $g)))`, /option memory is required/],
    [
      `(import "f" (func $g (result string))) ${LIBC} (core func (canon lower (func $g) ${MEM}))`,
      /option realloc is required/,
    ],
    [`(import "f" (func $g (result (tuple u8 u8)))) (core func (canon lower (func $g)))`, /option memory is required/],
    [`(import "f" (func $g ${LONG})) (core func (canon lower (func $g)))`, /option memory is required/],
    [
      `(import "f" (func $g)) ${LIBC} (core func (canon lower (func $g) (post-return $none)))`,
      /lowered function cannot have a post-return/,
    ],
    [
      `(import "f" (func $g)) (core module $S (memory (export "m") 1 2 shared)) (core instance $s (instantiate $S)) (core func (canon lower (func $g) (memory (core memory $s "m"))))`,
      /cannot be shared/,
    ],
    [
      `(import "f" (func $g (param "a" u64))) (core func $l (canon lower (func $g))) (core module $N (import "x" "f" (func (param i32)))) (core instance (instantiate $N (with "x" (instance (export "f" (func $l))))))`,
      /expected core \(i32\) -> \(\), found \(i64\) -> \(\)/,
    ],
  ],
};

/** What comes after WASI 0.2, or is not run here: refused by name, never ignored. */
export const UNSUPPORTED_CASES: readonly (readonly [body: string, feature: RegExp])[] = [
  ['(type (func async))', /async functions/],
  ['(type (stream u8))', /stream types/],
  ['(type (future))', /future types/],
  ['(type error-context)', /error-context types/],
  ['(type (record (field "e" error-context)))', /error-context types/],
  ['(type (list u8 4))', /fixed-length list/],
  ['(type (map string u8))', /map types/],
  ['(import "v" (value string))', /component-level values/],
  ['(import "f" (func $f)) (start $f)', /start function/],
  [`${LIBC} (func (canon lift (core func $none) async))`, /async lifting/],
  ['(import "f" (func $f)) (core func (canon lower (func $f) async))', /async lifting or lowering/],
  ['(core func (canon task.cancel))', /task\.cancel/],
  ['(core func (canon task.return))', /task\.return/],
  ['(core func (canon backpressure.inc))', /backpressure\.inc/],
  ['(core func (canon context.get i32 0))', /context\.get/],
  ['(core func (canon context.set i32 0))', /context\.set/],
  ['(core func (canon subtask.drop))', /subtask\.drop/],
  ['(core func (canon subtask.cancel))', /subtask\.cancel/],
  ['(core func (canon thread.yield))', /thread\.yield/],
  ['(core func (canon thread.index))', /thread\.index/],
  ['(core func (canon waitable-set.new))', /waitable-set\.new/],
  ['(core func (canon waitable-set.drop))', /waitable-set\.drop/],
  ['(core func (canon waitable.join))', /waitable\.join/],
  ['(core func (canon error-context.drop))', /error-context\.drop/],
  [`${LIBC} (core func (canon waitable-set.wait ${MEM}))`, /waitable-set\.wait/],
  [`${LIBC} (core func (canon error-context.new ${ALL}))`, /error-context\.new/],
  [
    '(core type $t (func)) (import "f" (func $f)) (core func (canon lower (func $f) gc (core-type $t)))',
    /garbage-collected/,
  ],
  ['(type (resource (rep i64)))', /64 bits/],
  [
    '(import "f" (func $f)) (core module $S (memory (export "m") i64 1)) (core instance $s (instantiate $S)) (core func (canon lower (func $f) (memory (core memory $s "m"))))',
    /64-bit memory/,
  ],
  ['(core module (memory 1 (pagesize 1)))', /pages of another size/],
];
