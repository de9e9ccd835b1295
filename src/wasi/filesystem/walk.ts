import { EscapeError, errnoOf, refuse } from './error-code.ts';
import { descriptorPath, type HostFiles, LOOK_FLAGS, ROOT_FLAGS, WALK_FLAGS } from './host-files.ts';
import { closePlace } from './open-files.ts';

/** Symbolic links in one path; as Linux. */
const LINKS_MAX = 40;

/** Bytes of one path; as Linux. */
const PATH_BYTES_MAX = 4_096;

/** Directories below the one that the walk began in; each costs a descriptor while the walk lasts. */
const DEPTH_MAX = 128;

/** Steps of one walk, those of expanded links included; each costs a system call. */
const STEPS_MAX = 1_024;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What a path leads to, before anything is done to it: `name` in the directory `fd`, or that directory itself. */
export interface Place {
  /** Open as long as the walk is. */
  readonly fd: number;
  /** `undefined`: the path ends with the directory itself, as `.` and `a/..` do. */
  readonly name: string | undefined;
}

/**
 * Follows a guest's path step by step, from a directory that the guest has and never out of it:
 *
 *     base ─► /proc/self/fd/<base>/<step> ─► /proc/self/fd/<that>/<step> ─► … ─► the last directory, and a name in it
 *
 * Every step is opened relative to the descriptor of the one before and without following links, so what somebody else
 * does to the tree meanwhile can change which file is found, but not lead outside: a directory that was entered is
 * held by its descriptor, `..` goes back to the descriptor that the walk came from, and a link is read and walked in
 * its turn. Must be ended by {@link close}.
 */
export class Walk {
  readonly #files: HostFiles;
  readonly #entered: number[] = [];
  readonly #names: string[] = [];
  readonly #base: number;
  /** Steps still to go, the next one last. */
  #ahead: string[] = [];
  #links = 0;
  #steps = 0;
  #endsInSlash = false;
  #endsInDot = false;

  /** @param base Descriptor of the guest's directory; must stay open until {@link close}. */
  constructor(files: HostFiles, base: number, path: string) {
    this.#files = files;
    this.#base = base;
    if (path === '') refuse('no-entry');
    if (path.includes('\0')) refuse('invalid');
    if (path.length > PATH_BYTES_MAX || Buffer.byteLength(path) > PATH_BYTES_MAX) refuse('name-too-long');
    this.#push(path);
  }

  /** True when the path ends in `/` or `/.`: whatever it leads to has to be a directory. */
  get wantsDirectory(): boolean {
    return this.#endsInSlash || this.#endsInDot;
  }

  /** True when the path ends in `.`, which names no entry. */
  get endsInDot(): boolean {
    return this.#endsInDot;
  }

  /** Walks all but the last step, whose name it gives; a link there is not looked at. */
  async toParent(): Promise<Place> {
    for (;;) {
      const step = this.#ahead.pop();
      if (step === undefined) return { fd: this.#here, name: undefined };
      this.#steps += 1;
      if (this.#steps > STEPS_MAX) refuse('name-too-long');
      if (step === '..') this.#back();
      else if (this.#ahead.length === 0) return { fd: this.#here, name: step };
      else await this.#enter(step);
    }
  }

  /** Goes where the link at `place` points to; follow with {@link toParent}. */
  async expand({ fd, name }: Place): Promise<void> {
    const target = await this.#files.readLink(descriptorPath(fd, name));
    this.#links += 1;
    if (this.#links > LINKS_MAX) refuse('loop');
    const path = decodeName(target);
    if (path === '') refuse('no-entry');
    this.#push(path);
  }

  /** Where `place` really is, from the directory that the walk began in: links are behind. */
  namesOf({ name }: Place): readonly string[] {
    return name === undefined ? this.#names : [...this.#names, name];
  }

  /** Opens whatever is at `place`, a link too, so that it can be looked at and nothing else. */
  look({ fd, name }: Place): Promise<number> {
    return this.#files.open(descriptorPath(fd, name), name === undefined ? ROOT_FLAGS : LOOK_FLAGS);
  }

  /** Lets go of the directories that were entered. */
  close(): void {
    for (const fd of this.#entered) closePlace(fd);
    this.#entered.length = 0;
  }

  get #here(): number {
    return this.#entered.at(-1) ?? this.#base;
  }

  /** Puts the steps of `path` before those still ahead. */
  #push(path: string): void {
    if (path.startsWith('/')) throw new EscapeError();
    const steps = path.split('/');
    if (this.#ahead.length === 0) {
      // A final link that points to "x/" makes the whole path end in a slash.
      this.#endsInSlash ||= steps.at(-1) === '';
      this.#endsInDot ||= steps.at(-1) === '.';
    }
    for (const step of steps.reverse()) {
      if (step !== '' && step !== '.') this.#ahead.push(step);
    }
  }

  #back(): void {
    const left = this.#entered.pop();
    this.#names.pop();
    if (left === undefined) throw new EscapeError();
    closePlace(left);
  }

  async #enter(step: string): Promise<void> {
    if (this.#entered.length >= DEPTH_MAX) refuse('name-too-long');
    const place = { fd: this.#here, name: step };
    try {
      this.#entered.push(await this.#files.open(descriptorPath(place.fd, step), WALK_FLAGS));
      this.#names.push(step);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTDIR') throw error;
      await this.#enterLink(place);
    }
  }

  /** The step is no directory: a link, or the wrong kind of file. */
  async #enterLink(place: Place): Promise<void> {
    try {
      await this.expand(place);
    } catch (error) {
      // EINVAL: not a link.
      if (errnoOf(error) === 'EINVAL') refuse('not-directory');
      throw error;
    }
  }
}

/** The text of a name on disk; names that are not UTF-8 cannot be told to a guest. */
export function decodeName(name: Uint8Array): string {
  try {
    return UTF8.decode(name);
  } catch {
    // The decoder throws for nothing else.
    return refuse('illegal-byte-sequence');
  }
}
