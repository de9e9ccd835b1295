import type { z } from 'zod';
import { duration, integer, table } from './fields.ts';

const EVERY_MS = { min: 100, max: 3_600_000 } as const;
const TIMEOUT_MS = { min: 1, max: 3_600_000 } as const;
const RESTART_AFTER = { min: 0, max: 1_000 } as const;

/** `[components.NAME.health]`. Its defaults are those of `host/`. */
export const HEALTH_SECTION = table({
  every: duration(EVERY_MS).optional().meta({ description: 'How often it is asked. Default: 10s' }),
  timeout: duration(TIMEOUT_MS)
    .optional()
    .meta({ description: 'How long an answer may take; what takes longer has failed. Default: 5s' }),
  'restart-after': integer(RESTART_AFTER)
    .optional()
    .meta({ description: 'Answers `unhealthy` in a row that are a failure of the actor; 0: none is', default: 3 }),
}).meta({ description: 'How its actors are asked for `health` of troupe:actor/lifecycle' });

/** What is written down of `[components.NAME.health]`. */
export interface HealthConfig {
  readonly everyMs?: number;
  readonly timeoutMs?: number;
  readonly restartAfter?: number;
}

export function toHealthConfig(section: z.output<typeof HEALTH_SECTION>): HealthConfig {
  return {
    ...(section.every !== undefined && { everyMs: section.every }),
    ...(section.timeout !== undefined && { timeoutMs: section.timeout }),
    ...(section['restart-after'] !== undefined && { restartAfter: section['restart-after'] }),
  };
}
