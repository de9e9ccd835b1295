import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { AUDIT_DEFAULTS } from '../audit/index.ts';
import type { AuditConfig } from './application.ts';
import { choice, duration, size, table, text } from './fields.ts';

/** Beside what a running application leaves for its clients. */
const DIRECTORY = '.troupe/audit';

const MIB = 1_048_576;
const HOUR_MS = 3_600_000;

/** `[audit]` of `troupe.toml`. */
export const AUDIT_SECTION = table({
  directory: text('the path of a folder').optional().meta({
    description: 'Its folder, relative to troupe.toml; it is made',
    default: DIRECTORY,
  }),
  retention: duration({ min: HOUR_MS, max: 36_500 * 24 * HOUR_MS })
    .prefault('90d')
    .meta({ description: 'How long records are kept; a file goes when its newest one is older' }),
  'file-size': size({ min: 65_536, max: 1_024 * MIB })
    .prefault('64MiB')
    .meta({ description: 'How large a file becomes before the next one is begun; one is begun each day' }),
  durability: choice(['disk', 'process'])
    .default(AUDIT_DEFAULTS.durability)
    .meta({ description: '`disk`: a record survives a loss of power; `process`: the end of the process' }),
}).meta({
  description:
    'Puts on record, in files that nobody can change without a trace, what runs, what it was granted, wanted and denied, and what operators did; an empty table will do',
});

export function toAuditConfig(section: z.output<typeof AUDIT_SECTION>, applicationDirectory: string): AuditConfig {
  return {
    directory: resolve(applicationDirectory, section.directory ?? join(...DIRECTORY.split('/'))),
    retentionMs: section.retention,
    segmentBytes: section['file-size'],
    durability: section.durability,
  };
}
