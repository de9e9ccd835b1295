/** The same measure for all. */
export { timed } from '../workloads/contender.ts';
export { idleBytes } from '../workloads/idle.ts';
