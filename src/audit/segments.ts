import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** One file of the log. */
export interface Segment {
  readonly number: number;
  readonly path: string;
}

/** The last record that was on disk for certain when the head was written. */
export interface Head {
  /** 0: none yet. */
  readonly seq: number;
  readonly hash: string;
  /** Name of the file that it is in, and where in it, in bytes. */
  readonly file: string;
  readonly at: number;
}

/** A file that records are put at the end of. What fails has changed nothing that was there before. */
export interface SegmentWriter {
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was appended is on disk. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** How the log reaches the disk. */
export interface AuditFiles {
  /** @param isNew The file must not be there yet; otherwise it must. */
  open(path: string, isNew: boolean): Promise<SegmentWriter>;
}

const NAME = /^audit-(\d{6,12})\.jsonl$/;
const HEAD = 'head.json';

/** What a record says is nobody else's business. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** The files of the log in `directory`, oldest first. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => {
      const number = NAME.exec(name)?.[1];
      return number === undefined ? [] : [{ number: Number(number), path: join(directory, name) }];
    })
    .sort((one, other) => one.number - other.number);
}

export function segmentOf(directory: string, number: number): Segment {
  return { number, path: join(directory, `audit-${String(number).padStart(6, '0')}.jsonl`) };
}

/** Where what was torn at the end of a file is kept. */
export function tornPath({ path }: Segment): string {
  return `${path}.torn`;
}

export async function makeFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: FOLDER_MODE });
}

/** The last head that was written; `undefined` if there is none, or none that can be read. */
export async function readHead(directory: string): Promise<Head | undefined> {
  try {
    const head = JSON.parse(await readFile(join(directory, HEAD), 'utf8')) as Partial<Head>;
    const { seq, hash, file, at } = head;
    const isWhole = Number.isSafeInteger(seq) && Number.isSafeInteger(at) && (at as number) >= 0;
    return isWhole && typeof hash === 'string' && typeof file === 'string' ? (head as Head) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes the place of the head before, whole. */
export function writeHead(directory: string, head: Head): Promise<void> {
  return replaceFile(join(directory, HEAD), `${JSON.stringify(head)}\n`);
}

/** Writes a small file that is there whole, as it was or as it is to be, whenever the process ends. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const handle = await open(`${path}.new`, 'w', FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
}

/** Removes a file, and what was torn at its end. */
export async function removeSegment(segment: Segment): Promise<void> {
  await rm(tornPath(segment), { force: true });
  await rm(segment.path);
}

/** Makes names that came or went in `directory` outlast a loss of power. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class DiskWriter implements SegmentWriter {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Files on disk. */
export const DISK: AuditFiles = Object.freeze({
  async open(path: string, isNew: boolean): Promise<SegmentWriter> {
    // Never through a link, and never a pipe: whoever put one there would read along.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(path, isNew ? flags | constants.O_CREAT | constants.O_EXCL : flags, FILE_MODE);
    if (isNew) await syncFolder(join(path, '..'));
    return new DiskWriter(handle);
  },
});
