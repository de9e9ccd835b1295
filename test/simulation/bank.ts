/** A bank whose teller moves money between accounts: by two asks, or by an order that the account keeps until it is done. */
import { type ActorRef, type ActorType, implement, protocol, type } from '../../src/actor/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import type { World } from '../../src/testing/index.ts';

/** Milliseconds between two attempts to hand over what is owed. */
const RETRY_MS = 500;

const OPENING = 100;

interface Order {
  readonly id: string;
  readonly to: string;
  readonly amount: number;
}

const Account = protocol('test:account@1.0.0', {
  tell: { credit: type<Order & { readonly from: string }>(), credited: type<{ id: string }>(), retry: type<void>() },
  ask: {
    withdraw: { in: type<{ amount: number }>(), out: type<void>() },
    deposit: { in: type<{ amount: number }>(), out: type<void>() },
    order: { in: type<Order>(), out: type<void>() },
    balance: { in: type<void>(), out: type<number>() },
  },
});

type AccountRef = ActorRef<typeof Account>;

interface AccountState {
  balance: number;
  /** What has left the balance and is not known to have arrived. */
  readonly owed: Map<string, Order>;
  /** Orders that were credited: each once, however often it comes. */
  readonly credited: Set<string>;
}

const account = implement(Account, {
  init(ctx): AccountState {
    ctx.timers.every('retry', undefined, { everyMs: RETRY_MS });
    return { balance: OPENING, owed: new Map(), credited: new Set() };
  },
  tell: {
    credit(ctx, { id, amount, from }) {
      if (!ctx.state.credited.has(id)) ctx.state.balance += amount;
      ctx.state.credited.add(id);
      ctx.lookup(from, Account)?.tell.credited({ id });
    },
    credited: (ctx, { id }) => void ctx.state.owed.delete(id),
    retry(ctx) {
      for (const order of ctx.state.owed.values()) {
        ctx.lookup(order.to, Account)?.tell.credit({ ...order, from: ctx.self.name });
      }
    },
  },
  ask: {
    withdraw(ctx, { amount }) {
      if (amount > ctx.state.balance)
        ctx.refuse(new RuntimeError('MESSAGE_INVALID', 'Cannot withdraw: too little is left'));
      ctx.state.balance -= amount;
    },
    deposit(ctx, { amount }) {
      ctx.state.balance += amount;
    },
    order(ctx, order) {
      if (order.amount > ctx.state.balance)
        ctx.refuse(new RuntimeError('MESSAGE_INVALID', 'Cannot order: too little is left'));
      ctx.state.balance -= order.amount;
      ctx.state.owed.set(order.id, order);
      ctx.lookup(order.to, Account)?.tell.credit({ ...order, from: ctx.self.name });
    },
    balance: (ctx) => ctx.state.balance,
  },
});

const Teller = protocol('test:teller@1.0.0', {
  ask: {
    transfer: { in: type<{ id: string; from: AccountRef; to: AccountRef; amount: number }>(), out: type<void>() },
  },
});

/** Takes, then gives: what goes wrong between the two takes the money with it. */
const hastyTeller: ActorType<typeof Teller> = implement(Teller, {
  init: () => ({}),
  ask: {
    async transfer(ctx, { from, to, amount }) {
      await ctx.ref(from).ask.withdraw({ amount });
      await ctx.ref(to).ask.deposit({ amount });
    },
  },
});

/** Leaves an order with the account that pays, which has taken the money and owes it in one step. */
const carefulTeller: ActorType<typeof Teller> = implement(Teller, {
  init: () => ({}),
  ask: {
    transfer: (ctx, { id, from, to, amount }) => ctx.ref(from).ask.order({ id, to: to.name, amount }),
  },
});

interface Bank {
  readonly teller: ActorRef<typeof Teller>;
  readonly accounts: readonly AccountRef[];
  orders: number;
}

/** Money moves between three accounts, and becomes neither more nor less. Accounts keep what they know; the teller may fail. */
export function bank(isCareful: boolean): World<Bank> {
  return {
    setup: (system) => ({
      teller: system.spawn(isCareful ? carefulTeller : hastyTeller, 'teller', { supervision: { intensity: 100 } }),
      accounts: ['ann', 'bob', 'cat'].map((name) => system.spawn(account, name)),
      orders: 0,
    }),
    actions: {
      transfer(world, draw) {
        const [from, to] = [draw.pick(world.accounts), draw.pick(world.accounts)];
        const id = `order-${++world.orders}`;
        return world.teller.ask.transfer({ id, from, to, amount: draw.between(1, 50) });
      },
    },
    eventually: {
      'money becomes neither more nor less': async ({ accounts }, system) => {
        await system.elapse(2 * RETRY_MS);
        const balances = await Promise.all(accounts.map((one) => one.ask.balance()));
        const total = balances.reduce((sum, balance) => sum + balance, 0);
        if (total !== accounts.length * OPENING) throw new Error(`${balances.join(' + ')} = ${total}`);
      },
    },
    faults: {
      crash: ['teller'],
      slow: ['ann', 'bob', 'cat'],
      drop: ({ kind }) => kind === 'tell',
      duplicate: ({ kind }) => kind === 'tell',
    },
  };
}
