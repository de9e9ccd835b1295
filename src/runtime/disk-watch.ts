import { statfs } from 'node:fs/promises';
import type { HealthTrouble } from '../api/index.ts';
import { systemClock, type TimerHandle } from '../time/index.ts';

/** Milliseconds between two looks: a log that is written as fast as it can be takes longer for what is the least that must be free. */
const LOOK_EVERY_MS = 10_000;

/** Bytes that must be free, that whoever is told has time to make room: four files of the log, or a share of a disk that is small. */
const FREE_BYTES = 268_435_456;
const FREE_SHARE = 0.05;

const leastOf = (diskBytes: number): number => Math.min(FREE_BYTES, diskBytes * FREE_SHARE);

/** Looks how much room there is where something is written that must not be lost. */
export class DiskWatch {
  readonly #directory: string;
  readonly #least: (diskBytes: number) => number;
  #freeBytes: number | undefined;
  #lowSinceMs: number | undefined;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  /** @param least Bytes that must be free of a disk of so many. */
  constructor(directory: string, least = leastOf) {
    this.#directory = directory;
    this.#least = least;
    void this.#look();
  }

  /** Bytes that this user may still write; `undefined`: not known. */
  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  troubles(): HealthTrouble[] {
    if (this.#lowSinceMs === undefined || this.#freeBytes === undefined) return [];
    const ms = Math.round(systemClock.nowMs() - this.#lowSinceMs);
    const text = `${Math.floor(this.#freeBytes / 1_048_576)} MiB are left where the audit log is`;
    return [{ kind: 'audit-disk', ms, text }];
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    let leastBytes = 0;
    try {
      const { bavail, bsize, blocks } = await statfs(this.#directory);
      this.#freeBytes = bavail * bsize;
      leastBytes = this.#least(blocks * bsize);
    } catch {
      // What cannot be looked at cannot be written either, which is told by who writes.
      this.#freeBytes = undefined;
    }
    const isLow = this.#freeBytes !== undefined && this.#freeBytes < leastBytes;
    this.#lowSinceMs = isLow ? (this.#lowSinceMs ?? systemClock.nowMs()) : undefined;
    if (!this.#isClosed) this.#timer = systemClock.after(LOOK_EVERY_MS, () => void this.#look());
  }
}
