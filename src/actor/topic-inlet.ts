import { RuntimeError } from '../errors/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Cell } from './cell.ts';
import { Header, type Operation } from './header.ts';
import { LocalRef } from './local-ref.ts';

/** What a broker holds of a subscriber: the way in for what is published. */
export interface TopicInlet {
  /** The same for two inlets exactly when a message through both would reach the same operation of the same actor. */
  readonly key: string;
  /** Inlets of the same form can share headers: it is the operation, or the name of it. */
  readonly form: unknown;
  /** What travels with messages of `topic`; may be kept and used for all of them. */
  header(topic: string, sender: ActorRef | undefined): Header;
  /** Puts a message into the mailbox; `false` when it is not taken. What a full mailbox refuses is a dead letter. */
  post(payload: unknown, header: Header): boolean;
}

/**
 * The way into `ref` for a subscription.
 *
 * @param op The `tell` operation that messages become. May be left out for an actor that takes any operation; it then
 *   gets the concrete topic as the operation.
 * @throws {RuntimeError} `OPERATION_UNKNOWN` — it has no such `tell` operation, or `op` is missing.
 */
export function topicInlet(ref: ActorRef, op: string | undefined): TopicInlet {
  const cell = LocalRef.cellOf(ref);
  const { operations } = LocalRef.internalsOf(ref);
  if (operations.isOpen) return new CellInlet(cell, undefined, op);
  if (op === undefined) {
    const names = operations.tells.map(({ name }) => `"${name}"`).join(', ');
    throw new RuntimeError(
      'OPERATION_UNKNOWN',
      `Cannot subscribe "${cell.name}" to a topic: say which tell operation a message becomes, one of ${names || 'none'}`,
    );
  }
  const header = operations.tell(op);
  if (header instanceof RuntimeError) throw header;
  return new CellInlet(cell, header.operation, op);
}

class CellInlet implements TopicInlet {
  readonly key: string;
  readonly form: unknown;
  readonly #cell: Cell;
  readonly #operation: Operation | undefined;
  readonly #op: string | undefined;

  constructor(cell: Cell, operation: Operation | undefined, op: string | undefined) {
    this.#cell = cell;
    this.#operation = operation;
    this.#op = op;
    this.key = `${cell.id} ${op ?? ''}`;
    this.form = operation ?? op;
  }

  header(topic: string, sender: ActorRef | undefined): Header {
    const name = this.#op ?? topic;
    const open: Operation = {
      kind: 'topic',
      name,
      handler: undefined,
      batch: undefined,
      validateIn: undefined,
      validateOut: undefined,
      isUrgent: false,
    };
    return new Header(this.#operation ?? open, sender, topic);
  }

  post(payload: unknown, header: Header): boolean {
    const cell = this.#cell;
    let message = payload;
    const { validateIn } = header.operation;
    if (validateIn !== undefined) {
      const checked = validateIn(payload);
      if ('error' in checked) {
        cell.bury('invalid', { message: payload, header }, checked.error);
        return false;
      }
      message = checked.value;
    }
    const told = header.operation.isUrgent ? cell.postUrgent(message, header) : cell.post(message, header);
    // The publisher does not see what becomes of it in each mailbox: somebody should.
    if (!told.ok && told.error.code === 'MAILBOX_FULL') cell.bury('overflow', { message, header }, told.error);
    return told.ok;
  }
}
