import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../time/index.ts';
import { type Bell, createRingMemories, RingLink } from './ring-link.ts';

/** Two bells of which the other side hears at once, as if it were the faster thread. */
function promptBells(): readonly [Bell, Bell] {
  const bell = (): Bell => ({ onMessage() {}, post() {}, hold() {}, close() {} });
  const [here, there] = [bell(), bell()];
  here.post = (message) => there.onMessage(message);
  there.post = (message) => here.onMessage(message);
  return [here, there];
}

test('RingLink wakes a reader that fell asleep between a control message and the frames before it', async () => {
  const memories = createRingMemories(1_024);
  const bells = promptBells();
  const [near, far] = bells.map((bell, i) => {
    return new RingLink({ memory: memories[i as 0 | 1], bell, clock: systemClock });
  }) as [RingLink, RingLink];
  const got: string[] = [];
  const ignore = { onFrame() {}, onControl() {}, onCredit() {}, onRoom() {}, onLost() {} };
  near.open(ignore);
  far.open({
    ...ignore,
    onFrame: ({ bytes, start }) => void got.push(`frame ${bytes[start]}`),
    onControl: (message) => void got.push(String(message)),
  });
  // It looks once more, finds nothing, and sleeps.
  await new Promise((resolve) => setImmediate(resolve));
  const frame = near.reserve(8);
  assert.ok(frame);
  frame.bytes[frame.start] = 7;
  near.commit(8);
  near.post('control');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(got, ['frame 7', 'control']);
  near.close();
});
