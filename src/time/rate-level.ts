import type { Clock } from './ports.ts';
import { machineOffsetMs } from './system-clock.ts';

/** How many units of a rate are there. */
export interface Level {
  /** Below zero, a debt. */
  readonly now: number;
  /** Takes units if at least so many are there. */
  take(units: number, atLeast: number): boolean;
}

/** The level of a rate that one thread goes by. */
export class OwnLevel implements Level {
  private readonly clock: Clock;
  private readonly perSecond: number;
  private units: number;
  private atMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.units = perSecond;
    this.atMs = clock.nowMs();
  }

  get now(): number {
    const nowMs = this.clock.nowMs();
    this.units = Math.min(this.perSecond, this.units + ((nowMs - this.atMs) / 1_000) * this.perSecond);
    this.atMs = nowMs;
    return this.units;
  }

  take(units: number, atLeast: number): boolean {
    if (this.now < atLeast) return false;
    this.units -= units;
    return true;
  }
}

/** Where threads keep the level of a rate that they share. */
export interface SharedLevelCell {
  readonly cells: BigInt64Array;
  readonly index: number;
}

/** Nanoseconds of a second. */
const SECOND = 1_000_000_000;

/**
 * The level of a rate that several threads go by: one word, the time at which there were no units, from which the level follows at any
 * time. Whoever takes units moves it on; nobody waits for anybody.
 *
 * Source: the generic cell rate algorithm, ITU-T I.371.
 */
export class SharedLevel implements Level {
  private readonly clock: Clock;
  private readonly offsetMs: number;
  private readonly perSecond: number;
  private readonly cells: BigInt64Array;
  private readonly index: number;

  constructor(clock: Clock, { cells, index, perSecond }: SharedLevelCell & { readonly perSecond: number }) {
    this.clock = clock;
    this.offsetMs = machineOffsetMs(clock);
    this.perSecond = perSecond;
    this.cells = cells;
    this.index = index;
  }

  get now(): number {
    return this.levelSince(Atomics.load(this.cells, this.index), this.nowNs);
  }

  take(units: number, atLeast: number): boolean {
    const nowNs = this.nowNs;
    for (;;) {
      const empty = Atomics.load(this.cells, this.index);
      const level = this.levelSince(empty, nowNs);
      if (level < atLeast) return false;
      const next = BigInt(Math.round(nowNs - ((level - units) / this.perSecond) * SECOND));
      if (Atomics.compareExchange(this.cells, this.index, empty, next) === empty) return true;
    }
  }

  /** On the clock that all threads of the machine have in common. */
  private get nowNs(): number {
    return (this.clock.nowMs() + this.offsetMs) * 1e6;
  }

  private levelSince(empty: bigint, nowNs: number): number {
    return Math.min(this.perSecond, ((nowNs - Number(empty)) / SECOND) * this.perSecond);
  }
}
