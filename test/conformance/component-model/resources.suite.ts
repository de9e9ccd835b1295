/** Resources: the handle table, ownership, lending, borrowing and destructors, of the guest's own and of the host's. */
import assert from 'node:assert/strict';
import { type ComponentInstance, GuestResource, HostResourceType } from '../../../src/component/index.ts';
import {
  assertCall,
  assertFails,
  breaks,
  type Case,
  callCase,
  type Group,
  instantiate,
  program,
  traps,
} from './kit.ts';

// ── handles of the guest's own resources ──

/** `$r` has a destructor that counts; `$q` has none. `f` is `body`, and answers a number. */
function local(body: string): string {
  return program(
    `(core module $D
      (global $drops (mut i32) (i32.const 0))
      (global $last (mut i32) (i32.const -1))
      (func (export "dtor") (param i32)
        (global.set $drops (i32.add (global.get $drops) (i32.const 1)))
        (global.set $last (local.get 0)))
      (func (export "drops") (result i32) (global.get $drops))
      (func (export "last") (result i32) (global.get $last)))
    (core instance $d (instantiate $D))
    (type $r (resource (rep i32) (dtor (func $d "dtor"))))
    (type $q (resource (rep i32)))
    (core func $new (canon resource.new $r)) (core func $newq (canon resource.new $q))
    (core func $rep (canon resource.rep $r)) (core func $repq (canon resource.rep $q))
    (core func $drop (canon resource.drop $r)) (core func $dropq (canon resource.drop $q))
    (core func $again (canon resource.new $r)) (core func $dropped (canon resource.drop $r))`,
    {
      uses: {
        new: ['$new', '(param i32) (result i32)'],
        again: ['$again', '(param i32) (result i32)'],
        newq: ['$newq', '(param i32) (result i32)'],
        rep: ['$rep', '(param i32) (result i32)'],
        repq: ['$repq', '(param i32) (result i32)'],
        drop: ['$drop', '(param i32)'],
        dropped: ['$dropped', '(param i32)'],
        dropq: ['$dropq', '(param i32)'],
        drops: ['$d "drops"', '(result i32)'],
        last: ['$d "last"', '(result i32)'],
      },
      core: `(func (export "f") (result i32) ${body})`,
      exports: '(func (export "f") (result u32) (canon lift (core func $m "f")))',
    },
  );
}

const make = (...reps: number[]): string => reps.map((rep) => `(drop (call $new (i32.const ${rep})))`).join(' ');
const drop = (...handles: number[]): string => handles.map((at) => `(call $drop (i32.const ${at}))`).join(' ');
/** Core instructions that give the numbers as one, in base 1000. */
const digits = (...values: string[]): string =>
  values.reduce((sum, value) => `(i32.add (i32.mul ${sum} (i32.const 1000)) ${value})`);
const fresh = '(call $new (i32.const 9))';

const TABLE: readonly (readonly [name: string, body: string, expect: unknown])[] = [
  ['the first handle is 1', '(call $new (i32.const 7))', 1],
  ['handles count up', `${make(7, 7)} ${fresh}`, 3],
  ['resource types share the table', `${make(7)} (drop (call $newq (i32.const 7))) ${fresh}`, 3],
  ['a freed handle is used next', `${make(7, 7, 7)} ${drop(2)} ${fresh}`, 2],
  ['the handle freed last is used first', `${make(7, 7, 7)} ${drop(1, 3, 2)} ${digits(fresh, fresh, fresh)}`, 2003001],
  ['after the freed ones come new ones', `${make(7, 7)} ${drop(1)} ${make(7)} ${fresh}`, 3],
  ['a representation comes back', `${make(7, 8)} (call $rep (i32.const 2))`, 8],
  ['a representation may be any number', `(call $rep (call $new (i32.const -1)))`, 0xffffffff],
  ['a representation may be zero', `(call $rep (call $new (i32.const 0)))`, 0],
  ['the same representation may be there twice', `${make(7, 7)} ${drop(1)} (call $rep (i32.const 2))`, 7],
  ['a handle of a reused number is the new one', `${make(7)} ${drop(1)} ${make(8)} (call $rep (i32.const 1))`, 8],
  ['a drop runs the destructor at once', `${make(7)} ${drop(1)} ${digits('(call $drops)', '(call $last)')}`, 1007],
  ['each drop runs it once', `${make(7, 8)} ${drop(2, 1)} ${digits('(call $drops)', '(call $last)')}`, 2007],
  ['without a destructor nothing runs', '(call $dropq (call $newq (i32.const 7))) (call $drops)', 0],
  ['two copies of the built-ins are the same', '(call $dropped (call $again (i32.const 5))) (call $last)', 5],
  ['drop of handle 0', `${drop(0)} (i32.const 0)`, breaks('handle-missing')],
  ['drop of a handle that never was', `${make(7)} ${drop(2)} (i32.const 0)`, breaks('handle-missing')],
  ['drop of handle 0xffffffff', `${make(7)} ${drop(-1)} (i32.const 0)`, breaks('handle-missing')],
  ['drop of a handle a second time', `${make(7)} ${drop(1, 1)} (i32.const 0)`, breaks('handle-missing')],
  ['rep of handle 0', '(call $rep (i32.const 0))', breaks('handle-missing')],
  ['rep of a handle that never was', '(call $rep (i32.const 5))', breaks('handle-missing')],
  ['rep of handle 0x80000000', `${make(7)} (call $rep (i32.const 0x80000000))`, breaks('handle-missing')],
  ['rep after the drop', `${make(7)} ${drop(1)} (call $rep (i32.const 1))`, breaks('handle-missing')],
  ['rep with another type', `${make(7)} (call $repq (i32.const 1))`, breaks('handle-type')],
  ['drop with another type', `${make(7)} (call $dropq (i32.const 1)) (i32.const 0)`, breaks('handle-type')],
];

const TABLE_CASES: readonly Case[] = TABLE.map(([name, body, expect]) =>
  callCase(name, local(body), { call: ['f'], expect }),
);

// ── resources of the guest in the hands of the host ──

/** Exports resource `r` with a destructor, and functions that make, read, take and compare. */
const COUNTER = (dtor: string): string =>
  program(
    `(core module $D
      (global $drops (mut i32) (i32.const 0))
      (func (export "dtor") (param i32)
        (global.set $drops (i32.add (global.get $drops) (i32.const 1))) ${dtor})
      (func (export "drops") (result i32) (global.get $drops)))
    (core instance $d (instantiate $D))
    (import "host" (instance $h (export "f" (func))))
    (core func $call (canon lower (func $h "f")))
    (type $r' (resource (rep i32) (dtor (func $d "dtor"))))
    (type $q' (resource (rep i32)))
    (core func $new (canon resource.new $r'))
    (core func $rep (canon resource.rep $r'))
    (core func $drop (canon resource.drop $r'))
    (export $r "r" (type $r'))
    (export $q "q" (type $q'))`,
    {
      uses: {
        new: ['$new', '(param i32) (result i32)'],
        rep: ['$rep', '(param i32) (result i32)'],
        drop: ['$drop', '(param i32)'],
        call: ['$call', ''],
      },
      core: `(func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "read") (param i32) (result i32) (local.get 0))
      (func (export "take") (param i32) (result i32) (call $rep (local.get 0)) (call $drop (local.get 0)))
      (func (export "keep") (param i32) (result i32) (local.get 0))
      (func (export "both") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1)))
      (func (export "give") (param i32) (result i32) (local.get 0))
      (func (export "during") (param i32) (call $call))`,
      exports: `(func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $m "make")))
      (func (export "read") (param "x" (borrow $r)) (result u32) (canon lift (core func $m "read")))
      (func (export "take") (param "x" (own $r)) (result u32) (canon lift (core func $m "take")))
      (func (export "keep") (param "x" (own $r)) (result u32) (canon lift (core func $m "keep")))
      (func (export "both") (param "x" (borrow $r)) (param "y" (borrow $r)) (result u32) (canon lift (core func $m "both")))
      (func (export "mixed") (param "x" (borrow $r)) (param "y" (own $r)) (result u32) (canon lift (core func $m "both")))
      (func (export "twice") (param "x" (own $r)) (param "y" (own $r)) (result u32) (canon lift (core func $m "both")))
      (func (export "give") (param "n" u32) (result (own $r)) (canon lift (core func $m "give")))
      (func (export "wrong") (param "n" u32) (result (own $q)) (canon lift (core func $m "make")))
      (func (export "during") (param "x" (borrow $r)) (canon lift (core func $m "during")))
      (func (export "drops") (result u32) (canon lift (core func $d "drops")))`,
    },
  );

interface Counter {
  readonly instance: ComponentInstance;
  readonly call: <T = unknown>(name: string, ...args: unknown[]) => Promise<T>;
  readonly make: (rep: number) => Promise<GuestResource>;
}

async function counter(host: () => unknown = () => undefined, dtor = ''): Promise<Counter> {
  const instance = await instantiate(COUNTER(dtor), { host: { f: host } });
  const call = <T>(name: string, ...args: unknown[]): Promise<T> => instance.call(name, args) as Promise<T>;
  return { instance, call, make: (rep) => call('make', rep) };
}

const refused = { code: 'VALUE_INVALID' } as const;

const GUEST_RESOURCES: readonly Case[] = [
  {
    name: 'an owned result is the host’s, and its handle is free again',
    run: async () => {
      const { make: made, call } = await counter();
      const resource = await made(7);
      assert.ok(resource instanceof GuestResource);
      assert.equal(resource.alive, true);
      assert.equal(await call('keep', await made(8)), 1);
    },
  },
  {
    name: 'a borrow reaches the guest that defines it as its representation',
    run: async () => {
      const { make: made, call } = await counter();
      const resource = await made(41);
      assert.equal(await call('read', resource), 41);
      assert.equal(await call('read', resource), 41);
      assert.equal(await call('both', resource, resource), 4141);
      assert.equal(await call('drops'), 0);
    },
  },
  {
    name: 'an own reaches the guest as a handle, and is the host’s no more',
    run: async () => {
      const { instance, make: made, call } = await counter();
      const resource = await made(41);
      assert.equal(await call('take', resource), 41);
      assert.equal(resource.alive, false);
      assert.equal(await call('drops'), 1);
      await assertCall(instance, ['read', resource], refused);
      await assertCall(instance, ['take', resource], refused);
      resource.drop();
      assert.equal(await call('drops'), 1);
    },
  },
  {
    name: 'the host’s drop runs the destructor once',
    run: async () => {
      const { make: made, call } = await counter();
      const resource = await made(1);
      resource.drop();
      resource.drop();
      resource[Symbol.dispose]();
      assert.equal(await call('drops'), 1);
    },
  },
  {
    name: 'a dropped resource is refused',
    run: async () => {
      const { instance, make: made } = await counter();
      const resource = await made(1);
      resource.drop();
      await assertCall(instance, ['read', resource], refused);
    },
  },
  {
    name: 'one resource is not lent and given in one call',
    run: async () => {
      const { instance, make: made, call } = await counter();
      const resource = await made(1);
      await assertFails(() => call('mixed', resource, resource), refused);
      await assertFails(() => call('twice', resource, resource), refused);
      assert.equal(instance.failure, undefined);
    },
  },
  {
    name: 'a resource of another type is refused',
    run: async () => {
      const { instance, call } = await counter();
      await assertFails(() => call('wrong', 3), breaks('handle-type'));
      assert.notEqual(instance.failure, undefined);
    },
  },
  {
    name: 'a resource of another instance is refused',
    run: async () => {
      const [one, two] = [await counter(), await counter()];
      await assertCall(two.instance, ['read', await one.make(1)], refused);
    },
  },
  {
    name: 'what is no resource is refused',
    run: async () => {
      const { instance } = await counter();
      for (const value of [1, {}, undefined, null, 'r', [], Object.create(GuestResource.prototype)]) {
        await assertCall(instance, ['read', value], refused);
      }
    },
  },
  {
    name: 'a result that is no handle',
    run: async () => assertCall((await counter()).instance, ['give', 5], breaks('handle-missing')),
  },
  {
    name: 'a resource of an instance that ended is gone',
    run: async () => {
      const { instance, make: made } = await counter();
      const resource = await made(1);
      instance.kill();
      assert.equal(resource.alive, false);
      resource.drop();
    },
  },
  {
    name: 'a resource that is lent cannot be dropped meanwhile',
    run: async () => {
      let resource: GuestResource | undefined;
      let tried: unknown;
      const { make: made, call } = await counter(() => {
        try {
          resource?.drop();
        } catch (error) {
          tried = (error as { code?: string }).code;
        }
      });
      resource = await made(1);
      await call('during', resource);
      assert.equal(tried, 'COMPONENT_BUSY');
      assert.equal(await call('drops'), 0);
      resource.drop();
      assert.equal(await call('drops'), 1);
    },
  },
  {
    name: 'no destructor runs while the component is in a call',
    run: async () => {
      let other: GuestResource | undefined;
      let tried: unknown;
      const { make: made, call } = await counter(() => {
        try {
          other?.drop();
        } catch (error) {
          tried = (error as { code?: string }).code;
        }
      });
      other = await made(2);
      await call('during', await made(1));
      assert.equal(tried, 'COMPONENT_BUSY');
      assert.equal(await call('drops'), 0);
      assert.equal(other.alive, true);
    },
  },
  {
    name: 'a destructor that traps ends the instance',
    run: async () => {
      const { instance, make: made } = await counter(undefined, '(unreachable)');
      const resource = await made(1);
      await assertFails(async () => resource.drop(), traps('unreachable'));
      assert.equal(instance.failure?.code, 'COMPONENT_TRAPPED');
      await assertFails(() => instance.call('drops'), { code: 'COMPONENT_DEAD' });
    },
  },
  {
    name: 'a destructor that traps during a call ends the instance',
    run: async () => {
      const { instance, make: made } = await counter(undefined, '(unreachable)');
      await assertCall(instance, ['take', await made(1)], traps('unreachable'));
    },
  },
];

// ── resources of the host in the hands of a guest ──

interface Thing {
  readonly id: number;
}

/** `f` is `body`; the host's resource is `r`, another one `q`. */
function hosted(body: string, extra: { params?: string; result?: string; core?: string } = {}): string {
  return program(
    `(import "host" (instance $h
      (export "r" (type $r (sub resource)))
      (export "q" (type $q (sub resource)))
      (export "alias" (type $alias (eq $r)))
      (export "make" (func (param "id" u32) (result (own $r))))
      (export "other" (func (result (own $q))))
      (export "take" (func (param "x" (own $alias))))
      (export "use" (func (param "x" (borrow $r)) (result u32)))
      (export "both" (func (param "x" (borrow $r)) (param "y" (borrow $r))))
      (export "mixed" (func (param "x" (borrow $r)) (param "y" (own $r))))
      (export "twice" (func (param "x" (own $r)) (param "y" (own $r))))
      (export "many" (func (param "x" (list (own $r)))))
      (export "maybe" (func (param "x" (option (borrow $r)))))))
    (alias export $h "r" (type $r))
    (alias export $h "q" (type $q))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func $drop (canon resource.drop $r))
    (core func $dropq (canon resource.drop $q))
    (core func $make (canon lower (func $h "make")))
    (core func $other (canon lower (func $h "other")))
    (core func $take (canon lower (func $h "take")))
    (core func $use (canon lower (func $h "use")))
    (core func $both (canon lower (func $h "both")))
    (core func $mixed (canon lower (func $h "mixed")))
    (core func $twice (canon lower (func $h "twice")))
    (core func $many (canon lower (func $h "many") (memory $mem "mem")))
    (core func $maybe (canon lower (func $h "maybe")))`,
    {
      uses: {
        drop: ['$drop', '(param i32)'],
        dropq: ['$dropq', '(param i32)'],
        make: ['$make', '(param i32) (result i32)'],
        other: ['$other', '(result i32)'],
        take: ['$take', '(param i32)'],
        use: ['$use', '(param i32) (result i32)'],
        both: ['$both', '(param i32 i32)'],
        mixed: ['$mixed', '(param i32 i32)'],
        twice: ['$twice', '(param i32 i32)'],
        many: ['$many', '(param i32 i32)'],
        maybe: ['$maybe', '(param i32 i32)'],
      },
      core: `(import "mem" "mem" (memory 1)) ${extra.core ?? ''} (func (export "f") ${body})`,
      exports: `(func (export "f") ${extra.params ?? ''} ${extra.result ?? ''} (canon lift (core func $m "f")))`,
    },
  ).replace('(instantiate $M (with', '(instantiate $M (with "mem" (instance $mem)) (with');
}

function hostOfThings() {
  const log: string[] = [];
  const note = (name: string, ...things: (Thing | undefined)[]) =>
    void log.push([name, ...things.map((thing) => thing?.id ?? 'none')].join(' '));
  const host = {
    r: new HostResourceType<Thing>('r', (thing) => note('drop', thing)),
    q: new HostResourceType<Thing>('q', (thing) => note('dropq', thing)),
    make: (id: number): Thing => ({ id }),
    other: (): Thing => ({ id: 99 }),
    take: (x: Thing) => note('take', x),
    use: (x: Thing) => x.id,
    both: (x: Thing, y: Thing) => note('both', x, y),
    mixed: (x: Thing, y: Thing) => note('mixed', x, y),
    twice: (x: Thing, y: Thing) => note('twice', x, y),
    many: (list: Thing[]) => note('many', ...list),
    maybe: (x: Thing | undefined) => note('maybe', x),
  };
  return { log, host };
}

interface HostedRow {
  readonly name: string;
  readonly body: string;
  readonly log?: readonly string[];
  readonly expect?: unknown;
}

const two = '(drop (call $make (i32.const 7))) (drop (call $make (i32.const 8)))';
const one = '(i32.const 1)';

const HOSTED: readonly HostedRow[] = [
  { name: 'what it drops', body: `${two} (call $drop (i32.const 2))`, log: ['drop 8'] },
  { name: 'what it gives is not dropped', body: `${two} (call $take ${one})`, log: ['take 7'] },
  {
    name: 'what it lends stays its own',
    body: `${two} (drop (call $use ${one})) (call $drop ${one})`,
    log: ['drop 7'],
  },
  { name: 'it lends one twice in a call', body: `${two} (call $both ${one} ${one})`, log: ['both 7 7'] },
  {
    name: 'a handle given away is free',
    body: `${two} (call $take ${one}) (drop (call $make (i32.const 9))) (call $take ${one})`,
    log: ['take 7', 'take 9'],
  },
  {
    name: 'it lends and gives one in a call',
    body: `${two} (call $mixed ${one} ${one})`,
    expect: breaks('handle-lent'),
  },
  { name: 'it lends one and gives another', body: `${two} (call $mixed ${one} (i32.const 2))`, log: ['mixed 7 8'] },
  {
    name: 'it gives one twice in a call',
    body: `${two} (call $twice ${one} ${one})`,
    expect: breaks('handle-missing'),
  },
  {
    name: 'it uses what it gave',
    body: `${two} (call $take ${one}) (call $take ${one})`,
    expect: breaks('handle-missing'),
  },
  {
    name: 'it uses what it dropped',
    body: `${two} (call $drop ${one}) (call $take ${one})`,
    expect: breaks('handle-missing'),
  },
  {
    name: 'it drops what it gave',
    body: `${two} (call $take ${one}) (call $drop ${one})`,
    expect: breaks('handle-missing'),
  },
  { name: 'it lends what never was', body: '(drop (call $use (i32.const 0)))', expect: breaks('handle-missing') },
  { name: 'it lends what is of another type', body: '(drop (call $use (call $other)))', expect: breaks('handle-type') },
  { name: 'it gives what is of another type', body: '(call $take (call $other))', expect: breaks('handle-type') },
  { name: 'it drops as another type', body: `${two} (call $dropq ${one})`, expect: breaks('handle-type') },
  {
    name: 'a list of owned handles',
    body: `${two} (i32.store (i32.const 16) (i32.const 2)) (i32.store (i32.const 20) ${one}) (call $many (i32.const 16) (i32.const 2))`,
    log: ['many 8 7'],
  },
  {
    name: 'a list with one handle twice',
    body: `${two} (i32.store (i32.const 16) ${one}) (i32.store (i32.const 20) ${one}) (call $many (i32.const 16) (i32.const 2))`,
    expect: breaks('handle-missing'),
  },
  { name: 'an option with a borrow', body: `${two} (call $maybe ${one} (i32.const 2))`, log: ['maybe 8'] },
  {
    name: 'an option without one may hold anything',
    body: '(call $maybe (i32.const 0) (i32.const 77))',
    log: ['maybe none'],
  },
  {
    name: 'handles of both types count together',
    body: `${two} (if (i32.ne (call $other) (i32.const 3)) (then unreachable)) (call $dropq (i32.const 3))`,
    log: ['dropq 99'],
  },
];

const HOSTED_CASES: readonly Case[] = HOSTED.map(({ name, body, log = [], expect }) => ({
  name: `the guest holds the host’s: ${name}`,
  run: async () => {
    const { host, log: got } = hostOfThings();
    const instance = await instantiate(hosted(body), { host });
    await assertCall(instance, ['f'], expect);
    if (expect === undefined) assert.deepEqual(got, log);
  },
}));

const borrowParam = '(param "x" (borrow $r))';

const BORROWED: readonly HostedRow[] = [
  { name: 'is dropped before the return', body: '(param i32) (call $drop (local.get 0))' },
  { name: 'remains at the return', body: '(param i32)', expect: breaks('borrow-remains') },
  {
    name: 'is a handle that counts',
    body: '(param i32) (if (i32.ne (local.get 0) (i32.const 1)) (then unreachable)) (call $drop (local.get 0))',
  },
  { name: 'is lent on', body: '(param i32) (drop (call $use (local.get 0))) (call $drop (local.get 0))' },
  { name: 'is given away', body: '(param i32) (call $take (local.get 0))', expect: breaks('handle-not-own') },
  {
    name: 'is dropped twice',
    body: '(param i32) (call $drop (local.get 0)) (call $drop (local.get 0))',
    expect: breaks('handle-missing'),
  },
  {
    name: 'is dropped as another type',
    body: '(param i32) (call $dropq (local.get 0))',
    expect: breaks('handle-type'),
  },
];

const BORROWED_CASES: readonly Case[] = BORROWED.map(({ name, body, expect }) => ({
  name: `what the guest borrowed for a call ${name}`,
  run: async () => {
    const { host, log } = hostOfThings();
    const instance = await instantiate(hosted(body, { params: borrowParam }), { host });
    await assertCall(instance, ['f', { id: 5 }], expect);
    assert.deepEqual(log, [], 'a borrow that ends drops nothing');
  },
}));

const END: readonly Case[] = [
  {
    name: 'what a dead instance owned is dropped, once',
    run: async () => {
      const { host, log } = hostOfThings();
      const instance = await instantiate(hosted(`${two} (call $drop ${one})`), { host });
      await instance.call('f');
      assert.deepEqual(log, ['drop 7']);
      instance.kill();
      instance.kill();
      assert.deepEqual(log, ['drop 7', 'drop 8']);
    },
  },
  {
    name: 'what a trapped instance owned is dropped',
    run: async () => {
      const { host, log } = hostOfThings();
      const instance = await instantiate(hosted(`${two} (unreachable)`), { host });
      await assertCall(instance, ['f'], traps('unreachable'));
      assert.deepEqual(log.toSorted(), ['drop 7', 'drop 8']);
    },
  },
  {
    name: 'what a dead instance only borrowed is not dropped',
    run: async () => {
      const { host, log } = hostOfThings();
      const instance = await instantiate(hosted('(param i32) (unreachable)', { params: borrowParam }), { host });
      await assertCall(instance, ['f', { id: 5 }], traps('unreachable'));
      assert.deepEqual(log, []);
    },
  },
  {
    name: 'a destructor of the host that throws hurts no other',
    run: async () => {
      const { host } = hostOfThings();
      const dropped: number[] = [];
      const r = new HostResourceType<Thing>('r', ({ id }) => {
        dropped.push(id);
        throw new Error('cannot drop');
      });
      const instance = await instantiate(hosted(two), { host: { ...host, r } });
      await instance.call('f');
      instance.kill();
      assert.deepEqual(dropped.toSorted(), [7, 8]);
    },
  },
];

// ── resources of nested components ──

/** A nested component that defines `r` and exports it with functions. */
const INNER = `(component $Inner
  (type $r' (resource (rep i32)))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r'))
  (core func $drop (canon resource.drop $r'))
  (core module $M
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "read") (param i32) (result i32) (local.get 0))
    (func (export "leak") (drop (call $new (i32.const 1))))
    (func (export "first") (call $drop (i32.const 1))))
  (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $m "make")))
  (func (export "read") (param "x" (borrow $r)) (result u32) (canon lift (core func $m "read")))
  (func (export "leak") (canon lift (core func $m "leak")))
  (func (export "first") (canon lift (core func $m "first"))))`;

const NESTED = `(component ${INNER}
  (instance $a (instantiate $Inner))
  (instance $b (instantiate $Inner))
  (export "a" (instance $a))
  (export "b" (instance $b))
  (alias export $a "r" (type $r))
  (core func $drop (canon resource.drop $r))
  (core module $P (import "" "drop" (func $drop (param i32))) (func (export "f") (call $drop (i32.const 1))))
  (core instance $p (instantiate $P (with "" (instance (export "drop" (func $drop))))))
  (func (export "outer") (canon lift (core func $p "f"))))`;

/** `$Inner`, but its resource has a destructor, which keeps the number. */
const WITH_DESTRUCTOR = `(component $Inner
  (core module $D
    (global $last (mut i32) (i32.const 0))
    (func (export "dtor") (param i32) (global.set $last (local.get 0)))
    (func (export "destroyed") (result i32) (global.get $last)))
  (core instance $d (instantiate $D))
  (type $r' (resource (rep i32) (dtor (func $d "dtor"))))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r'))
  (core module $M (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
  (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
  (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $m "make")))
  (func (export "destroyed") (result u32) (canon lift (core func $d "destroyed"))))`;

/** That one beside a component that drops what it is given, which is what the other defines. */
const SIBLINGS = `(component ${WITH_DESTRUCTOR}
  (component $Taker
    (import "r" (type $r (sub resource)))
    (core func $drop (canon resource.drop $r))
    (core module $M (import "" "drop" (func $drop (param i32))) (func (export "take") (param i32) (call $drop (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "drop" (func $drop))))))
    (func (export "take") (param "x" (own $r)) (canon lift (core func $m "take"))))
  (instance $a (instantiate $Inner))
  (alias export $a "r" (type $r))
  (instance $b (instantiate $Taker (with "r" (type $r))))
  (export "a" (instance $a))
  (export "b" (instance $b)))`;

const NESTED_CASES: readonly Case[] = [
  {
    name: 'a component drops a resource that the one beside it defines, and enters that',
    run: async () => {
      const instance = await instantiate(SIBLINGS);
      const resource = await instance.call('a#make', [6]);
      await assertCall(instance, ['b#take', resource], undefined);
      await assertCall(instance, ['a#destroyed'], 6);
      await assertCall(instance, ['b#take', resource], refused);
    },
  },
  {
    name: 'the host uses a resource that a nested component defines',
    run: async () => {
      const instance = await instantiate(NESTED);
      const resource = await instance.call('a#make', [6]);
      await assertCall(instance, ['a#read', resource], 6);
    },
  },
  {
    name: 'two instances of one component define two resource types',
    run: async () => {
      const instance = await instantiate(NESTED);
      const resource = await instance.call('a#make', [6]);
      await assertCall(instance, ['b#read', resource], refused);
    },
  },
  {
    name: 'two instances of one component have two handle tables',
    run: async () => {
      const instance = await instantiate(NESTED);
      await instance.call('a#leak');
      await assertCall(instance, ['b#first'], breaks('handle-missing'));
    },
  },
  {
    name: 'a component has a handle table other than the one nested in it',
    run: async () => {
      const instance = await instantiate(NESTED);
      await instance.call('a#leak');
      await assertCall(instance, ['outer'], breaks('handle-missing'));
    },
  },
];

/** The outer component takes handles of a resource that the nested one defines, through one instance or two. */
const HANDED: readonly Case[] = [
  ['$a "r"', '(export "a" (instance $a))', 'a#'],
  ['$outer "in" "r"', '(instance $outer (export "in" (instance $a))) (export "outer" (instance $outer))', 'outer#in#'],
].map(([path, exports, prefix]) => ({
  name: `a component takes handles of what one nested in it defines (${prefix})`,
  run: async () => {
    const aliases =
      path === '$a "r"'
        ? '(alias export $a "r" (type $r))'
        : '(alias export $outer "in" (instance $in)) (alias export $in "r" (type $r))';
    const instance = await instantiate(`(component
      (component $Inner
        (core module $D (global $n (mut i32) (i32.const 0))
          (func (export "dtor") (param i32) (global.set $n (i32.add (global.get $n) (local.get 0))))
          (func (export "sum") (result i32) (global.get $n)))
        (core instance $d (instantiate $D))
        (type $r' (resource (rep i32) (dtor (func $d "dtor")))) (export $r "r" (type $r'))
        (core func $new (canon resource.new $r'))
        (core module $M (import "" "new" (func $new (param i32) (result i32)))
          (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
        (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
        (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $m "make")))
        (func (export "sum") (result u32) (canon lift (core func $d "sum"))))
      (instance $a (instantiate $Inner))
      ${exports}
      ${aliases}
      (core func $drop (canon resource.drop $r))
      (core module $P (import "" "drop" (func $drop (param i32)))
        (func (export "take") (param i32) (call $drop (local.get 0)))
        (func (export "borrow") (param i32) (result i32) (call $drop (local.get 0)) (local.get 0)))
      (core instance $p (instantiate $P (with "" (instance (export "drop" (func $drop))))))
      (export $r2 "r" (type $r))
      (func (export "take") (param "x" (own $r2)) (canon lift (core func $p "take")))
      (func (export "borrow") (param "x" (borrow $r2)) (result u32) (canon lift (core func $p "borrow"))))`);
    const resource = await instance.call(`${prefix}make`, [6]);
    // Not its definer: it gets a handle of its own, not the representation.
    await assertCall(instance, ['borrow', resource], 1);
    await assertCall(instance, [`${prefix}sum`], 0);
    await assertCall(instance, ['take', resource], undefined);
    await assertCall(instance, [`${prefix}sum`], 6);
  },
}));

export const RESOURCES: readonly Group[] = [
  { name: 'Handle table', cases: TABLE_CASES },
  { name: 'Guest resources and the host', cases: GUEST_RESOURCES },
  { name: 'Host resources and the guest', cases: [...HOSTED_CASES, ...BORROWED_CASES, ...END] },
  { name: 'Resources of nested components', cases: [...NESTED_CASES, ...HANDED] },
];
