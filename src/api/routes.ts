/** Version of the paths below; a change that an older client would misread gets a new one. */
const PREFIX = '/v1';

/** Every route of the control port, as the server mounts it. `:actor` is one URL-encoded segment. */
export const ROUTES = {
  application: { method: 'GET', path: `${PREFIX}/application` },
  actors: { method: 'GET', path: `${PREFIX}/actors` },
  operations: { method: 'GET', path: `${PREFIX}/actors/:actor/operations` },
  ask: { method: 'POST', path: `${PREFIX}/actors/:actor/ask` },
  tell: { method: 'POST', path: `${PREFIX}/actors/:actor/tell` },
  states: { method: 'GET', path: `${PREFIX}/states` },
  state: { method: 'GET', path: `${PREFIX}/states/:actor` },
  removeState: { method: 'POST', path: `${PREFIX}/states/:actor/remove` },
  outbox: { method: 'GET', path: `${PREFIX}/outbox` },
  removeMessages: { method: 'POST', path: `${PREFIX}/outbox/:actor/remove` },
  deadLetters: { method: 'GET', path: `${PREFIX}/dead-letters` },
  health: { method: 'GET', path: `${PREFIX}/health` },
  stop: { method: 'POST', path: `${PREFIX}/stop` },
} as const satisfies Record<string, { method: 'GET' | 'POST'; path: string }>;

/** Where those that gather metrics and probe health look, whatever the version. */
export const MONITORING_PATHS = { metrics: '/metrics', health: '/health', live: '/live', ready: '/ready' } as const;

export type RouteName = keyof typeof ROUTES;

/** The path of a route for one actor: `routePath('ask', 'parse/1')` is `/v1/actors/parse%2F1/ask`. */
export function routePath(route: RouteName, actor?: string): string {
  const { path } = ROUTES[route];
  return actor === undefined ? path : path.replace(':actor', () => encodeURIComponent(actor));
}
