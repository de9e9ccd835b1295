import type { ActorRef } from '../actor/index.ts';
import { type ComponentArtifact, type ComponentSource, compileComponent } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentActorType, type ComponentOptions, componentActor } from './component.ts';
import { type ComponentShare, componentShare } from './component-share.ts';
import type { HttpObserver } from './http-component.ts';
import type { HttpOptions } from './http-options.ts';
import type { Links } from './links.ts';

/** What of the options of a component is no data: it stays with whoever gave it, and is called from elsewhere. */
export type ComponentObservers = Pick<
  ComponentOptions,
  'stdio' | 'onLog' | 'onLimit' | 'onDenied' | 'onNeeded' | 'store' | 'audit'
> & {
  readonly http?: HttpObserver;
};

/** The rest of what a component can be given: plain data. */
export type ComponentSettings = Omit<ComponentOptions, keyof ComponentObservers> & { readonly http?: HttpOptions };

/** A component and its settings as plain data, of which another thread or process makes the same actor type. */
export interface ComponentRecipe {
  readonly source: ComponentSource;
  /** What it is compiled to; not for another process, which code cannot be handed to. */
  readonly artifact?: ComponentArtifact;
  readonly settings: ComponentSettings;
  /** Not for another process, which shares no memory. */
  readonly share?: ComponentShare;
}

/**
 * What `type` is made of.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — a link leads to an actor without a name, or its actors read a stream of this thread.
 */
export function recipeOf({ component: compiled, options }: ComponentActorType): ComponentRecipe {
  const {
    stdio,
    onLog: _log,
    onLimit: _limit,
    onDenied: _denied,
    onNeeded: _needed,
    store: _store,
    audit: _audit,
    http: { onFailed: _failed, onQuarantined: _quarantined, ...http } = {},
    links,
    config,
    ...rest
  } = options;
  const label = options.name ?? 'component';
  if (stdio !== undefined && options.grants?.stdio?.stdin === true) {
    throw notElsewhere(label, 'it is granted stdin, which is a stream of this thread; take the grant out');
  }
  const settings: ComponentSettings = {
    ...rest,
    http,
    ...(links && { links: byName(links, label) }),
    // What a component is given of it is JSON, so that nothing else of it counts.
    ...(config !== undefined && { config: JSON.parse(JSON.stringify(config)) }),
  };
  return { source: compiled.source, artifact: compiled.artifact, settings, share: componentShare() };
}

function notElsewhere(label: string, why: string): RuntimeError {
  return new RuntimeError('CONFIG_INVALID', `Cannot run component "${label}" on a worker: ${why}`);
}

function byName(links: Links, label: string): Links {
  const name = (target: string | ActorRef): string => {
    if (typeof target === 'string') return target;
    if (!target.name.startsWith('~')) return target.name;
    throw notElsewhere(label, `a link leads to "${target.name}", which was spawned without a name; give it one`);
  };
  return Object.fromEntries(
    Object.entries(links).map(([key, target]) => {
      if (typeof target === 'string' || !('actor' in target)) return [key, name(target)];
      const { actor, timeoutMs } = target;
      return [key, { actor: Array.isArray(actor) ? actor.map(name) : name(actor as string | ActorRef), timeoutMs }];
    }),
  );
}

/**
 * Makes the actor type of a recipe. What was compiled is not compiled again.
 *
 * @param place Which thread this is, of those that share.
 *
 * @throws {RuntimeError} as {@link componentActor}.
 */
export async function componentOf(
  { source, artifact, settings, share }: ComponentRecipe,
  { place, observers }: { readonly place: number; readonly observers: ComponentObservers },
): Promise<ComponentActorType> {
  const http = { ...settings.http, ...observers.http };
  const compiled = await compileComponent(source.bytes, { ...source.options, ...(artifact && { artifact }) });
  return componentActor(compiled, { ...settings, ...observers, http, ...(share && { share: { ...share, place } }) });
}
