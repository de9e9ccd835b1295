/** Starts the shop, places ten orders, and waits until all of them are shipped or refused. Argument: where it keeps them. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActorSystem, component, openStore } from '../../src/index.ts';
import { Orders, shopOf } from './actors.ts';

const [directory = join(tmpdir(), 'troupe-orders')] = process.argv.slice(2);
const ITEMS = ['tea', 'cup', 'pot', 'yacht', 'spoon'];

let calls = 0;
const shop = shopOf({
  carrier: await component(new URL('../../fixtures/components/echo/echo.wasm', import.meta.url)),
  isBankDown: () => ++calls % 4 === 1,
  print: (line) => console.log(line),
});

await using store = await openStore({ directory });
await using system = await ActorSystem.create({
  store,
  onFailure: ({ actor, error }) =>
    console.log(`${actor.name} failed: ${error.cause instanceof Error ? error.cause.message : error.code}`),
});
process.once('SIGTERM', () => void system.drain({ deadlineMs: 5_000 }));

await system.spawn(shop, 'shop').ready;
const orders = system.lookup('shop/orders', Orders);
if (orders === undefined) throw new Error('there are no orders');

for (let i = 1; i <= 10; i++) {
  const item = ITEMS[i % ITEMS.length] as string;
  // With the same id it is taken once, however often this program is started.
  await orders.deliver.place(
    { id: `order-${i}`, item, cents: item === 'yacht' ? 9_900_000 : 450 },
    { id: `place-${i}` },
  );
}
console.log('10 orders are on disk');

for (;;) {
  const all = Object.values(await orders.ask.status());
  if (all.length === 10 && !all.includes('paid')) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const status = Object.values(await orders.ask.status());
const count = (wanted: string) => status.filter((each) => each === wanted).length;
console.log(`${count('shipped')} shipped, ${count('refused')} refused`);
