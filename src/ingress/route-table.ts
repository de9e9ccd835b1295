import { hostOf } from './request-target.ts';
import { formatHost, formatPath, type HostPattern, type PathPattern } from './route-pattern.ts';

/** What requests go where. */
export interface Route<T> {
  readonly path: PathPattern;
  readonly host: HostPattern;
  /** Upper case; empty: all. `GET` takes `HEAD` with it. */
  readonly methods: readonly string[];
  readonly target: T;
}

/** Where a request goes. `method`: its path has routes, for these methods only. */
export type RouteMatch<T> =
  | { readonly kind: 'route'; readonly route: Route<T> }
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** What is looked at of a request. */
export interface RouteRequest {
  readonly method: string;
  readonly authority: string | undefined;
  /** Canonical. */
  readonly path: string;
}

interface Entry<T> {
  readonly match: RouteMatch<T> & { readonly kind: 'route' };
  /** Undefined: all. */
  readonly methods: ReadonlySet<string> | undefined;
}

const NONE = Object.freeze({ kind: 'none' });

/**
 * Finds the route of a request. Of those that match, the first in this order is taken:
 *
 *  1. a host that is named, then `*.suffix` with the longest suffix first, then no host;
 *  2. a path that is named, then prefixes, the longest first;
 *  3. methods that are named, then all.
 *
 * A route that does not take the method is passed over. Costs a look-up for each label of the host and each segment of
 * the longest prefix, however many routes there are.
 */
export class RouteTable<T> {
  readonly #anyHost = new PathIndex<T>();
  readonly #exactHosts = new Map<string, PathIndex<T>>();
  readonly #suffixes = new Map<string, PathIndex<T>>();
  readonly routes: readonly Route<T>[];

  /** @param routes Without those that {@link findConflicts} reports. */
  constructor(routes: readonly Route<T>[]) {
    this.routes = routes;
    for (const route of routes) this.#indexOf(route.host).add(route);
  }

  match(request: RouteRequest): RouteMatch<T> {
    const allow = new Set<string>();
    const found = this.#inNamedHosts(request, allow) ?? this.#anyHost.find(request, allow);
    if (found !== undefined) return found.match;
    return allow.size === 0 ? NONE : { kind: 'method', allow: [...allow].sort() };
  }

  #inNamedHosts(request: RouteRequest, allow: Set<string>): Entry<T> | undefined {
    if (this.#exactHosts.size === 0 && this.#suffixes.size === 0) return undefined;
    const host = hostOf(request.authority);
    const found = this.#exactHosts.get(host)?.find(request, allow);
    if (found !== undefined || this.#suffixes.size === 0) return found;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const below = this.#suffixes.get(host.slice(dot + 1))?.find(request, allow);
      if (below !== undefined) return below;
    }
    return undefined;
  }

  #indexOf({ kind, host }: HostPattern): PathIndex<T> {
    if (kind === 'any') return this.#anyHost;
    const hosts = kind === 'exact' ? this.#exactHosts : this.#suffixes;
    const index = hosts.get(host) ?? new PathIndex<T>();
    hosts.set(host, index);
    return index;
  }
}

/** The routes of one host, by path. */
class PathIndex<T> {
  readonly #exact = new Map<string, Entry<T>[]>();
  readonly #prefixes = new Map<string, Entry<T>[]>();
  /** Segments of the longest prefix; -1 without any. */
  #depthMax = -1;

  add(route: Route<T>): void {
    const { kind, path } = route.path;
    const index = kind === 'exact' ? this.#exact : this.#prefixes;
    if (kind === 'prefix') this.#depthMax = Math.max(this.#depthMax, path.split('/').length - 1);
    const entries = index.get(path) ?? [];
    const methods = route.methods.length === 0 ? undefined : withHead(route.methods);
    const entry: Entry<T> = { match: Object.freeze({ kind: 'route', route }), methods };
    // The one without methods stays the last.
    if (methods === undefined) entries.push(entry);
    else entries.unshift(entry);
    index.set(path, entries);
  }

  /** @param allow Gets the methods of routes that were passed over. */
  find({ method, path }: RouteRequest, allow: Set<string>): Entry<T> | undefined {
    const exact = pick(this.#exact.get(path), method, allow);
    if (exact !== undefined || this.#depthMax < 0) return exact;
    for (let end = this.#longest(path); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const found = pick(this.#prefixes.get(path.slice(0, end)), method, allow);
      if (found !== undefined || end === 0) return found;
    }
    return undefined;
  }

  /** Where the longest part of `path` ends that a prefix can equal: no deeper than the deepest prefix. */
  #longest(path: string): number {
    let end = 0;
    for (let depth = 0; depth < this.#depthMax; depth++) {
      const next = path.indexOf('/', end + 1);
      if (next < 0) return path.length;
      end = next;
    }
    return end;
  }
}

function pick<T>(entries: readonly Entry<T>[] | undefined, method: string, allow: Set<string>): Entry<T> | undefined {
  if (entries === undefined) return undefined;
  for (const entry of entries) {
    if (entry.methods === undefined || entry.methods.has(method)) return entry;
    for (const name of entry.methods) allow.add(name);
  }
  return undefined;
}

function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Two routes that no request can tell apart. */
export interface RouteConflict {
  /** Index of the later one. */
  readonly index: number;
  /** Index of the earlier one. */
  readonly earlier: number;
  /** The methods that both take; empty: both take all. */
  readonly methods: readonly string[];
}

/** Finds the routes that would never get a request because an earlier one takes all of theirs, or some of them. */
export function findConflicts(routes: readonly Route<unknown>[]): RouteConflict[] {
  const seen = new Map<string, number[]>();
  const conflicts: RouteConflict[] = [];
  for (const [index, route] of routes.entries()) {
    const key = `${formatHost(route.host)} ${formatPath(route.path)}`;
    const equals = seen.get(key) ?? [];
    seen.set(key, [...equals, index]);
    for (const earlier of equals) {
      const methods = overlap(route.methods, routes[earlier]?.methods ?? []);
      if (methods === undefined) continue;
      conflicts.push({ index, earlier, methods });
      break;
    }
  }
  return conflicts;
}

/** The methods that two routes of one path both name; `undefined` when a request can tell them apart. */
function overlap(one: readonly string[], other: readonly string[]): readonly string[] | undefined {
  if (one.length === 0 && other.length === 0) return [];
  const both = one.filter((method) => other.includes(method));
  return both.length === 0 ? undefined : both;
}
