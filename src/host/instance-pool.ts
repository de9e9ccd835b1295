import type { Closing } from '../actor/index.ts';
import type { ComponentInstance } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';

/** Instances are let go this long after the last actor of their type has ended, as those of a pool for requests. */
const IDLE_MS = 10_000;

/**
 * Bytes of linear memory of instances that were used and wait for their next life; one that would exceed it is dropped. They
 * keep the pages that they were written to, which those that were never used do not have. As much as V8 lets dead memories
 * have before it collects them.
 */
const USED_BYTES_MAX = 67_108_864;

/**
 * What was taken is replaced after this long: by then it may have come back, and a new one, 3 ms of work for a guest in JavaScript,
 * would have been made for nothing. Not waited for when less than half is left.
 */
const REPLACE_MS = 1_000;

/** Nobody gets to see it: what is in a pool is in no call. */
const RELEASED = new RuntimeError('COMPONENT_KILLED', 'The instance was not needed');

interface PoolParts {
  /** Instances that are kept. */
  readonly size: number;
  readonly clock: Clock;
  /** Makes one, linked ahead. */
  readonly make: () => ComponentInstance;
  /** Called when it is closed because nobody uses it. */
  readonly forget: () => void;
}

/**
 * Instances of one component that no actor has, of one system: begun by whoever takes them.
 *
 *     make, one in each pass of the event loop ─► [ never used | used and rewound ] ─► take
 *                                                                ▲
 *                                       an actor that has ended ─┘ if it can be rewound
 */
export class InstancePool implements Closing {
  private readonly parts: PoolParts;
  private readonly fresh: ComponentInstance[] = [];
  /** Taken first: they have their pages. */
  private readonly used: ComponentInstance[] = [];
  private usedBytes = 0;
  private actors = 0;
  private isFilling = false;
  private isClosed = false;
  private idle: TimerHandle | undefined;
  private replacing: TimerHandle | undefined;

  constructor(parts: PoolParts) {
    this.parts = parts;
  }

  /** Instances that wait. */
  get size(): number {
    return this.fresh.length + this.used.length;
  }

  /** An actor of the type begins. */
  enter(): void {
    this.actors++;
    this.idle?.cancel();
    this.idle = undefined;
    this.replace();
  }

  /** One has ended. */
  leave(): void {
    this.actors--;
    if (this.actors > 0 || this.isClosed) return;
    this.idle = this.parts.clock.after(IDLE_MS, () => {
      this.close();
      this.parts.forget();
    });
  }

  /** One that has not begun; undefined if there is none. */
  take(): ComponentInstance | undefined {
    const used = this.used.pop();
    if (used !== undefined) this.usedBytes -= used.memoryBytes;
    const instance = used ?? this.fresh.pop();
    this.replace();
    return instance;
  }

  /** Keeps the instance of an actor that has ended, as new, if that can be; tells whether it does. */
  give(instance: ComponentInstance): boolean {
    if (this.isClosed || this.size >= this.parts.size) return false;
    const { memoryBytes } = instance;
    if (this.usedBytes + memoryBytes > USED_BYTES_MAX || !instance.rewind()) return false;
    this.usedBytes += memoryBytes;
    this.used.push(instance);
    return true;
  }

  close(): void {
    this.isClosed = true;
    this.idle?.cancel();
    this.replacing?.cancel();
    for (const instance of [...this.fresh, ...this.used]) instance.kill(RELEASED);
    this.fresh.length = 0;
    this.used.length = 0;
    this.usedBytes = 0;
  }

  private replace(): void {
    if (2 * this.size < this.parts.size) {
      this.fill();
      return;
    }
    if (this.isClosed || this.size >= this.parts.size) return;
    this.replacing ??= this.parts.clock.after(REPLACE_MS, () => {
      this.replacing = undefined;
      this.fill();
    });
  }

  /** One at a time, after I/O and whoever else waits for the thread. */
  private fill(): void {
    if (this.isFilling || this.isClosed || this.size >= this.parts.size) return;
    this.isFilling = true;
    this.parts.clock.soon(() => {
      this.isFilling = false;
      if (this.isClosed || this.size >= this.parts.size) return;
      const instance = this.made();
      if (instance === undefined) return;
      this.fresh.push(instance);
      this.fill();
    });
  }

  /** Undefined if there is no room for it: whoever needs one hears why. The next one that is taken has it tried again. */
  private made(): ComponentInstance | undefined {
    try {
      return this.parts.make();
    } catch {
      return undefined;
    }
  }
}
