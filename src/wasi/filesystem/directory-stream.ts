import type { Dirent } from 'node:fs';
import { type Eventually, err, ok } from '../guest/index.ts';
import { attempt, type Descriptor, demand, type FileSystem, isThere } from './descriptor.ts';
import { FileError, type FileResult, refuse } from './error-code.ts';
import { descriptorPath } from './host-files.ts';
import type { OpenDirectory } from './open-files.ts';
import { direntType, type FileType } from './stat.ts';
import { decodeName } from './walk.ts';

/** Entries read ahead: most directories in a few trips to the thread pool, none in unbounded memory. */
const PAGE_ENTRIES = 64;

/** WIT's `directory-entry`. */
export interface DirectoryEntry {
  readonly type: FileType;
  readonly name: string;
}

/** The `directory-entry-stream` resource. */
export class DirectoryStream {
  readonly #system: FileSystem;
  readonly #directory: OpenDirectory;
  readonly #descriptor: Descriptor;
  #page: FileResult<DirectoryEntry>[] = [];
  #ended = false;

  constructor(descriptor: Descriptor, directory: OpenDirectory) {
    const { system } = descriptor;
    system.guest.hold();
    this.#system = system;
    this.#descriptor = descriptor;
    this.#directory = directory;
  }

  /** The next entry, or nothing at the end. A name that is not UTF-8 is an error; the entries after it follow. */
  next(): Eventually<FileResult<DirectoryEntry | undefined>> {
    const entry = this.#page.shift();
    if (entry !== undefined) return entry;
    if (this.#ended) return ok(undefined);
    return attempt(async () => {
      await this.#fill();
      return this.#page.shift() ?? ok(undefined);
    });
  }

  #isThere({ name, type }: DirectoryEntry): boolean {
    return isThere(this.#descriptor, [name], type === 'directory' ? type : 'other');
  }

  drop(): void {
    this.#system.guest.release();
    this.#directory.abandon();
  }

  async #fill(): Promise<void> {
    while (this.#page.length < PAGE_ENTRIES) {
      const entry = await this.#directory.read();
      if (entry === null) {
        this.#ended = true;
        return;
      }
      const found = toEntry(entry);
      if (found.tag === 'err' || this.#isThere(found.val)) this.#page.push(found);
    }
  }
}

/** `descriptor.read-directory`. */
export function readDirectory(descriptor: Descriptor): Promise<FileResult<DirectoryStream>> {
  return attempt(async () => {
    if (descriptor.kind !== 'directory') refuse('not-directory');
    demand(descriptor, 'list');
    const { system } = descriptor;
    const directory = await descriptor.use((fd) => system.open.openDirectory(descriptorPath(fd)));
    return ok(new DirectoryStream(descriptor, directory));
  });
}

function toEntry(entry: Dirent): FileResult<DirectoryEntry> {
  try {
    // The directory was opened for names as bytes, which Node.js' types do not express.
    const name = decodeName(entry.name as unknown as Uint8Array);
    return ok({ type: direntType(entry), name });
  } catch (error) {
    if (error instanceof FileError) return err(error.code);
    throw error;
  }
}
