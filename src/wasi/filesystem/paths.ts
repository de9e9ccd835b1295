import { ok } from '../guest/index.ts';
import { attempt, type Descriptor, demandAt } from './descriptor.ts';
import type { FileResult } from './error-code.ts';
import { done } from './file-streams.ts';
import { type GuestPath, lookup } from './lookup.ts';
import { type DescriptorStat, toDescriptorStat, toMetadataHash, toSeconds } from './stat.ts';

/** `descriptor.stat-at`. */
export function statAt(base: Descriptor, path: GuestPath): Promise<FileResult<DescriptorStat>> {
  return attempt(() => lookup(base, path, async ({ stats }) => ok(toDescriptorStat(stats))));
}

/** `descriptor.metadata-hash-at`. */
export function metadataHashAt(
  base: Descriptor,
  path: GuestPath,
): Promise<FileResult<ReturnType<typeof toMetadataHash>>> {
  return attempt(() => lookup(base, path, async ({ stats }) => ok(toMetadataHash(stats))));
}

/** `descriptor.set-times-at`. */
export function setTimesAt(
  base: Descriptor,
  path: GuestPath,
  times: { readonly accessed: unknown; readonly modified: unknown },
): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(base, path.path, 'write');
    return lookup(base, path, ({ fd, stats }) => {
      const wallMs = base.system.guest.clock.wallMs();
      const accessed = toSeconds(times.accessed, { wallMs, currentNs: stats.atimeNs });
      const modified = toSeconds(times.modified, { wallMs, currentNs: stats.mtimeNs });
      return done(base.system.files.setTimes(fd, accessed, modified));
    });
  });
}
