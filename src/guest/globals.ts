/**
 * What scripts expect to be there and QuickJS does not have, or has only in part. Bundled before everything else.
 */
import { guestConsole } from './console.ts';
import { GuestTextDecoder, GuestTextEncoder } from './encoding.ts';
import { clearTimer, enqueue, setTimer } from './event-loop.ts';
import { GuestPromise } from './promise.ts';
import { crypto, random } from './random.ts';

const timer =
  (repeats: boolean) =>
  (work: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): number =>
    setTimer(() => work(...args), delayMs, repeats);

Math.random = random;
Object.assign(globalThis, {
  TextEncoder: GuestTextEncoder,
  TextDecoder: GuestTextDecoder,
  Promise: GuestPromise,
  queueMicrotask: enqueue,
  setTimeout: timer(false),
  setInterval: timer(true),
  clearTimeout: clearTimer,
  clearInterval: clearTimer,
  console: guestConsole,
  crypto,
});
