import assert from 'node:assert/strict';
import {
  type ActorRef,
  type ChildSpec,
  type SpawnOptions,
  type SupervisorOptions,
  supervisor,
} from '../../src/actor/index.ts';
import { manualSystem, Scripted, scripted } from './actors.ts';

/** Restarts without a wait, and many of them. */
export const AT_ONCE = { backoffMinMs: 0, intensity: 100 } as const;

/** What a script does to fail its actor. */
export const fail = (): never => {
  throw new Error('planted');
};

/** An actor that does what a test tells it. */
export type ScriptedRef = ActorRef<typeof Scripted>;

/** A child of a {@link family}. */
export interface Planned extends Omit<ChildSpec<typeof Scripted>, 'type'> {
  /** What its `init` waits for, or throws. */
  readonly init?: () => void | Promise<void>;
  /** What its stop hook waits for. */
  readonly stop?: () => void | Promise<void>;
}

/**
 * A system with one supervisor `top`, and a log of what its children do: `+name` when one begins, `-name` when its stop hook
 * runs.
 *
 * @param children What the supervisor starts; a name stands for a child that waits for nothing.
 * @param own How the supervisor itself is spawned, besides that it is never started again.
 */
export function family(options: SupervisorOptions, children: readonly (string | Planned)[], own: SpawnOptions = {}) {
  const world = manualSystem();
  const log: string[] = [];
  const plan = (child: string | Planned): ChildSpec<typeof Scripted> => {
    const { init, stop, ...spec } = typeof child === 'string' ? { name: child } : child;
    const type = scripted({
      init: () => {
        log.push(`+${spec.name}`);
        return init?.();
      },
      stop: () => {
        log.push(`-${spec.name}`);
        return stop?.();
      },
    });
    return { ...spec, type };
  };
  const top = world.system.spawn(supervisor({ ...options, children: children.map(plan) }), 'top', {
    ...own,
    supervision: { restart: 'temporary' },
  });
  const child = (name: string): ScriptedRef => {
    const ref = world.system.lookup(`top/${name}`, Scripted);
    assert.ok(ref !== undefined, `"top/${name}" lives`);
    return ref;
  };
  const incarnation = async (name: string): Promise<unknown> => {
    const asked = child(name).ask.call((context) => context.state.incarnation);
    await world.clock.settle();
    return asked;
  };
  /** What has happened since it was last asked. */
  const happened = (): string[] => log.splice(0);
  return { ...world, top, plan, child, incarnation, happened };
}
