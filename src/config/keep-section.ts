import type { z } from 'zod';
import { type KeepOptions, RECORD_BYTES_MAX } from '../durable/index.ts';
import { duration, integer, size, table } from './fields.ts';

/** The ranges of a durable state. The least size has room for what comes with an empty one. */
const EVERY_MESSAGES = { min: 1, max: 1_000_000 } as const;
const EVERY_MS = { min: 1, max: 86_400_000 } as const;
const SIZE = { min: 1_024, max: RECORD_BYTES_MAX } as const;

/** `[components.NAME.keep]`. Its defaults are those of every durable state. */
export const KEEP_SECTION = table({
  'every-messages': integer(EVERY_MESSAGES)
    .default(64)
    .meta({ description: 'Messages between two snapshots; 1: nothing that was handled is undone' }),
  every: duration(EVERY_MS)
    .prefault('1s')
    .meta({ description: 'Time from the first message after a snapshot to the next one' }),
  size: size(SIZE).prefault('1MiB').meta({ description: 'Bytes of one snapshot' }),
}).meta({
  description:
    'Keeps the state of its actors over restarts and runs, by `snapshot` and `restore` of troupe:actor/lifecycle; an empty table will do',
});

export function toKeepConfig(section: z.output<typeof KEEP_SECTION>): Required<KeepOptions> {
  return { everyMessages: section['every-messages'], everyMs: section.every, maxBytes: section.size };
}
