import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { AUDIT_DEFAULTS } from '../audit/index.ts';
import type { AuditConfig } from './application.ts';
import { choice, duration, list, size, table, text } from './fields.ts';

/** Beside what a running application leaves for its clients. */
const DIRECTORY = '.troupe/audit';

const MIB = 1_048_576;
const HOUR_MS = 3_600_000;

/** What follows the scheme of a syslog server, and of the bulk API. */
const SYSLOG_URL = /^syslogs?:\/\/[^\s/?#@]+:\d+$/;
const BULK_URL = /^https?:\/\/[^\s/?#@]+\/[^\s?#]+$/;
const URL_EXPECTED =
  '"syslog://HOST:PORT", "syslogs://HOST:PORT" (over TLS), or "https://HOST:PORT/INDEX" of Elasticsearch or OpenSearch';

/** One `[[audit.ship]]`. */
const SHIP = table({
  to: text(URL_EXPECTED)
    .refine((url) => (SYSLOG_URL.test(url) || BULK_URL.test(url)) && URL.canParse(url), URL_EXPECTED)
    .meta({ description: `Where records are sent: ${URL_EXPECTED}` }),
  'authorization-file': text('the path of a file').optional().meta({
    description: 'Its first line is the `authorization` header of requests: `ApiKey …`. Read at each batch',
  }),
  'ca-file': text('the path of a file')
    .optional()
    .meta({ description: 'Certificates, in PEM, that sign the server’s; default: those that everybody trusts' }),
});

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
  ship: list(SHIP, 'a list of places')
    .optional()
    .meta({ description: 'Where else records go, and arrive at least once' }),
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
    ship: (section.ship ?? []).map((ship) => ({
      to: ship.to,
      authorizationFile: absolute(ship['authorization-file'], applicationDirectory),
      caFile: absolute(ship['ca-file'], applicationDirectory),
    })),
  };
}

function absolute(path: string | undefined, directory: string): string | undefined {
  return path === undefined ? undefined : resolve(directory, path);
}
