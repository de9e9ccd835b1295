/** Hundreds of hostile actors of one component at once, beside two healthy ones. */
import { setImmediate as nextPass } from 'node:timers/promises';
import { ActorSystem, component, RuntimeError } from '../../../src/index.ts';
import { neighboursOf, noteHeld, type Outcome, rootOf } from './cell.ts';
import { sampled } from './latency.ts';
import { compileCell, PLACES } from './places.ts';
import type { Shape } from './shapes.ts';

const DEADLINE_MS = 1_500;

/** Has `count` actors run code of that shape until their deadline; the end is the one that they all have. */
export async function runCrowd(shape: Shape, count: number): Promise<Outcome> {
  const guest = await compileCell(PLACES[0] as (typeof PLACES)[number], shape);
  const stillHeld = noteHeld();
  const system = await ActorSystem.create();
  try {
    const answer = await neighboursOf(system);
    const hostile = await component(guest, { deadlineMs: DEADLINE_MS, grants: { clock: true, random: true } });
    const supervision = { restart: 'temporary' } as const;
    const refs = Array.from({ length: count }, () => system.spawn(hostile, undefined, { supervision }));
    await Promise.all(refs.map((ref) => ref.ready));
    const ends = refs.map((ref) =>
      ref.askOp('test:hostile/victim#attack', [], { timeoutMs: 60_000 }).then(
        () => 'nothing',
        (error: unknown) => rootOf(RuntimeError.from(error)).code,
      ),
    );
    const all = Promise.all(ends);
    const latency = await sampled(answer, all);
    const end = [...new Set(await all)].join(', ');
    await system.stop();
    await nextPass();
    return { end, left: stillHeld(), latency };
  } finally {
    await system.stop();
  }
}
