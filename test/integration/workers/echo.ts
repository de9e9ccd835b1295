/** A worker that sends every frame back, and does at a control message what the test wants to see. */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { systemClock } from '../../../src/time/index.ts';
import { joinMain } from '../../../src/worker/index.ts';

const { link, data, ready } = await joinMain(systemClock);
/** Frames that wait for room. */
const waiting: Uint8Array[] = [];

function send(bytes: Uint8Array): boolean {
  const frame = link.reserve(bytes.length);
  if (frame === undefined) return false;
  frame.bytes.set(bytes, frame.start);
  link.commit(bytes.length);
  return true;
}

function obey(message: unknown): void {
  if (message === 'spin') for (;;);
  if (message === 'throw') {
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  } else if (message === 'exit') process.exit(3);
  else if (message === 'die') process.kill(process.pid, 'SIGKILL');
  else if (message === 'hoard') {
    let hoard: object = {};
    for (;;) hoard = { hoard };
  } else if (message === 'stay') setInterval(() => {}, 1_000);
  else if (message === 'garbage' && isMainThread) writeSync(3, new Uint8Array(4_096).fill(0xa5));
  else link.post(message);
}

link.open({
  onFrame({ bytes, start, end }) {
    const copy = bytes.slice(start, end);
    if (waiting.length > 0 || !send(copy)) waiting.push(copy);
    link.flush();
  },
  onControl: obey,
  onRoom() {
    while (waiting[0] !== undefined && send(waiting[0])) waiting.shift();
    link.flush();
  },
  onCredit() {},
  onLost() {},
});

if (data === 'never-ready') setInterval(() => {}, 1_000);
else ready();
