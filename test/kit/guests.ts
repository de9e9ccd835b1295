/** Components made on the spot: their world in WIT, their code in WebAssembly text. */

import { flattenFunc } from '../../src/component/binary/index.ts';
import { type ComponentType, decodeComponent, type FuncType } from '../../src/component/index.ts';
import { componentEmbed, componentNew, parseWat } from '../../src/component/tooling/index.ts';

/** Where results are written, and where the allocator begins. */
const OUT = 1_024;
const BASE = 4_096;

/** Memory, and an allocator that grows it and begins anew with `$reset`. `alloc` runs first. */
const memory = (alloc: string): string => `
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const ${BASE}))
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32) (local $end i32)
    ${alloc}
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (local.set $end (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.shr_u (local.get $new) (i32.const 16)) (i32.const 1))))
        (then unreachable))))
    (memory.copy (local.get $at) (local.get $old) (local.get $size))
    (global.set $top (local.get $end))
    (local.get $at))
  (func $reset (global.set $top (i32.const ${BASE})))`;

interface Code {
  /** Imports of the core module, in WebAssembly text. */
  readonly imports?: string;
  /** Its functions. `$reset` makes its allocator begin anew. */
  readonly functions: string;
  /** Instructions without a result that its allocator begins with. */
  readonly alloc?: string;
}

/** A component of the only world in `wit`. */
export async function makeGuest(wit: string, { imports = '', functions, alloc = '' }: Code): Promise<Uint8Array> {
  const module = await parseWat(`(module ${imports} ${memory(alloc)} ${functions})`);
  return componentNew(await componentEmbed({ wit, module }));
}

/**
 * A component of the only world in `wit` that passes each call of an exported function on to the imported one of the
 * same name: by the numbers and pointers that it was given, without a look at what they mean.
 */
export async function makeForwarder(wit: string): Promise<Uint8Array> {
  const { type } = decodeComponent(await componentNew(await componentEmbed({ wit })));
  const imports: string[] = [];
  const functions: string[] = [];
  for (const [index, { module, name, exported, type: func }] of forwarded(type).entries()) {
    const [lowered, lifted] = [flattenFunc(func, 'lower'), flattenFunc(func, 'lift')];
    const inMemory = lowered.params.length > lifted.params.length;
    const args = lifted.params.map((_, at) => `(local.get ${at})`).join(' ');
    imports.push(`(import "${module}" "${name}" (func $import${index} ${signature(lowered)}))`);
    functions.push(`(func (export "${exported}") ${signature(lifted)}
      (call $import${index} ${args} ${inMemory ? `(i32.const ${OUT})` : ''}) ${inMemory ? `(i32.const ${OUT})` : ''})
      (func (export "cabi_post_${exported}") ${signature({ params: lifted.results, results: [] })} (call $reset))`);
  }
  return makeGuest(wit, { imports: imports.join('\n'), functions: functions.join('\n') });
}

interface Forwarded {
  readonly module: string;
  readonly name: string;
  readonly exported: string;
  readonly type: FuncType;
}

/** What is imported, and exported under the same name. */
function forwarded({ imports, exports }: ComponentType): Forwarded[] {
  return [...imports].flatMap(([path, item]): Forwarded[] => {
    if (!exports.has(path)) return [];
    if (item.kind === 'func') return [{ module: '$root', name: path, exported: path, type: item.type }];
    if (item.kind !== 'instance') return [];
    return [...item.type.exports].flatMap(([name, inner]) =>
      inner.kind === 'func' ? [{ module: path, name, exported: `${path}#${name}`, type: inner.type }] : [],
    );
  });
}

function signature({
  params,
  results,
}: {
  readonly params: readonly string[];
  readonly results: readonly string[];
}): string {
  return `${params.map((type) => `(param ${type})`).join(' ')} ${results.map((type) => `(result ${type})`).join(' ')}`;
}
