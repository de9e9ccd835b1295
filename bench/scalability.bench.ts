/** What stays as cheap when there is much of it: names, operations at a time, idle actors. */
import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ActorSystem, component } from '../src/index.ts';
import { contenders } from './contenders.ts';
import { alternate, type Case, compete, type Subject } from './rounds.ts';
import type { Report, Suite, Target } from './suite.ts';
import { reportTails, type Single } from './tails.ts';
import { type Contender, timed } from './workloads/contender.ts';
import { names } from './workloads/shared.ts';
import { counter, troupe } from './workloads/troupe.ts';

const ECHO = fileURLToPath(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
const LOOKUPS = 100_000;
const AT_ONCE = 100;
const IDLE_ACTORS = 1_000_000;
/** Who takes thousands of bytes for each, or long. */
const SLOW_TO_MAKE: ReadonlySet<string> = new Set(['nact', 'xstate']);
const ACTIVE = 1_000;
const IDLE_MS = 1_000;
/** Of memory, and of a processor, from which on operators are to be told. */
const ALERT_SHARE = 0.8;

/** Few names, and a name that is made anew for each lookup, as one that comes in a message is. */
async function registry(): Promise<{ readonly subjects: Subject[]; readonly close: () => Promise<void> }> {
  const few = names(counter);
  const anew = await ActorSystem.create();
  for (let i = 0; i < 1_000; i++) anew.spawn(counter, `bench/${i}`);
  const madeAnew = (): Promise<number> => {
    return timed(LOOKUPS, () => {
      let found = 0;
      for (let i = 0; i < LOOKUPS; i++) if (anew.lookup(`bench/${i % 1_000}`) !== undefined) found++;
      assert.equal(found, LOOKUPS);
    });
  };
  return {
    subjects: [
      { name: 'registry lookup, 10 names', sample: () => few.lookup(10)(LOOKUPS) },
      { name: 'registry lookup, 100 names', sample: () => few.lookup(100)(LOOKUPS) },
      { name: 'registry lookup, 1,000 names, each made anew', sample: madeAnew },
    ],
    close: async () => {
      await few.close();
      await anew.stop();
    },
  };
}

function concurrent(system: ActorSystem): Subject {
  const refs = Array.from({ length: AT_ONCE }, () => system.spawn(counter));
  return {
    name: '100 concurrent operations',
    sample: () =>
      timed(100, async () => {
        for (let round = 0; round < 100; round++) {
          const replies = await Promise.all(refs.map((ref) => ref.ask.get()));
          assert.equal(replies.length, AT_ONCE);
        }
      }),
  };
}

/** What this process takes with so many component actors that have an instance each, and wait. */
async function reportActive(report: Report): Promise<void> {
  const echo = await component(ECHO);
  await using system = await ActorSystem.create();
  const before = process.memoryUsage().rss;
  const refs = Array.from({ length: ACTIVE }, () => system.spawn(echo));
  await Promise.all(refs.map((ref) => ref.askOp('none', new Uint8Array())));
  assert.equal(system.size, ACTIVE);
  const mebibytes = (process.memoryUsage().rss - before) / 2 ** 20;
  const limit = Math.floor((ALERT_SHARE * totalmem()) / 2 ** 20);
  const name = `${ACTIVE.toLocaleString('en')} active components`;
  report.row({ name: `${name}: memory`, unit: 'MiB', samples: [mebibytes], target: { atMost: limit } });
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { user, system: kernel } = process.cpuUsage(cpu);
  const percent = ((user + kernel) / 1e3 / (performance.now() - startMs)) * 100;
  report.row({
    name: `${name}: processor, idle`,
    unit: '%',
    samples: [percent],
    target: { atMost: ALERT_SHARE * 100 },
  });
}

async function reportIdle(report: Report, all: readonly Contender[]): Promise<void> {
  for (const { name: contender, idleBytes } of all) {
    if (idleBytes === undefined) continue;
    const isOurs = contender === 'troupe';
    const count = SLOW_TO_MAKE.has(contender) ? IDLE_ACTORS / 10 : IDLE_ACTORS;
    const samples: number[] = [];
    for (let i = 0; i < (isOurs ? 3 : 1); i++) samples.push(await idleBytes(count));
    const row = { name: 'idle actor, started, of 1,000,000', unit: 'bytes', samples } as const;
    report.row(isOurs ? { ...row, target: { atMost: 400 } } : { ...row, contender });
  }
}

function single(system: ActorSystem): Single {
  const name = 'registry lookup, 1,000 names';
  for (let i = 0; i < 1_000; i++) system.spawn(counter, `single/${i}`);
  let turn = 0;
  const run = (): number => {
    assert.ok(system.lookup(`single/${turn++ % 1_000}`) !== undefined);
    return performance.now();
  };
  return { name, run, p99Ms: 0.001 };
}

const CASES: readonly Case[] = [
  { key: 'lookup', name: 'registry lookup, 1,000 names', times: LOOKUPS, atMost: 15 },
  { key: 'lookupMany', name: 'registry lookup, 100,000 names, random', times: LOOKUPS, atMost: 60 },
];
const TARGETS: Readonly<Record<string, Target>> = {
  'registry lookup, 10 names': { atMost: 15 },
  'registry lookup, 100 names': { atMost: 15 },
};

async function run(report: Report): Promise<void> {
  await using system = await ActorSystem.create();
  const ours = await troupe();
  const others = await contenders(report);
  const { subjects, close } = await registry();
  try {
    await reportIdle(report, [ours, ...others]);
    await compete(report, CASES, { ours, others });
    for (const [name, samples] of await alternate([...subjects, concurrent(system)])) {
      const target = TARGETS[name];
      report.row({ name, unit: 'ns', samples, ...(target !== undefined && { target }) });
    }
    await reportTails(report, [single(system)]);
    await reportActive(report);
  } finally {
    await Promise.all([close(), ...[ours, ...others].map((contender) => contender.close?.())]);
  }
  report.notMeasured(
    'idle actors of others but in their own way: bytes of heap in JavaScript, of processes in Erlang, resident ones of tokio',
  );
  report.notMeasured(`idle actors of ${[...SLOW_TO_MAKE].join(' and ')} by the million: 100,000 of them`);
}

export const suite: Suite = { name: 'scalability', run };
