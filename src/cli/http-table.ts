import type { ActorInfo, IngressInfo, RouteInfo } from '../api/index.ts';
import type { OutputStream } from './context.ts';
import { type Column, renderTable } from './table.ts';
import { sanitizeLine } from './text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ROUTE' },
  { title: 'COMPONENT' },
  { title: 'IN FLIGHT', align: 'right', dropFirst: 3 },
  { title: 'WAITING', align: 'right', dropFirst: 2 },
  { title: 'SERVED', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'SHED', align: 'right', dropFirst: 4 },
  { title: 'LEFT', align: 'right', dropFirst: 1 },
];

/** `GET, POST quakes.example/orders/*`. */
export function routePattern({ route, host = '', methods = [] }: RouteInfo): string {
  return sanitizeLine(`${methods.length === 0 ? '' : `${methods.join(', ')} `}${host}${route}`);
}

/** `quakes.example/orders/* → report`. */
export function routeText(route: RouteInfo): string {
  return `${routePattern(route)} → ${sanitizeLine(route.component)}`;
}

/** The routes of an application, each with what its component has done. The title is where requests come in. */
export function renderRoutes(stream: OutputStream, ingress: IngressInfo, actors: readonly ActorInfo[]): string {
  const rows = ingress.routes.map((route) => {
    const actor = actors.find(({ name }) => name === route.component);
    const counters = actor?.http;
    const numbers =
      counters === undefined
        ? ['-', '-', '-', '-', '-', '-']
        : [counters.inFlight, actor?.queued ?? 0, counters.served, counters.failed, counters.shed, counters.cancelled];
    return [
      routePattern(route),
      sanitizeLine(route.component),
      ...numbers.map((value) => value.toLocaleString('en-US')),
    ];
  });
  return `${sanitizeLine(ingress.address)}\n${renderTable(stream, COLUMNS, rows)}`;
}
