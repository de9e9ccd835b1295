import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { ActorRef, NoProtocol, Protocol, TellResult, Termination } from '../actor/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import { isNamed } from './message.ts';
import { showEnd, showList, showMessage, showValue } from './show.ts';

/** What a probe was sent. */
export interface Received {
  readonly kind: 'tell' | 'ask' | 'topic';
  readonly op: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the test knows and the protocol of the probe need not say
  readonly payload: any;
  readonly sender: ActorRef | undefined;
  readonly topic: string | undefined;
  /** Answers an ask. The first answer counts; of a tell nobody hears it. */
  reply(value: unknown): void;
  /** Answers an ask with an error. */
  refuse(error: RuntimeError): void;
}

/** The end of an actor that a probe watches. */
export interface Ended {
  readonly kind: 'terminated';
  readonly ref: ActorRef;
  readonly termination: Termination;
}

/** How long a probe waits, in milliseconds of the system's clock. */
export interface Patience {
  /** Time that may pass until it comes. Default 0: it must come without any. */
  readonly withinMs?: number;
}

/** Lets a system work until something is the case, or the time is over. */
export type Drive = (isDone: () => boolean, withinMs: number) => Promise<void>;

/** The operations of a protocol by kind; of one of which nothing is known, any text. */
type Ops<P extends Protocol, K extends 'tell' | 'ask'> =
  P extends Protocol<infer S> ? (S extends { [X in K]: infer O } ? keyof O & string : string) : string;

/** What a probe has been sent and nobody has looked at yet, and who is to be asked for more. */
export class Inbox {
  readonly messages: (Received | Ended)[] = [];
  readonly drive: Drive;
  /** When and in which run it is, for people. */
  readonly describeNow: () => string;
  /** Asks without an answer. */
  readonly open = new Set<() => void>();

  constructor(drive: Drive, describeNow: () => string) {
    this.drive = drive;
    this.describeNow = describeNow;
  }
}

/**
 * An actor that remembers what it is sent, for a test to look at: in the order in which its turns came, each once.
 *
 * It handles one message at a time, as every actor: what is sent after an ask comes when that has been answered, or given
 * up by who asked.
 */
export class Probe<P extends Protocol = NoProtocol> {
  /** Give this to what is tested. */
  readonly ref: ActorRef<P>;
  readonly #inbox: Inbox;
  #asked: Received | undefined;

  constructor(ref: ActorRef<P>, inbox: Inbox) {
    this.ref = ref;
    this.#inbox = inbox;
  }

  /** What has come and has not been looked at. */
  get pending(): readonly (Received | Ended)[] {
    return this.#inbox.messages;
  }

  /** Tells the probe itself something, as anybody may. */
  tell(op: string, payload?: unknown): TellResult {
    return (this.ref as unknown as ActorRef).tellOp(op, payload);
  }

  /** The next message, whatever it is, or the end of an actor that is watched. */
  async receive({ withinMs = 0 }: Patience = {}): Promise<Received | Ended> {
    const { messages, drive } = this.#inbox;
    await drive(() => messages.length > 0, withinMs);
    const next = messages.shift();
    if (next === undefined) throw this.#failure('a message', undefined);
    if (next.kind === 'ask') this.#asked = next;
    return next;
  }

  /**
   * The next message is `op` of a tell, or of a topic.
   *
   * @param payload If given, what its payload must deeply equal.
   * @throws {AssertionError} It is another, or there is none; the message says which.
   */
  async expectTell(op: Ops<P, 'tell'>, ...[payload, patience]: [unknown?, Patience?]): Promise<Received> {
    return this.#expect({ kinds: ['tell', 'topic'], op, payload }, patience);
  }

  /** As {@link expectTell}, of an ask. Answer it by `reply`. */
  async expectAsk(op: Ops<P, 'ask'>, ...[payload, patience]: [unknown?, Patience?]): Promise<Received> {
    return this.#expect({ kinds: ['ask'], op, payload }, patience);
  }

  /**
   * Passes over what comes until `isIt` holds for it.
   *
   * @param patience Time that may pass in all until it comes. Default 0.
   * @returns All that came until then, that one last.
   * @throws {AssertionError} It did not come; the message shows what came instead.
   */
  async receiveUntil(
    isIt: (one: Received | Ended) => boolean,
    { withinMs = 0 }: Patience = {},
  ): Promise<(Received | Ended)[]> {
    const { messages, drive } = this.#inbox;
    await drive(() => messages.some(isIt), withinMs);
    const place = messages.findIndex(isIt);
    if (place < 0) throw this.#failure('what was looked for', undefined);
    const passed = messages.splice(0, place + 1);
    const last = passed.at(-1);
    if (last?.kind === 'ask') this.#asked = last;
    return passed;
  }

  /** Nothing comes while `forMs` pass; by default, none. */
  async expectNothing({ forMs = 0 }: { readonly forMs?: number } = {}): Promise<void> {
    const { messages, drive } = this.#inbox;
    await drive(() => messages.length > 0, forMs);
    if (messages.length > 0) throw this.#failure('nothing', undefined);
  }

  /** Answers the ask that was received last. */
  reply(value: unknown): void {
    if (this.#asked === undefined) throw new TypeError('There is nothing to reply to: expect an ask first');
    this.#asked.reply(value);
    this.#asked = undefined;
  }

  /** From now on the end of that actor is received; at once, if it has ended. */
  watch(ref: ActorRef): void {
    const receive = (termination: Termination): void =>
      void this.#inbox.messages.push({ kind: 'terminated', ref, termination });
    ref.terminated.then(receive, () => {});
  }

  /** What comes next is the end of an actor that is watched; of `ref`, if given. */
  async expectTerminated(ref?: ActorRef, patience?: Patience): Promise<Termination> {
    const what = ref === undefined ? 'the end of an actor' : `the end of "${ref.name}"`;
    const next = await this.#next(what, patience);
    if (next.kind === 'terminated' && isNamed(next.ref, ref)) return next.termination;
    throw this.#failure(what, next);
  }

  async #expect(
    wanted: { readonly kinds: readonly string[]; readonly op: string; readonly payload: unknown },
    patience: Patience | undefined,
  ): Promise<Received> {
    const { kinds, op, payload } = wanted;
    const what = `${kinds[0]} "${op}"${payload === undefined ? '' : ` ${showValue(payload)}`}`;
    const next = await this.#next(what, patience);
    const isIt = kinds.includes(next.kind) && (next as Received).op === op;
    if (!isIt || (payload !== undefined && !isDeepStrictEqual((next as Received).payload, payload))) {
      throw this.#failure(what, next);
    }
    if (next.kind === 'ask') this.#asked = next;
    return next as Received;
  }

  async #next(what: string, { withinMs = 0 }: Patience = {}): Promise<Received | Ended> {
    const { messages, drive } = this.#inbox;
    await drive(() => messages.length > 0, withinMs);
    const next = messages.shift();
    if (next === undefined) throw this.#failure(what, undefined);
    return next;
  }

  /** @param came What came in the place of what was wanted, and has been taken out already. */
  #failure(wanted: string, came: Received | Ended | undefined): AssertionError {
    const all = [...(came === undefined ? [] : [came]), ...this.#inbox.messages];
    const lines = all.map((one) =>
      one.kind === 'terminated' ? `the end of "${one.ref.name}": ${showEnd(one.termination)}` : showMessage(one),
    );
    const message = `Probe "${this.ref.name}" expected ${wanted}, but ${this.#inbox.describeNow()} got\n${showList(lines)}`;
    return new AssertionError({
      message,
      actual: lines,
      expected: [wanted],
      operator: 'expect',
      stackStartFn: this.receive,
    });
  }
}
