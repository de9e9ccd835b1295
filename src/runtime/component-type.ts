import { type ComponentConfig, revealTo } from '../config/index.ts';
import { type ComponentActorType, componentActor, loadComponent, shapeOf } from '../host/index.ts';
import type { Store } from '../store/index.ts';
import { systemClock } from '../time/index.ts';
import type { ApplicationAudit } from './application-audit.ts';
import { httpOptions } from './application-http.ts';
import type { Kept } from './application-kept.ts';
import { checkSections } from './component-sections.ts';
import { limitEvent } from './limit-info.ts';
import { outputLines } from './output-lines.ts';
import type { StartOptions } from './port.ts';

/**
 * Loads one component of an application, and makes its actor type. What happens there becomes events.
 *
 * @throws {RuntimeError} As `loadComponent` and `componentActor`; `CONFIG_INVALID` — a section does not fit what it is.
 */
export async function componentType(
  config: ComponentConfig,
  options: StartOptions & {
    readonly file: string;
    readonly store?: Store;
    readonly audit: ApplicationAudit | undefined;
    readonly secrets: Kept['secrets'];
  },
): Promise<ComponentActorType> {
  const { onEvent, signal, store, audit, file, secrets } = options;
  const { name } = config;
  onEvent({ type: 'compiling', component: name });
  const startMs = systemClock.nowMs();
  const { memoryBytes, tableElements } = config.limits;
  const compiled = await loadComponent(config.source, {
    sha256: config.sha256,
    limits: { memoryBytes, tableElements },
    ...(signal && { signal }),
  });
  checkSections({ file, config }, shapeOf(compiled));
  const type = componentActor(compiled, {
    name,
    grants: config.grants,
    deadlineMs: config.limits.deadlineMs,
    limits: config.limits.component,
    config: config.config,
    args: config.args,
    ...revealTo(config, secrets),
    links: Object.fromEntries(
      config.links.map(({ import: name, actors, timeoutMs }) => [name, { actor: actors, timeoutMs }]),
    ),
    stdio: (actor) => {
      const sink = (stream: 'stdout' | 'stderr') =>
        outputLines(options, { type: 'output', actor, component: name, stream });
      return { stdout: sink('stdout'), stderr: sink('stderr') };
    },
    keep: config.keep,
    health: config.health,
    pool: config.pool,
    recycle: config.recycle,
    isolation: config.isolation.kind === 'process' ? { process: config.isolation.group } : 'thread',
    ...(store && { store }),
    audit: audit?.sink,
    http: httpOptions(config, options),
    onLog: (actor, { message, ...rest }) => onEvent({ type: 'log', actor, component: name, text: message, ...rest }),
    onLimit: (actor, breach) => onEvent(limitEvent({ actor, component: name }, breach)),
    onDenied: (actor, { reason, observed }) =>
      onEvent({ type: observed ? 'would-deny' : 'denied', actor, component: name, text: reason }),
    ...(options.onNeeded && { onNeeded: (line) => options.onNeeded?.(name, line) }),
  });
  onEvent({ type: 'compiled', component: name, durationMs: Math.round(systemClock.nowMs() - startMs) });
  return type;
}
