/** Calls between the components of a composition: values are copied, handles travel, one waits while the other does. */
import assert from 'node:assert/strict';
import { breaks, type Case, callCase, type Group, instantiate, traps } from './kit.ts';

/** Exports `double: func(n: u32) -> u32`; traps on 13. */
const DOUBLER = `(component $Doubler
  (core module $M (func (export "double") (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 13)) (then unreachable))
    (i32.mul (local.get 0) (i32.const 2))))
  (core instance $m (instantiate $M))
  (func (export "double") (param "n" u32) (result u32) (canon lift (core func $m "double"))))`;

/** Imports `double`, exports `quadruple`, which calls it twice. */
const QUADRUPLER = `(component $Quadrupler
  (import "double" (func $double (param "n" u32) (result u32)))
  (core func $lowered (canon lower (func $double)))
  (core module $M (import "" "double" (func $d (param i32) (result i32)))
    (func (export "run") (param i32) (result i32) (call $d (call $d (local.get 0)))))
  (core instance $m (instantiate $M (with "" (instance (export "double" (func $lowered))))))
  (func (export "quadruple") (param "n" u32) (result u32) (canon lift (core func $m "run"))))`;

const PAIR = `(component ${DOUBLER} ${QUADRUPLER}
  (instance $d (instantiate $Doubler))
  (instance $q (instantiate $Quadrupler (with "double" (func $d "double"))))
  (export "double" (func $d "double")) (export "quadruple" (func $q "quadruple")))`;

const MEMORY = `(memory (export "mem") 1) (global $next (mut i32) (i32.const 1024))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
    (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $p) (local.get 3))) (local.get $p))`;

/** One component measures a string in its own encoding, the other hands it one in its own. */
function strings(from: string, to: string, { bytes, length }: { bytes: string; length: number }): string {
  return `(component
    (component $Measure
      (core module $M ${MEMORY} (func (export "measure") (param i32 i32) (result i32) (local.get 1)))
      (core instance $m (instantiate $M))
      (func (export "measure") (param "text" string) (result u32)
        (canon lift (core func $m "measure") (memory $m "mem") (realloc (func $m "realloc")) string-encoding=${to})))
    (component $Send
      (import "measure" (func $measure (param "text" string) (result u32)))
      (core module $Libc ${MEMORY}) (core instance $libc (instantiate $Libc))
      (core func $lowered (canon lower (func $measure) (memory $libc "mem") string-encoding=${from}))
      (core module $M (import "libc" "mem" (memory 1)) (import "" "measure" (func $f (param i32 i32) (result i32)))
        (data (i32.const 0) "${bytes}")
        (func (export "run") (result i32) (call $f (i32.const 0) (i32.const ${length}))))
      (core instance $m (instantiate $M (with "libc" (instance $libc)) (with "" (instance (export "measure" (func $lowered))))))
      (func (export "run") (result u32) (canon lift (core func $m "run"))))
    (instance $measure (instantiate $Measure))
    (instance $send (instantiate $Send (with "measure" (func $measure "measure"))))
    (export "run" (func $send "run")))`;
}

/** The inner component calls the host, the outer one the inner one; each adds to what comes back. */
const WAITING = `(component
  (import "host" (func $host (result u32)))
  (component $Inner
    (import "host" (func $host (result u32))) (core func $l (canon lower (func $host)))
    (core module $M (import "" "host" (func $h (result i32))) (func (export "run") (result i32) (i32.add (call $h) (i32.const 1))))
    (core instance $m (instantiate $M (with "" (instance (export "host" (func $l))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (component $Outer
    (import "inner" (func $inner (result u32))) (core func $l (canon lower (func $inner)))
    (core module $M (import "" "inner" (func $h (result i32)))
      (func (export "run") (result i32) try (result i32) call $h i32.const 10 i32.add catch_all i32.const 77 end))
    (core instance $m (instantiate $M (with "" (instance (export "inner" (func $l))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $i (instantiate $Inner (with "host" (func $host))))
  (instance $o (instantiate $Outer (with "inner" (func $i "run"))))
  (export "run" (func $o "run")))`;

/** Calls itself through its own lifted function. */
const ITSELF = `(component
  (core module $A (func (export "f") (result i32) (i32.const 1))) (core instance $a (instantiate $A))
  (func $f (result u32) (canon lift (core func $a "f")))
  (core func $l (canon lower (func $f)))
  (core module $B (import "" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))
  (core instance $b (instantiate $B (with "" (instance (export "f" (func $l))))))
  (func (export "g") (result u32) (canon lift (core func $b "g"))))`;

/**
 * One component defines a resource and counts those alive; the other one makes, borrows, keeps, gives back and drops.
 * `run` takes what to do: 0 make and drop; 1 make, borrow, drop, giving the borrowed value; 2 make and give back; 3 give
 * back and use; 4 make and keep; 5 drop twice.
 */
const RESOURCES = `(component
  (component $Owner
    (core module $Dtor (global $alive (mut i32) (i32.const 0))
      (func (export "dtor") (param i32) (global.set $alive (i32.sub (global.get $alive) (i32.const 1))))
      (func (export "made") (global.set $alive (i32.add (global.get $alive) (i32.const 1))))
      (func (export "alive") (result i32) (global.get $alive)))
    (core instance $d (instantiate $Dtor))
    (type $r' (resource (rep i32) (dtor (func $d "dtor"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r')) (core func $rep (canon resource.rep $r')) (core func $drop (canon resource.drop $r'))
    (core module $M (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
      (import "" "made" (func $made))
      (func (export "make") (param i32) (result i32) (call $made) (call $new (local.get 0)))
      (func (export "read") (param i32) (result i32) (local.get 0))
      (func (export "take") (param i32) (call $drop (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "drop" (func $drop)) (export "made" (func $d "made"))))))
    (func (export "make") (param "v" u32) (result (own $r)) (canon lift (core func $m "make")))
    (func (export "read") (param "r" (borrow $r)) (result u32) (canon lift (core func $m "read")))
    (func (export "take") (param "r" (own $r)) (canon lift (core func $m "take")))
    (func (export "alive") (result u32) (canon lift (core func $d "alive"))))
  (component $User
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (param "v" u32) (result (own $r))))
    (import "read" (func $read (param "r" (borrow $r)) (result u32)))
    (import "take" (func $take (param "r" (own $r))))
    (core func $lmake (canon lower (func $make))) (core func $lread (canon lower (func $read))) (core func $ltake (canon lower (func $take)))
    (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "make" (func $make (param i32) (result i32))) (import "" "read" (func $read (param i32) (result i32)))
      (import "" "take" (func $take (param i32))) (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param $what i32) (result i32) (local $h i32) (local $v i32)
        (local.set $h (call $make (i32.const 42)))
        (if (i32.eq (local.get $what) (i32.const 1)) (then (local.set $v (call $read (local.get $h)))))
        (if (i32.or (i32.eq (local.get $what) (i32.const 2)) (i32.eq (local.get $what) (i32.const 3)))
          (then (call $take (local.get $h)))
          (else (if (i32.ne (local.get $what) (i32.const 4)) (then (call $drop (local.get $h))))))
        (if (i32.eq (local.get $what) (i32.const 3)) (then (drop (call $read (local.get $h)))))
        (if (i32.eq (local.get $what) (i32.const 5)) (then (call $drop (local.get $h))))
        (local.get $v)))
    (core instance $m (instantiate $M (with "" (instance (export "make" (func $lmake)) (export "read" (func $lread))
      (export "take" (func $ltake)) (export "drop" (func $drop))))))
    (func (export "run") (param "what" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $o (instantiate $Owner))
  (instance $u (instantiate $User (with "r" (type $o "r")) (with "make" (func $o "make")) (with "read" (func $o "read")) (with "take" (func $o "take"))))
  (export "run" (func $u "run")) (export "alive" (func $o "alive")))`;

function resourceCase(name: string, what: number, { value, alive }: { value: number; alive: number }): Case {
  return {
    name,
    run: async () => {
      const instance = await instantiate(RESOURCES);
      assert.equal(await instance.call('run', [what]), value);
      assert.equal(await instance.call('alive'), alive);
    },
  };
}

const VALUES: readonly Case[] = [
  callCase('one component calls another', PAIR, { call: ['quadruple', 5], expect: 20 }),
  callCase('both can be called from outside', PAIR, { call: ['double', 5], expect: 10 }),
  callCase('a trap of the one called ends both', PAIR, { call: ['quadruple', 13], expect: traps('unreachable') }),
  callCase('a component cannot call itself', ITSELF, { call: ['g'], expect: breaks('reenter') }),
  callCase('utf8 to utf16', strings('utf8', 'utf16', { bytes: 'a\\c3\\b1\\f0\\9f\\99\\82', length: 7 }), {
    call: ['run'],
    expect: 4,
  }),
  callCase('utf16 to utf8', strings('utf16', 'utf8', { bytes: 'a\\00\\f1\\00', length: 2 }), {
    call: ['run'],
    expect: 3,
  }),
  callCase('invalid utf8 does not get through', strings('utf8', 'utf8', { bytes: '\\ff', length: 1 }), {
    call: ['run'],
    expect: breaks('string-utf8'),
  }),
];

const WAITS: readonly Case[] = [
  callCase('a host that answers at once', WAITING, { imports: () => ({ host: () => 5 }), call: ['run'], expect: 16 }),
  callCase('both wait while the host does', WAITING, {
    imports: () => ({ host: () => new Promise((resolve) => setImmediate(resolve, 6)) }),
    call: ['run'],
    expect: 17,
  }),
  {
    name: 'what the host throws ends both, and the caller’s catch_all does not see it',
    run: async () => {
      const instance = await instantiate(WAITING, { host: async () => Promise.reject(new Error('no')) });
      await assert.rejects(instance.call('run'), /no/);
      assert.notEqual(instance.failure, undefined);
    },
  },
  {
    name: 'a kill ends both while they wait, and the caller’s catch_all does not see it',
    run: async () => {
      const instance = await instantiate(WAITING, { host: () => new Promise(() => undefined) });
      const call = instance.call('run');
      instance.kill();
      await assert.rejects(call, /killed/);
    },
  },
];

const HANDLES: readonly Case[] = [
  resourceCase('made there and dropped here runs the destructor there', 0, { value: 0, alive: 0 }),
  resourceCase('lent for one call', 1, { value: 42, alive: 0 }),
  resourceCase('given back', 2, { value: 0, alive: 0 }),
  resourceCase('kept', 4, { value: 0, alive: 1 }),
  callCase('used after it was given back', RESOURCES, { call: ['run', 3], expect: breaks('handle-missing') }),
  callCase('dropped twice', RESOURCES, { call: ['run', 5], expect: breaks('handle-missing') }),
];

export const COMPOSITION: readonly Group[] = [
  { name: 'LK6: composition: values', cases: VALUES },
  { name: 'LK6: composition: waiting', cases: WAITS },
  { name: 'LK6: composition: handles', cases: HANDLES },
];
