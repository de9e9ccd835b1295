import type { Header, ReplyRoute } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** Who sends replies back. */
interface Replier {
  reply(id: number, value: unknown): void;
  replyFailure(id: number, error: unknown): void;
}

/** An ask of the other side, or a tell of which it wants to hear that it was handled. */
export class IncomingAsk implements ReplyRoute {
  readonly deadlineMs: number;
  readonly isBound: boolean;
  header: Header | undefined;
  readonly #id: number;
  readonly #replier: Replier;

  constructor(replier: Replier, { id, deadlineMs, isBound }: { id: number; deadlineMs: number; isBound: boolean }) {
    this.#replier = replier;
    this.#id = id;
    this.deadlineMs = deadlineMs;
    this.isBound = isBound;
  }

  settle(value: unknown): void {
    this.#replier.reply(this.#id, value);
  }

  fail(error: unknown): void {
    this.#replier.replyFailure(this.#id, error);
  }

  /** The asker does not wait any more. */
  cancel(): void {
    this.header?.fail(new RuntimeError('ASK_CANCELLED', 'Whoever asked does not wait any more'));
  }
}
