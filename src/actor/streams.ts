import { RuntimeError } from '../errors/index.ts';
import type { Handler, Operation } from './header.ts';
import { type AnyIterator, OWN_MAX } from './own-messages.ts';
import type { Validator } from './schema.ts';
import { isThenable } from './thenable.ts';
import { Verdict } from './verdict.ts';

/** How the context of an incarnation keeps the streams that are open. */
interface StreamOwner {
  readonly hasStreamRoom: boolean;
  addStream(iterator: AnyIterator): void;
  forgetStream(iterator: AnyIterator): void;
}

/**
 * One use of a stream operation. What travels is this object: each `next` of the reader is an ask, answered by one step of
 * the handler's iterator, in a turn of the actor. So nothing is made that nobody wants, and other messages come between.
 */
export class StreamSession {
  readonly #payload: unknown;
  #owner: object | undefined;
  #iterator: AnyIterator | undefined;
  /** The reader has left: the next step is the last. */
  isClosing = false;
  /** Whether the steps are made elsewhere. */
  isElsewhere = false;

  constructor(payload: unknown) {
    this.#payload = payload;
  }

  /** Whether the handler has been called, and is not at its end. */
  get isOpen(): boolean {
    return this.#iterator !== undefined || this.isElsewhere;
  }

  /** What it was opened with. */
  get payload(): unknown {
    return this.#payload;
  }

  /** Runs one step. @returns An iterator's result, or a promise of one. */
  step(context: StreamOwner, handler: Handler): unknown {
    if (this.#owner === undefined) this.#begin(context, handler);
    const iterator = this.#iterator;
    if (this.#owner !== context || iterator === undefined) {
      return iterator === undefined || this.isClosing ? DONE : this.#lost();
    }
    // A reader may leave while a step is under way: then that is not the last one.
    const isLast = this.isClosing;
    const result = isLast ? (iterator.return?.() ?? DONE) : iterator.next();
    if (!isThenable(result)) return this.#after(result, isLast);
    return Promise.resolve(result).then((settled) => this.#after(settled, isLast));
  }

  #begin(context: StreamOwner, handler: Handler): void {
    if (!context.hasStreamRoom) {
      const text = `Cannot open one more stream: the actor has ${OWN_MAX}, the most there may be; try again later`;
      throw new Verdict({ kind: 'refuse', error: new RuntimeError('STREAMS_EXHAUSTED', text) });
    }
    if (this.isClosing) return;
    const made = handler(context, this.#payload) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
    const iterator = made?.[Symbol.asyncIterator]?.() ?? made?.[Symbol.iterator]?.();
    if (iterator === undefined) throw new TypeError('A handler of a stream returns something iterable: a generator');
    // Only now: a handler that has put its message aside is called again.
    this.#owner = context;
    context.addStream(iterator);
    this.#iterator = iterator;
  }

  #after(result: unknown, isLast: boolean): unknown {
    const { done = false } = result as IteratorResult<unknown>;
    if (!done && !isLast) return result;
    if (this.#iterator !== undefined) (this.#owner as StreamOwner).forgetStream(this.#iterator);
    this.#iterator = undefined;
    return DONE;
  }

  #lost(): never {
    const error = new RuntimeError('ACTOR_STOPPED', 'Cannot go on with a stream: the incarnation that made it is over');
    throw new Verdict({ kind: 'refuse', error });
  }
}

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/** The operation behind a stream: an ask for one more step. */
export function streamOperation(name: string, handler: Handler, validators: StreamValidators): Operation {
  const { validateIn, validateOut } = validators;
  return {
    kind: 'ask',
    name,
    handler: (context: StreamOwner, session: StreamSession) => session.step(context, handler),
    // Of the session, which the stub makes when it has validated the payload.
    validateIn: undefined,
    validateOut: validateOut === undefined ? undefined : (result) => validateStep(result, validateOut),
    validateStream: validateIn,
    batch: undefined,
    isUrgent: false,
  };
}

interface StreamValidators {
  readonly validateIn: Validator | undefined;
  readonly validateOut: Validator | undefined;
}

function validateStep(result: unknown, validateOut: Validator): ReturnType<Validator> {
  const { done = false, value } = result as IteratorResult<unknown>;
  if (done) return { value: result };
  const checked = validateOut(value);
  return 'error' in checked ? checked : { value: { done: false, value: checked.value } };
}

/** Asks for a step, or says that no more are wanted. */
export interface StreamSource {
  next(session: StreamSession): Promise<unknown>;
  close(session: StreamSession): void;
}

/** What the reader of a stream iterates over. */
export class StreamReader implements AsyncIterableIterator<unknown, undefined> {
  readonly #session: StreamSession;
  readonly #source: StreamSource;
  #hasEnded = false;

  constructor(session: StreamSession, source: StreamSource) {
    this.#session = session;
    this.#source = source;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#hasEnded) return DONE;
    try {
      const result = (await this.#source.next(this.#session)) as IteratorResult<unknown, undefined>;
      if (result.done === true) this.#hasEnded = true;
      return result;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#session.isClosing = true;
    if (this.#session.isOpen) this.#source.close(this.#session);
  }
}
