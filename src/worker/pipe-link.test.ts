import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import type { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { PipeLink } from './pipe-link.ts';

/** An end whose frames are counted, and the promise of what ends it. */
function endOf(pipe: ConstructorParameters<typeof PipeLink>[0]['pipe']) {
  const lost = Promise.withResolvers<RuntimeError>();
  const end = { frames: 0, controls: [] as unknown[], room: () => {}, credits: [] as number[], lost: lost.promise };
  const link = new PipeLink({ pipe, onHello() {}, onPipeClosed() {} });
  link.open({
    onFrame: () => {
      end.frames++;
    },
    onControl: (message) => end.controls.push(message),
    onRoom: () => end.room(),
    onCredit: (index) => end.credits.push(index),
    onLost: lost.resolve,
  });
  return { ...end, link, state: end };
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise<void>((resolve) => systemClock.soon(resolve));
}

test('PipeLink bounds what is under way, and tells a writer of room though it did not flush', async () => {
  const [one, other] = duplexPair();
  const [main, worker] = [endOf(one), endOf(other)];
  let sent = 0;
  const write = () => {
    for (; sent < 5_000 && main.link.reserve(1_000) !== undefined; sent++) main.link.commit(1_000);
  };
  main.state.room = write;
  write();
  assert.ok(sent > 500 && sent < 1_100, `${sent} frames of 1,000 bytes are under way at once`);
  await until(() => sent === 5_000);
  main.link.flush();
  await until(() => worker.state.frames === 5_000);
});

test('PipeLink counts slots that one end takes and the other gives back', async () => {
  const [one, other] = duplexPair();
  const [main, worker] = [endOf(one), endOf(other)];
  main.link.credits.open(3, 1);
  assert.deepEqual([main.link.credits.take(3), main.link.credits.take(3)], [true, false]);
  worker.link.credits.give(3, 2);
  worker.link.flush();
  await until(() => main.state.credits.length === 1);
  assert.deepEqual(
    [1, 2, 3].map(() => main.link.credits.take(3)),
    [true, true, false],
  );
});

const GARBAGE: readonly (readonly [string, readonly number[], RegExp])[] = [
  ['an unknown kind', [0, 0], /no known kind/],
  ['a frame longer than any may be', [(1 << 26) | 0x3ff_ffff, 0], /too long/],
  ['an acknowledgement of what was not sent', [(4 << 26) | 8, 0, 1_000_000, 0], /was not sent/],
  ['slots of no mailbox', [(3 << 26) | 8, 0, -1, 1], /no mailbox/],
  ['a control message that is none', [(2 << 26) | 8, 0, 0x7fff_ffff, -1], /is none/],
  ['an acknowledgement without a number', [4 << 26, 0], /wrong length/],
];

for (const [what, words, text] of GARBAGE) {
  test(`PipeLink ends by name at ${what}`, async () => {
    const [one, other] = duplexPair();
    const main = endOf(one);
    other.write(new Uint8Array(Int32Array.from(words).buffer));
    const loss = await main.lost;
    assert.deepEqual([loss.code, loss.details.reason], ['WORKER_LOST', 'garbage']);
    assert.match(loss.message, text);
    assert.equal(main.link.reserve(8), undefined);
  });
}
