import { RingBuffer } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { ActorRef } from './actor-ref.ts';
import { openOperation } from './actor-type.ts';
import type { Cell } from './cell.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import { outboxOf } from './deliveries.ts';
import { Header, type Operation } from './header.ts';
import { KeptInlet } from './kept-topics.ts';
import { LocalRef } from './local-ref.ts';
import type { TopicInlet } from './ports.ts';
import { type Putter, putIfNext, waitingAt } from './putters.ts';
import type { SubscriptionPolicy } from './subscription.ts';

/**
 * The way into `ref` for a subscription to `pattern`.
 *
 * @param policy.op The `tell` operation that messages become. May be left out for an actor that takes any operation; it
 *   then gets the concrete topic as the operation.
 * @throws {RuntimeError} `OPERATION_UNKNOWN` — it has no such `tell` operation, or `op` is missing.
 * @throws {RuntimeError} `DELIVERY_UNAVAILABLE` — nothing can be kept for it.
 */
export function topicInlet(ref: ActorRef, pattern: string, policy: SubscriptionPolicy): TopicInlet {
  const cell = LocalRef.cellOf(ref);
  const operation = operationOf(cell, policy.op);
  if (policy.delivery === 'at-most-once') return new CellInlet(cell, operation, policy);
  outboxOf(cell).topics.assertRoom(cell.name);
  return new KeptInlet(cell.profile.services, { actor: cell.name, pattern, policy });
}

/** What messages become; `undefined` where the actor takes any operation. */
function operationOf(cell: Cell, op: string | undefined): Operation | undefined {
  const { operations } = LocalRef.internalsOf(cell.ref);
  if (operations.isOpen) return undefined;
  if (op === undefined) {
    const names = operations.tells.map(({ name }) => `"${name}"`).join(', ');
    throw new RuntimeError(
      'OPERATION_UNKNOWN',
      `Cannot subscribe "${cell.name}" to a topic: say which tell operation a message becomes, one of ${names || 'none'}`,
    );
  }
  const header = operations.tell(op);
  if (header instanceof RuntimeError) throw header;
  return header.operation;
}

type OnLost = (reason: DeadLetterReason, lost: Lost<Header>, error?: RuntimeError) => void;

class CellInlet implements TopicInlet {
  readonly key: string;
  readonly form: unknown;
  readonly outlives = false;
  delivered = 0;
  dropped = 0;
  readonly #cell: Cell;
  readonly #operation: Operation | undefined;
  readonly #policy: SubscriptionPolicy;
  #backlog: Backlog | null = null;

  constructor(cell: Cell, operation: Operation | undefined, policy: SubscriptionPolicy) {
    const { op } = policy;
    this.#cell = cell;
    this.#operation = operation;
    this.#policy = policy;
    this.key = `${cell.name} ${op ?? ''}`;
    this.form = operation ?? op;
  }

  get isReady(): boolean {
    return this.#cell.isReady;
  }

  get isOpen(): boolean {
    return this.#cell.isOpen;
  }

  get waiting(): number {
    return this.#backlog?.size ?? 0;
  }

  header(topic: string, sender: ActorRef | undefined): Header {
    return new Header(this.#operation ?? openOperation('topic', this.#policy.op ?? topic), sender, topic);
  }

  offer(payload: unknown, header: Header): boolean {
    if (this.waiting > 0) return false;
    const checked = header.operation.validateIn?.(payload) ?? { value: payload };
    if ('error' in checked) return false;
    const cell = this.#cell.entry(header.operation.name, checked.value);
    const { mailbox } = cell;
    const { isUrgent } = header.operation;
    const fits = isUrgent ? mailbox.offerUrgent(checked.value, header) : mailbox.offer(checked.value, header);
    if (!fits) return false;
    cell.wake();
    this.delivered++;
    return true;
  }

  post(payload: unknown, header: Header): boolean {
    const cell = this.#cell;
    let message = payload;
    const { validateIn } = header.operation;
    if (validateIn !== undefined) {
      const checked = validateIn(payload);
      if ('error' in checked) {
        this.dropped++;
        cell.bury('invalid', { message: payload, header }, checked.error);
        return false;
      }
      message = checked.value;
    }
    // What waits came first.
    if (this.#backlog !== null && this.#backlog.size > 0) return this.#wait(this.#backlog, { message, header });
    const told = header.operation.isUrgent ? cell.postUrgent(message, header) : cell.post(message, header);
    if (told.ok) {
      this.delivered++;
      return true;
    }
    if (told.error.code === 'ACTOR_STOPPED') return false;
    if (this.#policy.overflow !== 'reject' && cell.mailbox.canHold(message)) {
      this.#backlog ??= new Backlog(cell, () => this.delivered++, this.#lost);
      return this.#wait(this.#backlog, { message, header });
    }
    // The publisher does not see what becomes of it in each mailbox: somebody should.
    this.#lost('overflow', { message, header }, told.error);
    return false;
  }

  lose(payload: unknown, header: Header): void {
    this.#lost('stopped', { message: payload, header });
  }

  /** What it has brought is still handled. */
  ended(): void {}

  /** Returns whether the message was taken; one that was, or an older one, may be lost for it. */
  #wait(backlog: Backlog, message: Lost<Header>): boolean {
    const { overflow, capacity } = this.#policy;
    if (backlog.size >= capacity && overflow === 'drop-newest') {
      this.#lost('overflow', message);
      return false;
    }
    backlog.push(message);
    if (backlog.size > capacity) this.#lost('overflow', backlog.shift());
    return true;
  }

  readonly #lost: OnLost = (reason, lost, error) => {
    this.dropped++;
    this.#cell.bury(reason, lost, error);
  };
}

/** Messages of one subscription that wait for room, in order. They stand in line together: one at a time has a place there. */
class Backlog implements Putter {
  readonly via: Cell;
  readonly #queue = new RingBuffer<Lost<Header>>();
  readonly #delivered: () => void;
  readonly #lost: OnLost;

  constructor(cell: Cell, delivered: () => void, lost: OnLost) {
    this.via = cell;
    this.#delivered = delivered;
    this.#lost = lost;
  }

  get size(): number {
    return this.#queue.size;
  }

  get payload(): unknown {
    return this.#head.message;
  }

  get header(): Header {
    return this.#head.header;
  }

  get #head(): Lost<Header> {
    return this.#queue.peek() as Lost<Header>;
  }

  push(message: Lost<Header>): void {
    this.#queue.push(message);
    if (this.#queue.size === 1) this.#goOn();
  }

  shift(): Lost<Header> {
    return this.#queue.shift() as Lost<Header>;
  }

  isWaiting(): boolean {
    return this.#queue.size > 0;
  }

  done(): void {
    this.shift();
    this.#delivered();
    this.#goOn();
  }

  failed(error: RuntimeError): void {
    const reason = error.code === 'ACTOR_STOPPED' ? 'stopped' : 'overflow';
    while (this.#queue.size > 0) this.#lost(reason, this.shift(), error);
  }

  /** Each message goes to whoever its router sends it to now: there may be room. */
  #goOn(): void {
    while (this.#queue.size > 0) {
      const { header, payload } = this;
      const cell = this.via.entry(header.operation.name, payload);
      if (!putIfNext(cell, payload, header)) {
        waitingAt(cell).join(this);
        return;
      }
      this.shift();
      this.#delivered();
    }
  }
}
