/**
 * Child process of the scalability benchmark (`workloads/idle.ts`): prints the bytes of heap that each of COUNT started, idle actors takes.
 *
 *     node --expose-gc idle-memory.ts troupe|PEER COUNT
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ActorRef, ActorSystem } from '../src/index.ts';
import { counter } from './workloads/troupe.ts';

const [contender, count] = [process.argv[2] as string, Number(process.argv[3])];

interface Idle {
  /** Makes and starts one actor, and returns what keeps it. */
  readonly make: () => unknown;
  readonly settle: () => Promise<void>;
}

async function ours(): Promise<Idle> {
  const system = await ActorSystem.create();
  let last: ActorRef = system.spawn(counter);
  return {
    make: () => {
      last = system.spawn(counter);
      return last;
    },
    settle: async () => {
      await last.ready;
      assert.ok(system.size > count);
    },
  };
}

async function theirs(): Promise<Idle> {
  const file = join(import.meta.dirname, 'peers', `${contender}.js`);
  const { idle } = (await import(pathToFileURL(file).href)) as { readonly idle: () => Promise<Idle> };
  return idle();
}

const { make, settle } = await (contender === 'troupe' ? ours() : theirs());
const kept = new Array<unknown>(count).fill(undefined);
make();
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < count; i++) kept[i] = make();
await settle();
await new Promise<void>((resolve) => setImmediate(resolve));
globalThis.gc?.();
const bytes = (process.memoryUsage().heapUsed - before) / count;
assert.equal(kept.length, count);
console.log(JSON.stringify(bytes));
process.exit(0);
