import type { ActorRef, KeptTopicInlet, TopicInlet } from '../actor/index.ts';

/** What is known of a group apart from who its members are. */
export interface Turn {
  /** Subscriptions that name the group. */
  subscriptions: number;
  /** Grows with each message; whose turn it is follows from it. */
  next: number;
}

/** Whether messages of the subscription are kept. */
export function isKeeper(inlet: TopicInlet | undefined): inlet is KeptTopicInlet {
  return inlet !== undefined && 'keep' in inlet;
}

type TopicHeader = ReturnType<TopicInlet['header']>;

/** The members of a group that get messages of one topic. */
export class Group {
  readonly #topic: string;
  readonly #members: readonly { readonly inlet: TopicInlet; readonly header: TopicHeader }[];
  readonly #turn: Turn;

  /** @param inlets At least one. */
  constructor(topic: string, inlets: readonly TopicInlet[], turn: Turn) {
    this.#topic = topic;
    this.#members = inlets.map((inlet) => ({ inlet, header: inlet.header(topic, undefined) }));
    this.#turn = turn;
  }

  /** The next member that handles messages now, or else the next, if messages are kept for it; its turn is over then. */
  nextKeeper(): KeptTopicInlet | undefined {
    const members = this.#members;
    const first = this.#turn.next % members.length;
    const turns = [...members.slice(first), ...members.slice(0, first)];
    const { inlet } = turns.find(({ inlet }) => inlet.isReady) ?? (turns[0] as (typeof members)[number]);
    if (!isKeeper(inlet)) return undefined;
    this.#turn.next++;
    return inlet;
  }

  /**
   * Hands a message to the next member that handles messages now and has room; if there is none, to the next that will
   * handle them and has room. If all are full, the one whose turn it is has it as if it were alone.
   *
   * @returns Whether a member took it.
   */
  post(payload: unknown, sender: ActorRef | undefined): boolean {
    const members = this.#members;
    const first = this.#turn.next++ % members.length;
    for (const isReady of [true, false]) {
      for (let i = 0; i < members.length; i++) {
        const { inlet, header } = members[(first + i) % members.length] as (typeof members)[number];
        if (inlet.isReady !== isReady) continue;
        if (inlet.offer(payload, sender === undefined ? header : inlet.header(this.#topic, sender))) return true;
      }
    }
    const turns = [...members.slice(first), ...members.slice(0, first)];
    const { inlet } = turns.find(({ inlet }) => inlet.isOpen) ?? (turns[0] as (typeof members)[number]);
    const header = inlet.header(this.#topic, sender);
    if (inlet.isOpen) return inlet.post(payload, header);
    inlet.lose(payload, header);
    return false;
  }
}
