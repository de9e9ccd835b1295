import fs from 'node:fs';
import { refuse } from './error-code.ts';
import type { HostFiles } from './host-files.ts';

/**
 * A descriptor of this process, closed when nobody uses it any more. The number must not be used after that: it may
 * then stand for a file of somebody else, and `/proc/self/fd/<number>` would lead there.
 */
export class OpenFile {
  readonly fd: number;
  readonly #table: OpenFiles;
  #uses = 1;

  constructor(fd: number, table: OpenFiles) {
    this.fd = fd;
    this.#table = table;
  }

  /** Keeps it open until a further {@link release}. */
  hold(): this {
    this.#uses += 1;
    return this;
  }

  release(): void {
    this.#uses -= 1;
    if (this.#uses === 0) this.#table.closed(this.fd);
  }

  /** Keeps it open during `operation`, whatever the guest drops meanwhile. */
  async during<T>(operation: (fd: number) => Promise<T>): Promise<T> {
    this.hold();
    try {
      return await operation(this.fd);
    } finally {
      this.release();
    }
  }
}

/** The descriptors that one guest has open: bounded, and closed to the last one at the end. */
export class OpenFiles {
  readonly files: HostFiles;
  readonly #limit: number;
  readonly #closing = new Set<Promise<void>>();
  #open = 0;

  /** @param limit Files, directories and directory streams open at once. */
  constructor(files: HostFiles, limit: number) {
    this.files = files;
    this.#limit = limit;
  }

  /** Runs `open` if one more may be open; `insufficient-memory` otherwise. */
  async reserve<T>(open: () => Promise<T>): Promise<T> {
    if (this.#open >= this.#limit) refuse('insufficient-memory');
    this.#open += 1;
    try {
      return await open();
    } catch (error) {
      this.#open -= 1;
      throw error;
    }
  }

  /** Opens `path` as one of the guest's files. */
  open(path: string, flags: number): Promise<OpenFile> {
    return this.reserve(async () => new OpenFile(await this.files.open(path, flags), this));
  }

  closed(fd: number): void {
    this.track(this.files.close(fd));
  }

  /** Takes note of a close under way; its place is free when it has ended. */
  track(close: Promise<void>): void {
    // Whatever close reports, the descriptor is gone: there is nothing to be done about it.
    const ended = close
      .catch(() => {})
      .then(() => {
        this.#open -= 1;
        this.#closing.delete(ended);
      });
    this.#closing.add(ended);
  }

  /** Settles when every close that has begun has ended. */
  async settled(): Promise<void> {
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }
}

/**
 * Closes a descriptor opened with O_PATH on a directory. Such a one has nothing to be written back, so closing it is
 * a matter of memory and done on the spot.
 */
export function closePlace(fd: number): void {
  fs.closeSync(fd);
}
