import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { parseWat } from '../tooling/index.ts';
import { compileComponent, FUEL_SLICE, type FuelSupply } from './index.ts';

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
  assert.deepEqual(fuel.entries, [1, 1, 1, 1]);
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
