/** Imports of components that other actors answer: real components on both sides. The promises are those of semantics.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CompiledComponent, compileComponent } from '../../src/component/index.ts';
import {
  type ActorRef,
  ActorSystem,
  type ComponentOptions,
  component,
  implement,
  protocol,
  RuntimeError,
  type,
} from '../../src/index.ts';
import { Dice, randomValue } from '../hostile/random-values.ts';
import { makeForwarder, makeGuest } from '../kit/guests.ts';

const TYPES = `
interface types {
  enum failure-kind { invalid, denied, not-found, conflict, overload, timeout, unavailable, cancelled, internal }
  record failure { kind: failure-kind, code: string, message: string }
}`;
const CALC = (version = '1.0.0', ops = 'add: func(a: u32, b: u32) -> u32;') => `package demo:calc@${version};
interface ops { ${ops} }
`;
const FALLIBLE = `package demo:calc@1.0.0; ${TYPES}
interface ops { use types.{failure}; double: func(value: u32) -> result<u32, failure>; }
`;
const ADD =
  '(func (export "demo:calc/ops@1.0.0#add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))';
const OPERATION = 'demo:calc/ops#add';
const FAST = { supervision: { restart: 'permanent', intensity: 100, backoffMinMs: 0, backoffMaxMs: 0 } } as const;

const compiled = async (bytes: Promise<Uint8Array>): Promise<CompiledComponent> => compileComponent(await bytes);
const fixture = (name: string, extension = 'wasm') =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.${extension}`, import.meta.url));

let front: CompiledComponent;
let calc: CompiledComponent;
/** Doubles, where its WIT says that it may fail. */
let careful: CompiledComponent;

before(async () => {
  [front, calc, careful] = await Promise.all([
    compiled(makeForwarder(`${CALC()} world w { import ops; export ops; }`)),
    compiled(makeGuest(`${CALC()} world w { export ops; }`, { functions: ADD })),
    compiled(makeForwarder(`${FALLIBLE} world w { import ops; export ops; }`)),
  ]);
});

async function frontOf(links: ComponentOptions['links'], more: ComponentOptions = {}) {
  return component(front, { name: 'front', ...more, links: links ?? {} });
}

/** An actor in TypeScript that has the operation of `demo:calc/ops#add`. */
const Calc = protocol('demo:calc', {
  ask: { [OPERATION]: { in: type<readonly [a: number, b: number]>(), out: type<unknown>() } },
});
const inTypeScript = (add: (a: number, b: number) => unknown) =>
  implement(Calc, { init: () => undefined, ask: { [OPERATION]: (_, [a, b]) => add(a, b) } });
const Double = protocol('demo:double', {
  ask: { 'demo:calc/ops#double': { in: type<readonly [value: number]>(), out: type<unknown>() } },
});
const doubling = (double: (value: number) => unknown) =>
  implement(Double, { init: () => undefined, ask: { 'demo:calc/ops#double': (_, [value]) => double(value) } });

/** The chain of codes from an error down to what caused it. */
async function failureOf(asked: Promise<unknown>): Promise<readonly string[]> {
  const codes: string[] = [];
  let error: unknown = await asked.then(
    (value) => assert.fail(`It answered ${value}`),
    (thrown: unknown) => thrown,
  );
  for (; RuntimeError.is(error); error = error.cause) codes.push(error.code);
  return codes;
}

test('S31: a linked import is answered by the actor of that name, a component or one in TypeScript', async () => {
  await using system = await ActorSystem.create();
  const [front, target] = [await frontOf({ 'demo:calc/ops@1.0.0': 'calc' }), await component(calc, { name: 'calc' })];
  const ref = system.spawn(front, 'front');
  const asked = ref.askOp(OPERATION, [1, 2]);
  const first = system.spawn(target, 'calc');
  assert.equal(await asked, 3, 'the target was spawned after the caller');
  await first.stop();
  system.spawn(
    inTypeScript((a, b) => a + b + 1),
    'calc',
  );
  assert.equal(await ref.askOp(OPERATION, [1, 2]), 4, 'another actor has the name now');
});

test('S31: a link may lead to a reference, and to several actors that take calls in turn', async () => {
  await using system = await ActorSystem.create();
  const add = (n: number) => inTypeScript(() => n);
  const targets = [1, 2, 3].map((n) => system.spawn(add(n), `calc/${n}`));
  const ref = system.spawn(await frontOf({ 'demo:calc/ops': { actor: ['calc/1', targets[1] as ActorRef, 'calc/3'] } }));
  const ask = (): Promise<unknown> => ref.askOp(OPERATION, [0, 0]);
  assert.deepEqual([await ask(), await ask(), await ask(), await ask()], [1, 2, 3, 1]);
  await targets[2]?.stop();
  assert.deepEqual([await ask(), await ask(), await ask()], [2, 1, 2], 'one that has ended by name is passed over');
});

/** What became of an ask, for comparison. */
const outcomeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (value) => ({ value }),
    (error: RuntimeError) => ({ code: error.code }),
  );

test('S31: every kind of value crosses a link as it crosses an ask', async () => {
  const wit = readFileSync(fixture('values', 'wit'), 'utf8').replace(/world values \{[^}]*\}/, '');
  const names = ['scalars', 'sequences', 'structures'];
  const world = names.map((name) => `import ${name}; export ${name};`).join(' ');
  const proxy = await compiled(makeForwarder(`${wit} world proxy { ${world} }`));
  await using system = await ActorSystem.create();
  const values = await component(fixture('values'), { name: 'values', links: { 'troupe:values/host': 'echo' } });
  const target = system.spawn(values, 'values', FAST);
  const links = Object.fromEntries(names.map((name) => [`troupe:values/${name}`, target]));
  const linked = await component(proxy, { name: 'proxy', links });
  const ref = system.spawn(linked, 'proxy', FAST);
  const dice = new Dice(31);
  let answered = 0;
  for (const [operation, { type: func }] of linked.shape.operations) {
    for (let round = 0; round < 20; round++) {
      const args = func.params.map((param) => randomValue(dice, param.type, () => undefined));
      const [direct, through] = await Promise.all(
        [target, ref].map((actor) => outcomeOf(actor.askOp(operation, args))),
      );
      assert.deepEqual(through, direct, operation);
      if (Object.hasOwn(direct as object, 'value')) answered++;
    }
  }
  assert.ok(linked.shape.operations.size > 35 && answered > 500, `${answered} answers`);
});

test('S31: records, variants and lists come back unchanged from an actor in TypeScript', async () => {
  const Echo = protocol('demo:echo', {
    ask: Object.fromEntries(
      ['entry', 'shape', 'strings'].map((name) => [
        `troupe:values/host#map-${name}`,
        { in: type<readonly [unknown]>(), out: type<unknown>() },
      ]),
    ),
  });
  const handlers = Object.fromEntries(
    Object.keys(Echo.spec.ask).map((name) => [name, (_: unknown, [value]: readonly [unknown]) => value]),
  );
  await using system = await ActorSystem.create();
  system.spawn(implement(Echo, { init: () => undefined, ask: handlers }), 'echo');
  const values = await component(fixture('values'), { links: { 'troupe:values/host@0.1.0': 'echo' } });
  const ref = system.spawn(values, 'values');
  const cases = {
    entry: { id: 255, name: 'é☃🍰', at: { x: -0, y: Number.NaN }, tags: ['', 'b'.repeat(5_000)], size: 2n ** 64n - 1n },
    shape: { tag: 'polygon', val: [{ x: 1.5, y: 2 }] },
    strings: Array.from({ length: 300 }, (_, index) => `line ${index}`),
  };
  for (const [name, value] of Object.entries(cases)) {
    assert.deepEqual(await ref.askOp(`troupe:values/through-host#${name}-through-host`, [value]), value);
  }
});

test('S32: a call waits no longer than its link, its caller and the deadline of its component allow', async () => {
  await using system = await ActorSystem.create();
  const cases: readonly [Partial<ComponentOptions>, number, number, readonly string[]][] = [
    [{}, 20, 60_000, ['ACTOR_FAILED', 'COMPONENT_LINK_FAILED', 'ASK_TIMEOUT']],
    [{}, 60_000, 20, ['ASK_TIMEOUT']],
    [{ deadlineMs: 20 }, 60_000, 60_000, ['ACTOR_FAILED']],
  ];
  for (const [options, linkMs, askMs, codes] of cases) {
    const target = system.spawn(inTypeScript(() => new Promise(() => {})));
    const links = { 'demo:calc/ops': { actor: target, timeoutMs: linkMs } };
    const ref = system.spawn(await frontOf(links, options), undefined, FAST);
    const startMs = performance.now();
    const found = await failureOf(ref.askOp(OPERATION, [1, 2], { timeoutMs: askMs }));
    assert.deepEqual(found.slice(0, codes.length), codes);
    assert.ok(performance.now() - startMs < 30_000, 'the time of the shortest, not of the others');
    assert.equal(system.info(target).handled, 1);
    target.kill();
  }
});

test('S32: an actor that has no time left for a call drops it unread', async () => {
  const gate = Promise.withResolvers<number>();
  await using system = await ActorSystem.create();
  const target = system.spawn(inTypeScript(() => gate.promise));
  const busy = target.askOp(OPERATION, [0, 0]);
  const links = { 'demo:calc/ops': { actor: target, timeoutMs: 5 } };
  const ref = system.spawn(await frontOf(links), undefined, FAST);
  assert.deepEqual((await failureOf(ref.askOp(OPERATION, [1, 2]))).at(-1), 'ASK_TIMEOUT');
  gate.resolve(1);
  await busy;
  assert.equal(await target.askOp(OPERATION, [1, 1]), 1);
  assert.deepEqual([system.info(target).handled, system.info(target).deadLetters], [2, 1]);
});

const NEVER = { supervision: { restart: 'temporary' } } as const;

/** What may happen to the actor that a link leads to, and the last two codes that the caller's failure carries. */
const FAILURES: readonly {
  what: string;
  codes: readonly string[];
  spawn: (system: ActorSystem) => Promise<unknown>;
}[] = [
  { what: 'is not there', codes: ['ACTOR_NOT_FOUND'], spawn: async () => undefined },
  {
    what: 'has stopped',
    codes: ['ACTOR_NOT_FOUND'],
    spawn: (system) =>
      system
        .spawn(
          doubling((value) => value),
          'double',
        )
        .stop(),
  },
  {
    what: 'has a full mailbox',
    codes: ['MAILBOX_FULL'],
    spawn: async (system) => {
      const busy = system.spawn(
        doubling(() => new Promise(() => {})),
        'double',
        { mailbox: { capacity: 1 }, stopTimeoutMs: 1 },
      );
      void busy.askOp('demo:calc/ops#double', [0]).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      busy.askOp('demo:calc/ops#double', [1]).catch(() => undefined);
    },
  },
  {
    what: 'fails on the call',
    codes: ['ACTOR_FAILED'],
    spawn: async (system) =>
      system.spawn(
        doubling(() => {
          throw new Error('planted');
        }),
        'double',
        NEVER,
      ),
  },
  {
    what: 'is killed while it has the call',
    codes: ['ACTOR_STOPPED'],
    spawn: async (system) => {
      const ref: ActorRef = system.spawn(
        doubling(() => {
          setImmediate(() => ref.kill());
          return new Promise(() => {});
        }),
        'double',
      );
    },
  },
  {
    what: 'has no such operation',
    codes: ['OPERATION_UNKNOWN'],
    spawn: async (system) =>
      system.spawn(
        inTypeScript(() => 1),
        'double',
      ),
  },
  {
    what: 'traps',
    codes: ['ACTOR_FAILED'],
    spawn: async (system) => {
      const wit = `${FALLIBLE} world w { export ops; }`;
      const trapping = await compiled(
        makeGuest(wit, {
          functions: '(func (export "demo:calc/ops@1.0.0#double") (param i32) (result i32) unreachable)',
        }),
      );
      return system.spawn(await component(trapping), 'double', NEVER);
    },
  },
  {
    what: 'is a component that takes messages',
    codes: ['COMPONENT_LINK_INVALID'],
    spawn: async (system) => system.spawn(await component(fixture('echo')), 'double'),
  },
];

for (const { what, codes, spawn } of FAILURES) {
  test(`S33: a call whose actor ${what} gives the guest a failure as a value if its type has room for one`, async () => {
    await using system = await ActorSystem.create();
    await spawn(system);
    const links = { 'demo:calc/ops': { actor: 'double', timeoutMs: 1_000 } };
    const ref = system.spawn(await component(careful, { name: 'careful', links }), 'careful');
    const answer = (await ref.askOp('demo:calc/ops#double', [4])) as { tag: string; val: Record<string, string> };
    assert.equal(answer.tag, 'err');
    assert.deepEqual(answer.val.code, codes[0]);
    assert.deepEqual(Object.keys(answer.val), ['kind', 'code', 'message']);
    assert.equal(system.info(ref).failed, 0, 'the caller goes on');
  });
}

test('S33: an answer that is an error of its own passes as it is', async () => {
  await using system = await ActorSystem.create();
  const refused = { tag: 'err', val: { kind: 'conflict', code: 'ODD', message: 'Only even ones' } };
  system.spawn(
    doubling((value) => (value % 2 === 1 ? refused : { tag: 'ok', val: value * 2 })),
    'double',
  );
  const ref = system.spawn(await component(careful, { links: { 'demo:calc/ops': 'double' } }));
  assert.deepEqual(await ref.askOp('demo:calc/ops#double', [4]), { tag: 'ok', val: 8 });
  assert.deepEqual(await ref.askOp('demo:calc/ops#double', [3]), refused);
});

test('S33: where a type has no room for a failure, the caller fails with the cause, and its supervisor decides', async () => {
  const heard: string[] = [];
  await using system = await ActorSystem.create({ onFailure: ({ error }) => heard.push(error.message) });
  const ref = system.spawn(await frontOf({ 'demo:calc/ops': 'calc' }), 'front', FAST);
  await assert.rejects(ref.askOp(OPERATION, [1, 2]), (error) => {
    assert.ok(RuntimeError.is(error, 'ACTOR_FAILED') && RuntimeError.is(error.cause, 'COMPONENT_LINK_FAILED'));
    assert.deepEqual(error.cause.details, { function: 'demo:calc/ops@1.0.0#add', cause: 'ACTOR_NOT_FOUND' });
    return true;
  });
  assert.match(heard.join(), /The call of "demo:calc\/ops@1\.0\.0#add" failed: Cannot find "calc": no such actor is/);
  system.spawn(await component(calc), 'calc');
  assert.equal(await ref.askOp(OPERATION, [1, 2]), 3, 'a new incarnation, the same link');
  assert.equal(system.info(ref).restarts, 1);
});

test('S33: what an actor in TypeScript replies is checked when it is handed over', async () => {
  await using system = await ActorSystem.create();
  for (const wrong of ['3', -1, undefined, { value: 3 }]) {
    const target = system.spawn(inTypeScript(() => wrong));
    const ref = system.spawn(await frontOf({ 'demo:calc/ops': target }), undefined, FAST);
    assert.deepEqual(await failureOf(ref.askOp(OPERATION, [1, 2])), ['ACTOR_FAILED', 'VALUE_INVALID']);
  }
});

test('S33: values of more than 1 MiB do not pass, in either direction', async () => {
  const wit = 'package demo:echo@1.0.0; interface ops { echo: func(text: string) -> string; }';
  const Echo = protocol('demo:echo', {
    ask: { 'demo:echo/ops#echo': { in: type<readonly [string]>(), out: type<string>() } },
  });
  const ask = {
    'demo:echo/ops#echo': (_: unknown, [text]: readonly [string]) => (text === '' ? 'x'.repeat(2 ** 20) : text),
  };
  await using system = await ActorSystem.create();
  const target = system.spawn(implement(Echo, { init: () => undefined, ask }), 'echo');
  const proxy = await compiled(makeForwarder(`${wit} world w { import ops; export ops; }`));
  const ref = system.spawn(await component(proxy, { links: { 'demo:echo/ops': 'echo' } }), 'proxy', FAST);
  const large = 'x'.repeat(1_000_000);
  assert.equal(await ref.askOp('demo:echo/ops#echo', [large]), large);
  for (const text of ['x'.repeat(2 ** 20), '']) {
    const codes = await failureOf(ref.askOp('demo:echo/ops#echo', [text]));
    assert.deepEqual(codes, ['ACTOR_FAILED', 'COMPONENT_LINK_FAILED', 'MESSAGE_INVALID']);
  }
  assert.equal(system.info(target).handled, 2, 'what is too large is not sent');
});

test('S9: components that call each other in a circle are told so at once, with the path', async () => {
  await using system = await ActorSystem.create();
  const ring = ['a', 'b', 'c'];
  for (const [at, name] of ring.entries()) {
    const next = ring[(at + 1) % ring.length] as string;
    system.spawn(await component(careful, { name, links: { 'demo:calc/ops': next } }), name);
  }
  const answer = (await system.lookup('a')?.askOp('demo:calc/ops#double', [1])) as {
    val: { code: string; message: string };
  };
  assert.equal(answer.val.code, 'ASK_DEADLOCK');
  assert.match(answer.val.message, /"c" → "a" → "b" → "c"/);
});

test('S17: a caller that is killed in the middle of a call leaves nothing behind', async () => {
  await using system = await ActorSystem.create();
  const gate = Promise.withResolvers<number>();
  const target = system.spawn(inTypeScript(() => gate.promise));
  const ref = system.spawn(await frontOf({ 'demo:calc/ops': target }), 'front');
  const asked = failureOf(ref.askOp(OPERATION, [1, 2]));
  while (system.info(target).handled === 0) await new Promise((resolve) => setImmediate(resolve));
  ref.kill();
  assert.deepEqual(await asked, ['ACTOR_STOPPED']);
  gate.resolve(3);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([system.size, system.pendingTimers], [1, 0]);
});

test('S9: components that need each other to start are told so at once', async () => {
  const wit = `package demo:calc@1.0.0;
    interface ops { add: func(a: u32, b: u32) -> u32; }
    world w { import ops; export ops; export troupe:actor/lifecycle@0.1.0; }
    package troupe:actor@0.1.0 { interface lifecycle { start: func(config: list<u8>) -> result<_, string>; } }`;
  const imports = '(import "demo:calc/ops@1.0.0" "add" (func $add (param i32 i32) (result i32)))';
  const start = `(func (export "troupe:actor/lifecycle@0.1.0#start") (param i32 i32) (result i32)
    (drop (call $add (i32.const 1) (i32.const 2))) (i32.const 1024))`;
  const needy = await compiled(makeGuest(wit, { imports, functions: ADD + start }));
  await using system = await ActorSystem.create();
  const [a, b] = [{ 'demo:calc/ops': 'b' }, { 'demo:calc/ops': 'a' }];
  const types = [await component(needy, { name: 'a', links: a }), await component(needy, { name: 'b', links: b })];
  const refs = types.map((made) => system.spawn(made, made.name, NEVER));
  const [first, second] = await Promise.all(refs.map((ref) => failureOf(ref.ready)));
  assert.deepEqual(first, ['ACTOR_START_FAILED', 'COMPONENT_LINK_FAILED', 'ACTOR_STOPPED']);
  assert.deepEqual(second, ['ACTOR_START_FAILED', 'COMPONENT_LINK_FAILED', 'ASK_DEADLOCK']);
});

test('S31: callers wait each for itself', async () => {
  const calls: number[] = [];
  await using system = await ActorSystem.create();
  system.spawn(
    inTypeScript((a, b) => {
      calls.push(a, b);
      return a + b;
    }),
    'calc',
  );
  const links = { 'demo:calc/ops': { actor: 'calc', timeoutMs: 1_000 } };
  const proxies = await Promise.all(['one', 'two'].map(async (name) => [name, await frontOf(links)] as const));
  const refs = proxies.map(([name, type]) => system.spawn(type, name));
  assert.deepEqual(await Promise.all(refs.map((ref, at) => ref.askOp(OPERATION, [at, 1]))), [1, 2]);
  assert.deepEqual(calls, [0, 1, 1, 1]);
});
