import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { artifactPath, isDigest } from '../artifact/index.ts';
import type { ApplicationConfig, StoreConfig } from './application.ts';
import { type AUDIT_SECTION, toAuditConfig } from './audit-section.ts';
import { integer, size, table, text } from './fields.ts';

/** Beside what a running application leaves for its clients. */
const DIRECTORY = '.troupe/data';

const MIB = 1_048_576;

/** From what an empty store takes to far more than a file should have. */
const SIZE = { min: MIB, max: 1_024 * 1_024 * MIB } as const;
const BUCKET_KEYS = { min: 1, max: 1_000_000_000 } as const;

/** `[store]` of `troupe.toml`. */
export const STORE_SECTION = table({
  directory: text('the path of a folder').optional().meta({
    description: 'Its folder, relative to troupe.toml; made when something is kept',
    default: DIRECTORY,
  }),
  size: size(SIZE).prefault('4GiB').meta({ description: 'How large its file may be' }),
  'bucket-size': size(SIZE).prefault('256MiB').meta({ description: 'Keys and values of one bucket' }),
  'bucket-keys': integer(BUCKET_KEYS).default(1_048_576).meta({ description: 'Entries of one bucket' }),
}).meta({
  description: 'What the application keeps on this machine: states of actors, and the buckets of `wasi:keyvalue`',
});

/** What outlasts the process. */
export function toLastingConfig(
  sections: {
    readonly store: z.output<typeof STORE_SECTION>;
    readonly audit?: z.output<typeof AUDIT_SECTION> | undefined;
  },
  applicationDirectory: string,
): Pick<ApplicationConfig, 'store' | 'audit'> {
  return {
    store: toStoreConfig(sections.store, applicationDirectory),
    audit: sections.audit && toAuditConfig(sections.audit, applicationDirectory),
  };
}

function toStoreConfig(section: z.output<typeof STORE_SECTION>, applicationDirectory: string): StoreConfig {
  return {
    directory: resolve(applicationDirectory, section.directory ?? join(...DIRECTORY.split('/'))),
    limits: { bytes: section.size, bucketBytes: section['bucket-size'], bucketKeys: section['bucket-keys'] },
  };
}

/** Before the digest of a component that is kept under it. */
const DIGEST_SCHEME = 'sha256:';

/** Whether a `source` names a component by its digest. */
export function isKeptSource(source: string | undefined): source is string {
  return source?.startsWith(DIGEST_SCHEME) === true;
}

/** The digest and the file of a component that `troupe artifact add` has kept; undefined: it is no digest. */
export function keptSource(
  directory: string,
  source: string,
): { readonly digest: string; readonly file: string } | undefined {
  const digest = source.slice(DIGEST_SCHEME.length).toLowerCase();
  return isDigest(digest) ? { digest, file: artifactPath(join(directory, 'artifacts'), digest) } : undefined;
}
