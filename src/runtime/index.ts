/**
 * Runtime: the composition root. Puts actors, components, capabilities and WASI together from a configuration.
 *
 * Guarantees
 *   R1  An application starts whole or not at all: every component is loaded, admitted and checked against its grants
 *       before the first actor starts.
 *   R2  Whatever happens to an actor is an event with its name; what a guest prints is one too.
 *   R3  `stop` ends every actor within its deadline and leaves nothing open.
 * Limits      one process, one thread.
 * Not here    reading configuration (config/), the control port's server (admin/), the terminal (cli/).
 *
 * @module
 */

export { monitoringFiles } from '../observe/index.ts';
export {
  type ActorAuthority,
  type AuthorityOptions,
  actorAuthority,
  type HeldActor,
} from './actor-authority.ts';
export { ActorSystem, createActorSystem, type SystemOptions } from './actor-system.ts';
export { startApplication } from './application.ts';
export { addArtifact } from './artifacts.ts';
export { diffGrants } from './grant-diff.ts';
export { type HttpComponent, type HttpComponentOptions, httpComponent } from './http-component.ts';
export { inspectComponent, inspectMember } from './inspect.ts';
export { type KeptReader, type OutboxReader, withKeptMessages, withKeptStates } from './kept.ts';
export { Metrics, type MetricsOptions } from './metrics.ts';
export type { Application, ApplicationEvent, StartOptions } from './port.ts';
export { type RunCommandOptions, runCommand } from './run-command.ts';
export { type ServeCommandOptions, type ServedComponent, serveCommand } from './serve-command.ts';
export type { WorkersOptions } from './system-workers.ts';
export { typesOfComponent } from './types.ts';
