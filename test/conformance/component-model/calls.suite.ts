/** What surrounds a call: post-return, where the guest may not call out, re-entrance, start functions. */
import assert from 'node:assert/strict';
import type { ComponentInstance } from '../../../src/component/index.ts';
import {
  assertCall,
  assertFails,
  breaks,
  type Case,
  callCase,
  type Failure,
  type Group,
  instantiate,
  program,
  traps,
} from './kit.ts';

// ── post-return ──

/** `f` answers 7 or a string, its post-return is `post`; `state` answers what the post-return noted. */
function posting(post: string, { type = 'u32', core = '(i32.const 7)', params = '(param i32)' } = {}): string {
  return program(
    `(import "host" (instance $h (export "call" (func))))
    (type $r (resource (rep i32)))
    (core func $call (canon lower (func $h "call")))
    (core func $new (canon resource.new $r)) (core func $rep (canon resource.rep $r)) (core func $drop (canon resource.drop $r))`,
    {
      uses: {
        call: ['$call', ''],
        new: ['$new', '(param i32) (result i32)'],
        rep: ['$rep', '(param i32) (result i32)'],
        drop: ['$drop', '(param i32)'],
      },
      core: `(memory (export "mem") 1)
      (data (i32.const 16) "\\20\\00\\00\\00\\04\\00\\00\\00") (data (i32.const 32) "text")
      (global $noted (mut i32) (i32.const 0))
      (func $note (param i32) (global.set $noted (i32.add (i32.mul (global.get $noted) (i32.const 100)) (local.get 0))))
      (func (export "f") (result i32) (drop (call $new (i32.const 5))) ${core})
      (func (export "post") ${params} ${post})
      (func (export "state") (result i32) (global.get $noted))`,
      exports: `(func (export "f") (result ${type}) (canon lift (core func $m "f") (memory $m "mem") (post-return (func $m "post"))))
      (func (export "state") (result u32) (canon lift (core func $m "state")))`,
    },
  );
}

const nothing = () => ({ host: { call: () => undefined } });

const POST: readonly Case[] = [
  {
    name: 'it runs once for each call, with the flat result',
    run: async () => {
      const instance = await instantiate(posting('(call $note (local.get 0))'), nothing());
      await assertCall(instance, ['f'], 7);
      await assertCall(instance, ['state'], 7);
      await assertCall(instance, ['f'], 7);
      await assertCall(instance, ['state'], 707);
    },
  },
  {
    name: 'it runs when the result has been read',
    run: async () => {
      const wat = posting('(i32.store (i32.const 32) (i32.const 0)) (call $note (local.get 0))', {
        type: 'string',
        core: '(i32.const 16)',
      });
      const instance = await instantiate(wat, nothing());
      await assertCall(instance, ['f'], 'text');
      await assertCall(instance, ['state'], 16);
      await assertCall(instance, ['f'], '\0\0\0\0');
    },
  },
  {
    name: 'it may use resource.rep',
    run: async () => {
      const instance = await instantiate(posting('(call $note (call $rep (i32.const 1)))'), nothing());
      await assertCall(instance, ['f'], 7);
      await assertCall(instance, ['state'], 5);
    },
  },
  callCase('it traps', posting('(unreachable)'), { imports: nothing, call: ['f'], expect: traps('unreachable') }),
  callCase('it calls an import', posting('(call $call)'), {
    imports: nothing,
    call: ['f'],
    expect: breaks('cannot-leave'),
  }),
  callCase('it makes a resource', posting('(drop (call $new (i32.const 1)))'), {
    imports: nothing,
    call: ['f'],
    expect: breaks('cannot-leave'),
  }),
  callCase('it drops a resource', posting('(call $drop (i32.const 1))'), {
    imports: nothing,
    call: ['f'],
    expect: breaks('cannot-leave'),
  }),
  {
    name: 'after it the guest may call out again',
    run: async () => {
      const wat = posting('').replace('(drop (call $new (i32.const 5)))', '(call $call)');
      const instance = await instantiate(wat, nothing());
      for (let round = 0; round < 3; round++) await assertCall(instance, ['f'], 7);
    },
  },
];

// ── where the guest may not call out ──

/** The allocator does `body`; `f` takes a string. */
function allocating(body: string): string {
  return `(component
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r)) (core func $rep (canon resource.rep $r)) (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (memory (export "mem") 1)
      (func (export "make") (drop (call $new (i32.const 5))))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) ${body} (i32.const 64))
      (func (export "f") (param i32 i32)))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
    (func (export "make") (canon lift (core func $m "make")))
    (func (export "f") (param "x" string) (canon lift (core func $m "f") (memory $m "mem") (realloc (func $m "realloc")))))`;
}

const LEAVE_ROWS: readonly (readonly [name: string, body: string, expect: Failure | undefined])[] = [
  ['the allocator makes a resource', '(drop (call $new (i32.const 1)))', breaks('cannot-leave')],
  ['the allocator drops a resource', '(call $drop (i32.const 1))', breaks('cannot-leave')],
  ['the allocator uses resource.rep', '(drop (call $rep (i32.const 1)))', undefined],
];

const LEAVE: readonly Case[] = [
  ...LEAVE_ROWS.map(
    ([name, body, expect]): Case => ({
      name,
      run: async () => {
        const instance = await instantiate(allocating(body));
        await instance.call('make');
        await assertCall(instance, ['f', 'text'], expect);
      },
    }),
  ),
  {
    name: 'the allocator may not even when the host asks during an import',
    run: async () => {
      const wat = `(component
        (import "host" (instance $h (export "text" (func (result string))) (export "call" (func))))
        (core func $call (canon lower (func $h "call")))
        (core module $A
          (import "" "call" (func $call))
          (memory (export "mem") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $call) (i32.const 64)))
        (core instance $a (instantiate $A (with "" (instance (export "call" (func $call))))))
        (core func $text (canon lower (func $h "text") (memory $a "mem") (realloc (func $a "realloc"))))
        (core module $M (import "" "text" (func $text (param i32))) (func (export "f") (call $text (i32.const 16))))
        (core instance $m (instantiate $M (with "" (instance (export "text" (func $text))))))
        (func (export "f") (canon lift (core func $m "f"))))`;
      let called = 0;
      const instance = await instantiate(wat, { host: { text: () => 'text', call: () => void called++ } });
      await assertCall(instance, ['f'], breaks('cannot-leave'));
      assert.equal(called, 0);
    },
  },
];

// ── one call at a time ──

const CALLING = program(
  `(import "host" (instance $h (export "call" (func (result u32)))))
  (core func $call (canon lower (func $h "call")))`,
  {
    uses: { call: ['$call', '(result i32)'] },
    core: '(func (export "f") (result i32) (call $call)) (func (export "g") (result i32) (i32.const 5))',
    exports: `(func (export "f") (result u32) (canon lift (core func $m "f")))
      (func (export "g") (result u32) (canon lift (core func $m "g")))`,
  },
);

const REENTER: readonly Case[] = [
  {
    name: 'the host cannot enter an instance that calls it',
    run: async () => {
      let instance: ComponentInstance | undefined;
      let inner: unknown;
      const call = async () => {
        await instance?.call('g').catch((error: { code: string }) => {
          inner = error.code;
        });
        return 3;
      };
      instance = await instantiate(CALLING, { host: { call } });
      await assertCall(instance, ['f'], 3);
      assert.equal(inner, 'COMPONENT_BUSY');
      await assertCall(instance, ['g'], 5);
    },
  },
  {
    name: 'the host cannot enter an instance that waits',
    run: async () => {
      const { promise, resolve } = Promise.withResolvers<number>();
      const instance = await instantiate(CALLING, { host: { call: () => promise } });
      const first = instance.call('f');
      await assertFails(() => instance.call('g'), { code: 'COMPONENT_BUSY' });
      resolve(4);
      assert.equal(await first, 4);
      await assertCall(instance, ['g'], 5);
    },
  },
  {
    name: 'the host may enter another instance of the component',
    run: async () => {
      const other = await instantiate(CALLING, { host: { call: () => 1 } });
      const call = () => other.call('g');
      await assertCall(await instantiate(CALLING, { host: { call } }), ['f'], 5);
    },
  },
  {
    name: 'what the host throws ends the instance, and is what the caller gets',
    run: async () => {
      const call = () => {
        throw new TypeError('no such thing');
      };
      const instance = await instantiate(CALLING, { host: { call } });
      const error = await assertFails(() => instance.call('f'), { code: 'INTERNAL' });
      assert.ok(error.cause instanceof TypeError);
      await assertFails(() => instance.call('g'), { code: 'COMPONENT_DEAD' });
    },
  },
  {
    name: 'what the host rejects with ends the instance',
    run: async () => {
      const call = () => Promise.reject(new TypeError('no such thing'));
      const instance = await instantiate(CALLING, { host: { call } });
      await assertFails(() => instance.call('f'), { code: 'INTERNAL' });
      await assertFails(() => instance.call('g'), { code: 'COMPONENT_DEAD' });
    },
  },
  {
    name: 'a value of the host that does not fit ends the instance',
    run: async () => {
      for (const value of ['3', 1.5, -1, 2 ** 32, 3n, null, {}]) {
        const instance = await instantiate(CALLING, { host: { call: () => value } });
        await assertFails(() => instance.call('f'), { code: 'VALUE_INVALID', details: { path: 'result' } });
        await assertFails(() => instance.call('g'), { code: 'COMPONENT_DEAD' });
      }
    },
  },
  {
    name: 'arguments that do not fit are refused and end nothing',
    run: async () => {
      const instance = await instantiate(CALLING, { host: { call: () => 3 } });
      await assertCall(instance, ['g', 1], { code: 'VALUE_INVALID' });
      await assertCall(instance, ['g'], 5);
    },
  },
];

// ── start functions ──

/** A core module with a start function, and one after it; each notes that it ran. */
function starting(body: string): string {
  return `(component
    (import "host" (instance $h (export "note" (func (param "n" u32))) (export "text" (func (param "x" string))) (export "wait" (func))))
    (core func $note (canon lower (func $h "note")))
    (core func $wait (canon lower (func $h "wait")))
    (core module $Mem (memory (export "mem") 1) (data (i32.const 8) "ready"))
    (core instance $mem (instantiate $Mem))
    (core func $text (canon lower (func $h "text") (memory $mem "mem")))
    (core module $A
      (import "" "note" (func $note (param i32)))
      (import "" "text" (func $text (param i32 i32)))
      (import "" "wait" (func $wait))
      (global $started (mut i32) (i32.const 0))
      (table 1 funcref) (elem (i32.const 0) func $in)
      (func $in (call $note (i32.const 1)))
      (func $start (global.set $started (i32.const 1)) ${body})
      (start $start)
      (func (export "started") (result i32) (global.get $started)))
    (core instance $a (instantiate $A (with "" (instance (export "note" (func $note)) (export "text" (func $text)) (export "wait" (func $wait))))))
    (core module $B (import "" "note" (func $note (param i32))) (func $start (call $note (i32.const 2))) (start $start))
    (core instance (instantiate $B (with "" (instance (export "note" (func $note))))))
    (func (export "started") (result u32) (canon lift (core func $a "started"))))`;
}

function startHost() {
  const log: unknown[] = [];
  return {
    log,
    host: { note: (n: number) => void log.push(n), text: (x: string) => void log.push(x), wait: () => {} },
  };
}

const START: readonly Case[] = [
  {
    name: 'it runs when its module is instantiated, before the next one',
    run: async () => {
      const { log, host } = startHost();
      const instance = await instantiate(starting('(call_indirect (i32.const 0))'), { host });
      assert.deepEqual(log, [1, 2]);
      await assertCall(instance, ['started'], 1);
    },
  },
  {
    name: 'data segments are there before it runs',
    run: async () => {
      const { log, host } = startHost();
      await instantiate(starting('(call $text (i32.const 8) (i32.const 5))'), { host });
      assert.deepEqual(log, ['ready', 2]);
    },
  },
  {
    name: 'it may wait for the host',
    run: async () => {
      const { log, host } = startHost();
      const wait = () => new Promise<void>((resolve) => setImmediate(resolve));
      await instantiate(starting('(call $wait) (call $note (i32.const 5))'), { host: { ...host, wait } });
      assert.deepEqual(log, [5, 2]);
    },
  },
  {
    name: 'when it traps there is no instance',
    run: async () => {
      const { log, host } = startHost();
      await assertFails(() => instantiate(starting('(unreachable)'), { host }), traps('unreachable'));
      assert.deepEqual(log, []);
    },
  },
  {
    name: 'when it breaks a rule there is no instance',
    run: async () => {
      const { host } = startHost();
      const wat = starting('(call $text (i32.const -1) (i32.const 5))');
      await assertFails(() => instantiate(wat, { host }), breaks('string-bounds'));
    },
  },
  {
    name: 'a data segment beyond the memory',
    run: async () => {
      const wat = `(component (core module $M (memory 1) (data (i32.const 65534) "text")) (core instance (instantiate $M)))`;
      await assertFails(() => instantiate(wat), traps('memory-out-of-bounds'));
    },
  },
  {
    name: 'an element segment beyond the table',
    run: async () => {
      const wat = `(component (core module $M (table 1 funcref) (func $f) (elem (i32.const 1) func $f)) (core instance (instantiate $M)))`;
      await assertFails(() => instantiate(wat), traps('table-out-of-bounds'));
    },
  },
];

export const CALLS: readonly Group[] = [
  { name: 'Post-return', cases: POST },
  { name: 'Where the guest may not call out', cases: LEAVE },
  { name: 'One call at a time', cases: REENTER },
  { name: 'Start functions', cases: START },
];
