/** Component actors under virtual time, seeded turns and faults, as any others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ActorRef, component } from '../../src/index.ts';
import { simulate, TestSystem } from '../../src/testing/index.ts';

const path = fileURLToPath(new URL('../../fixtures/components/echo/echo.wasm', import.meta.url));
const echo = await component(path, { name: 'echo' });
const OPTIONS = { supervision: { restart: 'permanent', intensity: 1_000, backoffMinMs: 10 } } as const;

const text = (reply: unknown): string => new TextDecoder().decode(reply as Uint8Array);

test('TestSystem runs component actors: a crash gives a new instance, a doubled message is handled twice', async () => {
  await using system = TestSystem.create({ seed: 3 });
  const ref = system.spawn(echo, 'echo', OPTIONS);
  const count = async (): Promise<string> => text(await system.until(ref.askOp('count', '')));
  assert.deepEqual([await count(), await count()], ['1', '2']);
  assert.ok(system.crash(ref));
  assert.equal(await count(), '1');
  system.duplicate({ op: 'count' }, { times: 1 });
  assert.deepEqual([await count(), await count()], ['2', '4']);
});

test('simulate runs component actors, the same for the same seed', async () => {
  const world = {
    setup: (system: TestSystem) => ['one', 'two'].map((name): ActorRef => system.spawn(echo, name, OPTIONS)),
    actions: Object.fromEntries(
      ['count', 'echo', 'trap'].map((op) => [
        op,
        (refs: ActorRef[], draw: { pick<T>(of: readonly T[]): T }) => draw.pick(refs).askOp(op, 'x'),
      ]),
    ),
    eventually: {
      'each answers': async (refs: ActorRef[]) => {
        for (const ref of refs) assert.equal(text(await ref.askOp('echo', ref.name)), ref.name);
      },
    },
    faults: { crash: true, pause: true, drop: true, delay: true, duplicate: true, reorder: true, fill: true },
  } as const;
  assert.deepEqual(await simulate({ ...world, runs: 20 }), await simulate({ ...world, runs: 20 }));
});
