import { RuntimeError } from '../../errors/index.ts';
import { type AdmissionLimits, type CoreModule, PAGE_BYTES, readCoreModule } from '../admission/index.ts';
import type { Plan } from './plan.ts';

/**
 * Linear memories that one component may have. Each takes 8 GiB of the process's address space whatever its size, so
 * that 16,250 are all there are; compiled languages have one, and compositions one for each part.
 */
const MEMORIES_MAX = 32;

/**
 * Shares the limits of a component out among its core modules, by the plan's steps: each gets what it starts with, and
 * of the rest as much for one memory or table as for any other.
 *
 * @throws {RuntimeError} `COMPONENT_LIMIT` — too many memories. What starts with too much is refused at admission.
 */
export function shareOut(plan: Plan, limits: AdmissionLimits): AdmissionLimits[] {
  const modules = plan.steps.map((step) => readCoreModule(step.bytes));
  const count = modules.reduce((sum, module) => sum + module.memories.length, 0);
  if (count > MEMORIES_MAX) {
    throw new RuntimeError(
      'COMPONENT_LIMIT',
      `Cannot link the component: it has ${count} linear memories, and ${MEMORIES_MAX} are the most`,
      { details: { limit: 'memories', limitCount: MEMORIES_MAX } },
    );
  }
  const memory = shares(modules, limits.memoryBytes, (module) =>
    module.memories.map(({ min }) => Number(min) * PAGE_BYTES),
  );
  const table = shares(modules, limits.tableElements, (module) => module.tables.map(({ min }) => Number(min)));
  return modules.map((_, at) => ({
    ...limits,
    memoryBytes: memory[at] as number,
    tableElements: table[at] as number,
  }));
}

function shares(modules: readonly CoreModule[], limit: number, claimsOf: (module: CoreModule) => number[]): number[] {
  const claims = modules.map(claimsOf);
  const count = claims.flat().length;
  if (count <= 1) return modules.map(() => limit);
  const claimed = claims.flat().reduce((sum, claim) => sum + claim, 0);
  const share = Math.max(0, limit - claimed) / count;
  return claims.map((own) => (claimed > limit ? 0 : own.reduce((sum, claim) => sum + claim + share, 0)));
}
