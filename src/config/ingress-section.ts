import type { z } from 'zod';
import {
  findConflicts,
  formatHost,
  formatPath,
  INGRESS_DEFAULTS,
  parseHostPattern,
  parsePathPattern,
} from '../ingress/index.ts';
import type { HttpConfig, HttpRouteConfig, IngressConfig, MonitoringConfig } from './application.ts';
import { duration, integer, list, pattern, size, table, text } from './fields.ts';
import type { KeyPath, Position } from './key-positions.ts';
import { nearest } from './nearest.ts';
import { type ProblemText, quote } from './problems.ts';
import { formatSize } from './units.ts';

/** Far more than any server speaks; a method is a token (RFC 9110, 5.6.2). */
const METHOD_PATTERN = /^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]{0,31}$/;

const DEFAULTS = INGRESS_DEFAULTS;
const DURATION_MS = { min: 100, max: 3_600_000 } as const;
/** 1 TiB: enough for any upload, and exact. */
const BODY_BYTES = { min: 0, max: 1_099_511_627_776 } as const;

/** One `[[http]]`. */
export const ROUTE_SECTION = table({
  route: text('a path, such as "/orders" or "/orders/*"').meta({
    description: 'Path: this one alone, or with a final `/*` also everything below it',
    examples: ['/quakes/*'],
  }),
  host: text('a host, such as "quakes.example" or "*.example"')
    .optional()
    .meta({ description: 'Host, or `*.NAME` for every one below it. Default: all', examples: ['quakes.example'] }),
  methods: list(pattern(METHOD_PATTERN, 'a method in upper case, such as "GET"'), 'a list of methods')
    .min(1, 'at least one method')
    .optional()
    .meta({ description: 'Methods, in upper case; `GET` takes `HEAD` with it. Default: all', examples: [['GET']] }),
  component: text('the name of a component').meta({ description: 'HTTP component that handles the requests' }),
}).meta({ description: 'Which requests go to which component' });

/** `[ingress]`. */
export const INGRESS_SECTION = table({
  listen: text('an address, such as "127.0.0.1:8080"')
    .default('127.0.0.1:8080')
    .meta({ description: 'Address and port; `0.0.0.0` is every address of this machine, port 0 any that is free' }),
  connections: integer({ min: 1, max: 1_000_000 })
    .default(DEFAULTS.connectionsMax)
    .meta({ description: 'Connections at once; what is beyond is closed' }),
  'in-flight': integer({ min: 1, max: 1_000_000 })
    .default(DEFAULTS.inFlightMax)
    .meta({ description: 'Requests at once; what is beyond is answered 503' }),
  body: size(BODY_BYTES)
    .prefault(formatSize(DEFAULTS.bodyBytesMax))
    .meta({ description: 'Body of one request; a larger one is answered 413' }),
  headers: integer({ min: 1, max: 10_000 })
    .default(DEFAULTS.headersMax)
    .meta({ description: 'Header fields of one request; more are answered 431' }),
  'header-size': size({ min: 1_024, max: 1_048_576 })
    .prefault(formatSize(DEFAULTS.headerBytesMax))
    .meta({ description: 'Head of one request; a larger one is answered 431' }),
  'headers-timeout': duration(DURATION_MS)
    .prefault('10s')
    .meta({ description: 'How long the head of a request may take to arrive' }),
  'request-timeout': duration({ min: 100, max: 86_400_000 })
    .prefault('5m')
    .meta({ description: 'How long a whole request may take to arrive' }),
  'keep-alive': duration({ min: 1, max: 3_600_000 })
    .prefault('65s')
    .meta({ description: 'How long a connection is kept for the next request' }),
  drain: duration({ min: 0, max: 3_600_000 })
    .prefault('5s')
    .meta({ description: 'How long requests under way may go on when the application stops' }),
}).meta({ description: 'Where HTTP requests come in, and what they may take' });

/** `[monitoring]` of `troupe.toml`. */
export const MONITORING_SECTION = table({
  listen: text('an address, such as "127.0.0.1:9464"').meta({
    description: 'Address and port; `0.0.0.0` is every address of this machine, port 0 any that is free',
    examples: ['127.0.0.1:9464'],
  }),
}).meta({
  description:
    'Shows `/metrics`, `/health`, `/live` and `/ready` at an address of its own, without a token, to whoever reaches it',
});

/** `[components.NAME.http]`. */
export const HTTP_SECTION = table({
  'max-invocations': integer({ min: 1, max: 1_000_000_000 })
    .optional()
    .meta({ description: 'Requests that one instance handles, one after the other', default: 1 }),
  instances: integer({ min: 1, max: 4_096 })
    .optional()
    .meta({ description: 'Instances at once, and so requests at once', default: 64 }),
  queue: integer({ min: 0, max: 65_536 })
    .optional()
    .meta({ description: 'Requests that may wait for an instance; more are answered 503', default: 256 }),
  'queue-timeout': duration({ min: 1, max: 3_600_000 })
    .optional()
    .meta({ description: 'How long a request waits for an instance. Default: 5s' }),
}).meta({ description: 'How requests get instances, for a component that handles HTTP' });

type RouteSection = z.output<typeof ROUTE_SECTION>;
type IngressSection = z.output<typeof INGRESS_SECTION>;

/** @returns Only what is written down; the rest is `host/`'s default. */
export function toHttpConfig(section: z.output<typeof HTTP_SECTION>): HttpConfig {
  return {
    ...(section['max-invocations'] !== undefined && { maxInvocations: section['max-invocations'] }),
    ...(section.instances !== undefined && { instances: section.instances }),
    ...(section.queue !== undefined && { queue: section.queue }),
    ...(section['queue-timeout'] !== undefined && { queueTimeoutMs: section['queue-timeout'] }),
  };
}

interface Serving {
  readonly ingress: IngressSection;
  readonly routes: readonly RouteSection[];
  /** Names of all components. */
  readonly components: readonly string[];
  /** Called with what is wrong, and where. */
  readonly report: (path: KeyPath, text: ProblemText) => void;
  /** Where a key stands. */
  readonly placeOf: (path: KeyPath) => Position | undefined;
}

/** What `[ingress]` and `[[http]]` come to. `undefined`: there are no routes, so nothing listens. */
export function resolveIngress({ ingress, routes, components, report, placeOf }: Serving): IngressConfig | undefined {
  const listen = parseListen(ingress.listen);
  if (typeof listen === 'string') {
    report(['ingress', 'listen'], { message: `is no address: ${quote(ingress.listen)}`, help: listen });
    return undefined;
  }
  const resolved = routes.flatMap((route, index) => {
    const inRoute = (key: string, problem: ProblemText): void => report(['http', index, key], problem);
    const found = resolveRoute(route, components, inRoute);
    return found === undefined ? [] : [{ ...found, place: { ...placeOf(['http', index, 'component']) }, index }];
  });
  reportConflicts(resolved, report);
  if (routes.length === 0) return undefined;
  return {
    listen,
    routes: resolved.map(({ index: _, ...route }) => route),
    limits: {
      connectionsMax: ingress.connections,
      inFlightMax: ingress['in-flight'],
      bodyBytesMax: ingress.body,
      headersMax: ingress.headers,
      headerBytesMax: ingress['header-size'],
      headersTimeoutMs: ingress['headers-timeout'],
      requestTimeoutMs: ingress['request-timeout'],
      keepAliveTimeoutMs: ingress['keep-alive'],
      drainMs: ingress.drain,
    },
  };
}

function resolveRoute(
  section: RouteSection,
  components: readonly string[],
  report: (key: string, problem: ProblemText) => void,
): Omit<HttpRouteConfig, 'place'> | undefined {
  const path = parsePathPattern(section.route);
  if (!path.ok) report('route', { message: `${path.message}: ${quote(section.route)}`, ...help(path.help) });
  const host = parseHostPattern(section.host ?? '*');
  if (!host.ok) report('host', { message: `${host.message}: ${quote(section.host)}`, ...help(host.help) });
  const { component } = section;
  if (!components.includes(component)) {
    const near = nearest(component, components);
    const text = near === undefined ? `components are: ${components.join(', ')}` : `did you mean "${near}"?`;
    report('component', { message: `names no component: ${quote(component)}`, help: text });
    return undefined;
  }
  if (!path.ok || !host.ok) return undefined;
  return { path: path.pattern, host: host.pattern, methods: [...new Set(section.methods ?? [])], component };
}

function help(text: string | undefined): { help?: string } {
  return text === undefined ? {} : { help: text };
}

/** A route that an earlier one hides would never get a request. */
function reportConflicts(
  routes: readonly (HttpRouteConfig & { readonly index: number })[],
  report: Serving['report'],
): void {
  for (const { index, earlier, methods } of findConflicts(routes.map((route) => ({ ...route, target: undefined })))) {
    const [later, first] = [routes[index], routes[earlier]];
    if (later === undefined || first === undefined) continue;
    const what = `${formatHost(later.host) === '*' ? '' : formatHost(later.host)}${formatPath(later.path)}`;
    const which = methods.length === 0 ? '' : ` for ${methods.join(', ')}`;
    report(['http', later.index, 'route'], {
      message: `is a route already${which}: "${what}" leads to "${first.component}" (http.${first.index})`,
      help: 'take one of them out, or give them different hosts or methods',
    });
  }
}

/** What `[monitoring]` comes to. `undefined`: there is none. */
export function resolveMonitoring(
  section: z.output<typeof MONITORING_SECTION> | undefined,
  report: Serving['report'],
): MonitoringConfig | undefined {
  if (section === undefined) return undefined;
  const listen = parseListen(section.listen);
  if (typeof listen !== 'string') return { listen };
  report(['monitoring', 'listen'], { message: `is no address: ${quote(section.listen)}`, help: listen });
  return undefined;
}

/** `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`; else a text with what may have been meant. */
export function parseListen(listen: string): { readonly host: string; readonly port: number } | string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(listen);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? (match[2] as string), port };
  if (/^:?\d{1,5}$/.test(listen)) return `did you mean "127.0.0.1:${listen.replace(':', '')}"?`;
  if (/^[\d.]+$|^[a-z][\w.-]*$/i.test(listen)) return `did you mean "${listen}:8080"?`;
  const url = /^https?:\/\/([^/]+)/.exec(listen);
  return url === null ? 'write "127.0.0.1:8080", or "[::1]:8080"' : `did you mean "${url[1]}"?`;
}
