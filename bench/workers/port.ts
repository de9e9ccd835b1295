/** The same by `postMessage`: sends every message back, or counts them. */
import { parentPort } from 'node:worker_threads';
import { keepAwake } from './awake.ts';

let left = 0;

parentPort?.on('message', (message: Uint8Array | number | boolean) => {
  if (typeof message === 'boolean') keepAwake(message);
  else if (typeof message === 'number') left = message;
  else if (left === 0) parentPort?.postMessage(message);
  else if (--left === 0) parentPort?.postMessage(message);
});
