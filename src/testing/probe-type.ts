import {
  type ActorType,
  type Behavior,
  type BehaviorContext,
  type Context,
  defineActorType,
  type Implementation,
  type Incoming,
  implement,
  type Protocol,
  type Turn,
} from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { TICK_MS } from '../time/index.ts';
import type { Inbox, Received } from './probe.ts';

/** Answers that a probe gives by itself, by operation. */
export type Answers = Readonly<Record<string, (payload: never) => unknown>>;

type Letter = Pick<Received, 'kind' | 'op' | 'payload' | 'sender' | 'topic'>;

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: RuntimeError };

/** The type of a probe: of `protocol`, or of one that takes whatever it is sent. */
export function probeType(inbox: Inbox, answers: Answers, protocol: Protocol | undefined): ActorType<Protocol> {
  const type =
    protocol === undefined
      ? defineActorType({ name: 'probe', operations: 'any', create: () => new ProbeBehavior(inbox, answers) })
      : implementProbe(inbox, answers, protocol);
  return type as unknown as ActorType<Protocol>;
}

/** Remembers a message. @returns What comes as an answer; only an ask has somebody who waits for it. */
function record(inbox: Inbox, letter: Letter, answers: Answers): Answer | Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const give = (answer: Answer): void => {
    inbox.open.delete(giveUp);
    resolve(answer);
  };
  const giveUp = (): void => {
    const error = new RuntimeError('ASK_CANCELLED', `Gave up "${letter.op}": the test did not answer it`);
    give({ ok: false, error });
  };
  inbox.messages.push({
    ...letter,
    reply: (value) => give({ ok: true, value }),
    refuse: (error) => give({ ok: false, error }),
  });
  const answer = Object.hasOwn(answers, letter.op) ? answers[letter.op] : undefined;
  if (answer !== undefined) return { ok: true, value: answer(letter.payload as never) };
  if (letter.kind === 'ask') inbox.open.add(giveUp);
  return promise;
}

function implementProbe(inbox: Inbox, answers: Answers, protocol: Protocol): ActorType<Protocol> {
  const note = (
    kind: 'tell' | 'ask',
    op: string,
    context: Context,
  ): ((payload: unknown) => Answer | Promise<Answer>) => {
    const { sender, topic } = context;
    return (payload) =>
      record(inbox, { kind: topic === undefined ? kind : 'topic', op, payload, sender, topic }, answers);
  };
  const tell = (op: string) => (context: Context, payload: unknown) => void note('tell', op, context)(payload);
  const ask = (op: string) => async (context: Context, payload: unknown) => {
    const { signal } = context;
    const gone = new Promise<Answer>((resolve) => {
      signal.addEventListener('abort', () => resolve({ ok: true, value: undefined }), { once: true });
    });
    const answer = await Promise.race([note('ask', op, context)(payload), gone]);
    return answer.ok ? answer.value : context.refuse(answer.error);
  };
  const { spec } = protocol;
  const each = <T>(operations: object | undefined, make: (op: string) => T): Record<string, T> =>
    Object.fromEntries(Object.keys(operations ?? {}).map((op) => [op, make(op)]));
  const implementation = {
    init: () => undefined,
    tell: each(spec.tell, tell),
    ask: each(spec.ask, ask),
    stream: each(spec.stream, (op) => (_: Context, payload: unknown) => {
      const answer = Object.hasOwn(answers, op) ? answers[op]?.(payload as never) : [];
      return answer as Iterable<unknown>;
    }),
  };
  return implement(protocol, implementation as unknown as Implementation<Protocol, undefined>);
}

/** A probe that takes any operation. */
class ProbeBehavior implements Behavior {
  readonly #inbox: Inbox;
  readonly #answers: Answers;
  #context: BehaviorContext | undefined;

  constructor(inbox: Inbox, answers: Answers) {
    this.#inbox = inbox;
    this.#answers = answers;
  }

  start(context: BehaviorContext): void {
    this.#context = context;
  }

  async run(turn: Turn): Promise<void> {
    for (let message = turn.take(); message !== undefined; message = turn.take()) {
      const { kind, op, payload, sender, topic } = message;
      const answer = record(this.#inbox, { kind, op, payload, sender, topic }, this.#answers);
      if (kind !== 'ask') continue;
      const given = await this.#withinTime(answer, message);
      if (given.ok) turn.reply(given.value);
      else turn.refuse(given.error);
    }
  }

  stop(): void {}

  dispose(): void {}

  /** What is answered too late is answered for nobody. */
  async #withinTime(answer: Answer | Promise<Answer>, { deadlineMs }: Incoming): Promise<Answer> {
    const { clock } = this.#context as BehaviorContext;
    if (deadlineMs === 0) return answer;
    const late = Promise.withResolvers<Answer>();
    // After the asker's own timer, which may be a tick late: nobody is to be answered in its place.
    const timer = clock.after(deadlineMs - clock.nowMs() + 2 * TICK_MS, () =>
      late.resolve({ ok: true, value: undefined }),
    );
    const given = await Promise.race([answer, late.promise]);
    timer.cancel();
    return given;
  }
}
