/**
 * What making, starting and ending an actor costs, and its own state.
 *
 * `construct` is what `spawn` does before it returns. An instance of a component is made in the actor's first turn, so
 * that "no instance" is a life that ends before: that is what the reference baseline calls a full lifecycle. With an
 * instance, and for actors in TypeScript, starts and stops are awaited, of many at a time.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type ActorRef, ActorSystem, type ActorType, component } from '../src/index.ts';
import { contenders } from './contenders.ts';
import { alternate, type Case, compete, type Subject } from './rounds.ts';
import type { Report, Suite, Target } from './suite.ts';
import { reportTails, type Single } from './tails.ts';
import { timed } from './workloads/contender.ts';
import { counter, troupe } from './workloads/troupe.ts';

const ECHO = fileURLToPath(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
const ACTORS = 10_000;
/** Each has a memory of 64 KiB or more, and a process has room for some 16,000 of them. */
const INSTANCES = 200;
const ACCESSES = 10_000_000;
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

/** Started, told one message, and stopped when it has handled that. */
async function oneMessage(): Promise<number> {
  await using system = await ActorSystem.create();
  const ns = await timed(ACTORS, async () => {
    const refs = Array.from({ length: ACTORS }, () => system.spawn(counter));
    for (const ref of refs) assert.ok(ref.tell.add({ by: 1 }).ok);
    const counts = refs.map((ref) => ref.ask.get());
    const stops = refs.map((ref) => ref.drain());
    for (const count of await Promise.all(counts)) assert.equal(count, 1);
    await Promise.all(stops);
    assert.equal(system.size, 0);
  });
  return ns;
}

/** One after the other, which is how an application that makes one actor meets them. */
function singles(system: ActorSystem, echo: ActorType): Single[] {
  return [
    {
      name: 'component spawn: construct',
      p99Ms: 1,
      run() {
        const ref = system.spawn(echo);
        const madeMs = performance.now();
        ref.kill();
        return madeMs;
      },
    },
    {
      name: 'component lifecycle: construct and end, no instance',
      p99Ms: 0.01,
      run() {
        system.spawn(echo).kill();
        return performance.now();
      },
    },
    {
      name: 'component spawn: construct + instantiate',
      count: INSTANCES,
      async run() {
        const ref = system.spawn(echo);
        await ref.ready;
        const readyMs = performance.now();
        await ref.stop();
        return readyMs;
      },
    },
    {
      name: 'TypeScript spawn, started',
      async run() {
        const ref = system.spawn(counter);
        await ref.ready;
        const readyMs = performance.now();
        ref.kill();
        return readyMs;
      },
    },
  ];
}

const TARGETS: Readonly<Record<string, Target>> = {
  'component spawn: construct': { atMost: 110 },
  'component lifecycle: construct and end, no instance': { atMost: 400 },
};

const CASES: readonly Case[] = [
  { key: 'spawn', name: 'spawn', times: ACTORS, atMost: 150, others: { erlang: 10 } },
  { key: 'start', name: 'spawn, all started', times: ACTORS },
  { key: 'stateRead', name: 'state read', times: ACCESSES, atMost: 12 },
  { key: 'stateWrite', name: 'state write', times: ACCESSES, atMost: 12 },
];

async function run(report: Report): Promise<void> {
  const ours = await troupe();
  const others = await contenders(report);
  await using system = await ActorSystem.create();
  try {
    await compete(report, CASES, { ours, others });
    const echo = await component(ECHO);
    const subjects: Subject[] = [
      { name: 'component spawn: construct', sample: () => construct(echo) },
      { name: 'component spawn: construct + instantiate', sample: () => started(echo, INSTANCES) },
      { name: 'component lifecycle: construct and end, no instance', sample: () => brief(echo) },
      { name: 'component lifecycle: start and stop, with an instance', sample: () => lifecycle(echo, INSTANCES) },
      { name: 'TypeScript lifecycle: start and stop', sample: () => lifecycle(counter, ACTORS) },
      { name: 'TypeScript lifecycle: start, one message, stop', sample: oneMessage },
    ];
    for (const [name, samples] of await alternate(subjects)) {
      const target = TARGETS[name];
      report.row({ name, unit: 'ns', samples, ...(target !== undefined && { target }) });
    }
    await reportTails(report, singles(system, echo));
  } finally {
    await Promise.all([ours, ...others].map((contender) => contender.close?.()));
  }
  report.notMeasured('compiling a component: done once, before');
}

export const suite: Suite = { name: 'actor-lifecycle', run };
