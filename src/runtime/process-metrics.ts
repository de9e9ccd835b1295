import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { nodeRoom } from '../component/index.ts';
import type { MetricSet } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const STARTED_AT_S = (systemClock.wallMs() - systemClock.nowMs()) / 1_000;

/** What the process uses of the machine. */
export function addProcess(set: MetricSet): void {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  set.add('troupe_build_info', { version: VERSION, node: process.version }, 1);
  set.add('process_start_time_seconds', {}, STARTED_AT_S);
  set.add('process_cpu_seconds_total', {}, (user + system) / 1e6);
  set.add('process_resident_memory_bytes', {}, rss);
  set.add('troupe_cpus', {}, availableParallelism());
  set.add('troupe_memory_limit_bytes', {}, memoryBytes());
  set.add('troupe_heap_used_bytes', {}, heapUsed);
  const { memories, memoriesMax, mappings, mappingsMax, residentBytes, residentBytesMax } = nodeRoom().use;
  for (const [resource, used, limit] of [
    ['memories', memories, memoriesMax],
    ['mappings', mappings, mappingsMax],
    ['resident', residentBytes, residentBytesMax],
  ] as const) {
    set.add('troupe_room_used', { resource }, used);
    set.add('troupe_room_limit', { resource }, limit);
  }
}

/** Of the machine, or of the control group if that has less. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
