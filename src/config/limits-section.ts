import type { z } from 'zod';
import type { LimitsConfig } from './application.ts';
import { durationOrUnbounded, integer, size, table } from './fields.ts';

/**
 * One page of linear memory up to what 32-bit memories can have. The default is half of what a small deployment unit
 * has (128 MiB) and 60 times what the example components use.
 */
const MEMORY_BYTES = { min: 65_536, max: 4_294_967_296, default: 67_108_864 } as const;

/** The engine's own ceiling is 10,000,000; JavaScript guests need about 20,000. */
const TABLE_ELEMENTS = { min: 0, max: 10_000_000, default: 100_000 } as const;

/** The range of every deadline in Troupe. */
const DEADLINE_MS = { min: 1, max: 3_600_000 } as const;

/** `[limits]` of `Component.toml` and `[components.NAME.limits]` of `troupe.toml`. */
export const LIMITS_SECTION = table({
  memory: size(MEMORY_BYTES).optional().meta({ description: 'Linear memory of one instance. Default: 64MiB' }),
  table: integer(TABLE_ELEMENTS)
    .optional()
    .meta({ description: 'Table elements of one instance', default: TABLE_ELEMENTS.default }),
  deadline: durationOrUnbounded(DEADLINE_MS)
    .optional()
    .meta({ description: 'Wall-clock time for one message. Default: 30s; none for the run of a task' }),
}).meta({ description: "Upper bounds; of the author's and the operator's the smaller counts" });

export type LimitsSection = z.output<typeof LIMITS_SECTION>;

/** Takes the smaller of both sides, then the default. */
export function mergeLimits(author: LimitsSection = {}, operator: LimitsSection = {}): LimitsConfig {
  return {
    memoryBytes: smaller(author.memory, operator.memory) ?? MEMORY_BYTES.default,
    tableElements: smaller(author.table, operator.table) ?? TABLE_ELEMENTS.default,
    deadlineMs: smaller(author.deadline, operator.deadline),
  };
}

function smaller(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : Math.min(first, second);
}
