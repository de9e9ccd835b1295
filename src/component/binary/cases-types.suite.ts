import type { CaseTable } from './cases.suite.ts';

/** Value types, function types and the names in them. */
export const TYPE_CASES: CaseTable = {
  topic: 'types',
  valid: [
    '(type bool) (type u8) (type s8) (type u16) (type s16) (type u32) (type s32) (type u64) (type s64)',
    '(type f32) (type f64) (type char) (type string)',
    '(type $p (record (field "x" (result)) (field "y" string))) (type (list $p)) (type (option $p)) (type (tuple $p $p))',
    '(type $v (variant (case "a" u8) (case "b"))) (type (result $v (error u32))) (type (result (error $v))) (type (result $v))',
    '(type $e (enum "a" "b" "c")) (type $f (flags "read" "write")) (type (func (param "e" $e) (result $f)))',
    '(type (record (field "a1-b2-C3" u8) (field "A-b" u8)))',
    '(type $alias u32) (type (record (field "x" $alias)))',
    `(type (flags ${Array.from({ length: 32 }, (_, at) => `"f${at}"`).join(' ')}))`,
    `(type (enum ${Array.from({ length: 300 }, (_, at) => `"c${at}"`).join(' ')}))`,
    '(type (component)) (type (instance)) (type (component (import "a" (func)) (export "b" (func))))',
    '(type $i (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r))))) (import "i" (instance (type $i)))',
    // a type may be a hundred levels deep
    `(type $t0 u8) ${Array.from({ length: 99 }, (_, at) => `(type $t${at + 1} (list $t${at}))`).join(' ')}`,
    '(type (func (param "same" u8) (param "other" u8) (result u8)))',
    '(type (variant (case "only")))',
  ],
  invalid: [
    ['(type (record))', /at least one field/],
    ['(type (variant))', /at least one case/],
    ['(type (enum))', /at least one case/],
    ['(type (flags))', /at least one flag/],
    ['(type (tuple))', /at least one member/],
    [`(type (flags ${Array.from({ length: 33 }, (_, at) => `"f${at}"`).join(' ')}))`, /33 flags are more than the 32/],
    ['(type (record (field "" u8)))', /name of a field is empty/],
    ['(type (variant (case "" u8)))', /name of a case is empty/],
    ['(type (flags ""))', /name of a flag is empty/],
    ['(type (enum ""))', /name of a case is empty/],
    ['(type (func (param "" u8)))', /name of a parameter is empty/],
    ['(type (record (field "notKebab" u8)))', /field "notKebab" is not in kebab case/],
    ['(type (variant (case "a--b")))', /case "a--b" is not in kebab case/],
    ['(type (enum "-a"))', /case "-a" is not in kebab case/],
    ['(type (flags "a-"))', /flag "a-" is not in kebab case/],
    ['(type (func (param "a_b" u8)))', /parameter "a_b" is not in kebab case/],
    ['(type (record (field "a-B" u8) (field "A-b" u8)))', /field "A-b" is there twice/],
    ['(type (variant (case "x") (case "X")))', /case "X" is there twice/],
    ['(type (enum "x" "y" "x"))', /case "x" is there twice/],
    ['(type (flags "x" "X"))', /flag "X" is there twice/],
    ['(type (func (param "p" u8) (param "P" u8)))', /parameter "P" is there twice/],
    ['(type (list 0))', /type 0 is not defined: 0 are defined/],
    ['(type $f (func)) (type (list $f))', /type 0 is not the type of a value/],
    ['(type $c (component)) (type (option $c))', /not the type of a value/],
    ['(type $i (instance)) (type (record (field "a" $i)))', /not the type of a value/],
    ['(type $r (resource (rep i32))) (type (tuple $r))', /not the type of a value/],
    ['(type u8) (import "f" (func (type 0)))', /type 0 is not a function type/],
    ['(type u8) (import "i" (instance (type 0)))', /type 0 is not an instance type/],
    ['(type u8) (import "c" (component (type 0)))', /type 0 is not a component type/],
    ['(import "f" (func (type 7)))', /type 7 is not defined/],
    ['(import "t" (type (eq 3)))', /type 3 is not defined/],
    ['(type (instance (export "f" (func (type 9)))))', /type 9 is not defined/],
    [
      `(type $t0 u8) ${Array.from({ length: 100 }, (_, at) => `(type $t${at + 1} (list $t${at}))`).join(' ')}`,
      /nested more than 100 deep/,
    ],
    [
      `(type $t0 u8) ${Array.from({ length: 20 }, (_, at) => `(type $t${at + 1} (tuple $t${at} $t${at}))`).join(' ')}`,
      /1000000 parts or more/,
    ],
    [
      `(type (record ${Array.from({ length: 10_001 }, (_, at) => `(field "f${at}" u8)`).join(' ')}))`,
      /10001 fields are more/,
    ],
    [
      `(type (func ${Array.from({ length: 1001 }, (_, at) => `(param "p${at}" u8)`).join(' ')}))`,
      /1001 parameters are more/,
    ],
  ],
};

/** Types that are used in imports and exports must have names there. */
export const VISIBILITY_CASES: CaseTable = {
  topic: 'names of exported types',
  valid: [
    '(type $r (record (field "x" u32))) (export $s "r" (type $r)) (import "i" (func)) (export "t" (type $s))',
    '(type $r (record (field "x" u32))) (import "r" (type $s (eq $r))) (import "f" (func (param "a" $s)))',
    '(type $t (tuple (tuple u32))) (export "t" (type $t)) (type $l (list (option (result u8 (error string))))) (export "l" (type $l))',
    '(import "f" (func (param "a" (tuple u32 u8)) (param "b" (option (list u8))) (result (result string))))',
    '(type (instance (type $r (record (field "x" u8))) (export "f" (func (param "x" $r)))))',
    '(type (func (result (option (list u8)))))',
    '(type $r (record (field "x" u32))) (instance $i (export "t" (type $r))) (export $j "i" (instance $i)) (alias export $j "t" (type $n)) (type $l (list $n)) (export "l" (type $l))',
    '(type $e (enum "a")) (import "e" (type $n (eq $e))) (type $r (record (field "e" $n))) (export "r" (type $r))',
    // what an imported instance exports by name may be used by exports
    '(type $i (instance (type $r (record (field "x" u8))) (export "r" (type (eq $r))))) (import "i" (instance $x (type $i))) (alias export $x "r" (type $r)) (type $l (list $r)) (export "l" (type $l))',
    '(component $c (type $r (record (field "x" u32))) (export "t" (type $r))) (instance $i (instantiate $c)) (export $j "i" (instance $i)) (alias export $j "t" (type $r)) (type $l (list $r)) (export "l" (type $l))',
    '(type $r (resource (rep i32))) (export $s "r" (type $r)) (type $l (list (own $s))) (export "l" (type $l))',
  ],
  invalid: [
    ['(type $r (record (field "x" u32))) (import "f" (func (param "a" $r)))', /function "f" cannot be imported/],
    ['(type $v (variant (case "x"))) (import "f" (func (result $v)))', /function "f" cannot be imported/],
    ['(type $e (enum "x")) (import "f" (func (result (list $e))))', /cannot be imported/],
    ['(type $f (flags "x")) (import "f" (func (param "a" (option $f))))', /cannot be imported/],
    [
      '(type $r (record (field "x" u32))) (type $s (record (field "r" $r))) (export "s" (type $s))',
      /type "s" cannot be exported/,
    ],
    ['(type $r (record (field "x" u32))) (type $s (list $r)) (export "s" (type $s))', /type "s" cannot be exported/],
    ['(type $r (record (field "x" u32))) (type $s (tuple $r)) (export "s" (type $s))', /cannot be exported/],
    [
      '(type $r (record (field "x" u32))) (type $s (variant (case "c" $r))) (export "s" (type $s))',
      /cannot be exported/,
    ],
    ['(type $r (record (field "x" u32))) (type $s (result (error $r))) (export "s" (type $s))', /cannot be exported/],
    ['(type $r (resource (rep i32))) (type $s (list (own $r))) (export "s" (type $s))', /cannot be exported/],
    ['(type $r (resource (rep i32))) (type $s (borrow $r)) (export "s" (type $s))', /cannot be exported/],
    [
      '(type $r (record (field "x" u8))) (type $f (func (result $r))) (import "f" (type (eq $f)))',
      /type "f" cannot be imported/,
    ],
    [
      '(type $i (instance (type $r (record (field "x" u8))) (type $s (record (field "r" $r))) (export "t" (type (eq $s))))) (import "i" (instance (type $i)))',
      /type "t" cannot be imported/,
    ],
    [
      '(type $i (instance (type $r (record (field "x" u8))) (export "f" (func (result $r))))) (export "i" (type $i))',
      /type "i" cannot be exported/,
    ],
    [
      '(type (component (type $r (record (field "x" u32))) (export "f" (func (param "x" $r)))))',
      /function "f" cannot be exported/,
    ],
    // imports must not use what only an export names
    [
      '(type (component (export "r" (type $r (sub resource))) (import "f" (func (result (own $r))))))',
      /cannot be imported/,
    ],
    [
      '(type $r (record (field "x" u8))) (export $s "r" (type $r)) (import "f" (func (param "a" $s)))',
      /cannot be imported/,
    ],
    // the type that went into the export has no name, only the one that came out has
    [
      '(type $r (record (field "x" u8))) (export "r" (type $r)) (type $l (list $r)) (export "l" (type $l))',
      /type "l" cannot be exported/,
    ],
    [
      '(type $r (record (field "x" u32))) (instance $i (export "t" (type $r))) (alias export $i "t" (type $n)) (type $l (list $n)) (export "l" (type $l))',
      /cannot be exported/,
    ],
    [
      '(component $c (type $r (record (field "x" u32))) (export "t" (type $r))) (instance $i (instantiate $c)) (alias export $i "t" (type $r)) (type $l (list $r)) (export "l" (type $l))',
      /cannot be exported/,
    ],
    [
      '(type $r (record (field "x" u8))) (import "r" (type $n (eq $r))) (component (import "f" (func (result $n))))',
      /cannot be imported/,
    ],
  ],
};
