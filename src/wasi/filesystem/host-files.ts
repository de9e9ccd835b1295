import fs, { type BigIntStats } from 'node:fs';

/**
 * Linux' O_PATH, which Node.js does not name: a descriptor that stands for a place in the file system and cannot read
 * or write it. The value is the same on every architecture that Node.js runs on.
 */
const O_PATH = 0o10000000;

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** Opens a directory to walk on from it; the last step is not a link. */
export const WALK_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW;

/** Opens whatever is there, without any effect on it; a link is opened itself. */
export const LOOK_FLAGS = O_PATH | O_NOFOLLOW;

/** Opens the folder that the operator named; links in its path are the operator's. */
export const ROOT_FLAGS = O_PATH | O_DIRECTORY;

/** Operations of one guest that may be in Node.js's thread pool, which has four threads for the whole process. */
const IN_FLIGHT_MAX = 2;

/** The way to `name` in the directory that `fd` is open on, or to what `fd` is open on. Needs `fd` to stay open. */
export function descriptorPath(fd: number, name?: string): string {
  return name === undefined ? `/proc/self/fd/${fd}` : `/proc/self/fd/${fd}/${name}`;
}

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/**
 * The file operations of one guest, off the calling thread and at most {@link IN_FLIGHT_MAX} at a time: the thread pool
 * is not left to one guest. What waits is bounded by the guest's streams, which have one operation each, and the one
 * call that it is in.
 */
export class HostFiles {
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  open(path: string, flags: number, mode = 0o666): Promise<number> {
    return this.#run((done) => fs.open(path, flags, mode, done));
  }

  close(fd: number): Promise<void> {
    return this.#run<void>((done) => fs.close(fd, (error) => done(error ?? null)));
  }

  stat(fd: number): Promise<BigIntStats> {
    return this.#run((done) => fs.fstat(fd, { bigint: true }, done));
  }

  read(fd: number, bytes: Uint8Array, position: bigint): Promise<number> {
    return this.#run((done) => fs.read(fd, bytes, 0, bytes.length, position, done));
  }

  /** @param position `null` appends, on a descriptor opened for it. */
  write(fd: number, bytes: Uint8Array, position: number | null): Promise<number> {
    return this.#run((done) => fs.write(fd, bytes, 0, bytes.length, position, done));
  }

  truncate(fd: number, length: number): Promise<void> {
    return this.#run<void>((done) => fs.ftruncate(fd, length, done as fs.NoParamCallback));
  }

  sync(fd: number, dataOnly: boolean): Promise<void> {
    return this.#run<void>((done) => (dataOnly ? fs.fdatasync : fs.fsync)(fd, done as fs.NoParamCallback));
  }

  /** Times of what `fd` is open on, a link itself included. Seconds since 1970; good to a quarter of a microsecond. */
  setTimes(fd: number, accessed: number, modified: number): Promise<void> {
    return this.#run<void>((done) => fs.utimes(descriptorPath(fd), accessed, modified, done as fs.NoParamCallback));
  }

  readLink(path: string): Promise<Buffer> {
    return this.#run((done) => fs.readlink(path, 'buffer', done));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#run<void>((done) => fs.mkdir(path, done as fs.NoParamCallback));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#run<void>((done) => fs.rmdir(path, done as fs.NoParamCallback));
  }

  unlink(path: string): Promise<void> {
    return this.#run<void>((done) => fs.unlink(path, done as fs.NoParamCallback));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run<void>((done) => fs.rename(from, to, done as fs.NoParamCallback));
  }

  link(existing: string, created: string): Promise<void> {
    return this.#run<void>((done) => fs.link(existing, created, done as fs.NoParamCallback));
  }

  symlink(target: string, path: string): Promise<void> {
    return this.#run<void>((done) => fs.symlink(target, path, done as fs.NoParamCallback));
  }

  openDirectory(path: string): Promise<fs.Dir> {
    return this.#run((done) => fs.opendir(path, { encoding: 'buffer' as BufferEncoding }, done));
  }

  readEntry(directory: fs.Dir): Promise<fs.Dirent | null> {
    return this.#run((done) => directory.read(done));
  }

  closeDirectory(directory: fs.Dir): Promise<void> {
    return this.#run<void>((done) => directory.close((error) => done(error ?? null)));
  }

  #run<T>(start: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        this.#inFlight += 1;
        try {
          start((error, value) => {
            this.#end();
            if (error) reject(error);
            else resolve(value);
          });
        } catch (error) {
          // Node.js checks arguments before it starts anything.
          this.#end();
          reject(error);
        }
      };
      if (this.#inFlight < IN_FLIGHT_MAX) begin();
      else this.#waiting.push(begin);
    });
  }

  #end(): void {
    this.#inFlight -= 1;
    this.#waiting.shift()?.();
  }
}
