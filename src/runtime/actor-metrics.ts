import type { ActorMeter, ActorSystem } from '../actor/index.ts';
import { ERROR_CODES } from '../errors/index.ts';
import type { ComponentActorType, HttpStats } from '../host/index.ts';
import type { MetricSet, Timings } from '../telemetry/index.ts';
import type { MeteredBroker } from './metered-broker.ts';
import type { SystemWorkers } from './system-workers.ts';

/** What actors have done, by type. */
export function addActors(set: MetricSet, system: ActorSystem): void {
  const unnamed = new Map<string, number>(Object.entries(system.deadLetters.counts));
  for (const totals of system.totals()) {
    const { type: component, living } = totals;
    for (const [state, count] of Object.entries(living)) {
      if (count > 0 || state === 'running') set.add('troupe_actors', { component, state }, count);
    }
    set.add('troupe_actors_spawned_total', { component }, totals.spawned);
    set.add('troupe_actor_restarts_total', { component }, totals.restarts);
    set.add('troupe_messages_handled_total', { component }, totals.handled);
    set.add('troupe_messages_refused_total', { component }, totals.refused);
    set.add('troupe_mailbox_messages', { component }, totals.queued);
    set.add('troupe_mailbox_used_ratio', { component }, totals.fullest);
    set.add('troupe_mailbox_oldest_message_age_seconds', { component }, totals.oldestMs / 1_000);
    set.add('troupe_ask_timeouts_total', { component }, totals.askTimeouts);
    for (const [code, count] of Object.entries(totals.failures)) {
      // What another thread or process says may be anything.
      const known = Object.hasOwn(ERROR_CODES, code) ? code : 'INTERNAL_REMOTE';
      set.add('troupe_actor_failures_total', { component, code: known }, count);
    }
    for (const [reason, count] of Object.entries(totals.deadLetters)) {
      set.add('troupe_dead_letters_total', { component, reason }, count);
      unnamed.set(reason, (unnamed.get(reason) ?? 0) - count);
    }
  }
  // Kept for a name that nobody has.
  for (const [reason, count] of unnamed) {
    if (count > 0) set.add('troupe_dead_letters_total', { component: 'none', reason }, count);
  }
}

/** How long what actors do takes. */
export function addTimings(set: MetricSet, meter: ActorMeter): void {
  addByComponent(set, 'troupe_message_handling_seconds', meter.handling);
  addByComponent(set, 'troupe_ask_duration_seconds', meter.asks);
  addByComponent(set, 'troupe_actor_start_seconds', meter.starts);
  set.addHistogram('troupe_actor_spawn_seconds', {}, meter.spawns);
}

/** How long publishing takes. */
export function addPublications(set: MetricSet, { timings }: MeteredBroker): void {
  for (const [subscribers, times] of timings) {
    set.addHistogram('troupe_publish_duration_seconds', { subscribers }, times);
  }
}

type ByComponent = 'troupe_message_handling_seconds' | 'troupe_ask_duration_seconds' | 'troupe_actor_start_seconds';

function addByComponent(set: MetricSet, name: ByComponent, timings: Timings): void {
  for (const [component, times] of timings) set.addHistogram(name, { component }, times);
}

/** What components use and run into. */
export function addComponents(set: MetricSet, workers: SystemWorkers): void {
  const { wanted, missing } = workers.threads;
  set.add('troupe_workers', { state: 'present' }, wanted - missing);
  set.add('troupe_workers', { state: 'missing' }, missing);
  for (const type of workers.components()) {
    const { name: component, shape, revision = '', counts } = type;
    set.most('troupe_component_info', { component, revision: revision.slice(0, 12), kind: shape.kind }, 1);
    set.most('troupe_component_memory_limit_bytes', { component }, type.component.limits.memoryBytes);
    set.add('troupe_component_fuel_total', { component }, counts.fuel);
    set.add('troupe_capability_denials_total', { component }, counts.denials);
    for (const [limit, count] of counts.breaches) {
      set.add('troupe_component_limit_breaches_total', { component, limit }, count);
    }
    for (const usage of usagesOf(type, workers)) addUsage(set, component, usage);
  }
}

interface ActorUsage {
  readonly instances: number;
  readonly memoryBytes: number;
  readonly stats: HttpStats | undefined;
}

/** What each of its actors uses, here and on workers. */
function* usagesOf(type: ComponentActorType, workers: SystemWorkers): IterableIterator<ActorUsage> {
  for (const name of type.running()) {
    const pool = type.pool(name);
    yield { instances: pool?.instanceCount ?? 1, memoryBytes: type.memoryBytes(name) ?? 0, stats: pool?.stats };
  }
  for (const { memoryBytes, limits, http } of workers.usagesOf(type)) {
    const instances = http && limits.find(({ limit }) => limit === 'instances')?.used;
    yield { instances: instances ?? 1, memoryBytes, stats: http?.stats };
  }
}

function addUsage(set: MetricSet, component: string, { instances, memoryBytes, stats }: ActorUsage): void {
  set.add('troupe_component_instances', { component }, instances);
  set.add('troupe_component_memory_bytes', { component }, memoryBytes);
  if (stats === undefined) return;
  const { inFlight, waiting, ...outcomes } = stats;
  set.add('troupe_http_requests_in_flight', { component }, inFlight);
  set.add('troupe_http_requests_waiting', { component }, waiting);
  for (const [outcome, count] of Object.entries(outcomes)) {
    set.add('troupe_http_exchanges_total', { component, outcome }, count);
  }
}
