import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ambient, ManualClock, SeededRandom } from './index.ts';

const WALL_MS = 1_767_225_600_000;

function made() {
  const clock = new ManualClock();
  return { clock, ambient: new Ambient(clock, new SeededRandom(1)) };
}

test('Ambient shows its clock to what it runs, and to nobody else', async () => {
  const { clock, ambient } = made();
  using _ = ambient;
  clock.advance(5);
  const look = () => [Date.now(), new Date().toISOString(), performance.now()];
  assert.deepEqual(ambient.run(look), [WALL_MS + 5, '2026-01-01T00:00:00.005Z', 5]);
  assert.ok((look()[0] as number) > WALL_MS + 1_000);
  assert.ok(ambient.run(() => new Date(0)) instanceof Date);
  assert.equal(
    ambient.run(() => new Date(2_000, 0).getFullYear()),
    2_000,
  );
  assert.match(
    ambient.run(() => Date()),
    /^\w{3} \w{3} \d\d 202[56]/,
  );
  const later = ambient.run(async () => {
    await Promise.resolve();
    return Date.now();
  });
  assert.equal(await later, WALL_MS + 5);
});

test('Ambient lets timers wait for its clock', async () => {
  const { clock, ambient } = made();
  using _ = ambient;
  const rung: string[] = [];
  const timers = ambient.run(() => ({
    once: setTimeout((what: string) => rung.push(what), 100, 'once'),
    never: setTimeout(() => rung.push('never'), 100),
    each: setInterval(() => rung.push('each'), 40),
    soon: setImmediate(() => rung.push('soon')),
    late: setTimeout(() => rung.push('late'), 90),
  }));
  clearTimeout(timers.never);
  clock.advance(50);
  timers.late.refresh();
  clock.advance(70);
  clearInterval(timers.each);
  clearImmediate(timers.soon);
  clock.advance(1_000);
  assert.deepEqual(rung, ['soon', 'each', 'each', 'once', 'each', 'late']);
  assert.equal(clock.pendingTimers, 0);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.throws(() => ambient.run(() => setTimeout('text' as never, 1)), TypeError);
});

test('Ambient draws chance from its random, the same for the same seed', () => {
  const draw = (): unknown[] => {
    using ambient = made().ambient;
    return ambient.run(() => [
      Math.random(),
      crypto.randomUUID(),
      [...crypto.getRandomValues(new Uint8Array(4))],
      crypto.getRandomValues(new Uint32Array(1))[0],
    ]);
  };
  assert.deepEqual(draw(), draw());
  assert.match(String(draw()[1]), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const { ambient } = made();
  assert.notEqual(crypto.randomUUID(), crypto.randomUUID());
  assert.notEqual(Math.random(), Math.random());
  ambient[Symbol.dispose]();
});
