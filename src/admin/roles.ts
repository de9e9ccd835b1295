import { ROUTES, type RouteName } from '../api/index.ts';

/** What somebody may do at the control port; each may do what those before may. */
export const ROLES = ['reader', 'operator', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/**
 * Who may use a route: a reader sees what is shown of actors, an operator sees and sends what they handle, an admin ends and removes
 * things.
 */
const NEEDED: Readonly<Record<RouteName, Role>> = {
  application: 'reader',
  actors: 'reader',
  operations: 'reader',
  health: 'reader',
  states: 'reader',
  outbox: 'reader',
  deadLetters: 'operator',
  state: 'operator',
  ask: 'operator',
  tell: 'operator',
  removeState: 'admin',
  removeMessages: 'admin',
  stop: 'admin',
};

const PATTERNS = Object.entries(ROUTES).map(([name, { method, path }]) => ({
  name: name as RouteName,
  method,
  pattern: new RegExp(`^${path.replace(':actor', '[^/]+')}$`),
}));

/** The role that a request needs. What is no route needs the least: it is answered that it is none. */
export function roleFor(method: string, path: string): Role {
  const route = PATTERNS.find((one) => one.method === method && one.pattern.test(path));
  return route === undefined ? 'reader' : NEEDED[route.name];
}

export function covers(has: Role, needed: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needed);
}
