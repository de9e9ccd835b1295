/** Two components of a real toolchain, in JavaScript, that know nothing of each other but a WIT interface. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { componentize } from 'componentize-qjs';
import { loadApplication } from '../../src/config/index.ts';
import { startApplication } from '../../src/runtime/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-links-js-'));
after(() => rmSync(folder, { recursive: true }));

const OPS = `package demo:calc@1.0.0;
interface ops {
  record item { name: string, count: u32 }
  total: func(items: list<item>) -> result<u32, string>;
}
`;
const SHOP = `${OPS}
interface shop { use ops.{item}; checkout: func(items: list<item>) -> string; }
world front { import ops; export shop; }`;

async function build(world: string, wit: string, jsSource: string): Promise<void> {
  const witPath = join(folder, `${world}.wit`);
  writeFileSync(witPath, wit);
  const { component } = await componentize({ witPath, world, jsSource, sync: true });
  writeFileSync(join(folder, `${world}.wasm`), component);
}

const TROUPE_TOML = `[application]
name = "shop"
[components.front]
source = "front.wasm"
grants = { clock = true, random = true }
[components.front.links]
"demo:calc/ops@1.0.0" = { actor = "calc", timeout = "10s" }
[components.calc]
source = "calc.wasm"
grants = { clock = true, random = true }
`;

test('S31: one component in JavaScript calls another through a link', async () => {
  await build(
    'front',
    SHOP,
    `import { total } from 'demo:calc/ops@1.0.0';
     export const shop = {
       checkout(items) {
         try {
           return items.map((item) => item.name).join() + ': ' + total(items);
         } catch (error) {
           return 'refused: ' + error.payload;
         }
       },
     };`,
  );
  await build(
    'calc',
    `${OPS} world calc { export ops; }`,
    `export const ops = {
       total(items) {
         if (items.length === 0) throw 'there is nothing';
         return items.reduce((sum, item) => sum + item.count, 0);
       },
     };`,
  );
  writeFileSync(join(folder, 'troupe.toml'), TROUPE_TOML);
  await using application = await startApplication(await loadApplication(folder), { onEvent: () => undefined });
  const checkout = async (items: { name: string; count: number }[]) => {
    const payload = { form: 'json', value: [items] } as const;
    return application.ask({ actor: 'front', op: 'demo:calc/shop#checkout', payload, timeoutMs: 20_000 });
  };
  const items = [
    { name: 'é', count: 2 },
    { name: '🍰', count: 40 },
  ];
  assert.deepEqual(await checkout(items), { form: 'json', value: 'é,🍰: 42' });
  assert.deepEqual(await checkout([]), { form: 'json', value: 'refused: there is nothing' });
});
