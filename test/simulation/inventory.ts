/** An inventory that lets orders be priced while others come in: with and without a lost update. */
import { type ActorRef, type ActorType, implement, protocol, type } from '../../src/actor/index.ts';
import type { World } from '../../src/testing/index.ts';

const Pricing = protocol('test:pricing@1.0.0', {
  ask: { price: { in: type<{ count: number }>(), out: type<number>() } },
});

const pricing = implement(Pricing, { init: () => ({}), ask: { price: (_, { count }) => count * 3 } });

const Inventory = protocol('test:inventory@1.0.0', {
  tell: { reserve: type<{ count: number }>(), priced: type<{ left: number; count: number }>() },
  ask: { left: { in: type<void>(), out: type<number>() } },
});

const STOCK = 1_000;

/** @param isCareful Whether it subtracts from what is left when the price is known, not from what was left before. */
function inventoryOf(prices: ActorRef<typeof Pricing>, isCareful: boolean): ActorType<typeof Inventory> {
  return implement(Inventory, {
    init: () => ({ left: STOCK }),
    tell: {
      reserve(ctx, { count }) {
        const { left } = ctx.state;
        ctx.pipe(ctx.ref(prices).ask.price({ count }), 'priced', () => ({ left: left - count, count }));
      },
      priced(ctx, { left, count }) {
        ctx.state.left = isCareful ? ctx.state.left - count : left;
      },
    },
    ask: { left: (ctx) => ctx.state.left },
  });
}

interface Warehouse {
  readonly inventory: ActorRef<typeof Inventory>;
  reserved: number;
}

/** Orders come in; what is left is what was not ordered. */
export function warehouse(isCareful: boolean): World<Warehouse> {
  return {
    setup(system) {
      const prices = system.spawn(pricing, 'pricing');
      return { inventory: system.spawn(inventoryOf(prices, isCareful), 'inventory'), reserved: 0 };
    },
    actions: {
      reserve(world, draw) {
        const count = draw.between(1, 5);
        if (world.inventory.tell.reserve({ count }).ok) world.reserved += count;
      },
    },
    eventually: {
      'what is left was not reserved': async ({ inventory, reserved }) => {
        const left = await inventory.ask.left();
        if (left !== STOCK - reserved) throw new Error(`${left} are left of ${STOCK}, and ${reserved} were reserved`);
      },
    },
    faults: { pause: true, slow: true },
  };
}
