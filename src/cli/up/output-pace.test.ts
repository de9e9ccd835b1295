import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '../../time/index.ts';
import { OutputPace } from './output-pace.ts';

/** A stream whose reader reads when it is told to. */
function slowStream() {
  const reads: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => void reads.push(() => done()) });
  return { stream, read: () => reads.shift()?.() };
}

test('OutputPace lets guests wait for a slow reader, all of them for the same moment', async () => {
  const { stream, read } = slowStream();
  const pace = new OutputPace(new ManualClock(), [stream]);
  stream.write(Buffer.alloc(2_000_000));
  const waiting = pace.take();
  assert.ok(waiting !== undefined && pace.take() === waiting);
  assert.equal(stream.listenerCount('drain'), 1);
  read();
  await waiting;
  assert.equal(stream.listenerCount('drain'), 0);
});

test('OutputPace lets no guest wait for a reader that has gone', async () => {
  const { stream } = slowStream();
  const pace = new OutputPace(new ManualClock(), [stream]);
  stream.write(Buffer.alloc(2_000_000));
  const waiting = pace.take();
  stream.destroy();
  await waiting;
});

/** A clock whose time also passes while nobody gives the event loop back. */
class BusyClock extends ManualClock {
  busyMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.busyMs;
  }
}

test('OutputPace gives others a turn after ten milliseconds of printing, not before', async () => {
  const clock = new BusyClock();
  const pace = new OutputPace(clock, []);
  assert.equal(pace.take(), undefined);
  clock.busyMs = 9;
  assert.equal(pace.take(), undefined);
  clock.busyMs = 10;
  const turn = pace.take();
  assert.ok(turn !== undefined && pace.take() === turn);
  clock.run();
  await turn;
  assert.equal(pace.take(), undefined);
});

test('OutputPace lets nobody wait who prints now and then', () => {
  const clock = new ManualClock();
  const pace = new OutputPace(clock, []);
  for (let round = 0; round < 10; round++) {
    assert.equal(pace.take(), undefined);
    clock.advance(1_000);
  }
});
