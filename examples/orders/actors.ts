/**
 * A shop: orders are charged once and shipped at least once, whatever fails in between. In a project of your own,
 * import from `troupe`.
 */
import { type ActorType, implement, protocol, RuntimeError, supervisor, type } from '../../src/index.ts';

export interface Order {
  readonly id: string;
  readonly item: string;
  readonly cents: number;
}

const Payment = protocol('shop:payment@1.0.0', {
  ask: { charge: { in: type<Order>(), out: type<void>() } },
});

/** The account at the bank: flaky, as such things are. That an order was charged is on disk before it is answered. */
function paymentOf(isDown: () => boolean) {
  return implement(Payment, {
    init: () => new Map<string, number>(),
    durable: { version: 1, snapshot: (charged) => [...charged], restore: (_ctx, saved) => new Map(saved) },
    ask: {
      async charge(ctx, { id, cents }) {
        if (cents > 50_000) ctx.refuse('Cannot charge: over the limit of the card', { limit: 50_000 }); // an answer
        if (isDown()) throw new Error('the bank hung up'); // a failure
        if (ctx.state.has(id)) return;
        ctx.state.set(id, cents);
        await ctx.save();
      },
    },
  });
}

type Status = 'paid' | 'refused' | 'shipped';

export const Orders = protocol('shop:orders@1.0.0', {
  tell: { place: type<Order>(), shipped: type<{ id: string }>() },
  ask: { status: { in: type<void>(), out: type<Readonly<Record<string, Status>>>() } },
});

/** An order comes by `deliver`: if anything in its handling throws, it comes again. */
const orders = implement(Orders, {
  init: (): Record<string, Status> => ({}),
  durable: { version: 1 },
  tell: {
    async place(ctx, order) {
      if (ctx.state[order.id] !== undefined) return;
      const payment = ctx.lookup('shop/payment', Payment);
      if (payment === undefined) throw new Error('there is no payment');
      try {
        await payment.ask.charge(order, { timeoutMs: 2_000 });
      } catch (error) {
        if (!RuntimeError.is(error, 'MESSAGE_REFUSED')) throw error;
        ctx.state[order.id] = 'refused';
        return;
      }
      // On disk for everybody who subscribes at least once; a second one of the same id is taken for the first.
      await ctx.publishDurably('orders.paid', order, { id: order.id });
      ctx.state[order.id] = 'paid';
    },
    shipped: ({ state }, { id }) => (state[id] = 'shipped'),
  },
  ask: { status: ({ state }) => state },
});

const Shipping = protocol('shop:shipping@1.0.0', { tell: { ship: type<Order>() } });

/** Has its labels made by the carrier's component, which is nobody's to trust: it is granted nothing. */
function shippingOf(print: (line: string) => void) {
  return implement(Shipping, {
    init: (): string[] => [],
    durable: { version: 1 },
    tell: {
      async ship(ctx, { id, item }) {
        const label = await ctx.lookup('shop/carrier')?.askOp('echo', `${id}: ${item}`, { timeoutMs: 2_000 });
        print(`label ${new TextDecoder().decode(label as Uint8Array)}`);
        await ctx.lookup('shop/orders', Orders)?.deliver.shipped({ id }, { id: `shipped-${id}` });
        ctx.state.push(id);
      },
    },
  });
}

export interface Surroundings {
  /** The carrier's component. */
  readonly carrier: ActorType;
  readonly isBankDown: () => boolean;
  readonly print: (line: string) => void;
}

/** The whole shop: what others need stands before them, and what fails takes along what stands after it. */
export function shopOf({ carrier, isBankDown, print }: Surroundings) {
  // A bank may be down for a while: what fails is tried again, a hundred times in a minute.
  const patience = { intensity: 100, periodMs: 60_000, backoffMaxMs: 200 };
  const paid = [{ topic: 'orders.paid', op: 'ship', delivery: 'at-least-once' }] as const;
  return supervisor({
    strategy: 'rest-for-one',
    ...patience,
    children: [
      { name: 'payment', type: paymentOf(isBankDown) },
      { name: 'carrier', type: carrier },
      { name: 'shipping', type: shippingOf(print), options: { subscribe: paid } },
      { name: 'orders', type: orders },
    ],
  });
}
