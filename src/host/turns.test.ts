import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

/** Time that passes when somebody computes, in passes of the real event loop. */
class ComputeClock {
  private timeMs = 0;

  nowMs(): number {
    return this.timeMs;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  compute(ms: number): void {
    this.timeMs += ms;
  }
}

/** Guests that compute for `ms` in each turn and then wait for the next one, until `isOver`. */
function computing(clock: ComputeClock, ms: number) {
  const turns = new Turns(clock);
  const order: string[] = [];
  const state = { isOver: false };
  const guest = (component: object, name: string): void => {
    void turns.wait(component).then(() => {
      order.push(name);
      clock.compute(ms);
      if (!state.isOver) guest(component, name);
    });
  };
  return { order, guest, state };
}

async function passes(count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await new Promise(setImmediate);
}

test('Turns gives components their turns one after the other, however many guests each has', async () => {
  const { order, guest, state } = computing(new ComputeClock(), 0.2);
  const [many, one] = [{}, {}];
  for (let nth = 0; nth < 500; nth++) guest(many, `many ${nth}`);
  guest(one, 'one');
  await passes(40);
  state.isOver = true;
  const turnsOfOne = order.filter((name) => name === 'one').length;
  assert.ok(order.length >= 20, `${order.length} turns`);
  assert.ok(Math.abs(turnsOfOne - order.length / 2) <= 1, `${turnsOfOne} of ${order.length}`);
  const ofMany = order.filter((name) => name !== 'one');
  assert.deepEqual(ofMany.slice(0, 3), ['many 0', 'many 1', 'many 2']);
});

test('Turns leaves the thread to others after half a millisecond', async () => {
  const { order, guest, state } = computing(new ComputeClock(), 0.2);
  for (let nth = 0; nth < 9; nth++) guest({}, String(nth));
  await passes(1);
  assert.deepEqual(order, ['0', '1', '2'], 'one pass of the event loop');
  state.isOver = true;
});

test('Turns goes on when a guest that was given its turn does not come back', async () => {
  const turns = new Turns(new ComputeClock());
  const order: string[] = [];
  const component = {};
  void turns.wait(component).then(() => order.push('ends'));
  void turns.wait(component).then(() => order.push('next'));
  await passes(4);
  assert.deepEqual(order, ['ends', 'next']);
});

test('Turns has those wait who come from elsewhere, once guests have computed for half a millisecond', async () => {
  const clock = new ComputeClock();
  const turns = new Turns(clock);
  const crowded = [0, 0.3, 0.3, 5].map((ms) => {
    clock.compute(ms);
    return turns.isCrowded(clock.nowMs());
  });
  assert.deepEqual(crowded, [false, false, true, true]);
  await passes(1);
  assert.equal(turns.isCrowded(clock.nowMs()), false, 'actors and I/O had their turn');
});
