import fs from 'node:fs';
import { OK, ok } from '../guest/index.ts';
import { attempt, attemptNow, type Descriptor, demand, demandFile } from './descriptor.ts';
import { type FileResult, refuse } from './error-code.ts';
import { demandWritable, done, writeAt } from './file-streams.ts';
import { descriptorPath } from './host-files.ts';
import { closePlace } from './open-files.ts';
import { type DescriptorStat, isSameFile, toDescriptorStat, toMetadataHash, toSeconds } from './stat.ts';

/** Bytes that one `read` gives and one `write` takes at most; the interface allows fewer than asked for. */
export const TRANSFER_BYTES_MAX = 1_048_576;

/** WIT's `descriptor-flags`. */
export interface DescriptorFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly fileIntegritySync: boolean;
  readonly dataIntegritySync: boolean;
  readonly requestedWriteSync: boolean;
  readonly mutateDirectory: boolean;
}

/** `descriptor.get-flags`: for a directory, what may be done in it. */
export function getFlags({ kind, access }: Descriptor): FileResult<DescriptorFlags> {
  const { fileIntegritySync, dataIntegritySync, requestedWriteSync } = access;
  const sync = { fileIntegritySync, dataIntegritySync, requestedWriteSync };
  if (kind === 'regular-file') return ok({ read: access.read, write: access.write, ...sync, mutateDirectory: false });
  return ok({ read: true, write: false, ...sync, mutateDirectory: access.rights.has('write') });
}

/** `descriptor.get-type`. Nothing else is ever opened. */
export function getType({ kind }: Descriptor): FileResult<Descriptor['kind']> {
  return ok(kind);
}

/** `descriptor.advise`: taken note of by nobody; the operating system guesses well enough. */
export function advise(descriptor: Descriptor): FileResult<undefined> {
  return attemptNow(() => {
    demandFile(descriptor);
    return OK;
  });
}

/** `descriptor.read`. */
export function read(
  descriptor: Descriptor,
  length: number,
  offset: bigint,
): Promise<FileResult<[Uint8Array, boolean]>> {
  return attempt(async () => {
    demandFile(descriptor);
    demand(descriptor, 'read');
    if (!descriptor.access.read) refuse('bad-descriptor');
    const bytes = Buffer.allocUnsafeSlow(length);
    const got = await descriptor.use((fd) => descriptor.system.files.read(fd, bytes, offset));
    return ok<[Uint8Array, boolean]>([bytes.subarray(0, got), got === 0 && length > 0]);
  });
}

/** `descriptor.write`. */
export function write(descriptor: Descriptor, bytes: Uint8Array, offset: bigint): Promise<FileResult<bigint>> {
  return attempt(async () => {
    demandWritable(descriptor);
    const taken = bytes.subarray(0, TRANSFER_BYTES_MAX);
    const written = await descriptor.use((fd) => writeAt(descriptor.system, { fd, bytes: taken, position: offset }));
    return ok(BigInt(written));
  });
}

/** `descriptor.set-size`. */
export function setSize(descriptor: Descriptor, size: bigint): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandWritable(descriptor);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) refuse('file-too-large');
    return done(descriptor.use((fd) => descriptor.system.files.truncate(fd, Number(size))));
  });
}

/** `descriptor.set-times`. */
export function setTimes(descriptor: Descriptor, accessed: unknown, modified: unknown): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demand(descriptor, 'write');
    const stats = await descriptor.stat();
    const wallMs = descriptor.system.guest.clock.wallMs();
    const seconds = [
      toSeconds(accessed, { wallMs, currentNs: stats.atimeNs }),
      toSeconds(modified, { wallMs, currentNs: stats.mtimeNs }),
    ] as const;
    return done(descriptor.use((fd) => descriptor.system.files.setTimes(fd, ...seconds)));
  });
}

/** `descriptor.sync` and `descriptor.sync-data`. */
export function sync(descriptor: Descriptor, dataOnly: boolean): Promise<FileResult<undefined>> {
  return attempt(async () => {
    const { files } = descriptor.system;
    if (descriptor.kind === 'regular-file') return done(descriptor.use((fd) => files.sync(fd, dataOnly)));
    return done(descriptor.use((fd) => syncDirectory(descriptor, fd)));
  });
}

/** A guest's directories are open as places only; to be synchronized, one has to be open for reading. */
async function syncDirectory({ system: { files } }: Descriptor, place: number): Promise<void> {
  const fd = await files.open(descriptorPath(place), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await files.sync(fd, false);
  } finally {
    closePlace(fd);
  }
}

/** `descriptor.stat`. */
export function stat(descriptor: Descriptor): Promise<FileResult<DescriptorStat>> {
  return attempt(async () => ok(toDescriptorStat(await descriptor.stat())));
}

/** `descriptor.metadata-hash`. */
export function metadataHash(descriptor: Descriptor): Promise<FileResult<ReturnType<typeof toMetadataHash>>> {
  return attempt(async () => ok(toMetadataHash(await descriptor.stat())));
}

/** `descriptor.is-same-object`. What cannot be looked at is not the same. */
export async function isSameObject(a: Descriptor, b: Descriptor): Promise<boolean> {
  const same = await attempt(async () => ok(isSameFile(await a.stat(), await b.stat())));
  return same.tag === 'ok' && same.val;
}
