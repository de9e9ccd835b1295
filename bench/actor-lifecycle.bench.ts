/**
 * What making, starting and ending an actor costs, and its own state: TypeScript actors and component actors, with and
 * without an instance of the component told apart.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type ActorRef, ActorSystem, type ActorType, component, implement, protocol, type } from '../src/index.ts';
import { contenders } from './contenders.ts';
import { alternate, compete, type Subject } from './rounds.ts';
import type { Report, Suite, Target } from './suite.ts';
import { timed } from './workloads/contender.ts';
import { counter, troupe } from './workloads/troupe.ts';

const ECHO = fileURLToPath(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
const ACTORS = 10_000;
/** Each has a memory of 64 KiB or more, and a process has room for some 16,000 of them. */
const INSTANCES = 200;
const ACCESSES = 1_000_000;
/** A power of two. */
const SLOTS = 1_024;

const Accessed = protocol('bench:accessed@1.0.0', {
  ask: {
    read: { in: type<number>(), out: type<number>() },
    write: { in: type<number>(), out: type<number>() },
  },
});
/** Many accesses in one message, so that they are measured and not the message. */
const accessed = implement(Accessed, {
  init: () => ({ slots: Array.from({ length: SLOTS }, (_, i) => i) }),
  ask: {
    read(context, times) {
      let sum = 0;
      for (let i = 0; i < times; i++) sum += context.state.slots[i & (SLOTS - 1)] as number;
      return sum;
    },
    write(context, times) {
      for (let i = 0; i < times; i++) context.state.slots[i & (SLOTS - 1)] = i;
      return context.state.slots[(times - 1) & (SLOTS - 1)] as number;
    },
  },
});

/** Only the making is timed: the system, and with it the actors, ends before any of them starts. */
async function construct(actorType: ActorType): Promise<number> {
  await using system = await ActorSystem.create();
  const refs: ActorRef[] = [];
  const ns = await timed(ACTORS, () => {
    for (let i = 0; i < ACTORS; i++) refs.push(system.spawn(actorType));
  });
  assert.equal(system.size, ACTORS);
  for (const ref of refs) ref.kill();
  return ns;
}

/** Made, and ended before its first turn. */
async function brief(actorType: ActorType): Promise<number> {
  await using system = await ActorSystem.create();
  return await timed(ACTORS, () => {
    for (let i = 0; i < ACTORS; i++) system.spawn(actorType).kill();
    assert.equal(system.size, 0);
  });
}

async function started(actorType: ActorType, count: number): Promise<number> {
  await using system = await ActorSystem.create();
  const refs: ActorRef[] = [];
  const ns = await timed(count, async () => {
    for (let i = 0; i < count; i++) refs.push(system.spawn(actorType));
    await Promise.all(refs.map((ref) => ref.ready));
  });
  assert.equal(system.size, count);
  return ns;
}

async function lifecycle(actorType: ActorType, count: number): Promise<number> {
  await using system = await ActorSystem.create();
  return await timed(count, async () => {
    const refs = Array.from({ length: count }, () => system.spawn(actorType));
    await Promise.all(refs.map((ref) => ref.ready));
    await Promise.all(refs.map((ref) => ref.stop()));
    assert.equal(system.size, 0);
  });
}

function access(system: ActorSystem): Subject[] {
  const ref = system.spawn(accessed);
  return [
    {
      name: 'state read',
      sample: () => timed(ACCESSES, async () => assert.ok((await ref.ask.read(ACCESSES)) > 0)),
    },
    {
      name: 'state write',
      sample: () => timed(ACCESSES, async () => assert.equal(await ref.ask.write(ACCESSES), ACCESSES - 1)),
    },
  ];
}

const TARGETS: Readonly<Record<string, Target>> = {
  'component spawn: construct': { atMost: 110 },
  'component: construct and end, no instance': { atMost: 400 },
  'state read': { atMost: 12 },
  'state write': { atMost: 12 },
};

async function run(report: Report): Promise<void> {
  const ours = await troupe();
  const others = await contenders(report);
  await using system = await ActorSystem.create();
  try {
    await compete(report, [{ key: 'spawn', name: 'spawn', times: ACTORS, atMost: 150, others: { erlang: 10 } }], {
      ours,
      others,
    });
    const echo = await component(ECHO);
    const subjects: Subject[] = [
      { name: 'spawn, start, stop, awaited', sample: () => lifecycle(counter, ACTORS) },
      { name: 'component spawn: construct', sample: () => construct(echo) },
      { name: 'component: construct and end, no instance', sample: () => brief(echo) },
      { name: 'component spawn: construct + instantiate', sample: () => started(echo, INSTANCES) },
      { name: 'full lifecycle', sample: () => lifecycle(echo, INSTANCES) },
      ...access(system),
    ];
    for (const [name, samples] of await alternate(subjects)) {
      const target = TARGETS[name];
      report.row({ name, unit: 'ns', samples, ...(target !== undefined && { target }) });
    }
  } finally {
    await Promise.all([ours, ...others].map((contender) => contender.close?.()));
  }
  report.notMeasured('compiling a component: done once, before');
  report.notMeasured('p99 of a single spawn: samples are averages over many');
}

export const suite: Suite = { name: 'actor-lifecycle', run };
