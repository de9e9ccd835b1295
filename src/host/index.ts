/**
 * Component actors: WebAssembly components as supervised actors.
 *
 * Guarantees
 *   H1  A component that exports `troupe:actor/handler` takes messages, one that exports `wasi:http/incoming-handler`
 *       handles requests, one that exports `wasi:cli/run` is a task, any other is asked by its exports' names. One whose
 *       types hold resources is refused by name.
 *   H2  A trap, an exit, a missed deadline is a failure of that actor alone: its supervisor decides, its mailbox is kept,
 *       nobody else notices.
 *   H3  What is not granted is not there: an interface that can fail answers each call with its own error, one that
 *       cannot is refused before the first instance is made, with the lines to add.
 *   H4  A denial is an answer, never a trap, and is reported.
 *   H5  What a guest answers cannot pass for a failure of the host: its codes arrive as `ANSWER_…`.
 *   H6  A request has an instance to itself, a fresh one unless reuse was asked for. It is answered whatever happens to
 *       its guest, which hurts no other request; who comes when all is full is sent away at once.
 *   H7  An import that another actor answers is as good as an ask: of an equal type, with a deadline, refused in a circle.
 *       What goes wrong is a value for a guest whose type has room for it, else a failure of that actor that says why.
 *   H8  The same component gives the same TypeScript declarations, and they are true of its actors.
 *   H9  Guests that compute take turns: after 0.2 ms the next component has its own, after 0.5 ms actors and I/O have
 *       theirs. One that computes is ended by its deadline, a stop or a kill as one that waits.
 *  H10  Every limit of a component is enforced, counted for each actor over its restarts, and told at a bounded rate.
 *  H11  An actor whose instance was kept ready cannot be told from one whose instance was made for it.
 * Limits      a message's payload is bytes (or text, as UTF-8); a function's is the array of its arguments. A component
 *             gets, sends and is answered at most 1 MiB at a time unless its limits say otherwise, by an operation of 255 characters.
 * Not here    mailboxes and supervision (actor/), canonical ABI and traps (component/), WASI (wasi/), files of
 *             configuration (config/).
 *
 * @module
 */
export {
  type ComponentActorType,
  type ComponentOptions,
  component,
  componentActor,
  DEADLINE_MS,
  isComponentType,
} from './component.ts';
export type { ComponentCounts, ComponentCountsData } from './component-counts.ts';
export { checkImports, type ImportNeed, importNeeds, unofferedImports } from './deploy.ts';
export { GuestFuel } from './fuel.ts';
export type { HealthCheckOptions } from './health-options.ts';
export type { HttpObserver } from './http-component.ts';
export type { HttpOptions } from './http-options.ts';
export { type HttpJob, HttpPool, type HttpStats, type HttpTicket } from './http-pool.ts';
export { argumentsFromJson, fromJson, toJson } from './json-values.ts';
export type { LimitBreach, LimitUse } from './limit-watch.ts';
export { type ComponentLimits, LIMIT_NAMES, LIMITS, type LimitKey, type LimitName, type LimitSpec } from './limits.ts';
export { type Link, type Links, type LinkTarget, linkError, linkProblems } from './links.ts';
export {
  compileFile,
  digestOf,
  inFile,
  type LoadOptions,
  loadComponent,
  readComponentFile,
} from './load.ts';
export {
  type ComponentObservers,
  type ComponentRecipe,
  componentOf,
  recipeOf,
} from './recipe.ts';
export type { RecycleOptions } from './recycle-options.ts';
export { type ComponentShape, shapeOf } from './shape.ts';
export type { ActorStdio } from './surroundings.ts';
export { type ComponentTypes, componentTypes } from './typescript-types.ts';
