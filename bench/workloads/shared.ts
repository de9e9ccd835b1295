/** Names of a system, and the state of an actor. */
import assert from 'node:assert/strict';
import { ActorSystem, type ActorType, implement, protocol, type } from '../../src/index.ts';
import { scattered, timed, type Workload, type Workloads } from './contender.ts';

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

export function state(system: ActorSystem): Pick<Workloads, 'stateRead' | 'stateWrite'> {
  const ref = system.spawn(accessed);
  return {
    stateRead: (times) => timed(times, async () => assert.ok((await ref.ask.read(times)) > 0)),
    stateWrite: (times) => timed(times, async () => assert.equal(await ref.ask.write(times), times - 1)),
  };
}

interface Named {
  readonly system: ActorSystem;
  /** In the order in which they are looked up. */
  readonly asked: readonly string[];
}

async function populated(actorType: ActorType, count: number): Promise<Named> {
  const system = await ActorSystem.create();
  const given = Array.from({ length: count }, (_, i) => `bench/${i}`);
  for (const name of given) system.spawn(actorType, name);
  return { system, asked: given.map((_, i) => given[scattered(i, count)] as string) };
}

/** Lookups of actors by name. Those of each size are made when they are first looked up. */
export function names(actorType: ActorType) {
  const tables = new Map<number, Promise<Named>>();
  return {
    lookup(count: number): Workload {
      return async (times) => {
        const table = tables.get(count) ?? populated(actorType, count);
        tables.set(count, table);
        const { system, asked } = await table;
        const laps = Math.ceil(times / count);
        let found = 0;
        return timed(laps * count, () => {
          for (let lap = 0; lap < laps; lap++) {
            for (const name of asked) if (system.lookup(name) !== undefined) found++;
          }
          assert.equal(found, laps * count);
        });
      };
    },
    async close(): Promise<void> {
      for (const table of tables.values()) await (await table).system.stop();
    },
  };
}
