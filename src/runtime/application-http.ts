import type { ActorInfo, HttpCounters, IngressInfo } from '../api/index.ts';
import {
  type ApplicationConfig,
  type ComponentConfig,
  type ConfigProblem,
  configError,
  type HttpRouteConfig,
} from '../config/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import type { ComponentActorType, HttpObserver, HttpOptions } from '../host/index.ts';
import { formatHost, formatPath, type IngressServer, type RequestRecord, serveIngress } from '../ingress/index.ts';
import { formatDuration, systemClock } from '../time/index.ts';
import { type HttpUsage, placedComponent } from '../worker/index.ts';
import type { StartOptions } from './port.ts';
import type { Prepared } from './prepare.ts';
import type { SystemWorkers } from './system-workers.ts';
import { sharedAddress, ThreadIngress } from './thread-ingress.ts';

export type { HttpUsage };

/** What a component is that a route leads to and that handles no requests. */
const KINDS = {
  message: 'it takes messages (troupe:actor/handler)',
  task: 'it is a task (wasi:cli/run)',
  functions: 'it exports functions',
} as const;

/**
 * Checks that routes lead to components that handle HTTP, and that nothing about HTTP is said of others.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — with every mistake and, where there is one, its place.
 */
export function checkHttp(config: ApplicationConfig, types: Prepared): void {
  const problems: ConfigProblem[] = [];
  const shapes = new Map([...types].map(([{ name }, { shape }]) => [name, shape.kind]));
  for (const [index, { component, place }] of (config.ingress?.routes ?? []).entries()) {
    const kind = shapes.get(component);
    if (kind === undefined || kind === 'http') continue;
    const message = `leads to "${component}", which does not export wasi:http/incoming-handler: ${KINDS[kind]}`;
    problems.push({
      file: config.file,
      ...place,
      key: `http.${index}.component`,
      message,
      help: 'name a component that does',
    });
  }
  for (const { name, http, actors } of config.components) {
    const isHttp = shapes.get(name) === 'http';
    const key = `components.${name}`;
    if (http !== undefined && !isHttp) {
      const message = 'stands at a component that does not export wasi:http/incoming-handler';
      problems.push({ file: config.file, key: `${key}.http`, message, help: 'take it out' });
    }
    if (isHttp && actors.length > 1) {
      const message = 'is for actors; a component that handles HTTP is one, with many instances';
      const help = `[components.${name}.http] instances = ${actors.length}`;
      problems.push({ file: config.file, key: `${key}.instances`, message, help });
    }
  }
  if (problems.length > 0) throw configError(`Cannot use "${config.file}"`, problems);
}

/** Who handles requests, and who hears of those that are over. */
interface Served {
  readonly types: Prepared;
  readonly workers: SystemWorkers;
  onRequest(record: RequestRecord): void;
}

/**
 * The server of an application's routes; nothing if it has none. Where it can, each worker serves the connections that the system
 * gives it, by actors of its own; else this thread does.
 */
export async function openIngress(
  { ingress }: ApplicationConfig,
  { types, workers, onRequest }: Served,
): Promise<IngressServer | undefined> {
  if (ingress === undefined) return undefined;
  const { listen, limits, routes } = ingress;
  const help = `stop what listens there, or set another address in troupe.toml: [ingress] listen = "${listen.host}:${listen.port + 1}"`;
  const byName = new Map([...types].map(([{ name }, type]) => [name, type]));
  const typeOf = (name: string): ComponentActorType => {
    const type = byName.get(name);
    assert(type !== undefined, 'a route leads to a component that there is');
    return type;
  };
  const served = new Set(routes.map(({ component }) => typeOf(component)));
  const width = workers.widthFor([...served]);
  const shared = width === 0 ? undefined : await sharedAddress(listen, help);
  if (shared !== undefined) {
    for (const type of served) workers.spread(type, width);
    return ThreadIngress.open({
      clock: systemClock,
      listen: shared,
      limits,
      width,
      lineOf: (place) => workers.lineOf(place),
      whenLive: (place) => workers.whenLive(place),
      routes: routes.map(({ component: name, path, host, methods }) => {
        return { path, host, methods, name, component: placedComponent(typeOf(name)).order.component };
      }),
    });
  }
  return serveIngress({
    listen,
    limits,
    clock: systemClock,
    onRequest,
    routes: routes.map(({ component, path, host, methods }) => {
      const type = typeOf(component);
      return { path, host, methods, target: { component, pool: () => type.pool(component) } };
    }),
    help,
  });
}

/** What the control port says of it. */
export function ingressInfo(address: string, routes: readonly HttpRouteConfig[]): IngressInfo {
  return {
    address,
    routes: routes.map(({ path, host, methods, component }) => ({
      route: formatPath(path),
      ...(host.kind !== 'any' && { host: formatHost(host) }),
      ...(methods.length > 0 && { methods }),
      component,
    })),
  };
}

/** How the requests of a component are handled; what happens to them becomes events. */
export function httpOptions(
  { name, http, supervise }: ComponentConfig,
  options: StartOptions,
): HttpOptions & HttpObserver {
  const supervision = { ...supervise, restart: supervise.restart ?? 'permanent' };
  return { ...http, supervision, ...httpEvents(name, options) };
}

/** Makes events of what happens to the requests of a component. */
export function httpEvents(component: string, { onEvent }: StartOptions): HttpObserver {
  return {
    onFailed: (actor, { method, pathWithQuery = '' }, error) => {
      const text = `${method} ${pathWithQuery.split('?', 1)[0]}`;
      onEvent({ type: 'request-failed', actor, component, text, error: error.toWire() });
    },
    onQuarantined: (actor, error, forMs) => {
      const text = Number.isFinite(forMs) ? `gets no requests for ${formatDuration(forMs)}` : 'gets no more requests';
      onEvent({ type: 'quarantined', actor, component, text, error: error.toWire() });
    },
  };
}

function httpCounters({ stats }: Pick<HttpUsage, 'stats'>): HttpCounters {
  const { inFlight, served, failed, shed, cancelled } = stats;
  return { inFlight, served, failed, shed, cancelled };
}

/** Why an actor that handles HTTP cannot be asked or told anything. */
export function takesNoMessages(actor: string, ingress: IngressInfo | undefined): RuntimeError {
  const route = ingress?.routes.find(({ component }) => component === actor);
  const where = route === undefined ? 'give it a route: [[http]]' : `send it one: ${ingress?.address}${route.route}`;
  return new RuntimeError('OPERATION_UNKNOWN', `"${actor}" handles HTTP requests and no messages`, {
    details: { help: [where] },
  });
}

/** What the control port says of an actor because of its requests. */
export function httpInfo(pool: HttpUsage): Partial<ActorInfo> {
  const { waiting, served, failed, cancelled } = pool.stats;
  const quarantine: Partial<ActorInfo> = pool.quarantinedForMs > 0 ? { state: 'restarting' } : {};
  const counts = { queued: waiting, capacity: pool.queueMax, handled: served + failed + cancelled, failed };
  return { ...quarantine, ...counts, http: httpCounters(pool) };
}
