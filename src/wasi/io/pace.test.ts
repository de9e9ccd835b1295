import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, Rate } from '../../time/index.ts';
import { type Breach, Guest, ON_LIMIT, Parts } from '../guest/index.ts';
import { BYTE_RATES, pacedSink, pacedSource, paidFor } from './pace.ts';

function setUp(perSecond: number) {
  const clock = new ManualClock();
  const breaches: Breach[] = [];
  const shared = new Parts()
    .set(BYTE_RATES, { in: new Rate(perSecond), out: new Rate(perSecond) })
    .set(ON_LIMIT, (_, breach) => breaches.push(breach));
  const guest = () => new Guest({ clock, resourcesMax: 10, shared });
  return { clock, breaches, guest };
}

const settled = async () => {
  for (let round = 0; round < 10; round++) await Promise.resolve();
};

test('I6: pacedSource holds bytes back until the debt is paid, for all guests of a component together', async () => {
  const { clock, breaches, guest } = setUp(1_000);
  const source = () => pacedSource(guest(), { read: () => new Uint8Array(800) });
  assert.equal((source().read(800) as Uint8Array).length, 800, 'a second is there at once');
  let arrived = 0;
  void Promise.resolve(source().read(800)).then((bytes) => {
    arrived += bytes?.length ?? 0;
  });
  clock.advance(599);
  await settled();
  assert.equal(arrived, 0);
  clock.advance(1);
  await settled();
  assert.equal(arrived, 800);
  assert.deepEqual(breaches, [{ limit: 'bytes-in-per-second', limitValue: 1_000, used: 1_600 }]);
});

test('I6: pacedSink is busy until the debt is paid, and no longer when its guest is gone', async () => {
  const { clock, guest } = setUp(1_000);
  const owner = guest();
  let written = 0;
  const sink = pacedSink(owner, {
    write: (bytes) => {
      written += bytes.length;
    },
  });
  let isFree = false;
  void Promise.resolve(sink.write(new Uint8Array(5_000))).then(() => {
    isFree = true;
  });
  await settled();
  assert.deepEqual([written, isFree], [5_000, false]);
  void owner.dispose();
  await settled();
  assert.equal(isFree, true);
  assert.equal(clock.advance(3_600_000), 0, 'no timer is left');
});

test('paidFor costs nothing where nothing is bounded', () => {
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 10 });
  const sink = { write: () => undefined };
  assert.equal(pacedSink(guest, sink), sink);
  assert.equal(paidFor(guest, { out: 1e12 }, 'value'), 'value');
});
