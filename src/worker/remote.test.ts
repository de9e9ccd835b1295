/** Actors behind a link: what docs/explanation/semantics.md promises of all actors holds for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteSystem } from '../../test/kit/remote.ts';
import { implement, protocol, type } from '../actor/index.ts';

const Counter = protocol('test:counter', {
  tell: { add: type<number>(), boom: type<void>() },
  ask: { get: { in: type<void>(), out: type<number>() } },
  stream: { count: { in: type<number>(), out: type<number>() } },
  event: { changed: type<number>() },
});

const counter = implement(Counter, {
  init: () => ({ n: 0 }),
  tell: {
    add(ctx, by) {
      ctx.state.n += by;
      ctx.emit.changed(ctx.state.n);
    },
    boom() {
      throw new Error('boom');
    },
  },
  ask: { get: (ctx) => ctx.state.n },
  stream: {
    *count(_, to) {
      for (let i = 0; i < to; i++) yield i;
    },
  },
});

test('S14: an actor behind a link that fails begins again with a new state, and its mailbox is kept', async () => {
  const { clock, system, letters, failures, workers, place, close } = remoteSystem();
  const ref = place(counter, Counter, 'counter');
  ref.tell.add(4);
  ref.tell.boom();
  ref.tell.add(5);
  const after = ref.ask.get();
  await clock.elapse(1_000);
  assert.equal(await after, 5);
  assert.deepEqual(
    failures.map(({ phase, error }) => [phase, error.message]),
    [['message', '"counter" failed while it handled "boom": boom']],
  );
  assert.deepEqual(
    letters.map(({ reason, op, name }) => [reason, op, name]),
    [['failed', 'boom', 'counter']],
  );
  const { restarts, handled, queued, busy } = system.info(ref);
  assert.deepEqual({ restarts, handled, queued, busy }, { restarts: 1, handled: 4, queued: 0, busy: false });
  const { worker } = workers[0] as (typeof workers)[0];
  const stopped = ref.stop();
  await clock.settle();
  await stopped;
  assert.equal(worker.size, 0);
  await close();
  assert.equal(clock.pendingTimers + clock.pendingCallbacks, 0);
});

test('S43: a stream behind a link is made step by step, and leaving it ends it there', async () => {
  const { clock, place, close } = remoteSystem();
  const ref = place(counter, Counter);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const n of ref.stream.count(5)) if (seen.push(n) === 3) break;
  })();
  for (let i = 0; i < 20; i++) await clock.elapse(1);
  await reading;
  assert.deepEqual(seen, [0, 1, 2]);
  await close();
});

test('S13: events of an actor behind a link reach those who listen', async () => {
  const { clock, place, close } = remoteSystem();
  const ref = place(counter, Counter);
  const events = ref.on.changed();
  await clock.settle();
  ref.tell.add(1);
  ref.tell.add(2);
  await clock.settle();
  assert.deepEqual(await events.next(), { done: false, value: 1 });
  assert.deepEqual(await events.next(), { done: false, value: 3 });
  await close();
});
