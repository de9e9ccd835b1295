/** Entry of the thread that compiles one component. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, RuntimeError } from '../../errors/index.ts';
import { compileComponent } from '../link/index.ts';
import type { CompileJob, CompileOutcome } from './messages.ts';

assert(parentPort !== null, 'this module is the entry of a thread');
const { bytes, options } = workerData as CompileJob;
const outcome: CompileOutcome = await compileComponent(bytes, options).then(
  ({ artifact }) => ({ artifact }),
  (error: unknown) => ({ error: RuntimeError.from(error).toWire() }),
);
parentPort.postMessage(outcome);
