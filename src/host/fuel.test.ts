import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FUEL_SLICE } from '../component/index.ts';
import { ManualClock, TokenBucket } from '../time/index.ts';
import { GuestFuel } from './fuel.ts';

test('S82: GuestFuel ends a message with more units than it may use, and begins the next with all of them', () => {
  const limits = { perMessage: 1_000, rate: undefined, counts: { fuel: 0 } };
  const fuel = new GuestFuel(new ManualClock(), {}, { limits });
  fuel.begin();
  fuel.spend(600);
  fuel.spend(400);
  assert.throws(() => fuel.spend(1), {
    code: 'COMPONENT_FUEL',
    details: { limit: 'fuel-per-message', limitValue: 1_000, used: 1_001 },
  });
  fuel.begin();
  fuel.spend(1_000);
  assert.throws(() => fuel.refuel(1, undefined), { code: 'COMPONENT_FUEL' });
});

test('S83: GuestFuel has guests of one component wait for one rate, in their order, and lets those go that end', async () => {
  const clock = new ManualClock();
  const rate = new TokenBucket(clock, 1_000_000);
  const waits: number[] = [];
  const counts = { fuel: 0 };
  const limits = { perMessage: Number.POSITIVE_INFINITY, rate, counts, onWait: () => waits.push(clock.nowMs()) };
  const [first, second, third] = [0, 1, 2].map(() => new GuestFuel(clock, {}, { limits })) as [
    GuestFuel,
    GuestFuel,
    GuestFuel,
  ];
  first.spend(1_500_000);
  const order: string[] = [];
  const wait = (name: string, fuel: GuestFuel) => void fuel.whenPaid().then(() => order.push(name));
  wait('first', first);
  wait('second', second);
  wait('third', third);
  second.end();
  await Promise.resolve();
  assert.deepEqual(order, ['second'], 'it ended');
  clock.advance(500);
  await Promise.resolve();
  assert.deepEqual(order, ['second', 'first']);
  assert.equal(first.isOverRate, false, 'its slice is paid for');
  assert.equal(first.refuel(0, undefined), FUEL_SLICE);
  clock.advance(200);
  await Promise.resolve();
  assert.deepEqual(order, ['second', 'first', 'third']);
  assert.equal(waits.length, 3);
});

/** Asks for fuel where a guest cannot be suspended, until it is refused; gives how often it was given some. */
function insideUntilRefused(fuel: GuestFuel, ask: () => readonly [units: number, entries: number]): number {
  for (let given = 0; ; given++) {
    try {
      void fuel.refuel(...ask());
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'COMPONENT_LIMIT');
      return given;
    }
    if (given === 10_000) return given;
  }
}

test('S81: GuestFuel gives a guest that cannot be suspended 5 ms, and 2,000,000 units however slow they are', () => {
  const clock = new ManualClock();
  const asking = (ms: number) => () => {
    clock.advance(ms);
    return [FUEL_SLICE, 0] as const;
  };
  assert.equal(insideUntilRefused(new GuestFuel(clock, {}), asking(3)), 11, 'its first slice is not counted');
  assert.equal(insideUntilRefused(new GuestFuel(clock, {}), asking(0.1)), 50);
  assert.equal(insideUntilRefused(new GuestFuel(clock, {}), asking(0)), 251, 'the clock stands still');
});

test('S81: GuestFuel counts what is used where a guest cannot be suspended until it can be, however often it is entered', () => {
  const clock = new ManualClock();
  const fuel = new GuestFuel(clock, {});
  const asking = (entries: number) => () => {
    clock.advance(1);
    return [FUEL_SLICE, entries] as const;
  };
  assert.equal(insideUntilRefused(fuel, asking(1)), 11);
  void fuel.refuel(0, undefined);
  assert.equal(insideUntilRefused(fuel, asking(1)), 11, 'it could be suspended meanwhile');
  fuel.spend(0);
  assert.equal(insideUntilRefused(fuel, asking(400)), 10_000, 'a long list needs many pieces of memory');
});

test('S81: GuestFuel gives a slice to each of many guests that come at one moment, and then their turns', async () => {
  let timeMs = 0;
  const clock = Object.assign(new ManualClock(), {
    nowMs: () => timeMs,
    soon: (pass: () => void) => void setImmediate(pass),
  });
  const guests = Array.from({ length: 500 }, () => new GuestFuel(clock, {}));
  const compute = (guest: GuestFuel): number | Promise<void> => {
    timeMs += 0.0625;
    return guest.refuel(FUEL_SLICE, undefined);
  };
  const waits = guests.map(compute).filter((granted) => typeof granted !== 'number');
  assert.equal(waits.length, 492, 'all but those of the first half millisecond');
  let others = 0;
  for (let passes = 0; passes < 2_000 && waits.length > 0; passes++) {
    await new Promise(setImmediate);
    others++;
    const settled = await Promise.race([waits[0], Promise.resolve('not yet')]);
    if (settled !== 'not yet') waits.shift();
  }
  assert.equal(waits.length, 0);
  assert.ok(others >= 492, `${others} passes for everybody else`);
});

test('S81: GuestFuel has others go before the next message when the last one took long and could not be suspended', () => {
  const fuel = new GuestFuel(new ManualClock(), {});
  fuel.spend(FUEL_SLICE - 1);
  assert.equal(fuel.takeLong(), false);
  fuel.spend(FUEL_SLICE);
  assert.deepEqual([fuel.takeLong(), fuel.takeLong()], [true, false], 'once');
  void fuel.refuel(FUEL_SLICE, 1);
  fuel.spend(0);
  assert.equal(fuel.takeLong(), true);
});
