/** Thousands of actors that are ended at any moment of what they do, and what is left of them: nothing. */
import { setImmediate as nextPass } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ActorRef, ActorSystem, component } from '../../../src/index.ts';
import { SeededRandom } from '../../../src/time/index.ts';
import { noteHeld } from './cell.ts';
import { compileCell, PLACES } from './places.ts';
import { SHAPES } from './shapes.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Lives at once, so that some are in every state. */
const AT_ONCE = 50;
const VICTIM = 'test:hostile/victim';

export interface Kills {
  readonly lives: number;
  /** Asks that were settled, of those that were made. */
  readonly asked: number;
  readonly settled: number;
  /** Bytes by which the heap is larger after all than after a fifth of them. */
  readonly grownBytes: number;
  readonly left: readonly string[];
}

/** Ends so many actors: while they start, compute, wait, have asks in their mailboxes, fail, restart or are idle. */
export async function killMany(lives: number, seed: number): Promise<Kills> {
  const random = new SeededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const shapes = SHAPES.filter(({ name }) => /^(loop: br|waits for ever|catch_all|unreachable|recursion)$/.test(name));
  const place = PLACES[0] as (typeof PLACES)[number];
  const types = await Promise.all(
    shapes.map(async (shape) =>
      component(await compileCell(place, shape), { deadlineMs: 60_000, grants: { clock: true, random: true } }),
    ),
  );
  const stillHeld = noteHeld();
  const system = await ActorSystem.create();
  let [asked, settled, heapBytes] = [0, 0, 0];
  const ask = (ref: ActorRef): void => {
    asked++;
    const note = () => settled++;
    ref.askOp(`${VICTIM}#attack`, [], { timeoutMs: 60_000 }).then(note, note);
  };
  for (let life = 0; life < lives; life += AT_ONCE) {
    const refs = Array.from({ length: AT_ONCE }, () =>
      system.spawn(pick(types), undefined, {
        supervision: { restart: 'permanent', intensity: 1_000, backoffMinMs: 1 },
      }),
    );
    for (const ref of refs) {
      ref.ready.catch(() => undefined);
      for (let asks = Math.floor(random.next() * 4); asks > 0; asks--) ask(ref);
    }
    for (let passes = Math.floor(random.next() * 6); passes > 0; passes--) await nextPass();
    for (const ref of refs) {
      if (random.next() < 0.8) ref.kill();
      else void ref.stop({ deadlineMs: 20 });
      if (random.next() < 0.1) await nextPass();
    }
    await Promise.all(refs.map((ref) => ref.terminated));
    if (life === Math.floor(lives / 5 / AT_ONCE) * AT_ONCE) heapBytes = await heapNow();
  }
  const grownBytes = (await heapNow()) - heapBytes;
  await system.stop();
  await nextPass();
  return { lives, asked, settled, grownBytes, left: stillHeld() };
}

async function heapNow(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await nextPass();
    collect();
  }
  return process.memoryUsage().heapUsed;
}
