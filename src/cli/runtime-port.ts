import type * as runtime from '../runtime/index.ts';

/** What the command line needs of the runtime. Loaded on demand: `--help` and `ps` do without the engine. */
export type RuntimePort = Pick<
  typeof runtime,
  | 'startApplication'
  | 'withKeptStates'
  | 'withKeptMessages'
  | 'runCommand'
  | 'serveCommand'
  | 'inspectComponent'
  | 'addArtifact'
  | 'diffGrants'
  | 'inspectMember'
  | 'typesOfComponent'
  | 'monitoringFiles'
>;
