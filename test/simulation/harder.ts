/** Worlds whose bugs need more than one thing to go wrong, or to go wrong at a certain time: each with and without its bug. */
import { type ActorRef, implement, protocol, type } from '../../src/actor/index.ts';
import type { World } from '../../src/testing/index.ts';

// ── a timeout that races with the reply ──

const Till = protocol('test:till@1.0.0', {
  ask: { charge: { in: type<{ id: string; amount: number }>(), out: type<void>() } },
});

const Journal = protocol('test:journal@1.0.0', { ask: { note: { in: type<{ id: string }>(), out: type<void>() } } });

const Buyer = protocol('test:buyer@1.0.0', { tell: { buy: type<{ id: string; amount: number }>() } });

/** Milliseconds after which a buyer asks again. */
const PATIENCE_MS = 50;
const ATTEMPTS = 3;

interface Market {
  readonly buyer: ActorRef<typeof Buyer>;
  /** By order, what was charged. */
  readonly charged: Map<string, number>;
  readonly ordered: Map<string, number>;
}

/** Buyers ask again when no answer comes in time. @param isCareful Whether the till knows a charge again, also one under way. */
export function market(isCareful: boolean): World<Market> {
  return {
    setup(system) {
      const charged = new Map<string, number>();
      const journal = system.spawn(implement(Journal, { init: () => ({}), ask: { note() {} } }), 'journal');
      const till = implement(Till, {
        init: () => new Set<string>(),
        ask: {
          async charge(ctx, { id, amount }) {
            if (isCareful && ctx.state.has(id)) return;
            ctx.state.add(id);
            charged.set(id, (charged.get(id) ?? 0) + amount);
            const noted = ctx.ref(journal).ask.note({ id });
            // With a failure the till would forget whom it has charged.
            await (isCareful ? noted.catch(() => {}) : noted);
          },
        },
      });
      const tillRef = system.spawn(till, 'till');
      const buyer = implement(Buyer, {
        init: () => ({}),
        tell: {
          async buy(ctx, order) {
            for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
              const answer = ctx.ref(tillRef).ask.charge(order, { timeoutMs: PATIENCE_MS });
              const isDone = await answer.then(
                () => true,
                () => false,
              );
              if (isDone) return;
            }
          },
        },
      });
      return { buyer: system.spawn(buyer, 'buyer'), charged, ordered: new Map() };
    },
    actions: {
      buy(world, draw) {
        const order = { id: `order-${world.ordered.size + 1}`, amount: draw.between(1, 9) };
        if (world.buyer.tell.buy(order).ok) world.ordered.set(order.id, order.amount);
      },
    },
    invariants: {
      'nobody pays twice': ({ charged, ordered }) => {
        for (const [id, sum] of charged)
          if (sum > (ordered.get(id) ?? 0)) throw new Error(`"${id}" was charged ${sum}`);
      },
    },
    faults: { slow: ['journal'], pause: ['journal'] },
  };
}

// ── a timer of an earlier time ──

const Session = protocol('test:session@1.0.0', {
  tell: { open: type<{ id: number }>(), close: type<void>(), expired: type<{ id: number }>() },
});

const EXPIRES_MS = 1_000;

interface Desk {
  readonly session: ActorRef<typeof Session>;
  readonly opened: Map<number, number>;
  readonly expiredEarly: number[];
  next: number;
}

/** Sessions end a second after they were opened. @param isCareful Whether the timer of a session is told from another's. */
export function desk(isCareful: boolean): World<Desk> {
  return {
    setup(system) {
      const opened = new Map<number, number>();
      const expiredEarly: number[] = [];
      const session = implement(Session, {
        init: (): { current: number | undefined } => ({ current: undefined }),
        tell: {
          open(ctx, { id }) {
            ctx.state.current = id;
            opened.set(id, Date.now());
            const { self } = ctx;
            setTimeout(() => self.tell.expired({ id }), EXPIRES_MS);
          },
          close(ctx) {
            ctx.state.current = undefined;
          },
          expired(ctx, { id }) {
            if (ctx.state.current === undefined || (isCareful && ctx.state.current !== id)) return;
            const openedMs = opened.get(ctx.state.current) ?? 0;
            if (Date.now() - openedMs < EXPIRES_MS) expiredEarly.push(ctx.state.current);
            ctx.state.current = undefined;
          },
        },
      });
      return { session: system.spawn(session, 'session'), opened, expiredEarly, next: 1 };
    },
    actions: {
      open: (world) => world.session.tell.open({ id: world.next++ }),
      close: ({ session }) => session.tell.close(),
    },
    invariants: {
      'no session ends early': ({ expiredEarly }) => {
        if (expiredEarly.length > 0) throw new Error(`session ${expiredEarly.join()} ended early`);
      },
    },
    faults: { crash: true },
  };
}

// ── a holder that sleeps through its lease: two faults in one order ──

const Register = protocol('test:register@1.0.0', {
  tell: { write: type<{ token: number; value: string }>() },
});
const Leases = protocol('test:leases@1.0.0', {
  ask: { acquire: { in: type<{ by: string }>(), out: type<{ token: number; untilMs: number } | null>() } },
});
const Writer = protocol('test:writer@1.0.0', { tell: { write: type<void>() } });

const LEASE_MS = 500;

interface Cluster {
  readonly writers: readonly ActorRef<typeof Writer>[];
  readonly accepted: number[];
}

/**
 * Two writers take a lease in turn, and write while it lasts: a message that is late is of a lease that another has now.
 *
 * @param isCareful Whether the register refuses what is of an earlier lease.
 */
export function cluster(isCareful: boolean): World<Cluster> {
  return {
    setup(system) {
      const accepted: number[] = [];
      const leases = implement(Leases, {
        init: () => ({ token: 0, untilMs: 0 }),
        ask: {
          acquire(ctx) {
            if (Date.now() < ctx.state.untilMs) return null;
            ctx.state = { token: ctx.state.token + 1, untilMs: Date.now() + LEASE_MS };
            return ctx.state;
          },
        },
      });
      const register = implement(Register, {
        init: () => ({ newest: 0 }),
        tell: {
          write(ctx, { token }) {
            if (isCareful && token < ctx.state.newest) return;
            ctx.state.newest = Math.max(token, ctx.state.newest);
            accepted.push(token);
          },
        },
      });
      const [leasesRef, registerRef] = [system.spawn(leases, 'leases'), system.spawn(register, 'register')];
      const writer = implement(Writer, {
        init: () => ({}),
        tell: {
          async write(ctx) {
            const lease = await ctx.ref(leasesRef).ask.acquire({ by: ctx.self.name });
            if (lease === null || Date.now() >= lease.untilMs) return;
            ctx.ref(registerRef).tell.write({ token: lease.token, value: ctx.self.name });
          },
        },
      });
      return { writers: ['one', 'two'].map((name) => system.spawn(writer, name)), accepted };
    },
    actions: { write: ({ writers }, draw) => void draw.pick(writers).tell.write() },
    invariants: {
      'writes are of ever later leases': ({ accepted }) => {
        if (accepted.some((token, i) => token < (accepted[i - 1] ?? 0))) throw new Error(accepted.join(', '));
      },
    },
    faults: { delay: { op: 'write' }, pause: true },
  };
}

// ── a receiver that remembers only the last message: a late copy, and another between ──

const Ledger = protocol('test:ledger@1.0.0', { tell: { book: type<{ id: number; amount: number }>() } });

interface Books {
  readonly ledger: ActorRef<typeof Ledger>;
  sent: number;
  next: number;
  sum: number;
}

/** @param isCareful Whether it knows every booking again, not only the last. */
export function books(isCareful: boolean): World<Books> {
  return {
    setup(system) {
      const world = { sent: 0, next: 1, sum: 0 };
      const ledger = implement(Ledger, {
        init: () => ({ last: 0, known: new Set<number>() }),
        tell: {
          book(ctx, { id, amount }) {
            if (isCareful ? ctx.state.known.has(id) : ctx.state.last === id) return;
            ctx.state.last = id;
            ctx.state.known.add(id);
            world.sum += amount;
          },
        },
      });
      return Object.assign(world, { ledger: system.spawn(ledger, 'ledger') });
    },
    actions: {
      book(world, draw) {
        const amount = draw.between(1, 9);
        if (world.ledger.tell.book({ id: world.next++, amount }).ok) world.sent += amount;
      },
    },
    eventually: {
      'what was booked is what was sent': ({ sum, sent }) => {
        if (sum !== sent) throw new Error(`${sum} were booked, and ${sent} were sent`);
      },
    },
    faults: { duplicate: true, slow: true },
  };
}

// ── locks that are taken in any order ──

const Lock = protocol('test:lock@1.0.0', {
  ask: { lock: { in: type<void>(), out: type<void>() } },
  tell: { unlock: type<void>() },
});
const Client = protocol('test:client@1.0.0', {
  ask: { work: { in: type<{ order: readonly number[] }>(), out: type<void>() } },
});

/** Clients take two locks. @param isCareful Whether always in the same order. */
export function locks(isCareful: boolean): World<readonly ActorRef<typeof Client>[]> {
  return {
    setup(system) {
      const lock = implement(Lock, {
        init: () => ({ isTaken: false }),
        ask: {
          lock(ctx) {
            if (ctx.state.isTaken) ctx.stash();
            ctx.state.isTaken = true;
          },
        },
        tell: {
          unlock(ctx) {
            ctx.state.isTaken = false;
            ctx.unstash();
          },
        },
      });
      const all = ['left', 'right'].map((name) => system.spawn(lock, name));
      const client = implement(Client, {
        init: () => ({}),
        ask: {
          async work(ctx, { order }) {
            const taken = isCareful ? order.toSorted() : order;
            const [first, second] = taken.map((place) => ctx.ref(all[place] as ActorRef<typeof Lock>));
            await first?.ask.lock();
            await second?.ask.lock();
            second?.tell.unlock();
            first?.tell.unlock();
          },
        },
      });
      return ['a', 'b'].map((name) => system.spawn(client, name));
    },
    actions: {
      work: async (clients, draw) => {
        const order = draw.pick([
          [0, 1],
          [1, 0],
        ]);
        await draw
          .pick(clients)
          .ask.work({ order }, { timeoutMs: 60_000 })
          .catch((error: Error) => {
            throw new Error(`a client waits for ever: ${error.message}`);
          });
      },
    },
  };
}
