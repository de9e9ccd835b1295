import { RingBuffer } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { TimerNode } from '../time/index.ts';
import type { Cell } from './cell.ts';
import { deadlockError, stoppedError } from './cell-errors.ts';
import type { Header } from './header.ts';
import { ignoreOutcome } from './thenable.ts';

/** Senders that wait for room in one lane of a mailbox; then the next is refused at once. */
const PUTTERS_MAX = 1_024;

/** Who waits for room. */
export interface Putter {
  /** The cell that it was sent to: where it stands in line, or the router that sent it there. */
  readonly via: Cell;
  /** What is to be put into the mailbox next. */
  readonly payload: unknown;
  readonly header: Header;
  /** Whether it still waits. */
  isWaiting(): boolean;
  /** It is in the mailbox. */
  done(): void;
  failed(error: RuntimeError): void;
}

/**
 * Those who wait for room in the mailbox of one actor, in order; those with urgent messages in a line of their own, as the
 * mailbox has a lane for them. Kept by the cell only while somebody waits.
 */
export class Putters {
  readonly #cell: Cell;
  readonly #lines = { urgent: new RingBuffer<Putter>(), plain: new RingBuffer<Putter>() };

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  /**
   * Waits for room, and no longer than `timeoutMs`.
   *
   * @param isLive Whether the sender is still there: what it left behind is not sent.
   */
  wait(message: PutMessage, time: WaitLimits): Promise<void> {
    const { via, payload, header, isLive } = message;
    const { timeoutMs, signal } = time;
    const { wheel } = this.#cell.profile.services;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let isWaiting = true;
    const end = (): void => {
      isWaiting = false;
      wheel.cancel(timer);
      signal?.removeEventListener('abort', cancel);
    };
    const failed = (error: RuntimeError): void => {
      end();
      // The incarnation that sent it may be over, and never come to read this.
      if (!isLive()) ignoreOutcome(promise);
      reject(error);
    };
    const cancel = (): void => failed(cancelledPut(this.#cell));
    const timer: TimerNode = wheel.after(timeoutMs, () => failed(this.#full(`no room came in ${timeoutMs} ms`)));
    signal?.addEventListener('abort', cancel, { once: true });
    const done = (): void => {
      end();
      resolve();
    };
    this.join({ via, payload, header, isWaiting: () => isWaiting && isLive(), done, failed });
    return promise;
  }

  /** Lets a pending ask wait for room: it ends by its own deadline. */
  waitAsk(via: Cell, payload: unknown, header: Header): void {
    const failed = (error: RuntimeError): void => header.fail(error);
    this.join({ via, payload, header, isWaiting: () => header.isPending, done: () => {}, failed });
  }

  /** Puts into the mailbox as much as it takes. Returns whether somebody still waits. */
  admit(): boolean {
    const isUrgentLeft = this.#admitFrom(this.#lines.urgent);
    return this.#admitFrom(this.#lines.plain) || isUrgentLeft;
  }

  #admitFrom(line: RingBuffer<Putter>): boolean {
    for (let next = line.peek(); next !== undefined; next = line.peek()) {
      const isWaiting = next.isWaiting();
      const isIn = isWaiting && this.#cell.letIn(next.payload, next.header);
      const isRefused = isWaiting && !isIn && !takes(this.#cell, next.header);
      if (isWaiting && !isIn && !isRefused) return true;
      line.shift();
      if (isIn) next.done();
      else if (isRefused) next.failed(stoppedError(this.#cell, 'takes nothing more from outside'));
    }
    return false;
  }

  /** Nobody waits here any more: who was sent here by a router goes where it sends him now. */
  end(error: RuntimeError): void {
    for (const line of Object.values(this.#lines)) {
      for (let next = line.shift(); next !== undefined; next = line.shift()) {
        if (next.isWaiting() && !handOn(next)) next.failed(error);
      }
    }
  }

  /** Takes the last place in the line for its lane. */
  join(putter: Putter): void {
    const line = putter.header.operation.isUrgent ? this.#lines.urgent : this.#lines.plain;
    if (line.size >= PUTTERS_MAX) line.remove((other) => !other.isWaiting());
    if (line.size >= PUTTERS_MAX) putter.failed(this.#full(`${PUTTERS_MAX} wait for room already`));
    else line.push(putter);
  }

  #full(why: string): RuntimeError {
    const { name } = this.#cell;
    return new RuntimeError('MAILBOX_FULL', `Cannot enqueue message for "${name}": its mailbox is full, and ${why}`, {
      details: { actor: name },
    });
  }
}

/** Sends `putter` on as if it came now. Returns `false` if there is nobody to take it, ever. */
function handOn(putter: Putter): boolean {
  const { via, payload, header } = putter;
  const cell = via.entry(header.operation.name, payload);
  if (!takes(cell, header)) return false;
  const circle = header.isPending ? header.handOver(cell, header.operation) : undefined;
  if (circle !== undefined) putter.failed(deadlockError(circle));
  else if (putIfNext(cell, payload, header)) putter.done();
  else waitingAt(cell).join(putter);
  return true;
}

/** Puts a message into the mailbox of `cell` if there is room, and nobody waits for it already. */
export function putIfNext(cell: Cell, payload: unknown, header: Header): boolean {
  // Urgent messages have a lane of their own, and others may wait for the other.
  const isNext = header.operation.isUrgent || cell.extras?.waiting == null;
  return isNext && cell.accept(payload, header);
}

/** Whether `cell` takes such a message, if there is room: one that is closed to others still may. */
export function takes(cell: Cell, header: Header): boolean {
  return cell.mailbox.isOpen || cell.mayPassGate(header);
}

/** The queue of those who wait for room at `cell`, which is full. */
export function waitingAt(cell: Cell): Putters {
  const putters = (cell.rare.waiting as Putters | null) ?? new Putters(cell);
  cell.rare.waiting = putters;
  return putters;
}

/** What waits for room. */
export interface PutMessage extends Pick<Putter, 'via' | 'payload' | 'header'> {
  /** Whether its sender is still there. */
  isLive(): boolean;
}

/** How long somebody waits. */
export interface WaitLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The error of a put that its own signal ended. */
export function cancelledPut({ name }: Cell): RuntimeError {
  return new RuntimeError(
    'ASK_CANCELLED',
    `Gave up waiting for room in the mailbox of "${name}": the signal was aborted`,
  );
}
