import type { BigIntStats } from 'node:fs';
import type {
  CapabilityRequest,
  Decision,
  FilesystemGrant,
  FilesystemRight,
  PathPattern,
} from '../../capability/index.ts';
import { uphold } from '../authority/index.ts';
import { type Guest, PartKey, reportLimit } from '../guest/index.ts';
import { type ErrorCode, type FileResult, refuse, toFailure } from './error-code.ts';
import { HostFiles } from './host-files.ts';
import { OpenFile, OpenFiles } from './open-files.ts';

/** File streams that one guest may have at once; each holds up to 64 KiB in either direction. */
export const STREAMS_MAX = 256;

/** What the file system of one guest consists of. */
export interface FileSystem {
  readonly guest: Guest;
  readonly files: HostFiles;
  readonly open: OpenFiles;
  /** Live file streams. */
  streams: number;
}

/** What is the same for all guests of one component. */
export interface FileSettings {
  /** Files, directories and directory streams that a guest may have open at once. */
  readonly openFilesMax: number;
  /** Granted folders. */
  readonly preopens: readonly FilesystemGrant[];
}

/** Has to be given to every guest. */
export const FILE_SETTINGS = new PartKey<FileSettings>('file settings');

export const FILE_SYSTEM = new PartKey<FileSystem>('file system', {
  make: (guest) => {
    const files = new HostFiles();
    const { openFilesMax } = guest.part(FILE_SETTINGS);
    const onLimit = () => reportLimit(guest, { limit: 'open-files', limitValue: openFilesMax });
    return { guest, files, open: new OpenFiles(files, openFilesMax, onLimit), streams: 0 };
  },
  dispose: ({ open }) => open.dispose(),
});

/** How a descriptor was opened; what its folder's grant allows is never exceeded. */
export interface Access {
  /** Of the folder that it was reached through, each with the decision that its grant comes to. */
  readonly rights: ReadonlyMap<FilesystemRight, Decision>;
  /** Decides of all else: by the grant of that folder and no other. */
  readonly decide: (request: CapabilityRequest) => Decision;
  /** What of that folder is there; absent: all. */
  readonly only: readonly PathPattern[] | undefined;
  readonly read: boolean;
  readonly write: boolean;
  readonly fileIntegritySync: boolean;
  readonly dataIntegritySync: boolean;
  readonly requestedWriteSync: boolean;
}

/** A granted folder: opened when it is first used, then shared by every handle of it. */
export interface Root {
  open(): Promise<OpenFile>;
}

interface DescriptorOptions {
  /** As the guest named it, from its root on. */
  readonly path: string;
  readonly system: FileSystem;
  readonly kind: 'directory' | 'regular-file';
  readonly access: Access;
  /** Where a directory really is below the folder that was granted. Default: it is that folder. */
  readonly below?: readonly string[];
  /** Given over: the descriptor releases it. */
  readonly file: OpenFile | Root;
}

/** The `descriptor` resource: a regular file or a directory, open. */
export class Descriptor {
  readonly system: FileSystem;
  readonly path: string;
  readonly kind: 'directory' | 'regular-file';
  readonly access: Access;
  readonly below: readonly string[];
  readonly #root: Root | undefined;
  #file: OpenFile | undefined;
  #dropped = false;

  constructor({ system, path, kind, access, file, below = [] }: DescriptorOptions) {
    system.guest.hold();
    this.system = system;
    this.path = path;
    this.kind = kind;
    this.access = access;
    this.below = below;
    if (file instanceof OpenFile) this.#file = file;
    else this.#root = file;
  }

  /** Runs `operation` with the descriptor's number, which stays open meanwhile. */
  async use<T>(operation: (fd: number) => Promise<T>): Promise<T> {
    const file = this.#file ?? (await this.#openRoot());
    return await file.during(operation);
  }

  /** The open file, to be released by the caller; for streams, which may outlive the descriptor. */
  hold(): OpenFile {
    if (this.#file === undefined) refuse('bad-descriptor');
    return this.#file.hold();
  }

  stat(): Promise<BigIntStats> {
    return this.use((fd) => this.system.files.stat(fd));
  }

  drop(): void {
    this.#dropped = true;
    this.system.guest.release();
    this.#file?.release();
  }

  async #openRoot(): Promise<OpenFile> {
    const file = await this.#root?.open();
    if (file === undefined || this.#dropped) refuse('bad-descriptor');
    if (this.#file === undefined) this.#file = file.hold();
    return this.#file;
  }
}

/** Runs a file operation; its failure becomes the guest's result. */
export async function attempt<T>(operation: () => Promise<FileResult<T>>): Promise<FileResult<T>> {
  try {
    return await operation();
  } catch (error) {
    return toFailure(error);
  }
}

/** As {@link attempt}, for what needs no waiting. */
export function attemptNow<T>(operation: () => FileResult<T>): FileResult<T> {
  try {
    return operation();
  } catch (error) {
    return toFailure(error);
  }
}

/** Ends the operation unless the folder's grant has all of `rights`. */
export function demand(descriptor: Descriptor, ...rights: readonly FilesystemRight[]): void {
  demandAt(descriptor, '', ...rights);
}

/** The same for what is at `path` in a folder. */
export function demandAt(...[{ system, access, path }, at, ...rights]: DemandAt): void {
  for (const right of rights) {
    const request = { kind: 'filesystem', path: pathAt(path, at), right } as const;
    const decided = access.rights.get(right) ?? access.decide(request);
    if (uphold(system.guest, request, decided).effect === 'deny') refuse('not-permitted');
  }
}

type DemandAt = [base: Descriptor, path: string, ...rights: readonly FilesystemRight[]];

/** Puts on record, and charges, that a guest named a path which leads out of the folder `base`. */
export function noteEscape({ system, path: base }: Descriptor, path: string): void {
  const request = { kind: 'filesystem', path: pathAt(base, path), right: 'read' } as const;
  const reason = `The path leads out of the folder ${JSON.stringify(base)}`;
  uphold(system.guest, request, { effect: 'deny', rule: 'default', reason });
}

/** Tells whether something below the directory `base` is there for the guest, or may hold what is. */
export function isThere({ access, below }: Descriptor, names: readonly string[], kind: 'directory' | 'other'): boolean {
  const { only } = access;
  if (only === undefined) return true;
  const path = [...below, ...names];
  return only.every((pattern) => pattern.matches(path) || (kind === 'directory' && pattern.mayContain(path)));
}

/** Ends the operation on what is not there for the guest, and puts that on record. */
export function refuseOutside({ system, path: base }: Descriptor, path: string): never {
  const request = { kind: 'filesystem', path: pathAt(base, path), right: 'read' } as const;
  const reason = `The patterns of the grant of the folder do not match ${JSON.stringify(request.path)}`;
  uphold(system.guest, request, { effect: 'deny', rule: 'default', reason });
  refuse('not-permitted');
}

/** What a guest calls the file at `path` in a folder that it calls `base`. */
export function pathAt(base: string, path: string): string {
  if (path === '') return base;
  return base.endsWith('/') ? base + path : `${base}/${path}`;
}

/** Ends the operation with `code` unless the descriptor is of a regular file. */
export function demandFile(descriptor: Descriptor, code: ErrorCode = 'bad-descriptor'): void {
  if (descriptor.kind !== 'regular-file') refuse(code);
}
