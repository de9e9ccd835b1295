import type { BigIntStats } from 'node:fs';
import { type Descriptor, type FileSystem, isThere, noteEscape, refuseOutside } from './descriptor.ts';
import { type ErrorCode, EscapeError, errnoOf, refuse } from './error-code.ts';
import { descriptorPath } from './host-files.ts';
import { closePlace } from './open-files.ts';
import { type Place, Walk } from './walk.ts';

/** What is at the end of a path. */
export interface Found {
  readonly place: Place;
  /** Nothing is there if `undefined`; otherwise a descriptor to look through, until the walk ends. */
  readonly fd: number | undefined;
  readonly stats: BigIntStats | undefined;
}

/** Runs `operation` on the way that `path` gives from `base`. */
export function along<T>(base: Descriptor, path: string, operation: (walk: Walk) => Promise<T>): Promise<T> {
  if (base.kind !== 'directory') refuse('not-directory');
  return base.use(async (fd) => {
    let walk: Walk | undefined;
    try {
      walk = new Walk(base.system.files, fd, path);
      return await operation(walk);
    } catch (error) {
      if (error instanceof EscapeError) noteEscape(base, path);
      throw error;
    } finally {
      walk?.close();
    }
  });
}

/** Goes to the end of the path and opens what is there for `look`. A link is followed if `follow`, or if the path ends in a slash. */
export async function find<T>(search: Search, look: (found: Found) => Promise<T>): Promise<T> {
  const { walk, base, follow } = search;
  const { system } = base;
  for (;;) {
    const place = await walk.toParent();
    const names = walk.namesOf(place);
    const fd = await lookAt(walk, place);
    if (fd === undefined) {
      if (!isThere(base, names, 'other')) refuseOutside(base, search.path);
      return look({ place, fd, stats: undefined });
    }
    try {
      const stats = await system.files.stat(fd);
      const isLink = stats.isSymbolicLink();
      if (!isLink && walk.wantsDirectory && !stats.isDirectory()) refuse('not-directory');
      if (!isLink || !(follow || walk.wantsDirectory)) {
        const kind = stats.isDirectory() ? 'directory' : 'other';
        if (!isThere(base, names, kind)) refuseOutside(base, search.path);
        return await look({ place, fd, stats });
      }
    } finally {
      closePlace(fd);
    }
    await walk.expand(place);
  }
}

interface Search extends GuestPath {
  readonly walk: Walk;
  /** Where the walk began. */
  readonly base: Descriptor;
}

async function lookAt(walk: Walk, place: Place): Promise<number | undefined> {
  try {
    return await walk.look(place);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs `look` on what `path` leads to; `no-entry` if that is nothing. */
export function lookup<T>(
  base: Descriptor,
  { path, follow }: GuestPath,
  look: (found: { readonly fd: number; readonly stats: BigIntStats }) => Promise<T>,
): Promise<T> {
  return along(base, path, (walk) =>
    find({ walk, base, path, follow }, async ({ fd, stats }) => {
      if (fd === undefined || stats === undefined) refuse('no-entry');
      return look({ fd, stats });
    }),
  );
}

/** A path as a guest gives it. */
export interface GuestPath {
  readonly path: string;
  /** `path-flags`' `symlink-follow`. */
  readonly follow: boolean;
}

/** The directory entry that a path names. */
export interface Entry {
  /** Way to it for the operating system, which does not follow a link there. */
  readonly path: string;
  readonly place: Place;
  readonly walk: Walk;
}

interface EntryPath {
  readonly path: string;
  /** What the guest gets for a path that names no entry, such as `.` or `a/..`. */
  readonly nameless: ErrorCode;
}

/** Runs `operation` on the entry that `path` names, whatever is there or is not. */
export function atEntry<T>(
  base: Descriptor,
  { path, nameless }: EntryPath,
  operation: (entry: Entry) => Promise<T>,
): Promise<T> {
  return along(base, path, async (walk) => {
    const place = await walk.toParent();
    if (place.name === undefined || walk.endsInDot) refuse(nameless);
    if (!isThere(base, walk.namesOf(place), 'other')) refuseOutside(base, path);
    return operation({ path: descriptorPath(place.fd, place.name), place, walk });
  });
}

/** Tells whether there is a directory at the entry; a link is none. */
export async function isDirectoryThere(system: FileSystem, { walk, place }: Entry): Promise<boolean> {
  const fd = await walk.look(place);
  try {
    return (await system.files.stat(fd)).isDirectory();
  } finally {
    closePlace(fd);
  }
}
