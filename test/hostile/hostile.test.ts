/** Guests that attack in one call: each ends with a named error, cannot catch it, and hurts nobody else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALLOCATORS, type Attack, CLEANING, GREED, IMPORTS, INSTRUCTIONS, STACKS } from './attacks.suite.ts';
import { assertDead, assertEnds, GUARDS, type Guest, hostOf, start, trap } from './kit.ts';

const GROUPS: Readonly<Record<string, readonly Attack[]>> = {
  'traps of instructions': INSTRUCTIONS,
  'broken rules at imports': IMPORTS,
  allocators: ALLOCATORS,
  greed: GREED,
  'cleaning up': CLEANING,
  'endless calls': STACKS,
};

for (const [group, attacks] of Object.entries(GROUPS)) {
  describe(`Hostile guests: ${group}`, () => {
    for (const attack of attacks) {
      for (const guard of GUARDS) {
        test(`${attack.name} (${guard})`, async () => {
          const instance = await start(attack, guard);
          const [name, ...args] = attack.call ?? ['f'];
          await assertEnds(() => instance.call(name, args), attack.end);
          await assertDead(instance, attack.end);
        });
      }
    }
  });
}

/** Where a guest throws; it may catch what it throws itself, but nobody else has to. */
const THROWS: readonly (readonly [where: string, guest: Guest, call: readonly [string, ...unknown[]]])[] = [
  ['in a function', { attack: '(throw $e (i32.const 1))', fields: '(tag $e (param i32))' }, ['f']],
  ['deep in a function', { attack: '(call $g)', fields: '(tag $e) (func $g (call $h)) (func $h (throw $e))' }, ['f']],
  ['in its post-return', { attack: '', post: '(throw $e)', fields: '(tag $e)' }, ['p']],
];

/** An exception of WebAssembly's that no guest has a tag for. */
function foreignException(): unknown {
  const { Tag, Exception } = WebAssembly as unknown as {
    readonly Tag: new (type: { parameters: readonly string[] }) => object;
    readonly Exception: new (tag: object, payload: readonly unknown[]) => unknown;
  };
  return new Exception(new Tag({ parameters: [] }), []);
}

describe('Hostile guests: exceptions', () => {
  for (const guard of GUARDS) {
    for (const [where, guest, [name, ...args]] of THROWS) {
      test(`one that is thrown ${where} (${guard})`, async () => {
        const instance = await start(guest, guard);
        if (guard === 'plain') {
          await assertEnds(() => instance.call(name, args), trap('uncaught-exception'));
          await assertDead(instance, trap('uncaught-exception'));
        } else {
          await instance.call(name, args);
          assert.equal(await instance.call('ok'), 1);
        }
      });
    }

    test(`one that the allocator throws reaches no other frame (${guard})`, async () => {
      const host = hostOf();
      const realloc = '(block (result i32) (throw $e))';
      const guest = { attack: '(call $get (i32.const 64)) (drop (call $make))', realloc, allocFields: '(tag $e)' };
      const instance = await start(guest, guard, { host });
      if (guard === 'plain') {
        await assertEnds(() => instance.call('f'), trap('uncaught-exception'));
        await assertDead(instance, trap('uncaught-exception'));
        assert.deepEqual(host.log, ['get'], 'the guest did not go on');
      } else {
        await instance.call('f');
        assert.deepEqual(host.log, ['get', 'make']);
      }
    });

    test(`one that the host throws is none of the guest's (${guard})`, async () => {
      const call = (): never => {
        throw foreignException();
      };
      const host = hostOf({ call });
      const instance = await start({ attack: '(call $call) (drop (call $make))' }, guard, { host });
      await assertEnds(() => instance.call('f'), { code: 'COMPONENT_TRAPPED' });
      assert.deepEqual(host.log, ['call']);
    });
  }
});

describe('Hostile guests: allocators that alias', () => {
  for (const guard of GUARDS) {
    test(`one that always gives the same memory spoils its own values only (${guard})`, async () => {
      const instance = await start({ attack: '(call $get-many (i32.const 64))', realloc: '(i32.const 256)' }, guard);
      await instance.call('f');
      assert.equal(await instance.call('echo', ['still here']), 'still here');
    });
  }
});
