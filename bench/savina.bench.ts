/** The micro benchmarks of the Savina suite, and skynet. Those with one counter or two players are in `messaging`. */
import { contenders } from './contenders.ts';
import { type Case, compete } from './rounds.ts';
import type { Report, Suite } from './suite.ts';
import { troupe } from './workloads/troupe.ts';

const CASES: readonly Case[] = [
  {
    key: 'threadRing',
    name: 'thread ring (503), per message',
    times: 1_000_000,
    atMost: 45,
    others: { erlang: 6, tokio: 2 },
  },
  { key: 'forkJoinThroughput', name: 'fork-join throughput, per message', times: 120_000 },
  {
    key: 'forkJoinCreate',
    name: 'fork-join create, per actor',
    times: 40_000,
    isExact: true,
    atMost: 600,
    others: { erlang: 1.4 },
  },
  { key: 'chameneos', name: 'chameneos, per meeting', times: 20_000 },
  { key: 'big', name: 'big (1,000), per message', times: 999_000, isExact: true, atMost: 80, others: { erlang: 6 } },
  { key: 'dictionary', name: 'concurrent dictionary, per request', times: 100_000 },
  { key: 'producerConsumer', name: 'producer-consumer, per item', times: 50_000 },
  {
    key: 'skynet',
    name: 'skynet, 1,111,111 actors',
    times: 1_111_111,
    isExact: true,
    atMost: 1,
    others: { erlang: 2.5 },
    isWhole: true,
  },
];

async function run(report: Report): Promise<void> {
  const ours = await troupe();
  const others = await contenders(report);
  try {
    await compete(report, CASES, { ours, others });
  } finally {
    await Promise.all([ours, ...others].map((contender) => contender.close?.()));
  }
  report.notMeasured("Savina's parallel and concurrency sets beyond these: they measure several cores or arithmetic");
}

export const suite: Suite = { name: 'savina', run };
