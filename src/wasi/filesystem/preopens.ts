import { existsSync } from 'node:fs';
import { Authority, type FilesystemGrant, PathPattern } from '../../capability/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { AUTHORITY } from '../authority/index.ts';
import { type Guest, PartKey } from '../guest/index.ts';
import { type Access, Descriptor, FILE_SETTINGS, FILE_SYSTEM, type FileSystem, type Root } from './descriptor.ts';
import { ROOT_FLAGS } from './host-files.ts';
import type { OpenFile } from './open-files.ts';

/** The folders that one guest was given. */
export interface Preopens {
  /** `preopens.get-directories`: new handles for every call. */
  directories(): [Descriptor, string][];
}

/**
 * Refuses folders where a guest's paths cannot be walked safely: a walk goes through `/proc/self/fd`, which only Linux
 * has. Nothing else is tried there, because checking a path and opening it afterwards is a race that guests can win.
 *
 * @throws {RuntimeError} `RUNTIME_UNSUPPORTED` — there is a grant and this is not Linux, or `/proc` is not mounted.
 */
export function assertFoldersSupported(grants: readonly FilesystemGrant[], platform: string = process.platform): void {
  if (grants.length === 0 || (platform === 'linux' && hasProc())) return;
  throw new RuntimeError(
    'RUNTIME_UNSUPPORTED',
    `Cannot grant the folder "${grants[0]?.hostPath}": guests' files need Linux with /proc mounted, and this is "${platform}"`,
  );
}

let procFound: boolean | undefined;

/** Asked once: it is mounted before this process starts or never. */
function hasProc(): boolean {
  procFound ??= existsSync('/proc/self/fd');
  return procFound;
}

export const PREOPENS = new PartKey<Preopens>('preopens', {
  make: (guest) => createPreopens(guest.part(FILE_SYSTEM), guest.part(FILE_SETTINGS).preopens),
});

function createPreopens(system: FileSystem, grants: readonly FilesystemGrant[]): Preopens {
  const folders = grants.map((grant) => ({ root: new Folder(system, grant.hostPath), grant }));
  return {
    directories: () =>
      folders.map(({ root, grant }) => {
        const { guestPath: path } = grant;
        const access = rootAccess(grant, system.guest);
        return [new Descriptor({ system, path, kind: 'directory', access, file: root }), path];
      }),
  };
}

function rootAccess(given: FilesystemGrant, guest: Guest): Access {
  const { guestPath: path, only } = given;
  // Who may rename could make anything match a pattern.
  const rights = given.rights.filter((right) => only === undefined || right === 'read' || right === 'list');
  const observe = only === undefined ? guest.part(AUTHORITY).grants.observe : undefined;
  const authority = new Authority({ filesystem: [{ ...given, rights }], observe }, guest.clock);
  return {
    rights: new Map(rights.map((right) => [right, authority.decide({ kind: 'filesystem', path, right })])),
    decide: (request) => authority.decide(request),
    only: only?.map((pattern) => new PathPattern(pattern)),
    read: true,
    write: false,
    fileIntegritySync: false,
    dataIntegritySync: false,
    requestedWriteSync: false,
  };
}

/** One granted folder, opened when a guest first uses it: an instance that uses no files costs no descriptor. */
class Folder implements Root {
  readonly #system: FileSystem;
  readonly #hostPath: string;
  #opening: Promise<OpenFile> | undefined;

  constructor(system: FileSystem, hostPath: string) {
    this.#system = system;
    this.#hostPath = hostPath;
  }

  open(): Promise<OpenFile> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<OpenFile> {
    try {
      return await this.#system.open.openFile(this.#hostPath, ROOT_FLAGS);
    } catch (error) {
      // The next use tries again: the operator may have made the folder by then.
      this.#opening = undefined;
      throw error;
    }
  }
}
