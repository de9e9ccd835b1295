/** Child process: spawns component actors until one is refused, and says how many, why, and whether the first still answers. */
import { ActorSystem, component, RuntimeError } from '../../src/index.ts';

const ECHO = new URL('../../fixtures/components/echo/echo.wasm', import.meta.url);
/** More than fit with any setting of a machine that tests run on. */
const MOST = 20_000;
const BATCH = 200;

const system = await ActorSystem.create();
const echo = await component(ECHO, { grants: { messaging: {} } });
const first = system.spawn(echo);
let spawned = 1;
let code: string | undefined;

while (code === undefined && spawned < MOST) {
  const refs = [];
  try {
    for (let at = 0; at < BATCH; at++)
      refs.push(system.spawn(echo, undefined, { supervision: { restart: 'temporary' } }));
  } catch (error) {
    code = RuntimeError.from(error).code;
  }
  const ready = await Promise.allSettled(refs.map((ref) => ref.ready));
  for (const item of ready) {
    if (item.status === 'fulfilled') spawned++;
    else code ??= String(RuntimeError.from(item.reason).details.cause);
  }
}
const reply = await first.askOp('echo', 'x');
const alive = reply instanceof Uint8Array && reply.length === 1;
process.stdout.write(JSON.stringify({ spawned, code, alive }), () => process.exit(0));
