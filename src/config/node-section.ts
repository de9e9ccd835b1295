import { decimal, integer, size, table } from './fields.ts';

/** What no machine exceeds; what this one has is checked when the application starts. */
const COUNT = { min: 1, max: 2_147_483_647 } as const;
const RESIDENT_BYTES = { min: 67_108_864, max: 2 ** 50 } as const;
const CPU = { min: 0.01, max: 1 } as const;

/** `[application.limits]` of `troupe.toml`. */
export const NODE_SECTION = table({
  memories: integer(COUNT)
    .optional()
    .meta({ description: 'Linear memories of all instances. Default: what V8 has address space for, some 16,200' }),
  mappings: integer(COUNT)
    .optional()
    .meta({ description: 'Mappings of memory of the process. Default: 95 % of vm.max_map_count' }),
  resident: size(RESIDENT_BYTES).optional().meta({
    description: 'Resident memory of the process. Default: 80 % of what the machine or the control group has',
  }),
  cpu: decimal(CPU)
    .optional()
    .meta({ description: 'Share of all processors above which nothing new is started. Default: no limit' }),
}).meta({
  description: 'How much of the machine the process may use before it refuses another instance (`NODE_LIMIT`)',
});
