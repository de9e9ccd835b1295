/** What stays as cheap when there is much of it: names, operations at a time, idle actors. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ActorSystem } from '../src/index.ts';
import { peersWithMemory } from './contenders.ts';
import { alternate, type Subject } from './rounds.ts';
import type { Report, Suite, Target } from './suite.ts';
import { timed } from './workloads/contender.ts';
import { counter } from './workloads/troupe.ts';

const LOOKUPS = 100_000;
const AT_ONCE = 100;
const IDLE_ACTORS = 1_000_000;
/** Of peers that take thousands of bytes for each. */
const IDLE_PEERS = 100_000;

/** A fixed permutation: names come in another order than they were given, and each comes as often. */
const scattered = (i: number, count: number): number => (i * 48_271) % count;

async function lookups(count: number, order: 'hot' | 'random'): Promise<Subject & { stop(): Promise<void> }> {
  const system = await ActorSystem.create();
  const names = Array.from({ length: count }, (_, i) => `bench/${i}`);
  for (const name of names) system.spawn(counter, name);
  const asked = Array.from({ length: LOOKUPS }, (_, i) => {
    return names[order === 'hot' ? i % count : scattered(i, count)] as string;
  });
  return {
    name: `registry lookup, ${count.toLocaleString('en')} names${order === 'random' ? ', random' : ''}`,
    sample: () =>
      timed(LOOKUPS, () => {
        let found = 0;
        for (const name of asked) if (system.lookup(name) !== undefined) found++;
        assert.equal(found, LOOKUPS);
      }),
    stop: () => system.stop(),
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

const TARGETS: Readonly<Record<string, Target>> = {
  'registry lookup, 10 names': { atMost: 15 },
  'registry lookup, 100 names': { atMost: 15 },
  'registry lookup, 1,000 names': { atMost: 15 },
  'registry lookup, 100,000 names, random': { atMost: 60 },
};

function bytesPerIdleActor(contender: string, count: number): number {
  const file = join(import.meta.dirname, 'idle-memory.ts');
  const args = ['--expose-gc', '--max-old-space-size=6144', file, contender, `${count}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`idle-memory.ts ${contender} failed: ${stderr}`);
  return JSON.parse(stdout) as number;
}

async function run(report: Report): Promise<void> {
  await using system = await ActorSystem.create();
  const tables = await Promise.all([
    lookups(10, 'hot'),
    lookups(100, 'hot'),
    lookups(1_000, 'hot'),
    lookups(100_000, 'random'),
  ]);
  for (const [name, samples] of await alternate([...tables, concurrent(system)])) {
    const target = TARGETS[name];
    report.row({ name, unit: 'ns', samples, ...(target !== undefined && { target }) });
  }
  await Promise.all(tables.map((table) => table.stop()));
  report.row({
    name: 'idle actor, started, of 1,000,000',
    unit: 'bytes',
    samples: [0, 1, 2].map(() => bytesPerIdleActor('troupe', IDLE_ACTORS)),
    target: { atMost: 400 },
  });
  for (const name of peersWithMemory(report)) {
    const samples = [bytesPerIdleActor(name, IDLE_PEERS)];
    report.row({ name: `idle actor, of 100,000 · ${name}`, unit: 'bytes', samples, contender: name });
  }
  report.notMeasured(
    'memory outside the JavaScript heap; idle components (the suite "component" has an instance of each)',
  );
}

export const suite: Suite = { name: 'scalability', run };
