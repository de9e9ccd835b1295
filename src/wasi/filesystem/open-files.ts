import fs from 'node:fs';
import { refuse } from './error-code.ts';
import type { HostFiles } from './host-files.ts';

/** Something open that can be taken from its owners when the guest is gone. */
interface Abandonable {
  /** Closes as soon as no operation uses it, whoever owns it. */
  abandon(): void;
}

/**
 * A descriptor of this process, closed when nobody owns it and no operation uses it any more. The number is used in no
 * other way: once closed, it may stand for a file of somebody else, and `/proc/self/fd/<number>` would lead there.
 */
export class OpenFile implements Abandonable {
  readonly #fd: number;
  readonly #table: OpenFiles;
  #owners = 1;
  #operations = 0;
  #closed = false;

  constructor(fd: number, table: OpenFiles) {
    this.#fd = fd;
    this.#table = table;
    table.add(this);
  }

  /** One more owner, who calls {@link release}. */
  hold(): this {
    if (this.#owners === 0) refuse('bad-descriptor');
    this.#owners += 1;
    return this;
  }

  release(): void {
    if (this.#owners === 0) return;
    this.#owners -= 1;
    this.#closeIfUnused();
  }

  abandon(): void {
    this.#owners = 0;
    this.#closeIfUnused();
  }

  /** Runs `operation` with the descriptor, which stays open meanwhile, whatever its owners do. */
  async during<T>(operation: (fd: number) => Promise<T>): Promise<T> {
    if (this.#owners === 0) refuse('bad-descriptor');
    this.#operations += 1;
    try {
      return await operation(this.#fd);
    } finally {
      this.#operations -= 1;
      this.#closeIfUnused();
    }
  }

  #closeIfUnused(): void {
    if (this.#closed || this.#owners > 0 || this.#operations > 0) return;
    this.#closed = true;
    this.#table.close(this, this.#table.files.close(this.#fd));
  }
}

/** The open directory of a directory stream; closed once, when the stream is dropped or the guest has gone. */
export class OpenDirectory implements Abandonable {
  readonly #directory: fs.Dir;
  readonly #table: OpenFiles;
  #closed = false;

  constructor(directory: fs.Dir, table: OpenFiles) {
    this.#directory = directory;
    this.#table = table;
    table.add(this);
  }

  /** The next entry, or `null` at the end. */
  read(): Promise<fs.Dirent | null> {
    if (this.#closed) refuse('bad-descriptor');
    return this.#table.files.readEntry(this.#directory);
  }

  /** Node.js closes it after a read that is under way. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#table.close(this, this.#table.files.closeDirectory(this.#directory));
  }
}

/** What one guest has open: bounded, and closed to the last descriptor at the end. */
export class OpenFiles {
  readonly files: HostFiles;
  readonly #limit: number;
  readonly #onLimit: (() => void) | undefined;
  readonly #open = new Set<Abandonable>();
  readonly #whenEmpty: (() => void)[] = [];
  /** Places taken: what is being opened, open or being closed. */
  #count = 0;
  #disposed = false;

  /** @param limit Files, directories and directory streams open at once. @param onLimit Hears of every one that there was no room for. */
  constructor(...[files, limit, onLimit]: [files: HostFiles, limit: number, onLimit?: () => void]) {
    this.files = files;
    this.#limit = limit;
    this.#onLimit = onLimit;
  }

  /** Places taken. */
  get size(): number {
    return this.#count;
  }

  /** Opens `path` as one of the guest's files. */
  openFile(path: string, flags: number): Promise<OpenFile> {
    return this.#reserve(async () => new OpenFile(await this.files.open(path, flags), this));
  }

  openDirectory(path: string): Promise<OpenDirectory> {
    return this.#reserve(async () => new OpenDirectory(await this.files.openDirectory(path), this));
  }

  /** Takes note of what has been opened; what opens after the guest has gone is closed again. */
  add(opened: Abandonable): void {
    this.#open.add(opened);
  }

  /** Takes note of a close under way; its place is free when it has ended. */
  close(closing: Abandonable, close: Promise<void>): void {
    this.#open.delete(closing);
    // Whatever close reports, the descriptor is gone: there is nothing to be done about it.
    void close.catch(() => {}).then(() => this.#free());
  }

  /** Closes everything as soon as no operation uses it, and settles when that is done. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const opened of [...this.#open]) opened.abandon();
    if (this.#count > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Runs `open` if one more may be open; `insufficient-memory` otherwise. */
  async #reserve<T extends Abandonable>(open: () => Promise<T>): Promise<T> {
    if (this.#disposed) refuse('bad-descriptor');
    if (this.#count >= this.#limit) {
      this.#onLimit?.();
      refuse('insufficient-memory');
    }
    this.#count += 1;
    const opened = await open().catch((error) => {
      this.#free();
      throw error;
    });
    if (this.#disposed) {
      opened.abandon();
      refuse('bad-descriptor');
    }
    return opened;
  }

  #free(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}

/**
 * Closes a descriptor opened with O_PATH. Such a one has nothing to be written back, so closing it is a matter of
 * memory and done on the spot.
 */
export function closePlace(fd: number): void {
  fs.closeSync(fd);
}
