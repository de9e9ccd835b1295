import type { ActorInfo, ActorRef } from '../actor/index.ts';
import { workOf } from '../actor/index.ts';
import type { Draw } from './draw.ts';
import type { Fault } from './faults.ts';
import { type MessageMatch, type TestMessage, toPredicate } from './message.ts';
import { showMessage, showWork } from './show.ts';
import type { TestSystem } from './test-system.ts';
import type { SimulationFaults, Which, Whom } from './world.ts';

/** Messages that match and are spared before one is befallen: so that it is not always the next. */
const SPARED_MAX = 3;

/** Milliseconds for which faults last, and by which messages are late. */
const DURATIONS_MS = [10, 100, 1_000, 10_000] as const;

/** Where a fault happens, and who is told of it. */
export interface Scene {
  readonly system: TestSystem;
  readonly draw: Draw;
  readonly note: (event: string) => void;
  /** Ends a fault after some time, unless the run has ended before. */
  readonly endLater: (fault: Fault, afterMs: number) => void;
}

type Strike = (scene: Scene) => void;

/** The faults that may happen in a run, by name. */
export function strikesOf(faults: SimulationFaults = {}): ReadonlyMap<string, Strike> {
  const strikes = new Map<string, Strike>();
  const actor = (name: string, whom: Whom | undefined, strike: (scene: Scene, ref: ActorRef) => void): void => {
    if (whom !== undefined) strikes.set(name, (scene) => strikeActor(scene, whom, strike));
  };
  const message = (
    name: string,
    which: Which | undefined,
    plant: (scene: Scene, match: MessageMatch) => void,
  ): void => {
    if (which !== undefined) strikes.set(name, (scene) => plant(scene, nextOf(scene, which)));
  };
  actor('crash', faults.crash, ({ system, note }, ref) => {
    const work = workOf(ref);
    system.crash(ref);
    if (work !== undefined) note(`it ${showWork(work)}`);
  });
  actor('pause', faults.pause, ({ system, draw, endLater }, ref) =>
    endLater(system.pause(ref), draw.pick(DURATIONS_MS)),
  );
  actor('slow', faults.slow, ({ system, draw }, ref) => void system.slow(ref, { byMs: draw.pick(DURATIONS_MS) }));
  actor('fill', faults.fill, ({ system, draw, endLater }, ref) => endLater(system.fill(ref), draw.pick(DURATIONS_MS)));
  message('drop', faults.drop, ({ system }, match) => void system.drop(match, { times: 1 }));
  message('delay', faults.delay, ({ system, draw }, match) => {
    system.delay(match, { times: 1, byMs: draw.pick(DURATIONS_MS) });
  });
  message('duplicate', faults.duplicate, ({ system, draw }, match) => {
    system.duplicate(match, { times: 1, afterMs: draw.pick([0, ...DURATIONS_MS]) });
  });
  message('reorder', faults.reorder, ({ system }, match) => void system.reorder(match, { times: 1 }));
  return strikes;
}

function strikeActor(scene: Scene, whom: Whom, strike: (scene: Scene, ref: ActorRef) => void): void {
  const infos = [...scene.system.actors()].filter((info) => isMeant(info, whom));
  if (infos.length === 0) return;
  const name = scene.draw.pick(infos.map((info) => info.name).sort());
  strike(scene, (infos.find((info) => info.name === name) as ActorInfo).ref);
}

function isMeant(info: ActorInfo, whom: Whom): boolean {
  if (whom === true) return true;
  return typeof whom === 'function' ? whom(info) : whom.includes(info.name);
}

/** One message that matches, after some that are spared. */
function nextOf({ draw, note }: Scene, which: Which): (message: TestMessage) => boolean {
  const matches = toPredicate(which === true ? undefined : which);
  let spared = draw.between(0, SPARED_MAX);
  return (message) => {
    if (!matches(message) || spared-- > 0) return false;
    note(`befallen: ${showMessage(message)} to "${message.to.name}"`);
    return true;
  };
}
