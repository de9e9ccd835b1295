import type { Transferable } from 'node:worker_threads';
import type { RuntimeError } from '../errors/index.ts';

/** Bytes: the largest frame. A message has at most 16 MiB; the rest is for what stands in front of it. */
export const FRAME_BYTES_MAX = 16 * 1_024 ** 2 + 64 * 1_024;

/** Mailboxes whose slots one end of a link can count; an index is 0 to this, less 1. */
export const CREDITS_MAX = 65_536;

/** A place to write to or to read from. It belongs to the link: valid until the next call of it, or until the callback returns. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Of the same memory as `bytes`, from its first byte on. */
  readonly view: DataView;
  /** Index of the first byte of the frame; divisible by 8. */
  readonly start: number;
  /** Index after its last byte. */
  readonly end: number;
}

/** What arrives at one end of a link. What these throw ends the link. */
export interface LinkReceiver {
  /**
   * A frame. Its bytes are read where they lie, and will be written over: keep copies. The other side may be hostile, and
   * may change them at any time: read each once, and check before use.
   */
  onFrame(frame: Frame): void;
  /** A message of `post`, after all frames that were committed before it, and before those after it. */
  onControl(message: unknown): void;
  /** A frame was refused for lack of room: there is some now. */
  onRoom(): void;
  /** `credits.take` was refused for this index: there is a slot now. */
  onCredit(index: number): void;
  /** The other side is gone: nothing more arrives or can be sent. Not called after `close` of this end. */
  onLost(reason: RuntimeError): void;
}

/**
 * Free slots of mailboxes at the far end, by index: whoever forwards takes one first, and the owner of the mailbox gives it back
 * when it has taken the message out. Each index has one taker, this end, and one giver, the far end; the same index counts
 * something else in the other direction.
 */
export interface Credits {
  /** At the taker: sets how many slots are free, before the giver knows the index. */
  open(index: number, slots: number): void;
  /** At the taker: takes a slot; when none is free, returns false, and `onCredit` follows as soon as there is one. */
  take(index: number): boolean;
  /** At the giver: makes slots free. The taker may learn of it at the next `flush`. */
  give(index: number, slots: number): void;
}

/**
 * One end of the channel between the main thread and one worker. Whatever is behind it (memory that threads share, the pipe of
 * a child process), it promises:
 *
 * - what was committed or posted arrives once, whole and in order, unless the link is lost;
 * - nothing that is sent waits for more than the other side's attention: nobody polls;
 * - what is under way is bounded: a writer is refused at once, and told when there is room.
 *
 * @example A frame, written where it is sent from
 * ```ts
 * const frame = link.reserve(8);
 * if (frame === undefined) return 'no room';   // `onRoom` follows
 * frame.view.setFloat64(frame.start, 42, true);
 * link.commit(8);
 * link.flush();
 * ```
 */
export interface Link {
  /** Slots at the far end. */
  readonly credits: Credits;
  /** Begins to receive. What arrived before is delivered then. Once. */
  open(receiver: LinkReceiver): void;
  /**
   * Where a frame of at most so many bytes is to be written, at once, and then committed; calling it again instead forgets it.
   * `undefined` when there is no room: `onRoom` follows, once, unless the link is lost. An open link takes at least one frame of
   * {@link FRAME_BYTES_MAX} when it is empty.
   *
   * @throws {RuntimeError} `INTERNAL` — the frame is larger than any may be.
   */
  reserve(bytes: number): Frame | undefined;
  /** Sends the reserved frame, of as many bytes as were written in the end; the other side need not learn of it before `flush`. */
  commit(bytes: number): void;
  /** Lets the other side see what was committed and given. Cheap when that is nothing. */
  flush(): void;
  /**
   * Sends a message as the structured clone of Node.js has it, for what is rare. Whoever sends bounds how many are under way.
   * Implies `flush`.
   */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** Whether this end keeps its process or thread alive. It does in a worker, and does not in main, until this is called. */
  hold(keepAlive: boolean): void;
  /** Sends what was committed, as far as there is room, and ends both ends: the other side's `onLost` is called. */
  close(): void;
}
