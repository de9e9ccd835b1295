import { RuntimeError } from '../../errors/index.ts';
import {
  type AdmissionLimits,
  type CoreModule,
  checkMemoryClaim,
  checkTableClaim,
  PAGE_BYTES,
} from '../admission/index.ts';

/**
 * Linear memories that one component may have. Each takes 8 GiB of the process's address space whatever its size, so
 * that 16,250 are all there are; compiled languages have one, and compositions one for each part.
 */
const MEMORIES_MAX = 32;

/**
 * Shares the limits of a component out among the core modules that it instantiates: each gets what it starts with, and
 * of the rest as much for one memory or table as for any other.
 *
 * @throws {RuntimeError} `COMPONENT_LIMIT` — too many memories, or what starts with more than it may have.
 */
export function shareOut(modules: readonly CoreModule[], limits: AdmissionLimits): AdmissionLimits[] {
  const count = modules.reduce((sum, module) => sum + module.memories.length, 0);
  if (count > MEMORIES_MAX) {
    throw new RuntimeError(
      'COMPONENT_LIMIT',
      `Cannot link the component: it has ${count} linear memories, and ${MEMORIES_MAX} are the most`,
      { details: { limit: 'memories', limitCount: MEMORIES_MAX } },
    );
  }
  const memory = modules.map((module) => module.memories.map(({ min }) => Number(min) * PAGE_BYTES));
  const table = modules.map((module) => module.tables.map(({ min }) => Number(min)));
  checkMemoryClaim(sum(memory.flat()), limits.memoryBytes);
  checkTableClaim(sum(table.flat()), limits.tableElements);
  const memoryShares = shares(memory, limits.memoryBytes);
  const tableShares = shares(table, limits.tableElements);
  return modules.map((_, at) => ({
    ...limits,
    memoryBytes: memoryShares[at] as number,
    tableElements: tableShares[at] as number,
  }));
}

/** @param claims What each memory or table of each module starts with. */
function shares(claims: readonly (readonly number[])[], limit: number): number[] {
  const all = claims.flat();
  if (all.length <= 1) return claims.map(() => limit);
  const share = (limit - sum(all)) / all.length;
  return claims.map((own) => sum(own) + own.length * share);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
