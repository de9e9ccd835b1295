import type { ComponentReport } from '../api/index.ts';

/** What a component becomes, as a person reads it. */
export const BECOMES: Readonly<Record<ComponentReport['becomes'], string>> = {
  message: 'an actor that handles messages',
  http: 'an actor that handles HTTP requests',
  task: 'a task that runs to its end',
  functions: 'an actor whose operations are its exports',
  none: 'nothing: it exports nothing that can be run',
};
