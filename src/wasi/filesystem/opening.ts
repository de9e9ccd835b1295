import fs from 'node:fs';
import { ok } from '../guest/index.ts';
import { type Access, attempt, Descriptor, demandAt, pathAt } from './descriptor.ts';
import { errnoOf, type FileResult, refuse } from './error-code.ts';
import { descriptorPath, ROOT_FLAGS } from './host-files.ts';
import { along, type Found, find, type GuestPath } from './lookup.ts';
import type { Place, Walk } from './walk.ts';

const { O_CREAT, O_DSYNC, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } =
  fs.constants;

/**
 * Tries of one `open-at` when the file comes and goes between looking and opening. Somebody who keeps doing that shall
 * not keep the guest here.
 */
const OPEN_TRIES_MAX = 8;

/** `open-flags` and `descriptor-flags`, with what they come to. */
export interface OpenRequest {
  readonly create: boolean;
  readonly directory: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly fileIntegritySync: boolean;
  readonly dataIntegritySync: boolean;
  readonly requestedWriteSync: boolean;
  readonly mutateDirectory: boolean;
}

/** `descriptor.open-at`. Opens regular files and directories and nothing else, so that no open has an effect or waits. */
export function openAt(base: Descriptor, path: GuestPath, request: OpenRequest): Promise<FileResult<Descriptor>> {
  return attempt(async () => {
    if (request.directory && (request.create || request.exclusive || request.truncate)) refuse('invalid');
    const changes = request.create || request.truncate || request.write || request.mutateDirectory;
    if (changes) demandAt(base, path.path, 'write');
    const opening: Opening = { base, path: path.path, request, access: toAccess(base, request) };
    // With both flags, a link that is there counts as there already, wherever it leads.
    const follow = path.follow && !(request.create && request.exclusive);
    for (let tries = 0; tries < OPEN_TRIES_MAX; tries += 1) {
      const opened = await along(base, path.path, (walk) =>
        find({ walk, base, path: path.path, follow }, (found) => openFound(opening, walk, found)),
      );
      if (opened !== 'again') return ok(opened);
    }
    return refuse('busy');
  });
}

interface Opening {
  readonly base: Descriptor;
  /** In `base`, as the guest calls it. */
  readonly path: string;
  readonly request: OpenRequest;
  readonly access: Access;
}

/** A file that is not opened for writing is opened for reading, whatever the flags. */
function toAccess(base: Descriptor, request: OpenRequest): Access {
  const { fileIntegritySync, dataIntegritySync, requestedWriteSync } = request;
  const write = request.write || request.truncate || request.create;
  const read = request.read || !write;
  const { rights, decide, only } = base.access;
  return { rights, decide, only, read, write, fileIntegritySync, dataIntegritySync, requestedWriteSync };
}

async function openFound(opening: Opening, walk: Walk, found: Found): Promise<Descriptor | 'again'> {
  const { place, fd, stats } = found;
  const { create, directory, exclusive } = opening.request;
  if (fd === undefined || stats === undefined) {
    if (!create) refuse('no-entry');
    if (walk.wantsDirectory) refuse('is-directory');
    return createFile(opening, place);
  }
  if (create && exclusive) refuse('exist');
  if (stats.isSymbolicLink()) refuse('loop');
  if (stats.isDirectory()) return openDirectory(opening, fd, walk.namesOf(place));
  if (directory) refuse('not-directory');
  // A FIFO, socket or device could wait for ever or do something when it is opened.
  if (!stats.isFile()) refuse('not-permitted');
  return openFile(opening, descriptorPath(fd), opening.request.truncate ? O_TRUNC : 0);
}

/** Creates the file and nothing else: what has come there meanwhile, a link above all, is left alone. */
async function createFile(opening: Opening, { fd, name }: Place): Promise<Descriptor | 'again'> {
  try {
    return await openFile(opening, descriptorPath(fd, name), O_CREAT | O_EXCL | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return opening.request.exclusive ? refuse('exist') : 'again';
  }
}

async function openFile({ base, path: name, access }: Opening, path: string, flags: number): Promise<Descriptor> {
  const { system } = base;
  if (access.read) demandAt(base, name, 'read');
  const mode = access.read ? (access.write ? O_RDWR : O_RDONLY) : O_WRONLY;
  const sync = access.fileIntegritySync || access.requestedWriteSync ? O_SYNC : access.dataIntegritySync ? O_DSYNC : 0;
  const file = await system.open.openFile(path, mode | flags | sync | O_NONBLOCK | O_NOCTTY);
  return new Descriptor({ system, path: pathAt(base.path, name), kind: 'regular-file', access, file });
}

async function openDirectory(
  { base, path, request, access }: Opening,
  fd: number,
  names: readonly string[],
): Promise<Descriptor> {
  const { system } = base;
  if (request.write || request.create || request.truncate) refuse('is-directory');
  const file = await system.open.openFile(descriptorPath(fd), ROOT_FLAGS);
  const below = [...base.below, ...names];
  return new Descriptor({ system, path: pathAt(base.path, path), kind: 'directory', access, below, file });
}
