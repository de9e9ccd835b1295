import { OK, ok } from '../guest/index.ts';
import { attempt, type Descriptor, demand, demandAt } from './descriptor.ts';
import { errnoOf, type FileResult, refuse } from './error-code.ts';
import { done } from './file-streams.ts';
import { atEntry, type GuestPath, isDirectoryThere } from './lookup.ts';
import { decodeName } from './walk.ts';

/** Bytes of a symbolic link's target; as Linux. */
const TARGET_BYTES_MAX = 4_095;

/** The second directory of an operation and the path in it. */
export interface Destination {
  readonly base: Descriptor;
  readonly path: string;
}

/** `descriptor.create-directory-at`. */
export function createDirectoryAt(base: Descriptor, path: string): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(base, path, 'write');
    return atEntry(base, { path, nameless: 'exist' }, (entry) => done(base.system.files.makeDirectory(entry.path)));
  });
}

/** `descriptor.remove-directory-at`. */
export function removeDirectoryAt(base: Descriptor, path: string): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(base, path, 'delete');
    return atEntry(base, { path, nameless: 'invalid' }, (entry) => done(base.system.files.removeDirectory(entry.path)));
  });
}

/** `descriptor.unlink-file-at`. */
export function unlinkFileAt(base: Descriptor, path: string): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(base, path, 'delete');
    return atEntry(base, { path, nameless: 'is-directory' }, async (entry) => {
      if (entry.walk.wantsDirectory && !(await isDirectoryThere(base.system, entry))) refuse('not-directory');
      if (entry.walk.wantsDirectory) refuse('is-directory');
      return done(base.system.files.unlink(entry.path));
    });
  });
}

/** `descriptor.readlink-at`. */
export function readlinkAt(base: Descriptor, path: string): Promise<FileResult<string>> {
  return attempt(async () =>
    atEntry(base, { path, nameless: 'invalid' }, async (entry) => {
      if (entry.walk.wantsDirectory && !(await isDirectoryThere(base.system, entry))) refuse('not-directory');
      const target = decodeName(await base.system.files.readLink(entry.path));
      return target.startsWith('/') ? refuse('not-permitted') : ok(target);
    }),
  );
}

/** `descriptor.symlink-at`. Where the link leads is checked when somebody follows it, since that can change. */
export function symlinkAt(base: Descriptor, target: string, path: string): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(base, path, 'write');
    if (target.startsWith('/')) refuse('not-permitted');
    if (target.includes('\0')) refuse('invalid');
    if (Buffer.byteLength(target) > TARGET_BYTES_MAX) refuse('name-too-long');
    return atEntry(base, { path, nameless: 'exist' }, (entry) => {
      if (entry.walk.wantsDirectory) refuse('no-entry');
      return done(base.system.files.symlink(target, entry.path));
    });
  });
}

/** `descriptor.link-at`. A link to a link is made of the link itself: following it is not supported, as elsewhere. */
export function linkAt(from: Descriptor, path: GuestPath, to: Destination): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(from, path.path, 'write');
    demandAt(to.base, to.path, 'write');
    demandNoMoreRights(from, to.base);
    if (path.follow) refuse('invalid');
    return atEntry(from, { path: path.path, nameless: 'not-permitted' }, (existing) =>
      atEntry(to.base, { path: to.path, nameless: 'exist' }, async (created) => {
        const wantsDirectory = existing.walk.wantsDirectory || created.walk.wantsDirectory;
        if (wantsDirectory) refuse((await isDirectoryThere(from.system, existing)) ? 'not-permitted' : 'not-directory');
        return done(from.system.files.link(existing.path, created.path));
      }),
    );
  });
}

/** `descriptor.rename-at`. What is at the new path is replaced, which the right to write covers, as truncating would. */
export function renameAt(from: Descriptor, path: string, to: Destination): Promise<FileResult<undefined>> {
  return attempt(async () => {
    demandAt(from, path, 'write', 'delete');
    demandAt(to.base, to.path, 'write');
    demandNoMoreRights(from, to.base);
    return atEntry(from, { path, nameless: 'busy' }, (old) =>
      atEntry(to.base, { path: to.path, nameless: 'busy' }, async (created) => {
        const wantsDirectory = old.walk.wantsDirectory || created.walk.wantsDirectory;
        if (wantsDirectory && !(await isDirectoryThere(from.system, old))) refuse('not-directory');
        return renameEntry(from, old.path, created.path);
      }),
    );
  });
}

async function renameEntry({ system }: Descriptor, from: string, to: string): Promise<typeof OK> {
  try {
    await system.files.rename(from, to);
    return OK;
  } catch (error) {
    // POSIX allows either name for "the new path is a directory with something in it".
    if (errnoOf(error) === 'EEXIST') refuse('not-empty');
    throw error;
  }
}

/** A file must not gain rights by getting a name in a folder that is granted more. */
function demandNoMoreRights(from: Descriptor, to: Descriptor): void {
  for (const right of to.access.rights.keys()) {
    if (!from.access.rights.has(right)) demand(from, right);
  }
}
