/**
 * Makes a component of a core module that was built with a guest kit: puts the WIT world into it, wraps it, checks it.
 *
 *     node scripts/componentize.ts greet.core.wasm greet.wasm               world `actor` of wit/actor.wit
 *     node scripts/componentize.ts --world stateful-actor in.wasm out.wasm  with a lifecycle
 *     node scripts/componentize.ts --wit my.wit in.wat out.wasm             another world; WebAssembly text is taken too
 *
 * It does what `wasm-tools component embed` and `wasm-tools component new` do, with the tools that `npm ci` installs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { componentEmbed, componentNew, parseWat, validateComponent } from '../src/component/tooling/index.ts';

const USAGE = 'Usage: node scripts/componentize.ts [--wit FILE] [--world NAME] INPUT OUTPUT';

/** Of our own package; another file that holds one world only needs no name. */
const ACTOR_WIT = join(import.meta.dirname, '..', 'wit', 'actor.wit');

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { wit: { type: 'string' }, world: { type: 'string' } },
  });
  const [input, output, ...rest] = positionals;
  if (input === undefined || output === undefined || rest.length > 0) throw new Error(USAGE);
  const bytes = readFileSync(input);
  const module = input.endsWith('.wat') ? await parseWat(bytes.toString('utf8')) : bytes;
  const world = values.world ?? (values.wit === undefined ? 'actor' : undefined);
  const wit = readFileSync(values.wit ?? ACTOR_WIT, 'utf8');
  const component = await componentNew(await componentEmbed({ module, wit, ...(world !== undefined && { world }) }));
  const problem = await validateComponent(component);
  if (problem !== undefined) throw new Error(problem);
  writeFileSync(output, component);
  console.log(`${output}  ${component.length.toLocaleString('en-US')} bytes`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
