import { RuntimeError } from '../errors/index.ts';
import type { Cell } from './cell.ts';
import { Verdict } from './verdict.ts';

/** Says that an actor is no more: `what` completes its name. */
export function stoppedError(cell: { readonly name: string }, what: string): RuntimeError {
  return new RuntimeError('ACTOR_STOPPED', `"${cell.name}" ${what}`, { details: { actor: cell.name } });
}

/** Says that an ask would close this circle of actors that wait for each other. */
export function deadlockError(circle: readonly string[]): RuntimeError {
  const path = circle.map((name) => `"${name}"`).join(' → ');
  return new RuntimeError('ASK_DEADLOCK', `Cannot ask: each would wait for the next, ${path}`, {
    details: { path: circle },
  });
}

/** Says that the state of an actor could not be taken. */
export function snapshotError(cell: Cell, thrown: unknown): RuntimeError {
  const cause = RuntimeError.from(Verdict.unwrap(thrown), 'ACTOR_FAILED');
  return new RuntimeError('ACTOR_FAILED', `"${cell.name}" failed while its state was taken: ${cause.message}`, {
    details: { actor: cell.name, cause: cause.code },
    cause: thrown,
  });
}
