import { ActorSystem, type ActorSystemOptions } from '../actor/index.ts';
import { Registry } from '../registry/index.ts';
import { type Clock, systemClock } from '../time/index.ts';
import { Asides } from './asides.ts';
import { BridgedTopics } from './bridged-topics.ts';
import type { Aside, Control } from './control.ts';
import type { Link } from './link.ts';
import { MirroredNames } from './names.ts';
import { Peer } from './peer.ts';
import { type Kitchen, Workplace } from './workplace.ts';

/** How the worker's side of a link is set up. */
export interface WorkerSideOptions extends Pick<ActorSystemOptions, 'throughput' | 'budgetMs' | 'random'> {
  readonly link: Link;
  readonly clock?: Clock;
  /** Milliseconds of this side's clock, less those of the main thread's. Default 0. */
  readonly clockOffsetMs?: number;
  /** What makes actor types, by kind of recipe. */
  readonly kitchens: Readonly<Record<string, Kitchen>>;
  /** Whether a few operations of its actors are timed, for all. Default false. */
  readonly isTimed?: boolean;
  /** By topic. */
  readonly asides?: Readonly<Record<string, Aside>>;
}

/** Milliseconds: what lives in a worker that is closed is ended by then, or with the worker. */
const STOP_MS = 2_000;

/**
 * Makes the actor system of a worker and joins it to the main thread by `link`. It ends with the link.
 *
 * @returns The system, which is for looking at: what lives in it is the main thread's affair.
 */
export function createWorkerSide(options: WorkerSideOptions): ActorSystem {
  const {
    link,
    clock = systemClock,
    clockOffsetMs = 0,
    kitchens,
    asides: topicsBeside = {},
    isTimed = false,
    ...tuning
  } = options;
  const names = new MirroredNames(new Registry());
  const topics = new BridgedTopics();
  const system: ActorSystem = new ActorSystem(
    {
      ...tuning,
      clock,
      onFailure: (report) => place.onFailure(report),
      onDeadLetter: (letter) => place.onDeadLetter(letter),
    },
    { names, topics, isTimed },
  );
  const place = new Workplace(system, kitchens);
  const peer = new Peer(
    { link, system, clock, clockOffsetMs },
    {
      onControl(control: Control) {
        if (control.kind === 'names') names.update(control);
        else if (control.kind === 'other') asides.hear(control);
        else place.onControl(control);
      },
      onPublished() {},
      onLost() {
        peer.isClosing = true;
        void system.stop({ deadlineMs: STOP_MS });
      },
    },
  );
  place.peer = peer;
  const asides = new Asides(topicsBeside, (control) => peer.say(control));
  place.onEnded = () => asides.settle();
  topics.gate = peer;
  names.source = {
    refer: (name) => peer.refer(name, 'remote'),
    claimed: (name, ref) => peer.say({ kind: 'claimed', ownId: peer.exportOf(ref), name, type: ref.type }),
  };
  peer.open();
  return system;
}
