/** The far end of a link that is measured: sends every frame back, or counts them. */
import { systemClock } from '../../src/time/index.ts';
import { joinMain } from '../../src/worker/index.ts';
import { keepAwake } from './awake.ts';

const { link, ready } = await joinMain(systemClock);
let left = 0;

link.open({
  onFrame({ bytes, start, end }) {
    if (left > 0) {
      if (--left === 0) link.post('counted');
      return;
    }
    const frame = link.reserve(end - start);
    if (frame === undefined) throw new Error('one frame at a time is sent back');
    frame.bytes.set(bytes.subarray(start, end), frame.start);
    link.commit(end - start);
    link.flush();
  },
  onControl(message) {
    if (typeof message === 'boolean') keepAwake(message);
    else left = message as number;
  },
  onRoom() {},
  onCredit() {},
  onLost: () => keepAwake(false),
});
ready();
