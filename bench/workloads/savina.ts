/**
 * The micro benchmarks of the Savina suite and skynet, for the actors of this project. Each sample has a system of its
 * own, whose making and ending is not timed.
 */
import assert from 'node:assert/strict';
import { type ActorRef, ActorSystem, implement, protocol, type } from '../../src/index.ts';
import { timed, type Workload, type WorkloadKey } from './contender.ts';

/** A prime number of actors, as ever. */
const RING = 503;
const FORK_JOIN_ACTORS = 60;
/** Fewer than a mailbox holds. */
const FORK_JOIN_BURST = 500;
const CREATURES = 100;
const BIG = 1_000;
const DICTIONARY_WORKERS = 20;
/** Every tenth request writes. */
const WRITE_EVERY = 10;
const KEYS = 512;
const PRODUCERS = 40;
const CONSUMERS = 40;
const BUFFER = 50;
const SKYNET_CHILDREN = 10;

/** Told how many messages were handled; resolves when all are. */
class Tally {
  readonly #expected: number;
  readonly #settled = Promise.withResolvers<void>();
  #handled = 0;

  constructor(expected: number) {
    this.#expected = expected;
  }

  add(handled: number): void {
    this.#handled += handled;
    if (this.#handled === this.#expected) this.#settled.resolve();
  }

  async all(): Promise<void> {
    await this.#settled.promise;
    assert.equal(this.#handled, this.#expected);
  }
}

/** A system in which no message may be lost. */
async function lossless(work: (system: ActorSystem) => Promise<number>): Promise<number> {
  let lost = 0;
  const system = await ActorSystem.create({
    onDeadLetter: () => void lost++,
    onFailure: ({ error }) => assert.fail(error),
  });
  try {
    const ns = await work(system);
    assert.equal(lost, 0, 'messages were lost');
    return ns;
  } finally {
    await system.stop();
  }
}

async function allReady(refs: readonly ActorRef[]): Promise<void> {
  await Promise.all(refs.map((ref) => ref.ready));
}

const RingNode = protocol('bench:ring-node@1.0.0', {
  tell: { link: type<{ readonly next: ActorRef; readonly tally: Tally }>(), token: type<number>() },
});
type NodeRef = ActorRef<typeof RingNode>;
const ringNode = implement(RingNode, {
  init: () => ({ next: undefined as NodeRef | undefined, tally: new Tally(0) }),
  tell: {
    link(context, { next, tally }) {
      context.state = { next: context.ref(next as NodeRef), tally };
    },
    token({ state }, left) {
      if (left === 0) state.tally.add(1);
      else state.next?.tell.token(left - 1);
    },
  },
});

/** One time: a token is handed on. */
const threadRing: Workload = (times) =>
  lossless(async (system) => {
    const nodes = Array.from({ length: RING }, () => system.spawn(ringNode));
    const tally = new Tally(1);
    for (const [i, node] of nodes.entries()) node.tell.link({ next: nodes[(i + 1) % RING] as NodeRef, tally });
    await allReady(nodes);
    return await timed(times, () => {
      nodes[0]?.tell.token(times - 1);
      return tally.all();
    });
  });

const Worker = protocol('bench:worker@1.0.0', {
  tell: { work: type<number>() },
  ask: { handled: { in: type<void>(), out: type<number>() } },
});
const worker = implement(Worker, {
  init: () => ({ handled: 0, sine: 0 }),
  tell: {
    work({ state }, x) {
      state.handled++;
      state.sine = Math.sin(x);
    },
  },
  ask: { handled: ({ state }) => state.handled },
});

/** One time: a message with a small calculation, to one of 60 actors. */
const forkJoinThroughput: Workload = (times) =>
  lossless(async (system) => {
    const workers = Array.from({ length: FORK_JOIN_ACTORS }, () => system.spawn(worker));
    await allReady(workers);
    const rounds = Math.ceil(times / (FORK_JOIN_ACTORS * FORK_JOIN_BURST));
    const sent = rounds * FORK_JOIN_BURST;
    return await timed(sent * FORK_JOIN_ACTORS, async () => {
      for (let round = 1; round <= rounds; round++) {
        for (let i = 0; i < FORK_JOIN_BURST; i++) for (const ref of workers) ref.tell.work(i);
        const handled = await Promise.all(workers.map((ref) => ref.ask.handled()));
        for (const count of handled) assert.equal(count, round * FORK_JOIN_BURST);
      }
    });
  });

const Once = protocol('bench:once@1.0.0', { tell: { work: type<Tally>() } });
const once = implement(Once, {
  init: () => 0,
  tell: {
    work(context, tally) {
      context.state = Math.sin(37.2);
      tally.add(1);
      context.stop();
    },
  },
});

/** One time: an actor is made, handles one message and ends. */
const forkJoinCreate: Workload = (times) =>
  lossless(async (system) => {
    const tally = new Tally(times);
    return await timed(times, async () => {
      for (let i = 0; i < times; i++) system.spawn(once).tell.work(tally);
      await tally.all();
    });
  });

const COLOURS = ['blue', 'red', 'yellow'] as const;
type Colour = (typeof COLOURS)[number];
/** What both become: of two colours the third, of one the same. */
const complement = (left: Colour, right: Colour): Colour =>
  left === right ? left : (COLOURS.find((colour) => colour !== left && colour !== right) as Colour);

const Creature = protocol('bench:creature@1.0.0', {
  tell: { go: type<{ readonly mall: ActorRef }>(), met: type<Colour>(), closed: type<void>() },
});
interface Visit {
  readonly who: ActorRef<typeof Creature>;
  readonly colour: Colour;
}
const Mall = protocol('bench:mall@1.0.0', { tell: { visit: type<Visit>() } });
const creatureOf = (colour: Colour, tally: Tally) =>
  implement(Creature, {
    init: () => ({ colour, mall: undefined as ActorRef<typeof Mall> | undefined, meetings: 0 }),
    tell: {
      go(context, { mall }) {
        context.state.mall = context.ref(mall as ActorRef<typeof Mall>);
        context.state.mall.tell.visit({ who: context.self, colour: context.state.colour });
      },
      met({ state, self }, other) {
        state.meetings++;
        state.colour = complement(state.colour, other);
        state.mall?.tell.visit({ who: self, colour: state.colour });
      },
      closed: ({ state }) => tally.add(state.meetings),
    },
  });
const mallOf = (meetings: number) =>
  implement(Mall, {
    init: () => ({ left: meetings, waiting: undefined as Visit | undefined }),
    tell: {
      visit({ state }, visit) {
        const { waiting } = state;
        if (state.left === 0) visit.who.tell.closed();
        else if (waiting === undefined) state.waiting = visit;
        else {
          state.left--;
          state.waiting = undefined;
          waiting.who.tell.met(visit.colour);
          visit.who.tell.met(waiting.colour);
        }
      },
    },
  });

/** One time: two creatures meet, which is four messages. */
const chameneos: Workload = (times) =>
  lossless(async (system) => {
    const tally = new Tally(times * 2);
    const types = COLOURS.map((colour) => creatureOf(colour, tally));
    const mall = system.spawn(mallOf(times));
    const creatures = Array.from({ length: CREATURES }, (_, i) => system.spawn(types[i % 3] as (typeof types)[0]));
    await allReady([mall, ...creatures]);
    return await timed(times, async () => {
      for (const ref of creatures) ref.tell.go({ mall });
      await tally.all();
    });
  });

const Peer = protocol('bench:peer@1.0.0', {
  tell: { go: type<readonly ActorRef[]>(), ping: type<number>() },
});
type PeerRef = ActorRef<typeof Peer>;
const peerOf = (tally: Tally) =>
  implement(Peer, {
    init: () => ({ handled: 0 }),
    tell: {
      go({ self }, all) {
        for (const other of all as readonly PeerRef[]) if (other !== self) other.tell.ping(1);
      },
      ping({ state }) {
        state.handled++;
        if (state.handled === BIG - 1) tally.add(state.handled);
      },
    },
  });

/** One time: a message, in a round in which each of 1,000 actors sends one to each other. */
const big: Workload = (times) =>
  lossless(async (system) => {
    const messages = BIG * (BIG - 1);
    const tally = new Tally(messages);
    assert.ok(times <= messages, 'one round is all that is measured');
    const peer = peerOf(tally);
    const peers = Array.from({ length: BIG }, () => system.spawn(peer));
    await allReady(peers);
    return await timed(messages, () => {
      for (const ref of peers) ref.tell.go(peers);
      return tally.all();
    });
  });

const Client = protocol('bench:client@1.0.0', {
  tell: { go: type<{ readonly dictionary: ActorRef; readonly requests: number }>(), value: type<number>() },
});
interface Request {
  readonly from: ActorRef<typeof Client>;
  readonly key: number;
  readonly value: number | undefined;
}
const Dictionary = protocol('bench:dictionary@1.0.0', { tell: { request: type<Request>() } });
const dictionary = implement(Dictionary, {
  init: () => new Map<number, number>(),
  tell: {
    request({ state }, { from, key, value }) {
      if (value !== undefined) state.set(key, value);
      from.tell.value(value ?? state.get(key) ?? 0);
    },
  },
});
const clientOf = (tally: Tally) =>
  implement(Client, {
    init: () => ({ target: undefined as ActorRef<typeof Dictionary> | undefined, left: 0, requests: 0 }),
    tell: {
      go(context, { dictionary: target, requests }) {
        context.state = { target: context.ref(target as ActorRef<typeof Dictionary>), left: requests, requests };
        context.state.target?.tell.request({ from: context.self, key: 0, value: undefined });
      },
      value({ state, self }) {
        state.left--;
        const { left } = state;
        if (left === 0) tally.add(state.requests);
        else {
          const key = (left * 7_919) % KEYS;
          state.target?.tell.request({ from: self, key, value: left % WRITE_EVERY === 0 ? left : undefined });
        }
      },
    },
  });

/** One time: a request to a dictionary that 20 actors share, and its answer; every tenth writes. */
const concurrentDictionary: Workload = (times) =>
  lossless(async (system) => {
    const requests = Math.ceil(times / DICTIONARY_WORKERS);
    const total = requests * DICTIONARY_WORKERS;
    const tally = new Tally(total);
    const client = clientOf(tally);
    const target = system.spawn(dictionary);
    const clients = Array.from({ length: DICTIONARY_WORKERS }, () => system.spawn(client));
    await allReady([target, ...clients]);
    return await timed(total, () => {
      for (const ref of clients) ref.tell.go({ dictionary: target, requests });
      return tally.all();
    });
  });

const Producer = protocol('bench:producer@1.0.0', { tell: { produce: type<number>() } });
const Consumer = protocol('bench:consumer@1.0.0', { tell: { item: type<number>() } });
type ProducerRef = ActorRef<typeof Producer>;
type ConsumerRef = ActorRef<typeof Consumer>;
const Buffer = protocol('bench:buffer@1.0.0', {
  tell: {
    begin: type<readonly ActorRef[]>(),
    data: type<{ readonly from: ActorRef; readonly item: number }>(),
    free: type<ActorRef>(),
  },
});
type BufferRef = ActorRef<typeof Buffer>;

class BufferState {
  readonly items: number[] = [];
  readonly producers: ProducerRef[] = [];
  readonly consumers: ConsumerRef[] = [];
  /** Items that producers have been asked for and not delivered. */
  ordered = 0;
  left: number;

  constructor(items: number) {
    this.left = items;
  }

  /** Asks for as many items as there is room for. */
  order(): void {
    while (this.left > 0 && this.producers.length > 0 && this.items.length + this.ordered < BUFFER) {
      this.ordered++;
      this.producers.pop()?.tell.produce(this.left--);
    }
  }
}

const bufferOf = (items: number) =>
  implement(Buffer, {
    init: () => new BufferState(items),
    tell: {
      begin({ state }, producers) {
        state.producers.push(...(producers as ProducerRef[]));
        state.order();
      },
      data({ state }, { from, item }) {
        state.ordered--;
        state.producers.push(from as ProducerRef);
        const consumer = state.consumers.pop();
        if (consumer === undefined) state.items.push(item);
        else consumer.tell.item(item);
        state.order();
      },
      free({ state }, consumer) {
        const item = state.items.pop();
        if (item === undefined) state.consumers.push(consumer as ConsumerRef);
        else (consumer as ConsumerRef).tell.item(item);
        state.order();
      },
    },
  });
const producerOf = (buffer: BufferRef) =>
  implement(Producer, {
    init: () => undefined,
    tell: { produce: ({ self }, item) => void buffer.tell.data({ from: self, item }) },
  });
const consumerOf = (buffer: BufferRef, tally: Tally) =>
  implement(Consumer, {
    init: ({ self }) => void buffer.tell.free(self),
    tell: {
      item({ self }) {
        tally.add(1);
        buffer.tell.free(self);
      },
    },
  });

/** One time: an item from one of 40 producers, through a buffer of 50, to one of 40 consumers; four messages. */
const producerConsumer: Workload = (times) =>
  lossless(async (system) => {
    const tally = new Tally(times);
    const buffer = system.spawn(bufferOf(times));
    const [producer, consumer] = [producerOf(buffer), consumerOf(buffer, tally)];
    const producers = Array.from({ length: PRODUCERS }, () => system.spawn(producer));
    const consumers = Array.from({ length: CONSUMERS }, () => system.spawn(consumer));
    await allReady([buffer, ...producers, ...consumers]);
    return await timed(times, () => {
      buffer.tell.begin(producers);
      return tally.all();
    });
  });

interface Tree {
  readonly first: number;
  readonly size: number;
  readonly report: (sum: number) => void;
}
const Skynet = protocol('bench:skynet@1.0.0', {
  tell: {
    grow: type<{ readonly first: number; readonly size: number; readonly parent: ActorRef }>(),
    root: type<Tree>(),
    sum: type<number>(),
  },
});
type SkynetRef = ActorRef<typeof Skynet>;

const skynetNode = implement(Skynet, {
  init: () => ({
    sum: 0,
    left: SKYNET_CHILDREN,
    parent: undefined as SkynetRef | undefined,
    report: undefined as Tree['report'] | undefined,
  }),
  tell: {
    root(context, { first, size, report }) {
      context.state.report = report;
      for (let i = 0; i < SKYNET_CHILDREN; i++) {
        const part = size / SKYNET_CHILDREN;
        context.spawn(skynetNode).tell.grow({ first: first + i * part, size: part, parent: context.self });
      }
    },
    grow(context, { first, size, parent }) {
      if (size === 1) {
        (parent as SkynetRef).tell.sum(first);
        context.stop();
        return;
      }
      context.state.parent = parent as SkynetRef;
      const part = size / SKYNET_CHILDREN;
      for (let i = 0; i < SKYNET_CHILDREN; i++) {
        context.spawn(skynetNode).tell.grow({ first: first + i * part, size: part, parent: context.self });
      }
    },
    sum(context, sum) {
      const { state } = context;
      state.sum += sum;
      if (--state.left > 0) return;
      state.parent?.tell.sum(state.sum);
      state.report?.(state.sum);
      context.stop();
    },
  },
});

/** One time: an actor of a tree in which each has ten children, which give their sums to it and end. */
const skynet: Workload = (times) =>
  lossless(async (system) => {
    const leaves = 10 ** Math.floor(Math.log10(times));
    const actors = (leaves * 10 - 1) / 9;
    const root = system.spawn(skynetNode);
    await root.ready;
    return await timed(actors, async () => {
      const sum = await new Promise<number>((report) => root.tell.root({ first: 0, size: leaves, report }));
      assert.equal(sum, (leaves * (leaves - 1)) / 2);
    });
  });

export const savina = {
  threadRing,
  forkJoinThroughput,
  forkJoinCreate,
  chameneos,
  big,
  dictionary: concurrentDictionary,
  producerConsumer,
  skynet,
} satisfies Partial<Record<WorkloadKey, Workload>>;
