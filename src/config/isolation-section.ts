import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { choice, integer, NAME_EXPECTED, NAME_PATTERN, pattern, table } from './fields.ts';

/** Each takes 8 to 11 MB, and more than there are cores gain nothing; some of the largest machines have 256. */
const WORKERS = { min: 0, max: 256 } as const;

/** `workers` of `[application]`. */
export const WORKERS_SECTION = z
  .union([choice(['auto']), integer(WORKERS)], { error: `"auto", or an integer from ${WORKERS.min} to ${WORKERS.max}` })
  .meta({
    description:
      'Threads on which the actors of components live: a number, or "auto": one less than there are cores, and at least one. 0: they live on the main thread',
  });

/** One core is left to the main thread. */
export function toWorkers(section: z.output<typeof WORKERS_SECTION>): number {
  return section === 'auto' ? Math.max(1, availableParallelism() - 1) : section;
}

/** `isolation` of `[components.NAME]`. */
export const ISOLATION_SECTION = z
  .union(
    [
      choice(['thread', 'process']),
      table({
        process: pattern(NAME_PATTERN, NAME_EXPECTED).meta({
          description: 'Components that name the same group share one process',
          examples: ['tenants'],
        }),
      }),
    ],
    { error: '"thread", "process" or { process = "GROUP" }' },
  )
  .meta({
    description:
      'Where its actors live: on the threads of this process, or in a child process, of their own or with the others of a group',
    examples: [{ process: 'tenants' }],
  });

/** Where the actors of a component live. */
export type IsolationConfig =
  | { readonly kind: 'thread' }
  /** With all others that have the same `group`. */
  | { readonly kind: 'process'; readonly group: string };

/** @param component Whose it is. Its own group is no other's, whatever that is called. */
export function toIsolation(component: string, section: z.output<typeof ISOLATION_SECTION>): IsolationConfig {
  if (section === 'thread') return { kind: 'thread' };
  return { kind: 'process', group: section === 'process' ? `component:${component}` : section.process };
}
