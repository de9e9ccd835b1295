/** What bounds a component, and the process, bounds all threads together. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import {
  type ActorRef,
  ActorSystem,
  type ComponentOptions,
  component,
  implement,
  limitNode,
  protocol,
  type RuntimeError,
  type,
} from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { until } from '../kit/process.ts';

const ECHO = fileURLToPath(new URL('../../fixtures/components/echo/echo.wasm', import.meta.url));
const MESSAGING = { messaging: { tell: ['*'], ask: ['*'] } };
const ONCE = { supervision: { restart: 'temporary' } } as const;

const echo = (limits: ComponentOptions['limits'] = {}) => component(ECHO, { name: 'echo', grants: MESSAGING, limits });
const text = (reply: unknown) => new TextDecoder().decode(reply as Uint8Array);

after(() => limitNode());

const Sink = protocol('test:sink', { tell: { note: type<Uint8Array>() } });
const sink = implement(Sink, { init: () => null, tell: { note: () => undefined } });

/** Those of the actors that have started, and why the others have not. */
async function started(refs: readonly ActorRef[]) {
  const ready = await Promise.allSettled(refs.map((ref) => ref.ready));
  const causes = ready.flatMap((item) =>
    item.status === 'rejected' ? [(item.reason as RuntimeError).details.cause] : [],
  );
  return { live: refs.filter((_, nth) => ready[nth]?.status === 'fulfilled'), causes };
}

test('S84: instances are bounded for all threads together, and one that ends makes room on any', async () => {
  await using system = await ActorSystem.create({ workers: 2 });
  const type = await echo({ instances: 3 });
  const { live, causes } = await started(Array.from({ length: 8 }, () => system.spawn(type, undefined, ONCE)));
  assert.equal(live.length, 3);
  assert.deepEqual(causes, Array(5).fill('COMPONENT_LIMIT'));
  await live[0]?.stop();
  const { live: more } = await started([system.spawn(type, undefined, ONCE)]);
  assert.equal(more.length, 1);
});

test('S84: a rate is one for all threads: two guests on two of them send no more than one', async () => {
  await using system = await ActorSystem.create({ workers: 2 });
  const type = await echo({ messagesPerSecond: 20 });
  system.spawn(sink, 'sink');
  const guests = [system.spawn(type, 'one'), system.spawn(type, 'two')];
  await Promise.all(guests.map((ref) => ref.ready));
  const startMs = performance.now();
  const sent = await Promise.allSettled(
    Array.from({ length: 60 }, (_, nth) => (guests[nth % 2] as ActorRef).askOp('tell', 'sink note\nx')),
  );
  const refilled = Math.ceil(((performance.now() - startMs) / 1_000) * 20) + 1;
  const done = sent.filter((one) => one.status === 'fulfilled' && text(one.value) === 'sent').length;
  assert.ok(done >= 20 && done <= 20 + refilled, `${done} were sent, of 20 and ${refilled}`);
});

test('S86: actors that are to live on threads are refused at their spawn when the process has no room', async () => {
  await using system = await ActorSystem.create({ workers: 2 });
  const type = await echo();
  const { memories } = limitNode({ memoriesMax: limitNode().memories + 100 });
  const { live } = await started(Array.from({ length: 98 }, () => system.spawn(type)));
  assert.equal(live.length, 98);
  assert.equal(limitNode({ memoriesMax: memories + 100 }).memories, memories + 98, 'the threads count as one');
  assert.throws(() => system.spawn(type), failsWith('NODE_LIMIT', /linear memories/));
  await Promise.all(live.map((ref) => ref.stop()));
  assert.equal(limitNode().memories, memories);
});

test('S86: what a lost thread had counted is free again', async () => {
  const threads: Worker[] = [];
  const note = (thread: Worker) => threads.push(thread);
  process.on('worker', note);
  const before = limitNode().memories;
  await using system = await ActorSystem.create({ workers: 1 });
  const type = await echo({ instances: 10 });
  const { live } = await started(Array.from({ length: 10 }, () => system.spawn(type, undefined, ONCE)));
  process.off('worker', note);
  assert.deepEqual([live.length, limitNode().memories], [10, before + 10]);
  await threads[0]?.terminate();
  await until(
    () => limitNode().memories === before,
    () => `${limitNode().memories} memories to be ${before}`,
  );
  const { live: next, causes } = await started(Array.from({ length: 10 }, () => system.spawn(type, undefined, ONCE)));
  assert.deepEqual([next.length, causes], [10, []]);
});
