/** Guests that attack in one call: each ends with a named error, cannot catch it, and hurts nobody else. */
import { describe, test } from 'node:test';
import { ALLOCATORS, type Attack, CLEANING, GREED, IMPORTS, INSTRUCTIONS, STACKS } from './attacks.suite.ts';
import { assertDead, assertEnds, GUARDS, start } from './kit.ts';

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
