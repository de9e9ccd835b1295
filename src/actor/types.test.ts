/** What the type checker must accept and refuse; it reads this file, and the test runs it once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorRef } from './actor-ref.ts';
import { implement } from './implement.ts';
import { protocol } from './protocol.ts';
import { type StandardSchema, type } from './schema.ts';

const text = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value: Number(value) }) },
} as StandardSchema<string, number>;

const Counter = protocol('test:counter@1.0.0', {
  tell: { add: type<{ by: number }>(), parse: text },
  ask: { get: { in: type<void>(), out: type<number>() }, at: { in: type<string>(), out: text } },
  event: { changed: type<{ n: number }>() },
});

const Narrow = protocol('test:narrow', { tell: { take: type<number>() } });
const Wide = protocol('test:wide', { tell: { take: type<number | string>() } });
const More = protocol('test:more', { tell: { take: type<number>(), also: type<void>() } });

test('implement infers state and payloads, and asks for every handler', () => {
  const counter = implement(Counter, {
    init: async () => ({ n: 0 }),
    tell: {
      add(context, { by }) {
        context.state.n += by;
        context.emit.changed({ n: context.state.n });
        // @ts-expect-error the state has no such field
        context.state.m;
        // @ts-expect-error the event has another payload
        context.emit.changed({ m: 1 });
      },
      parse: (context, n) => {
        context.state.n = n;
      },
    },
    ask: { get: (context) => context.state.n, at: (_, key) => key },
  });
  assert.equal(counter.name, 'test:counter@1.0.0');
  assert.throws(() =>
    // @ts-expect-error a handler is missing
    implement(Counter, { init: () => 0, tell: { add: () => {} }, ask: { get: () => 1, at: () => '1' } }),
  );
  const get = (): string => 'one';
  const tell = { add: () => {}, parse: () => {} };
  // @ts-expect-error the reply has another type
  implement(Counter, { init: () => 0, tell, ask: { get, at: () => '1' } });
  implement(protocol('test:empty', {}), { init: () => undefined });
});

test('implement infers the state from an init that uses its context, wherever it stands', () => {
  const tell = { add: () => {}, parse: () => {} };
  const early = implement(Counter, {
    init: (context) => ({ n: 0, self: context.self }),
    tell: {
      add: {
        batch(context, payloads) {
          context.state.n += payloads.length;
          // @ts-expect-error the state has no such field
          context.state.m;
        },
      },
      parse: () => {},
    },
    ask: { get: ({ state }) => state.n, at: ({ state }) => state.self.name },
  });
  const late = implement(Counter, {
    durable: { version: 1, snapshot: (state) => [state.n], restore: (_, [n = 0]) => ({ n }) },
    tell,
    ask: { get: ({ state }) => state.n, at: () => '1' },
    init: async () => ({ n: 0 }),
  });
  const Asked = protocol('test:asked', { ask: { get: { in: type<void>(), out: type<string>() } } });
  implement(Asked, { init: (context) => ({ self: context.self }), ask: { get: ({ state }) => state.self.name } });
  const Read = protocol('test:read', { stream: { all: { in: type<void>(), out: type<string>() } } });
  implement(Read, { init: (context) => ({ self: context.self }), stream: { all: ({ state }) => [state.self.name] } });
  assert.deepEqual([early.name, late.name], [Counter.name, Counter.name]);
});

test('implement takes whatever a tell handler or a hook happens to return', () => {
  const { name } = implement(Counter, {
    init: () => ({ n: 0, seen: [] as number[] }),
    tell: { add: ({ state }, { by }) => (state.n += by), parse: async ({ state }, n) => state.seen.push(n) },
    // @ts-expect-error an ask is answered with what its handler returns
    ask: { get: () => '1', at: () => '1' },
    terminated: ({ state }) => state.n,
    stop: ({ state }) => state.seen.length,
  });
  assert.equal(name, Counter.name);
});

test('ActorRef offers the operations of its protocol, with what is sent and what comes back', () => {
  const use = async (ref: ActorRef<typeof Counter>): Promise<void> => {
    ref.tell.add({ by: 1 });
    ref.tell.parse('1');
    const n: number = await ref.ask.get();
    const same: number = await ref.ask.get(undefined, { timeoutMs: 1 });
    const at: number = await ref.ask.at('key');
    for await (const event of ref.on.changed()) assert.equal(event.n, n + same + at);
    // @ts-expect-error the payload has another type
    ref.tell.add({ by: '1' });
    // @ts-expect-error the schema takes text
    ref.tell.parse(1);
    // @ts-expect-error there is no such operation
    ref.tell.remove();
    // @ts-expect-error it is an ask
    ref.tell.get();
    // @ts-expect-error the payload is missing
    await ref.ask.at();
    const untyped: ActorRef = ref;
    // @ts-expect-error a reference of unknown operations has none
    untyped.tell.add({ by: 1 });
    // @ts-expect-error nor does it pass for one that has some: look it up with its protocol
    const typed: ActorRef<typeof Counter> = untyped;
    // @ts-expect-error one that takes numbers only does not pass for one that takes more
    const wide: ActorRef<typeof Wide> = undefined as unknown as ActorRef<typeof Narrow>;
    const more: ActorRef<typeof Narrow> = undefined as unknown as ActorRef<typeof More>;
    return void [typed, wide, more];
  };
  assert.equal(typeof use, 'function');
});
