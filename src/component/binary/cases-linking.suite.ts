import type { CaseTable } from './cases.suite.ts';

/** A component that asks for two resource types which are the same. */
const SAME = '(component $same (import "a" (type $a (sub resource))) (import "b" (type (eq $a))))';

/** A component with a resource of its own, and a function that takes one. */
const MAKER = `(component $maker
  (type $r (resource (rep i32))) (export $R "r" (type $r)) (core func $drop (canon resource.drop $r))
  (func $f (param "x" (own $R)) (canon lift (core func $drop))) (export "f" (func $f)))`;

/** A component that needs a resource and a function that takes one. */
const USER = '(component $user (import "r" (type $r (sub resource))) (import "f" (func (param "x" (own $r)))))';

export const RESOURCE_CASES: CaseTable = {
  topic: 'resources',
  valid: [
    '(type $r (resource (rep i32))) (core func (canon resource.new $r)) (core func (canon resource.rep $r)) (core func (canon resource.drop $r))',
    '(core module $M (func (export "d") (param i32))) (core instance $m (instantiate $M)) (type (resource (rep i32) (dtor (core func $m "d"))))',
    '(import "r" (type $r (sub resource))) (core func (canon resource.drop $r)) (import "f" (func (param "a" (borrow $r)) (result (own $r))))',
    `${SAME} (type $r (resource (rep i32))) (instance (instantiate $same (with "a" (type $r)) (with "b" (type $r))))`,
    `${MAKER} ${USER} (instance $m (instantiate $maker)) (instance (instantiate $user (with "r" (type $m "r")) (with "f" (func $m "f"))))`,
    `${MAKER} (instance $m (instantiate $maker)) (alias export $m "r" (type $r)) (core func (canon resource.drop $r))`,
    // a resource stays one's own when a child hands it back
    '(type $r (resource (rep i32))) (component $c (import "x" (type $x (sub resource))) (export "y" (type $x))) (instance $c1 (instantiate $c (with "x" (type $r)))) (alias export $c1 "y" (type $s)) (core func (canon resource.rep $s))',
    '(type $i (instance (export "r" (type $r (sub resource))) (export "f" (func (result (own $r)))))) (import "a" (instance (type $i))) (import "b" (instance (type $i)))',
    '(type $i (instance (export "r" (type (sub resource))))) (import "a" (instance $a (type $i))) (alias export $a "r" (type $r)) (import "b" (instance (alias outer 1 $r (type $s)) (export "s" (type (eq $s))) (export "f" (func (param "x" (own $s))))))',
    `${SAME} (import "x" (instance $x (export "r" (type $r (sub resource))) (export "s" (type (eq $r))))) (instance (instantiate $same (with "a" (type $x "r")) (with "b" (type $x "s"))))`,
    `${SAME} (component $c (type $r (resource (rep i32))) (export "r1" (type $r)) (export "r2" (type $r))) (instance $i (instantiate $c)) (instance (instantiate $same (with "a" (type $i "r1")) (with "b" (type $i "r2"))))`,
    '(type (component (import "r" (type $r (sub resource))) (export "f" (func (param "x" (borrow $r))))))',
    '(type (component (export "r" (type $r (sub resource))) (export "f" (func (result (own $r))))))',
    // resources through three levels
    '(component $c (import "x" (instance $x (export "t" (type (sub resource))))) (export "y" (instance $x))) (type $r (resource (rep i32))) (instance $i (instantiate $c (with "x" (instance (export "t" (type $r)))))) (alias export $i "y" (instance $y)) (alias export $y "t" (type $t)) (core func (canon resource.new $t))',
    // a component passed to another, both with abstract resources
    '(component $a (import "x" (type $x (sub resource))) (import "f" (func $f (result (own $x)))) (export "g" (func $f))) (component $b (import "c" (component (import "x" (type $x (sub resource))) (import "f" (func (result (own $x)))) (export "g" (func (result (own $x))))))) (instance (instantiate $b (with "c" (component $a))))',
    '(component (import "c" (component $c (import "t" (type $t (sub resource))) (export "g" (func (param "x" (own $t)))))) (type $r (resource (rep i32))) (instance $i (instantiate $c (with "t" (type $r)))) (component $d (import "t" (type $t (sub resource))) (import "g" (func (param "x" (own $t))))) (instance (instantiate $d (with "t" (type $r)) (with "g" (func $i "g")))))',
  ],
  invalid: [
    ['(type (own 100))', /type 100 is not defined/],
    ['(type $t u8) (type (own $t))', /type 0 is not a resource type/],
    ['(type $t (func)) (type (borrow $t))', /type 0 is not a resource type/],
    ['(type $r (resource (rep i32))) (type (func (result (borrow $r))))', /cannot have a borrow/],
    ['(type $r (resource (rep i32))) (type (func (result (list (borrow $r)))))', /cannot have a borrow/],
    [
      '(type $r (resource (rep i32))) (type $s (record (field "f" (borrow $r)))) (type (func (result (option (list $s)))))',
      /cannot have a borrow/,
    ],
    ['(type (component (type (resource (rep i32)))))', /in a component only/],
    ['(type (instance (type (resource (rep i32)))))', /in a component only/],
    ['(type (resource (rep f32)))', /must be represented by an i32/],
    [
      '(core module $M (func (export "d"))) (core instance $m (instantiate $M)) (type (resource (rep i32) (dtor (core func $m "d"))))',
      /destructor must take one i32/,
    ],
    [
      '(core module $M (func (export "d") (param i32) (result i32) unreachable)) (core instance $m (instantiate $M)) (type (resource (rep i32) (dtor (core func $m "d"))))',
      /destructor must take one i32/,
    ],
    ['(type (resource (rep i32) (dtor (core func 5))))', /core function 5 is not defined/],
    ['(type $t (tuple u32)) (core func (canon resource.drop $t))', /not a resource type/],
    ['(type $t (component)) (core func (canon resource.new $t))', /not a resource type/],
    ['(core func (canon resource.rep 4))', /type 4 is not defined/],
    [
      '(import "r" (type $r (sub resource))) (core func (canon resource.new $r))',
      /not a resource that this component defines/,
    ],
    [
      '(import "r" (type $r (sub resource))) (core func (canon resource.rep $r))',
      /not a resource that this component defines/,
    ],
    [
      `${MAKER} (instance $m (instantiate $maker)) (alias export $m "r" (type $r)) (core func (canon resource.rep $r))`,
      /not a resource that this component defines/,
    ],
    [
      `${SAME} (type $r (resource (rep i32))) (type $s (resource (rep i32))) (instance (instantiate $same (with "a" (type $r)) (with "b" (type $s))))`,
      /resource types are not the same/,
    ],
    [
      `${SAME} (import "r" (type $r (sub resource))) (type $s (resource (rep i32))) (instance (instantiate $same (with "a" (type $r)) (with "b" (type $s))))`,
      /resource types are not the same/,
    ],
    [
      `${MAKER} ${USER} (instance $m (instantiate $maker)) (instance $n (instantiate $maker)) (instance (instantiate $user (with "r" (type $m "r")) (with "f" (func $n "f"))))`,
      /resource types are not the same/,
    ],
    [
      `${SAME} (import "x" (instance $x (type $i (instance (export "r" (type (sub resource))))) (export "a" (instance (type $i))) (export "b" (instance (type $i))))) (instance (instantiate $same (with "a" (type $x "a" "r")) (with "b" (type $x "b" "r"))))`,
      /resource types are not the same/,
    ],
    [
      '(component $c (import "x" (type (sub resource)))) (type $t u32) (instance (instantiate $c (with "x" (type $t))))',
      /expected a resource type, found a value type/,
    ],
    [
      '(component $c (type $t u32) (import "x" (type (eq $t)))) (type $t (resource (rep i32))) (instance (instantiate $c (with "x" (type $t))))',
      /expected a value type, found a resource type/,
    ],
    ['(component $c (import "x" (type (sub resource)))) (instance (instantiate $c))', /import "x" is missing/],
    ['(type $r (resource (rep i32))) (component (type (list (own 3))))', /type 3 is not defined/],
    [
      '(type $r (resource (rep i32))) (component (alias outer 1 $r (type)))',
      /refers to a resource of the enclosing component/,
    ],
    [
      '(type $r (resource (rep i32))) (type $l (list (own $r))) (component (alias outer 1 $l (type)))',
      /refers to a resource of the enclosing component/,
    ],
    [
      '(type $r (resource (rep i32))) (export "r1" (type $r)) (export "r2" (type $r) (type (sub resource)))',
      /does not fit: resource types are not the same/,
    ],
    [
      '(type $r (resource (rep i32))) (type $f (func (result (own $r)))) (import "f" (func (type $f)))',
      /cannot be imported/,
    ],
  ],
};

/** Decides whether the parameter type `a` is taken for `b`, both as definitions of value types. */
const pass = (a: string, b: string): string =>
  `(component $c (type $t ${b}) (import "x" (type (eq $t)))) (type $t ${a}) (instance (instantiate $c (with "x" (type $t))))`;

export const INSTANTIATION_CASES: CaseTable = {
  topic: 'instantiation and subtypes',
  valid: [
    ...[
      'u32',
      '(tuple u32 string)',
      '(record (field "a" u8))',
      '(variant (case "a" u8) (case "b"))',
      '(enum "a" "b")',
      '(flags "a")',
      '(option u8)',
      '(result u8 (error string))',
      '(list (list char))',
    ].map((type) => pass(type, type)),
    '(component $c (import "x" (func))) (import "f" (func $f)) (instance (instantiate $c (with "x" (func $f))))',
    '(component $c) (import "f" (func $f)) (instance (instantiate $c (with "unasked" (func $f))))',
    '(component $c (import "x" (instance (export "a" (func))))) (import "i" (instance $i (export "a" (func)) (export "b" (func)))) (instance (instantiate $c (with "x" (instance $i))))',
    '(component $c (import "x" (core module))) (core module $m) (instance (instantiate $c (with "x" (core module $m))))',
    '(component $c (import "x" (core module (import "a" "b" (func)) (export "e" (func))))) (core module $m (func (export "e")) (func (export "more"))) (instance (instantiate $c (with "x" (core module $m))))',
    '(component $c (import "x" (core module (export "m" (memory 1))))) (core module $m (memory (export "m") 2 3)) (instance (instantiate $c (with "x" (core module $m))))',
    // a component that imports less and exports more does
    '(component $c (import "x" (component (import "a" (func)) (export "b" (func))))) (component $d (import "a" (func $f)) (export "b" (func $f)) (export "c" (func $f))) (instance (instantiate $c (with "x" (component $d))))',
    '(import "f" (func $f)) (instance $i (export "a" (func $f))) (alias export $i "a" (func $g)) (export "g" (func $g))',
    '(component $c (import "a" (func $f)) (export "b" (func $f))) (import "f" (func $f)) (instance $i (instantiate $c (with "a" (func $f)))) (export "b" (func $i "b"))',
    '(import "i" (instance $i (export "a" (func)))) (export "j" (instance $i) (instance))',
    '(import "f" (func $f)) (export "g" (func $f) (func))',
    '(component $c (component $d) (export "e" (component $d))) (instance $i (instantiate $c)) (instance (instantiate (component $i "e")))',
    // each instantiation of a component has instances of its own
    '(component $c (import "f" (func $f)) (instance $i (export "f" (func $f))) (export "i" (instance $i))) (import "f" (func $f)) (instance $a (instantiate $c (with "f" (func $f)))) (instance $b (instantiate $c (with "f" (func $a "i" "f"))))',
  ],
  invalid: [
    [pass('u32', 'string'), /expected string, found u32/],
    [pass('(tuple string)', '(tuple u32)'), /expected u32, found string in member 0 of a tuple/],
    [pass('(tuple u8 u8)', '(tuple u8)'), /expected 1 members of a tuple, found 2/],
    [pass('(record (field "a" u8))', '(record (field "b" u8))'), /expected field "b", found "a"/],
    [pass('(record (field "a" u8))', '(record (field "a" u8) (field "b" u8))'), /expected 2 fields, found 1/],
    [pass('(record (field "a" u8))', '(record (field "a" u16))'), /expected u16, found u8 in field "a"/],
    [pass('(variant (case "a"))', '(variant (case "a" u8))'), /expected a type, found none in case "a"/],
    [pass('(variant (case "a" u8))', '(variant (case "a"))'), /expected no type, found one in case "a"/],
    [pass('(variant (case "a") (case "b"))', '(variant (case "a"))'), /expected 1 cases, found 2/],
    [pass('(enum "a")', '(enum "b")'), /members of the enum are not the same/],
    [pass('(flags "a" "b")', '(flags "a")'), /members of the flags are not the same/],
    [pass('(option u8)', '(list u8)'), /expected list, found option/],
    [pass('(result u8)', '(result u16)'), /in ok/],
    [pass('(result (error u8))', '(result (error u16))'), /in error/],
    [pass('(list u8)', '(list s8)'), /expected s8, found u8/],
    [pass('(func)', '(func (param "a" u8))'), /expected 1 parameters, found 0/],
    [pass('(func (param "a" u8))', '(func (param "b" u8))'), /expected parameter "b", found "a"/],
    [pass('(func (result u8))', '(func)'), /expected no type, found one in the result/],
    [pass('(instance)', '(instance (export "a" (func)))'), /export "a" is missing/],
    [pass('u8', '(func)'), /expected a func type, found a value type/],
    ['(component $c (import "x" (func))) (instance (instantiate $c))', /import "x" is missing/],
    [
      '(component $c (import "x" (func))) (import "i" (instance $i)) (instance (instantiate $c (with "x" (instance $i))))',
      /expected a func, found an instance/,
    ],
    [
      '(component $c (import "x" (func))) (import "f" (func $f)) (instance (instantiate $c (with "x" (func $f)) (with "x" (func $f))))',
      /argument "x" is given twice/,
    ],
    ['(instance (instantiate 0))', /component 0 is not defined/],
    ['(component $c) (instance (instantiate $c (with "a" (func 4))))', /function 4 is not defined/],
    [
      '(component $c (import "x" (func (param "a" u8)))) (import "f" (func $f)) (instance (instantiate $c (with "x" (func $f))))',
      /expected 1 parameters, found 0 for import "x"/,
    ],
    [
      '(component $c (import "x" (instance (export "a" (func))))) (import "i" (instance $i)) (instance (instantiate $c (with "x" (instance $i))))',
      /export "a" is missing for import "x"/,
    ],
    [
      '(component $c (import "x" (core module (export "e" (func))))) (core module $m) (instance (instantiate $c (with "x" (core module $m))))',
      /core export "e" is missing/,
    ],
    [
      '(component $c (import "x" (core module))) (core module $m (import "a" "b" (func))) (instance (instantiate $c (with "x" (core module $m))))',
      /nothing was expected in import "b" of "a"/,
    ],
    [
      '(component $c (import "x" (core module (export "g" (global i32))))) (core module $m (global (export "g") (mut i32) (i32.const 0))) (instance (instantiate $c (with "x" (core module $m))))',
      /differ in mutability/,
    ],
    [
      '(component $c (import "x" (core module (export "m" (memory 2))))) (core module $m (memory (export "m") 1)) (instance (instantiate $c (with "x" (core module $m))))',
      /limits of a core memory/,
    ],
    [
      '(component $c (import "x" (core module (export "t" (table 1 funcref))))) (core module $m (table (export "t") 1 externref)) (instance (instantiate $c (with "x" (core module $m))))',
      /expected a core table of/,
    ],
    [
      '(component $c (import "x" (component (export "b" (func))))) (component $d) (instance (instantiate $c (with "x" (component $d))))',
      /export "b" is missing/,
    ],
    [
      '(component $c (import "x" (component))) (component $d (import "a" (func))) (instance (instantiate $c (with "x" (component $d))))',
      /import "a" is missing/,
    ],
    [
      '(import "i" (instance $i)) (export "j" (instance $i) (instance (export "a" (func))))',
      /type of export "j" does not fit: export "a" is missing/,
    ],
    ['(import "f" (func $f)) (export "g" (func $f) (func (param "a" u8)))', /does not fit/],
    [
      '(import "f" (func $f)) (component $c (import "i" (instance $i (export "f" (func)))) (export "j" (instance $i) (instance))) (instance $c1 (instantiate $c (with "i" (instance (export "f" (func $f)))))) (component $d (import "x" (instance (export "f" (func))))) (instance (instantiate $d (with "x" (instance $c1 "j"))))',
      /export "f" is missing/,
    ],
  ],
};

/** Core modules, core instances, aliases and index spaces. */
export const CORE_CASES: CaseTable = {
  topic: 'core items, aliases and indices',
  valid: [
    '(core module (import "a" "b" (func)) (import "a" "c" (memory 1)) (func (export "f") (param i32) (result i64) unreachable))',
    '(core module (table (export "t") 1 10 funcref) (memory (export "m") 0 5) (global (export "g") (mut f64) (f64.const 1.5)))',
    '(core module (global i64 (i64.const -5)) (global f32 (f32.const 0)) (global funcref (ref.null func)) (global v128 (v128.const i64x2 1 2)) (global (export "x") i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))))',
    '(core module (type $s (struct (field i32))) (global (ref $s) (struct.new $s (i32.const 1))) (func (export "f")))',
    '(core module (tag (export "t") (param i32)) (func (export "f") (param funcref externref)))',
    '(core module (rec (type $a (struct (field (ref null $b)))) (type $b (array (mut i8)))) (type $c (sub (func))) (type (sub final $c (func))) (func (export "f") (param (ref $a))))',
    '(core type (module (type $t (func (param i32))) (import "a" "b" (func (type $t))) (export "c" (func (type $t)))))',
    '(core type $t (func (param i32) (result f32))) (core type (module (alias outer 1 $t (type $u)) (export "a" (func (type $u)))))',
    '(core type (sub (func))) (core rec (type (func)) (type (struct)))',
    '(core module $a (func (export ""))) (core instance $i (instantiate $a)) (core module $b (import "" "" (func))) (core instance (instantiate $b (with "" (instance $i)) (with "unasked" (instance $i))))',
    '(core module $a (func (export "f")) (memory (export "m") 1)) (core instance $i (instantiate $a)) (core instance $j (export "x" (func $i "f")) (export "y" (memory $i "m"))) (core module $b (import "q" "x" (func)) (import "q" "y" (memory 1))) (core instance (instantiate $b (with "q" (instance $j))))',
    '(core module $a (global (export "g") i32 (i32.const 0)) (table (export "t") 3 4 funcref)) (core instance $i (instantiate $a)) (core module $b (import "" "g" (global i32)) (import "" "t" (table 2 funcref))) (core instance (instantiate $b (with "" (instance $i))))',
    '(import "m" (core module $m (export "f" (func)))) (core instance $i (instantiate $m)) (alias core export $i "f" (core func $f)) (func (canon lift (core func $f)))',
    '(core module $m) (component (alias outer 1 $m (core module $n)) (core instance (instantiate $n)))',
    '(component $c) (component (alias outer 1 $c (component $d)) (instance (instantiate $d)))',
    '(type $t (record (field "a" u8))) (component (alias outer 1 $t (type $u)) (type (list $u)))',
    '(type $t u8) (alias outer 0 $t (type $u)) (type (list $u))',
    '(core type $t (func)) (component (alias outer 1 $t (core type)))',
    '(type $t u8) (type (instance (alias outer 1 $t (type $u)) (type (instance (alias outer 2 $t (type $v)) (alias outer 1 $u (type $w))))))',
    '(import "i" (instance $i (export "c" (component)) (export "m" (core module)) (export "j" (instance (export "f" (func)))))) (alias export $i "c" (component $c)) (instance (instantiate $c)) (alias export $i "m" (core module $m)) (core instance (instantiate $m)) (alias export $i "j" (instance $j)) (alias export $j "f" (func))',
    // exports define new indices
    '(import "f" (func $f)) (export $g "a" (func $f)) (export "b" (func $g)) (export "c" (func 2))',
    '(component (core module) (export "a" (core module 0))) (instance (instantiate 0)) (alias export 0 "a" (core module)) (export "a" (core module 0)) (core instance (instantiate 1))',
    '(component) (instance (instantiate 0)) (instance) (component (component (component)))',
    '(core module $a (func (export "f") (param (ref null func)))) (core instance $i (instantiate $a)) (core module $b (import "" "f" (func (param funcref)))) (core instance (instantiate $b (with "" (instance $i))))',
  ],
  invalid: [
    ['(core module (import "a" "b" (func)) (import "a" "b" (func)))', /imports "b" of "a" twice/],
    ['(core type (module (import "a" "b" (func)) (import "a" "b" (memory 1))))', /imports "b" of "a" twice/],
    ['(core type (module (export "a" (func)) (export "a" (func))))', /exports "a" twice/],
    ['(core type (module (export "a" (func (type 0)))))', /core type 0 is not defined/],
    ['(core type (module (import "" "" (memory 70000))))', /more than 65536 pages/],
    ['(core type (module (import "" "" (memory 2 1))))', /minimum of a core limit is above its maximum/],
    ['(core type $t (module)) (core type (module (alias outer 1 $t (type))))', /is the type of a module/],
    ['(core type (module (alias outer 9 0 (type))))', /no 8 scopes around/],
    ['(core type $t (func)) (import "m" (core module (type $t)))', /not a module type/],
    ['(core type (func (param (ref 5))))', /core type 5 is not defined/],
    ['(core type $t (func)) (core type (sub $t (func)))', /supertype of a core type is final/],
    ['(core instance (instantiate 0))', /core module 0 is not defined/],
    ['(core module $m (import "a" "b" (func))) (core instance (instantiate $m))', /core argument "a" is missing/],
    [
      '(core module $a) (core instance $i (instantiate $a)) (core module $m (import "a" "b" (func))) (core instance (instantiate $m (with "a" (instance $i))))',
      /core argument "a" has no export "b"/,
    ],
    [
      '(core module $a (func (export "b") (param i32))) (core instance $i (instantiate $a)) (core module $m (import "a" "b" (func))) (core instance (instantiate $m (with "a" (instance $i))))',
      /expected core \(\) -> \(\), found \(i32\) -> \(\)/,
    ],
    [
      '(core module $a (memory (export "b") 1)) (core instance $i (instantiate $a)) (core module $m (import "a" "b" (func))) (core instance (instantiate $m (with "a" (instance $i))))',
      /expected a core func, found a core memory/,
    ],
    [
      '(core module $a (memory (export "b") 1)) (core instance $i (instantiate $a)) (core module $m (import "a" "b" (memory 1 2))) (core instance (instantiate $m (with "a" (instance $i))))',
      /limits of a core memory/,
    ],
    [
      '(core module $a) (core instance $i (instantiate $a)) (core instance (instantiate $a (with "x" (instance $i)) (with "x" (instance $i))))',
      /argument "x" is given twice/,
    ],
    ['(core module $a) (core instance (instantiate $a (with "x" (instance 7))))', /core instance 7 is not defined/],
    ['(core instance (export "a" (func 0)))', /core function 0 is not defined/],
    ['(core instance (export "a" (memory 0)))', /core memory 0 is not defined/],
    [
      '(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (core instance (export "a" (func $i "f")) (export "a" (func $i "f")))',
      /exports "a" twice/,
    ],
    [
      '(core module $m) (core instance $i (instantiate $m)) (alias core export $i "f" (core func))',
      /has no export "f"/,
    ],
    [
      '(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (alias core export $i "f" (core memory))',
      /is not a memory/,
    ],
    ['(alias core export 0 "f" (core func))', /core instance 0 is not defined/],
    ['(alias export 0 "f" (func))', /instance 0 is not defined/],
    ['(import "i" (instance $i)) (alias export $i "f" (func))', /has no export "f"/],
    ['(import "i" (instance $i (export "f" (func)))) (alias export $i "f" (instance))', /is not of the sort instance/],
    ['(alias outer 0 0 (type))', /type 0 is not defined/],
    ['(alias outer 1 0 (type))', /no 1 scopes around/],
    ['(alias outer 200 0 (core module))', /no 200 scopes around/],
    ['(component (alias outer 1 0 (component)))', /component 0 is not defined/],
    ['(component (alias outer 1 3 (core module)))', /core module 3 is not defined/],
    ['(core module $m) (type (component (alias outer 1 $m (core module))))', /can only name a type/],
    ['(component $c) (type (instance (alias outer 1 $c (component))))', /can only name a type/],
    [
      '(type (component (import "i" (instance $i (export "f" (func)))) (alias export $i "f" (func))))',
      /can only name a type or an instance/,
    ],
    ['(export "a" (func 0))', /function 0 is not defined/],
    ['(export "a" (component 2))', /component 2 is not defined/],
    ['(export "a" (instance 2))', /instance 2 is not defined/],
    ['(export "a" (core module 2))', /core module 2 is not defined/],
    ['(export "a" (type 2))', /type 2 is not defined/],
    ['(instance (export "a" (func 0)))', /function 0 is not defined/],
    // wasm-tools has this figure too
    [Array.from({ length: 1001 }, () => '(core module)').join(' '), /1001 core modules are more than the 1000/],
    [
      `(component $c) ${Array.from({ length: 1001 }, () => '(instance (instantiate $c))').join(' ')}`,
      /1001 instances are more than the 1000/,
    ],
  ],
};
