import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { type HostFunction, HostResourceType } from '../host.ts';
import { parseWat } from '../tooling/index.ts';
import { type CallSource, type CompiledComponent, type ComponentInstance, compileComponent } from './index.ts';

/**
 * Calls of the host: `note(number)`, which may wait, and `make()`, a resource. `twice` notes 1 and 2, whatever it can
 * catch; `trap` ends in `unreachable`; `hold` takes a resource and keeps it; `add` calls nobody.
 */
const GUEST = `(component
  (import "host" (instance $h (export "r" (type $r (sub resource))) (export "note" (func (param "n" u32)))
    (export "make" (func (result (own $r))))))
  (alias export $h "r" (type $r))
  (core func $note (canon lower (func $h "note"))) (core func $make (canon lower (func $h "make")))
  (core module $M
    (import "" "note" (func $note (param i32))) (import "" "make" (func $make (result i32)))
    (memory (export "memory") 1)
    (func (export "twice")
      try (call $note (i32.const 1)) catch_all end
      try (call $note (i32.const 2)) catch_all end)
    (func (export "trap") (drop (call $make)) (unreachable))
    (func (export "hold") (drop (call $make)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
    (func (export "text") (param i32 i32)))
  (core instance $m (instantiate $M (with "" (instance (export "note" (func $note)) (export "make" (func $make))))))
  (func (export "twice") (canon lift (core func $m "twice")))
  (func (export "trap") (canon lift (core func $m "trap")))
  (func (export "hold") (canon lift (core func $m "hold")))
  (func (export "text") (param "x" string)
    (canon lift (core func $m "text") (memory $m "memory") (realloc (func $m "realloc"))))
  (type $pair' (record (field "a" u32) (field "b" u32))) (export $pair "pair" (type $pair'))
  (func (export "add") (param "x" $pair) (result u32) (canon lift (core func $m "add"))))`;

const guest: CompiledComponent = await compileComponent(await parseWat(GUEST));

interface Scene {
  readonly instance: ComponentInstance;
  readonly notes: number[];
  /** Resources that were dropped. */
  readonly dropped: object[];
}

async function scene(note: (n: number, instance: ComponentInstance) => unknown = () => undefined): Promise<Scene> {
  const notes: number[] = [];
  const dropped: object[] = [];
  const instance = await guest.instantiate({
    host: {
      r: new HostResourceType('r', (value) => dropped.push(value)),
      make: () => ({}),
      note: (n: number) => {
        notes.push(n);
        return note(n, instance);
      },
    },
  });
  return { instance, notes, dropped };
}

const fails =
  (code: string, pattern = /./) =>
  (error: unknown): boolean => {
    assert.ok(RuntimeError.is(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };

test('LK1: instances share what was made of the component and nothing else', async () => {
  const [first, second] = [await scene(), await scene()];
  await first.instance.call('hold');
  await assert.rejects(first.instance.call('trap'));
  assert.equal(second.instance.failure, undefined);
  assert.equal(await second.instance.call('add', [{ a: 1, b: 2 }]), 3);
  assert.equal(first.dropped.length, 2);
  assert.equal(second.dropped.length, 0);
});

test('LK2: a second call is refused while one waits, and taken when it is over', async () => {
  const gate = Promise.withResolvers<void>();
  const { instance } = await scene(() => gate.promise);
  const waiting = instance.call('twice');
  assert.equal(instance.busy, true);
  await assert.rejects(instance.call('add', [{ a: 1, b: 2 }]), fails('COMPONENT_BUSY', /second instance or queue/));
  gate.resolve();
  await waiting;
  assert.equal(instance.busy, false);
  assert.equal(await instance.call('add', [{ a: 1, b: 2 }]), 3);
});

test('LK2: a host function cannot call the instance that called it', async () => {
  let inner: Promise<unknown> | undefined;
  const { instance } = await scene((n, self) => {
    if (n === 1) inner = self.call('add', [{ a: 1, b: 2 }]).catch((error: RuntimeError) => error.code);
  });
  await instance.call('twice');
  assert.equal(await inner, 'COMPONENT_BUSY');
});

test('LK3: what ended an instance is named once and for all, and it owns nothing any more', async () => {
  const { instance, dropped } = await scene();
  await instance.call('hold');
  assert.equal(instance.memoryBytes, 65_536);
  await assert.rejects(instance.call('trap'), fails('COMPONENT_TRAPPED'));
  assert.equal(instance.failure?.details.trap, 'unreachable');
  assert.equal(dropped.length, 2);
  assert.equal(instance.memoryBytes, 0);
  instance.kill();
  assert.equal(instance.failure?.code, 'COMPONENT_TRAPPED');
  await assert.rejects(instance.call('add', [{ a: 1, b: 2 }]), (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_DEAD'));
    assert.equal(error.cause, instance.failure);
    return true;
  });
});

test('LK3: an exit ends the instance with what the host threw', async () => {
  const exit = new RuntimeError('COMPONENT_EXITED', 'enough', { details: { status: 3 } });
  const { instance, notes } = await scene(() => {
    throw exit;
  });
  await assert.rejects(instance.call('twice'), exit);
  assert.equal(instance.failure, exit);
  assert.deepEqual(notes, [1]);
});

test('LK3: a kill in a host function, in an argument, in the source of calls: no more code runs', async () => {
  const inside = await scene((_, instance) => instance.kill());
  await assert.rejects(inside.instance.call('twice'), fails('COMPONENT_KILLED'));
  assert.deepEqual(inside.notes, [1]);

  const argument = await scene();
  const lethal = {
    get a() {
      argument.instance.kill();
      return 1;
    },
    b: 2,
  };
  await assert.rejects(argument.instance.call('add', [lethal]), fails('COMPONENT_KILLED'));

  for (const calls of [0, 1]) {
    const { instance, notes } = await scene();
    let taken = 0;
    const source: CallSource = {
      next: () => {
        if (taken++ < calls) return { func: guest.exports[0] as never, args: [] };
        instance.kill();
        return undefined;
      },
      done: () => undefined,
      invalid: assert.fail,
    };
    await assert.rejects(async () => instance.pump(source), fails('COMPONENT_KILLED'));
    assert.equal(instance.busy, false);
    assert.equal(notes.length, 2 * calls);
  }
});

test('LK3: what the source of calls throws ends the instance, wherever it throws', async () => {
  for (const place of ['next', 'done', 'invalid'] as const) {
    const { instance, dropped } = await scene();
    await instance.call('hold');
    const thrown = new Error(place);
    const call = { func: guest.export(place === 'invalid' ? 'add' : 'hold') as never, args: [] };
    const source: CallSource = { next: () => call, done: () => undefined, invalid: () => undefined };
    source[place] = () => {
      throw thrown;
    };
    await assert.rejects(async () => instance.pump(source), fails('INTERNAL', new RegExp(place)));
    assert.equal(instance.busy, false);
    assert.equal(instance.failure?.cause, thrown);
    assert.ok(dropped.length > 0);
  }
});

test('LK3: a turn does not begin with a function of another component', async () => {
  const other = await compileComponent(await parseWat(GUEST));
  const { instance } = await scene();
  const source: CallSource = {
    next: () => ({ func: other.exports[0] as never, args: [] }),
    done: assert.fail,
    invalid: assert.fail,
  };
  await assert.rejects(async () => instance.pump(source), fails('INTERNAL', /a function of its own component/));
});

test('LK4: a kill of a guest that waits settles its call; the guest sees neither that nor what it waited for', async () => {
  const gate = Promise.withResolvers<void>();
  const { instance, notes } = await scene(() => gate.promise);
  const reason = new RuntimeError('COMPONENT_DEADLINE', 'late');
  const call = instance.call('twice');
  instance.kill(reason);
  instance.kill();
  await assert.rejects(call, reason);
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(notes, [1]);
});

test('LK4: a kill between the end of a wait and the guest noticing it: no more calls of the host', async () => {
  for (let ticks = 0; ticks < 10; ticks++) {
    let after = 0;
    const { instance, notes } = await scene((n, self) => {
      if (self.failure !== undefined) after++;
      if (n !== 1) return undefined;
      const settled = Promise.resolve();
      let moment: Promise<void> = settled;
      for (let tick = 0; tick < ticks; tick++) moment = moment.then(() => undefined);
      void moment.then(() => self.kill());
      return settled;
    });
    await instance.call('twice').catch(fails('COMPONENT_KILLED'));
    assert.equal(after, 0, `${ticks} ticks: ${notes}`);
  }
});

const STARTING = `(component
  (import "host" (instance $h (export "wait" (func (result u32))) (export "other" (func))))
  (core func $wait (canon lower (func $h "wait"))) (core func $other (canon lower (func $h "other")))
  (core module $M (import "" "wait" (func $wait (result i32))) (import "" "other" (func))
    (func $start (loop $again (drop (call $wait)) (br $again))) (start $start))
  (core instance (instantiate $M (with "" (instance (export "wait" (func $wait)) (export "other" (func $other)))))))`;

test('LK4: a signal ends an instance whose start function waits', async () => {
  const starting = await compileComponent(await parseWat(STARTING));
  const controller = new AbortController();
  let waits = 0;
  const wait: HostFunction = () => {
    waits++;
    return new Promise(() => undefined);
  };
  const making = starting.instantiate({ host: { wait, other: () => undefined } }, { signal: controller.signal });
  const reason = new RuntimeError('COMPONENT_KILLED', 'not wanted');
  controller.abort(reason);
  await assert.rejects(making, reason);
  assert.equal(waits, 1);
  const { signal } = controller;
  await assert.rejects(starting.instantiate({ host: { wait, other: () => undefined } }, { signal }), reason);
  assert.equal(waits, 1, 'nothing of it ran');
});

test('LK5: instantiate names all imports that are missing before anything runs', async () => {
  const starting = await compileComponent(await parseWat(STARTING));
  await assert.rejects(starting.instantiate({ host: {} }), (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_IMPORT_MISSING'));
    assert.deepEqual(error.details.missing, ['host#wait', 'host#other']);
    return true;
  });
  assert.deepEqual(starting.missing({ host: { wait: () => 0 } }), ['host#other']);
  await assert.rejects(
    starting.instantiate({ host: { wait: () => assert.fail('it ran'), other: new HostResourceType('other') } }),
    fails('COMPONENT_IMPORT_MISSING', /"host#other" is not a function/),
  );
});

test('LK6: calls inside each other have a depth', async () => {
  const chain = (length: number): string => `(component
    (import "host" (func $h (param "x" u32) (result u32)))
    (component $C (import "f" (func $f (param "x" u32) (result u32)))
      (core func $l (canon lower (func $f)))
      (core module $M (import "" "f" (func $f (param i32) (result i32)))
        (func (export "g") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))
      (core instance $m (instantiate $M (with "" (instance (export "f" (func $l))))))
      (func (export "g") (param "x" u32) (result u32) (canon lift (core func $m "g"))))
    (instance $i0 (instantiate $C (with "f" (func $h))))
    ${Array.from(
      { length },
      (_, at) => `(alias export $i${at} "g" (func $g${at}))
        (instance $i${at + 1} (instantiate $C (with "f" (func $g${at}))))`,
    ).join('\n')}
    (alias export $i${length} "g" (func $g)) (export "g" (func $g)))`;
  for (const host of [(x: number) => x, async (x: number) => x]) {
    const fits = await (await compileComponent(await parseWat(chain(64)))).instantiate({ host });
    assert.equal(await fits.call('g', [1]), 66);
    assert.equal(await fits.call('g', [1]), 66);
    const deep = await (await compileComponent(await parseWat(chain(900)))).instantiate({ host });
    await assert.rejects(deep.call('g', [1]), fails('COMPONENT_TRAPPED', /more than 64 calls/));
  }
});

test('LK6: a destructor that traps ends the composition, though the host swallows what it threw', async () => {
  const bytes = await parseWat(`(component
    (component $B
      (core module $D (func (export "dtor") (param i32) unreachable)) (core instance $d (instantiate $D))
      (type $r' (resource (rep i32) (dtor (func $d "dtor")))) (core func $new (canon resource.new $r'))
      (core module $M (import "" "new" (func $new (param i32) (result i32)))
        (func (export "make") (result i32) (call $new (i32.const 7))))
      (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
      (export $r "r" (type $r')) (func (export "make") (result (own $r)) (canon lift (core func $m "make"))))
    (instance $b (instantiate $B)) (alias export $b "r" (type $r)) (alias export $b "make" (func $make))
    (export $rx "r" (type $r)) (export "make" (func $make) (func (result (own $rx))))
    (import "drop" (func $drop))
    (component $A (import "drop" (func $drop)) (core func $l (canon lower (func $drop)))
      (core module $M (import "" "drop" (func $drop)) (func (export "run") (call $drop) (call $drop)))
      (core instance $m (instantiate $M (with "" (instance (export "drop" (func $l))))))
      (func (export "run") (canon lift (core func $m "run"))))
    (instance $a (instantiate $A (with "drop" (func $drop)))) (alias export $a "run" (func $run))
    (export "run" (func $run)))`);
  let resource: { drop(): void } | undefined;
  let drops = 0;
  const drop = (): void => {
    drops++;
    assert.throws(() => resource?.drop(), fails('COMPONENT_TRAPPED'));
  };
  const instance = await (await compileComponent(bytes)).instantiate({ drop });
  resource = (await instance.call('make')) as { drop(): void };
  await assert.rejects(instance.call('run'), fails('COMPONENT_TRAPPED'));
  assert.equal(drops, 1);
  assert.equal(instance.failure?.details.trap, 'unreachable');
});

const ABI = `(component
  (import "host" (instance $h (export "text" (func (param "x" string))) (export "wait" (func (result u32)))))
  (core module $A (memory (export "memory") 1)) (core instance $a (instantiate $A))
  (core func $text (canon lower (func $h "text") (memory $a "memory")))
  (core func $wait (canon lower (func $h "wait")))
  (core module $M (import "" "text" (func $text (param i32 i32))) (import "" "wait" (func $wait (result i32)))
    (func (export "break") try (call $text (i32.const -8) (i32.const 16)) catch_all end)
    (func (export "wait") (result i32) (call $wait))
    (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $m (instantiate $M (with "" (instance (export "text" (func $text)) (export "wait" (func $wait))))))
  (func (export "break") (canon lift (core func $m "break")))
  (func (export "wait") (result u32) (canon lift (core func $m "wait")))
  (func (export "next") (param "x" u32) (result u32) (canon lift (core func $m "next"))))`;

test('C2: a broken rule of the canonical ABI ends the guest, whatever it tries to catch', async () => {
  const abi = await compileComponent(await parseWat(ABI));
  const instance = await abi.instantiate({ host: { text: assert.fail, wait: () => 1 } });
  await assert.rejects(instance.call('break'), fails('COMPONENT_TRAPPED', /outside of its memory/));
  assert.equal(instance.failure?.details.rule, 'string-bounds');
});

test('C4: while a guest waits for the host, the thread is free', async () => {
  const abi = await compileComponent(await parseWat(ABI));
  let turns = 0;
  const wait = async (): Promise<number> => {
    for (; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
    return turns;
  };
  const instance = await abi.instantiate({ host: { text: () => undefined, wait } });
  const other = await abi.instantiate({ host: { text: () => undefined, wait: () => 9 } });
  const waiting = instance.call('wait');
  assert.equal(await other.call('wait'), 9);
  assert.equal(await waiting, 3);
});

test('C5: a turn takes many calls at once and is over when it returns', async () => {
  const abi = await compileComponent(await parseWat(ABI));
  const instance = await abi.instantiate({ host: { text: () => undefined, wait: () => 1 } });
  const func = abi.export('next') as never;
  const results: unknown[] = [];
  let taken = 0;
  const source: CallSource = {
    next: () => (taken < 1_000 ? { func, args: [taken++] } : undefined),
    done: (result) => results.push(result),
    invalid: assert.fail,
  };
  assert.equal(instance.pump(source), undefined);
  assert.deepEqual(
    results,
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
});
