import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { Debt } from '../abi/index.ts';
import { parseWat } from '../tooling/index.ts';
import { type CompiledComponent, compileComponent, FUEL_SLICE, type FuelSupply, type GrowRefusal } from './index.ts';

/** `spin` never ends; `count` loops so many times; `text` allocates in a loop without end when asked for 666 bytes; `later` has a post-return that loops. */
const GUEST = await compileComponent(
  await parseWat(`(component
  (core module $M
    (memory (export "memory") 1)
    (func (export "spin") (loop (br 0)))
    (func (export "catching") (loop $l try (loop (br 0)) catch_all end br $l))
    (func (export "count") (param $n i32) (result i32) (local $i i32)
      (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $i))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.eq (local.get 3) (i32.const 666)) (then (loop (br 0)))) (i32.const 8))
    (func (export "text") (param i32 i32))
    (func (export "later") (result i32) (i32.const 16))
    (func (export "after") (param i32) (loop (br 0))))
  (core instance $m (instantiate $M))
  (func (export "spin") (canon lift (core func $m "spin")))
  (func (export "catching") (canon lift (core func $m "catching")))
  (func (export "count") (param "n" u32) (result u32) (canon lift (core func $m "count")))
  (func (export "later") (result string) (canon lift (core func $m "later") (memory $m "memory") (post-return (func $m "after"))))
  (func (export "text") (param "x" string)
    (canon lift (core func $m "text") (memory $m "memory") (realloc (func $m "realloc")))))`),
  { metered: true },
);

/** Gives `slices` of fuel, and then none; remembers what was used. */
class Rations implements FuelSupply {
  units = 0;
  readonly entries: (number | undefined)[] = [];
  #slices: number;

  constructor(slices: number) {
    this.#slices = slices;
  }

  refuel(units: number, entry: number | undefined): number {
    this.units += units;
    this.entries.push(entry);
    if (this.#slices-- === 0) throw new RuntimeError('COMPONENT_LIMIT', 'no fuel');
    return FUEL_SLICE;
  }

  spend(units: number): void {
    this.units += units;
  }
}

for (const name of ['spin', 'catching']) {
  test(`instantiate ends a guest whose fuel is used up (${name}), which it cannot catch`, async () => {
    const fuel = new Rations(10);
    const instance = await GUEST.instantiate({}, { fuel });
    await assert.rejects(instance.call(name), { code: 'COMPONENT_LIMIT', message: 'no fuel' });
    assert.equal(instance.failure?.code, 'COMPONENT_LIMIT');
    assert.ok(fuel.units >= 11 * FUEL_SLICE);
  });
}

test('instantiate charges the same call the same, whatever was called before', async () => {
  const fuel = new Rations(1_000);
  const instance = await GUEST.instantiate({}, { fuel });
  const unitsOf = async (n: number): Promise<number> => {
    const before = fuel.units;
    assert.equal(await instance.call('count', [n]), n);
    return fuel.units - before;
  };
  const units = [await unitsOf(100_000), await unitsOf(7), await unitsOf(100_000), await unitsOf(7)];
  assert.deepEqual(units.slice(0, 2), units.slice(2));
  assert.ok((units[0] as number) > 400_000 && (units[0] as number) < 1_500_000, String(units[0]));
});

test('instantiate suspends a guest until its supply says that it is its turn', async () => {
  const turns: (() => void)[] = [];
  let isTurn = false;
  const fuel: FuelSupply = {
    refuel: () => {
      if (isTurn) {
        isTurn = false;
        return FUEL_SLICE;
      }
      return new Promise<void>((resolve) => turns.push(resolve));
    },
    spend: () => undefined,
  };
  const instance = await GUEST.instantiate({}, { fuel });
  let result: unknown;
  const running = instance.call('count', [300_000]).then((value) => {
    result = value;
  });
  let given = 0;
  while (result === undefined) {
    const turn = turns.shift();
    if (turn !== undefined) {
      given++;
      isTurn = true;
      turn();
    }
    await new Promise(setImmediate);
  }
  await running;
  assert.equal(result, 300_000);
  assert.ok(given > 3, `${given} turns`);
});

test('instantiate kills a guest that waits for its turn', async () => {
  const fuel: FuelSupply = { refuel: () => new Promise<void>(() => undefined), spend: () => undefined };
  const instance = await GUEST.instantiate({}, { fuel });
  const running = instance.call('catching');
  assert.ok(instance.busy);
  instance.kill();
  await assert.rejects(running, { code: 'COMPONENT_KILLED' });
});

test('instantiate tells its supply where a guest cannot wait, and ends one whose supply wants it to', async () => {
  const fuel = new Rations(3);
  const instance = await GUEST.instantiate({}, { fuel });
  await assert.rejects(instance.call('text', ['x'.repeat(666)]), { code: 'COMPONENT_LIMIT' });
  assert.deepEqual(fuel.entries, [1, 0, 0, 0]);
  const waiting: FuelSupply = { refuel: () => Promise.resolve(), spend: () => undefined };
  const other = await GUEST.instantiate({}, { fuel: waiting });
  await assert.rejects(other.call('text', ['x'.repeat(666)]), {
    code: 'COMPONENT_TRAPPED',
    message: /cannot be suspended/,
  });
});

test('instantiate ends a post-return that loops', async () => {
  const fuel = new Rations(3);
  const instance = await GUEST.instantiate({}, { fuel });
  await assert.rejects(instance.call('later'), { code: 'COMPONENT_LIMIT' });
  assert.deepEqual(fuel.entries, [undefined, undefined, undefined, undefined]);
});

test('instantiate charges calls of the host: a guest that does nothing else asks for fuel again and again', async () => {
  const guest = await compileComponent(
    await parseWat(`(component
      (import "note" (func $note))
      (core func $n (canon lower (func $note)))
      (core module $M (import "" "note" (func $note))
        (func (export "call") (param $n i32)
          (loop $l (call $note) (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n)))))
      (core instance $m (instantiate $M (with "" (instance (export "note" (func $n))))))
      (func (export "call") (param "n" u32) (canon lift (core func $m "call"))))`),
    { metered: true },
  );
  const fuel = new Rations(1_000);
  let calls = 0;
  const instance = await guest.instantiate({ note: () => void calls++ }, { fuel });
  await instance.call('call', [10_000]);
  assert.equal(calls, 10_000);
  assert.ok(fuel.units >= 10_000 * 1_000, `${fuel.units} units`);
  assert.ok(fuel.entries.length >= 50);
});

/** `pass` hands the host so many bytes, again and again; `get` is given them; a `thing` hands them over when it is dropped. */
const PASSING = await compileComponent(
  await parseWat(`(component
    (import "take" (func $take (param "x" (list u8))))
    (import "give" (func $give (result (list u8))))
    (core module $A (memory (export "memory") 20) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $a (instantiate $A))
    (core func $t (canon lower (func $take) (memory $a "memory") (realloc (func $a "realloc"))))
    (core func $g (canon lower (func $give) (memory $a "memory") (realloc (func $a "realloc"))))
    (core module $D (import "" "take" (func $take (param i32 i32)))
      (func (export "dtor") (param i32) (loop $l (call $take (i32.const 0) (i32.const 1000000)) (br $l))))
    (core instance $d (instantiate $D (with "" (instance (export "take" (func $t))))))
    (type $thing' (resource (rep i32) (dtor (func $d "dtor"))))
    (export $thing "thing" (type $thing'))
    (core func $new (canon resource.new $thing'))
    (core module $M
      (import "" "take" (func $take (param i32 i32))) (import "" "give" (func $give (param i32)))
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "pass") (param $bytes i32) (param $n i32)
        (loop $l (call $take (i32.const 0) (local.get $bytes))
          (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
      (func (export "get") (call $give (i32.const 16)))
      (func (export "make") (result i32) (call $new (i32.const 7))))
    (core instance $m (instantiate $M (with "" (instance
      (export "take" (func $t)) (export "give" (func $g)) (export "new" (func $new))))))
    (func (export "pass") (param "bytes" u32) (param "times" u32) (canon lift (core func $m "pass")))
    (func (export "get") (canon lift (core func $m "get")))
    (func (export "make") (result (own $thing)) (canon lift (core func $m "make"))))`),
  { metered: true },
);

test('instantiate charges what crosses by its bytes, in both directions', async () => {
  const fuel = new Rations(1_000);
  const instance = await PASSING.instantiate({ take: () => undefined, give: () => new Uint8Array(500_000) }, { fuel });
  const unitsOf = async (name: string, args: readonly number[]): Promise<number> => {
    const before = fuel.units;
    await instance.call(name, args);
    return fuel.units - before;
  };
  const none = await unitsOf('pass', [0, 1]);
  assert.ok(none < 5_000, `${none}`);
  assert.equal(await unitsOf('pass', [100_000, 1]), none + 100_000);
  assert.equal(await unitsOf('pass', [1_000_000, 3]), await unitsOf('pass', [1_000_000, 3]));
  const given = await unitsOf('get', []);
  assert.ok(given >= 500_000 && given < 510_000, `${given}`);
});

test('instantiate suspends a guest at the call of the host that has used up its turn', async () => {
  let calls = 0;
  let isTurn = true;
  const turns: (() => void)[] = [];
  const fuel: FuelSupply = {
    refuel: () => {
      if (!isTurn) return new Promise<void>((resolve) => turns.push(resolve));
      isTurn = false;
      return FUEL_SLICE;
    },
    spend: () => undefined,
  };
  const instance = await PASSING.instantiate({ take: () => void calls++, give: () => undefined }, { fuel });
  let isOver = false;
  const running = instance.call('pass', [1_000_000, 5]).then(() => {
    isOver = true;
  });
  const seen: number[] = [];
  while (!isOver) {
    seen.push(calls);
    isTurn = true;
    turns.shift()?.();
    await new Promise(setImmediate);
  }
  await running;
  assert.deepEqual([...new Set(seen)], [2, 3, 4, 5], 'the first one had the turn that was there');
});

test('instantiate kills a guest that waits for its turn at a call of the host', async () => {
  let calls = 0;
  const fuel: FuelSupply = { refuel: () => new Promise<void>(() => undefined), spend: () => undefined };
  const instance = await PASSING.instantiate({ take: () => void calls++, give: () => undefined }, { fuel });
  const running = instance.call('pass', [1_000_000, 5]);
  assert.ok(instance.busy);
  instance.kill();
  await assert.rejects(running, { code: 'COMPONENT_KILLED' });
  assert.equal(calls, 1);
});

test('instantiate ends a destructor that has the host work without end', async () => {
  let calls = 0;
  const fuel = new Rations(10);
  const instance = await PASSING.instantiate({ take: () => void calls++, give: () => undefined }, { fuel });
  // Its code asks for fuel once before it calls, then each call does.
  const thing = (await instance.call('make')) as { drop(): void };
  assert.throws(() => thing.drop(), { code: 'COMPONENT_LIMIT' });
  assert.equal(calls, 10);
  assert.equal(instance.failure?.code, 'COMPONENT_LIMIT');
});

test('instantiate charges the work that a host function adds to the debt', async () => {
  const debt = new Debt();
  const fuel = new Rations(10);
  const give = () => {
    debt.units += 123_000;
    return new Uint8Array(0);
  };
  const instance = await PASSING.instantiate({ take: () => undefined, give }, { fuel, debt });
  await instance.call('get');
  assert.ok(fuel.units >= 123_000);
  assert.equal(debt.units, 0);
});

test('instantiate has a guest pay for destructors when it drops what another component made, and wait there', async () => {
  const guest = await compileComponent(
    await parseWat(`(component
      (component $B
        (core module $D (func (export "dtor") (param i32) (local $n i32) (local.set $n (i32.const 100000))
          (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
        (core instance $d (instantiate $D))
        (type $thing' (resource (rep i32) (dtor (func $d "dtor"))))
        (export $thing "thing" (type $thing'))
        (core func $new (canon resource.new $thing'))
        (core module $M (import "" "new" (func $new (param i32) (result i32)))
          (func (export "make") (result i32) (call $new (i32.const 7))))
        (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
        (func (export "make") (result (own $thing)) (canon lift (core func $m "make"))))
      (instance $b (instantiate $B))
      (alias export $b "thing" (type $thing))
      (alias export $b "make" (func $make))
      (core func $make (canon lower (func $make)))
      (core func $drop (canon resource.drop $thing))
      (core module $M (import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))
        (func (export "f") (param $n i32)
          (loop $l (call $drop (call $make)) (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
      (core instance $m (instantiate $M (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
      (func (export "f") (param "times" u32) (canon lift (core func $m "f"))))`),
    { metered: true },
  );
  let waits = 0;
  let isTurn = false;
  let units = 0;
  const fuel: FuelSupply = {
    refuel(used, entries) {
      if (entries !== undefined) return FUEL_SLICE;
      units += used;
      isTurn = !isTurn;
      if (isTurn) return FUEL_SLICE;
      waits++;
      return Promise.resolve();
    },
    spend: (used) => {
      units += used;
    },
  };
  const instance = await guest.instantiate({}, { fuel });
  await instance.call('f', [20]);
  assert.ok(waits >= 10, `${waits} waits`);
  assert.ok(units > 20 * 300_000 && units < 20 * 1_000_000, `${units} units`);
});

test('instantiate names the limit of a guest that traps after it might not grow, and of no other', async () => {
  const guest = await compileComponent(
    await parseWat(`(component
      (core module $M (memory 1)
        (func $over (param i32) (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then (unreachable))))
        (func (export "over") (param i32) (call $over (local.get 0)))
        (func (export "again") (param i32) (drop (memory.grow (local.get 0))) (drop (memory.grow (i32.const 1))) (unreachable))
        (func (export "probe") (param i32) (drop (memory.grow (local.get 0))))
        (func (export "divide") (param i32) (drop (memory.grow (local.get 0))) (drop (i32.div_u (i32.const 1) (i32.const 0))))
        (func (export "trap") (param i32) (unreachable)))
      (core instance $m (instantiate $M))
      (func (export "over") (param "n" u32) (canon lift (core func $m "over")))
      (func (export "again") (param "n" u32) (canon lift (core func $m "again")))
      (func (export "probe") (param "n" u32) (canon lift (core func $m "probe")))
      (func (export "divide") (param "n" u32) (canon lift (core func $m "divide")))
      (func (export "trap") (param "n" u32) (canon lift (core func $m "trap"))))`),
    { metered: true, limits: { memoryBytes: 1_048_576 } },
  );
  const refusals: GrowRefusal[] = [];
  const endOf = async (...names: string[]): Promise<RuntimeError | undefined> => {
    const instance = await guest.instantiate({}, { onGrowRefused: (refusal) => refusals.push(refusal) });
    for (const name of names) await instance.call(name, [0xffff_ffff]).catch(() => undefined);
    return instance.failure;
  };
  const details = { limit: 'memory', limitValue: 1_048_576, used: 65_536, refusedBytes: 0x7fff_ffff * 65_536 };
  const over = await endOf('over');
  assert.equal(over?.code, 'COMPONENT_LIMIT');
  const { backtrace: _, ...named } = over.details;
  assert.deepEqual(named, { trap: 'unreachable', ...details });
  assert.equal((await endOf('again'))?.code, 'COMPONENT_TRAPPED', 'it had more after all');
  assert.equal((await endOf('probe', 'trap'))?.code, 'COMPONENT_TRAPPED', 'that was another call');
  assert.equal((await endOf('divide'))?.code, 'COMPONENT_TRAPPED', 'no allocator ends so');
  assert.equal((await endOf('trap'))?.code, 'COMPONENT_TRAPPED');
  assert.equal(refusals.length, 4);
});

/** A chain of components, each of which computes for `units` and calls the next one `times`; the last one computes only. */
async function chain(depth: number, { times, loops }: { times: number; loops: number }): Promise<CompiledComponent> {
  const compute = `(local.set $n (i32.const ${loops}))
    (loop $c (br_if $c (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`;
  const link = (nth: number): string =>
    nth === 0
      ? `(component $C0
          (core module $M (func (export "f") (local $n i32) ${compute}))
          (core instance $m (instantiate $M))
          (func (export "f") (canon lift (core func $m "f"))))`
      : `(component $C${nth}
          (import "f" (func $f))
          (core func $lowered (canon lower (func $f)))
          (core module $M (import "" "f" (func $f))
            (func (export "f") (local $n i32) (local $t i32) ${compute}
              (local.set $t (i32.const ${times}))
              (loop $l (call $f) (br_if $l (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))))
          (core instance $m (instantiate $M (with "" (instance (export "f" (func $lowered))))))
          (func (export "f") (canon lift (core func $m "f"))))`;
  const levels = Array.from({ length: depth }, (_, nth) => nth);
  const wat = `(component ${levels.map(link).join('\n')}
    (instance $i0 (instantiate $C0))
    ${levels
      .slice(1)
      .map((nth) => `(instance $i${nth} (instantiate $C${nth} (with "f" (func $i${nth - 1} "f"))))`)
      .join('\n')}
    (export "f" (func $i${depth - 1} "f")))`;
  return compileComponent(await parseWat(wat), { metered: true });
}

test('S82: instantiate counts the fuel of all components of a composition as one, however deep they call each other', async () => {
  const loops = 10_000;
  const [alone, deep, wide] = await Promise.all([
    chain(1, { times: 0, loops }),
    chain(20, { times: 1, loops }),
    chain(7, { times: 3, loops }),
  ]);
  const unitsOf = async (component: CompiledComponent): Promise<number> => {
    const fuel = new Rations(1_000_000);
    const instance = await component.instantiate({}, { fuel });
    await instance.call('f');
    return fuel.units;
  };
  const one = await unitsOf(alone);
  const calls = { deep: 20, wide: (3 ** 7 - 1) / 2 };
  for (const [units, count] of [
    [await unitsOf(deep), calls.deep],
    [await unitsOf(wide), calls.wide],
  ] as const) {
    assert.ok(units >= one * count && units < (one + 2_000) * count, `${units} units for ${count} times ${one}`);
  }
});

test('S82: instantiate ends a composition by what all of its components use, and has it wait between their calls', async () => {
  const component = await chain(3, { times: 100, loops: 60_000 });
  const asked: number[] = [];
  let used = 0;
  const fuel: FuelSupply = {
    refuel(units) {
      asked.push(units);
      used += units;
      if (used > 20_000_000) throw new RuntimeError('COMPONENT_FUEL', 'no fuel');
      return asked.length % 2 === 0 ? Promise.resolve() : FUEL_SLICE;
    },
    spend: (units) => {
      used += units;
    },
  };
  const instance = await component.instantiate({}, { fuel });
  await assert.rejects(instance.call('f'), { code: 'COMPONENT_FUEL' });
  assert.ok(used < 21_000_000, `${used} units`);
  assert.ok(Math.max(...asked) < 3 * FUEL_SLICE, `${Math.max(...asked)} units between two answers`);
});

test('instantiate ends a guest whose host throws when it hears that the guest may not grow, which it cannot catch', async () => {
  const guest = await compileComponent(
    await parseWat(`(component
      (core module $M (memory 1)
        (func (export "f") (loop $l try (drop (memory.grow (i32.const -1))) catch_all end (br $l))))
      (core instance $m (instantiate $M))
      (func (export "f") (canon lift (core func $m "f"))))`),
    { metered: true, limits: { memoryBytes: 1_048_576 } },
  );
  const onGrowRefused = (): never => {
    throw new RuntimeError('COMPONENT_LIMIT', 'no more');
  };
  const instance = await guest.instantiate({}, { onGrowRefused });
  await assert.rejects(instance.call('f'), { code: 'COMPONENT_LIMIT', message: 'no more' });
});
