/** An actor on another thread that is measured: sends back what it is asked, counts what it is told. */
import { implement, protocol, type } from '../../src/index.ts';
import { keepAwake } from './awake.ts';

export const Measured = protocol('bench:measured', {
  tell: { put: type<Uint8Array>(), awake: type<boolean>() },
  ask: { echo: { in: type<Uint8Array>(), out: type<Uint8Array>() }, count: { in: type<void>(), out: type<number>() } },
});

export const measured = implement(Measured, {
  init: () => ({ count: 0 }),
  tell: {
    put(ctx) {
      ctx.state.count++;
    },
    awake: (_, awake) => keepAwake(awake),
  },
  ask: { echo: (_, bytes) => bytes, count: (ctx) => ctx.state.count },
});
