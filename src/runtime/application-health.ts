import type { Health } from '../actor/index.ts';
import type { ActorInfo, ActorState, HealthInfo, HealthTrouble } from '../api/index.ts';
import { nodeRoom } from '../component/index.ts';

/** What an application is judged by. */
export interface Condition {
  readonly system: Health;
  readonly actors: readonly ActorInfo[];
  /** What is wrong with the audit log, and who fails again and again. */
  readonly others: readonly HealthTrouble[];
  /** Threads that should be there, those that are not, and whether none will ever be again. */
  readonly workers: { readonly wanted: number; readonly missing: number; readonly areGivenUp: boolean };
  /** It is to stop, or has. */
  readonly isStopping: boolean;
  /** Now, in milliseconds since 1970-01-01 UTC. */
  readonly wallMs: number;
}

/** Milliseconds that the event loop was held at the last look from which on the process should be started again. */
const HELD_MS = 10_000;

/** Share of a ceiling of the process from which on nothing new is made for long; see `room` of component/. */
const FULL_SHARE = 0.98;

/** States of an actor that takes no messages and is not meant to be so. */
const AWAY: ReadonlySet<ActorState> = new Set<ActorState>(['failed', 'restarting', 'quarantined']);

/** How an application is: `unhealthy` is one that cannot do its work, or a part of it. */
export function judge({ system, actors, others, workers, isStopping, wallMs }: Condition): HealthInfo {
  const { eventLoopDelayMs = 0 } = system;
  const reasons = [
    ...others,
    ...missingWorkers(workers),
    ...downComponents(actors),
    ...givenUp(actors, wallMs),
    ...fullRoom(),
    ...troubles(system),
  ];
  const isUnhealthy = reasons.some(({ kind }) => kind === 'audit' || kind === 'component');
  const status = isUnhealthy ? 'unhealthy' : reasons.length > 0 ? 'degraded' : 'healthy';
  return {
    status,
    live: eventLoopDelayMs < HELD_MS && !workers.areGivenUp,
    ready: !isUnhealthy && !isStopping,
    reasons,
    ...(system.eventLoopDelayMs !== undefined && { eventLoopDelayMs: Math.round(eventLoopDelayMs) }),
    room: Object.fromEntries(Object.entries(nodeRoom().use).filter(([, value]) => Number.isFinite(value))),
  };
}

function troubles({ reasons }: Health): HealthTrouble[] {
  return reasons.map(({ kind, actor, ms, text }) => ({
    kind,
    ms: Math.round(ms),
    ...(actor && { actor: actor.name }),
    ...(text !== undefined && { text }),
  }));
}

function missingWorkers({ wanted, missing, areGivenUp }: Condition['workers']): HealthTrouble[] {
  if (missing === 0) return [];
  const text = `${missing} of ${wanted} workers are not there${areGivenUp ? ', and will not be again' : ''}`;
  return [{ kind: 'workers', ms: 0, text }];
}

/** Components none of whose actors does its work. */
function downComponents(actors: readonly ActorInfo[]): HealthTrouble[] {
  const byComponent = Map.groupBy(actors, ({ component = '' }) => component);
  return [...byComponent].flatMap(([component, members]) => {
    const isDown = members.every(({ state, condition }) => AWAY.has(state) || condition?.status === 'unhealthy');
    return isDown ? [{ kind: 'component' as const, component, ms: 0, text: 'none of its actors does its work' }] : [];
  });
}

/** Actors that are not started again. */
function givenUp(actors: readonly ActorInfo[], wallMs: number): HealthTrouble[] {
  return actors.flatMap(({ name, state, lastFailure }) => {
    if (state !== 'failed') return [];
    const ms = Math.max(0, wallMs - (lastFailure?.atMs ?? wallMs));
    return [{ kind: 'given-up' as const, actor: name, ms, text: lastFailure?.message ?? 'it failed too often' }];
  });
}

/** What of the process is used up. */
function fullRoom(): HealthTrouble[] {
  const { memories, memoriesMax, mappings, mappingsMax, residentBytes, residentBytesMax } = nodeRoom().use;
  const shares: readonly (readonly [string, number, number])[] = [
    ['linear memories', memories, memoriesMax],
    ['mappings of memory', mappings, mappingsMax],
    ['bytes of resident memory', residentBytes, residentBytesMax],
  ];
  return shares.flatMap(([what, used, most]) =>
    used < most * FULL_SHARE ? [] : [{ kind: 'room' as const, ms: 0, text: `${used} of ${most} ${what} are used` }],
  );
}
