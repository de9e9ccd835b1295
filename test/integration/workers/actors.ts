/** What the tests of workers run there. */
import { isMainThread, threadId } from 'node:worker_threads';
import { implement, protocol, type } from '../../../src/index.ts';

export const Bench = protocol('test:bench@1.0.0', {
  tell: { add: type<number>(), boom: type<void>(), spin: type<void>(), note: type<Uint8Array>() },
  ask: {
    sum: { in: type<void>(), out: type<number>() },
    where: { in: type<void>(), out: type<{ main: boolean; thread: number }>() },
    echo: { in: type<unknown>(), out: type<unknown>() },
    askOther: { in: type<{ name: string; op: string; payload: unknown }>(), out: type<unknown>() },
    wait: { in: type<void>(), out: type<void>() },
    publish: { in: type<{ topic: string; payload: unknown }>(), out: type<number>() },
    exit: { in: type<void>(), out: type<void>() },
    lookup: { in: type<string>(), out: type<boolean>() },
    child: { in: type<string>(), out: type<void>() },
  },
  stream: { count: { in: type<number>(), out: type<number>() } },
  event: { changed: type<number>() },
});

export const bench = implement(Bench, {
  init: () => ({ sum: 0 }),
  tell: {
    add(ctx, by) {
      ctx.state.sum += by;
      ctx.emit.changed(ctx.state.sum);
    },
    boom() {
      throw new Error('boom');
    },
    spin() {
      for (;;);
    },
    note(ctx, bytes) {
      ctx.state.sum += bytes.length;
    },
  },
  ask: {
    sum: (ctx) => ctx.state.sum,
    where: () => ({ main: isMainThread, thread: threadId }),
    echo: (_, value) => value,
    askOther: async (ctx, { name, op, payload }) => {
      const other = ctx.lookup(name);
      return other === undefined ? ctx.refuse(`no ${name}`) : other.askOp(op, payload);
    },
    wait: () => new Promise(() => {}),
    publish: (ctx, { topic, payload }) => ctx.publish(topic, payload),
    exit: () => process.exit(7),
    lookup: (ctx, name) => ctx.lookup(name) !== undefined,
    child: async (ctx, name) => {
      await ctx.spawn(bench, name).ready;
    },
  },
  stream: {
    *count(_, to) {
      for (let i = 0; i < to; i++) yield i;
    },
  },
});

/** Implements something else than is asked for. */
export const Other = protocol('test:other@1.0.0', { tell: { go: type<void>() } });
export const other = implement(Other, { init: () => null, tell: { go() {} } });
export const nothing = 42;
