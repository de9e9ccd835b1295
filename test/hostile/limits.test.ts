/** Components that ask for too much, or that are not what they seem: refused at once, by name, at little cost. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CompileOptions, compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { assertDead, assertEnds, type End, GUARDS, hostOf, limit, start, trap } from './kit.ts';

const PAGE = 65_536;

async function compileText(wat: string, options?: CompileOptions) {
  return compileComponent(await parseWat(wat), options);
}

async function assertRefused(wat: string, end: End, options?: CompileOptions): Promise<void> {
  await assertEnds(() => compileText(wat, options), end);
}

/** A component around one core module with these fields; the module is instantiated. */
const shell = (fields: string): string => `(component (core module $M ${fields}) (core instance (instantiate $M)))`;
const times = (count: number, text: string): string => Array.from({ length: count }, () => text).join(' ');

describe('Hostile guests: growth', () => {
  for (const guard of GUARDS) {
    test(`memory grows to its limit and no further (${guard})`, async () => {
      const attack = `(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (if (i32.ne (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))`;
      const options = { limits: { memoryBytes: 20 * PAGE } };
      const instance = await start({ attack }, guard, { options });
      await instance.call('f');
      assert.equal(instance.memoryBytes, 20 * PAGE);
      assert.equal(await instance.call('echo', ['still here']), 'still here');
    });

    test(`a table grows to its limit and no further (${guard})`, async () => {
      const fields = '(table $t 1 externref)';
      const attack = `(loop $more (br_if $more (i32.ne (table.grow $t (ref.null extern) (i32.const 100)) (i32.const -1))))
        (if (i32.gt_u (table.size $t) (i32.const 1000)) (then unreachable))
        (if (i32.lt_u (table.size $t) (i32.const 900)) (then unreachable))`;
      const instance = await start({ attack, fields }, guard, { options: { limits: { tableElements: 1000 } } });
      await instance.call('f');
    });

    test(`all tables together grow to the limit (${guard})`, async () => {
      const fields = '(table $a 10 funcref) (table $b 20 funcref)';
      const grow = (table: string) =>
        `(loop $more (br_if $more (i32.ne (table.grow ${table} (ref.null func) (i32.const 1)) (i32.const -1))))`;
      const attack = `${grow('$a')} ${grow('$b')}
        (if (i32.ne (i32.add (table.size $a) (table.size $b)) (i32.const 1000)) (then unreachable))`;
      const instance = await start({ attack, fields }, guard, { options: { limits: { tableElements: 1000 } } });
      await instance.call('f');
    });
  }
});

describe('Hostile components: greed', () => {
  test('memory that starts beyond the limit', () => assertRefused(shell('(memory 65536)'), limit('memory')));
  test('memories that start beyond the limit together', () =>
    assertRefused(shell(times(30, '(memory 200)')), limit('memory')));
  test('many memories', () => assertRefused(shell(times(33, '(memory 0)')), limit('memories')));
  test('many memories of many modules', () => {
    const instances = times(33, '(core instance (instantiate $M))');
    return assertRefused(`(component (core module $M (memory 0)) ${instances})`, limit('memories'));
  });
  test('a huge table', () => assertRefused(shell('(table 10000000 funcref)'), limit('table')));
  test('many large tables', () => assertRefused(shell(times(50, '(table 99999 funcref)')), limit('table')));
  test('large tables of many modules', () => {
    const instances = times(50, '(core instance (instantiate $M))');
    return assertRefused(`(component (core module $M (table 99999 funcref)) ${instances})`, limit('table'));
  });
  test('shared memory', () => assertRefused(shell('(memory 1 1 shared)'), { code: 'COMPONENT_UNSUPPORTED' }));
  test('a core module beyond the limit', () =>
    assertRefused(shell(`(memory 1) (data (i32.const 0) "${'a'.repeat(2000)}")`), limit('module'), {
      limits: { moduleBytes: 1000 },
    }));
  test('core modules beyond the limit together', () => {
    const modules = Array.from(
      { length: 5 },
      (_, at) => `(core module $M${at} (memory 1) (data (i32.const 0) "${'a'.repeat(300)}"))`,
    );
    const instances = modules.map((_, at) => `(core instance (instantiate $M${at}))`);
    return assertRefused(`(component ${modules.join(' ')} ${instances.join(' ')})`, limit('module'), {
      limits: { moduleBytes: 1000 },
    });
  });
  test('one module that is instantiated a thousand times costs what it costs once', async () => {
    const body = times(2000, '(drop (i32.const 1))');
    const wat = `(component (core module $M (func (export "f") ${body})) ${times(990, '(core instance (instantiate $M))')})`;
    const component = await compileText(wat, { limits: { moduleBytes: 10_000 } });
    await component.instantiate();
  });
  test('more core instances than there may be', async () => {
    const wat = `(component (core module $M) ${times(1001, '(core instance (instantiate $M))')})`;
    await assertRefused(wat, { code: 'COMPONENT_INVALID' });
  });
});

/** A component that nests one that nests one …, each of which instantiates the next one `copies` times. */
function nest(levels: number, copies: number): string {
  let text = '(component $c (core module $M) (core instance (instantiate $M)))';
  for (let level = 0; level < levels; level++)
    text = `(component $c ${text} ${times(copies, '(instance (instantiate $c))')})`;
  return text;
}

describe('Hostile components: bombs', () => {
  test('components that double at each of twenty levels', () =>
    assertRefused(nest(20, 2), { code: 'COMPONENT_LIMIT' }));
  test('components that are tenfold at each of six levels', () =>
    assertRefused(nest(6, 10), { code: 'COMPONENT_LIMIT' }));
  test('components that double at each of eight levels are none', async () => {
    await (await compileText(nest(8, 2).replace('(core instance (instantiate $M))', ''))).instantiate();
  });
  test('types that double at each level', () => {
    const types = Array.from({ length: 60 }, (_, at) => `(type $t${at + 1} (tuple $t${at} $t${at}))`);
    return assertRefused(`(component (type $t0 (tuple u8 u8)) ${types.join(' ')})`, { code: 'COMPONENT_INVALID' });
  });
  test('types that are nested without measure', () => {
    const types = Array.from({ length: 5000 }, (_, at) => `(type $t${at + 1} (list $t${at}))`);
    return assertRefused(`(component (type $t0 (list u8)) ${types.join(' ')})`, { code: 'COMPONENT_INVALID' });
  });
  test('a value as deep as a value may be', async () => {
    const depth = 90;
    const wat = `(component (import "h" (instance $h (export "f" (func (param "x" ${times(depth, '(list')} u8 ${times(depth, ')')})))))
      (core module $L (memory (export "mem") 1)) (core instance $l (instantiate $L))
      (core func $f (canon lower (func $h "f") (memory $l "mem")))
      (core module $M (import "" "f" (func $f (param i32 i32))) (import "" "mem" (memory 1))
        (func (export "f") (i32.store (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 1)) (call $f (i32.const 0) (i32.const 1))))
      (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $l "mem"))))))
      (func (export "f") (canon lift (core func $m "f"))))`;
    let heard: unknown;
    const instance = await (await compileText(wat)).instantiate({
      h: {
        f: (value: unknown) => {
          heard = value;
        },
      },
    });
    await instance.call('f');
    let levels = 0;
    for (let value = heard; Array.isArray(value) && value.length === 1; value = value[0]) levels++;
    assert.equal(levels, depth - 1);
  });
  test('lists in themselves double at each level', async () => {
    const depth = 60;
    const type = `${times(depth, '(list')} u8 ${times(depth, ')')}`;
    const wat = `(component (import "h" (instance $h (export "f" (func (param "x" ${type})))))
      (core module $L (memory (export "mem") 1)) (core instance $l (instantiate $L))
      (core func $f (canon lower (func $h "f") (memory $l "mem")))
      (core module $M (import "" "f" (func $f (param i32 i32))) (import "" "mem" (memory 1))
        (func (export "f")
          (i32.store (i32.const 4) (i32.const 2)) (i32.store (i32.const 12) (i32.const 2))
          (call $f (i32.const 0) (i32.const 2))))
      (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $l "mem"))))))
      (func (export "f") (canon lift (core func $m "f"))))`;
    const instance = await (await compileText(wat)).instantiate({ h: { f: () => undefined } });
    await assertEnds(() => instance.call('f'), limit('lift-budget'));
  });
});

// ── binaries ──

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

const COMPONENT_HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const MODULE_HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A component that instantiates the core module of these bytes. */
function around(module: readonly number[] | Uint8Array): Uint8Array {
  return Uint8Array.from([...COMPONENT_HEADER, 1, ...leb(module.length), ...module, 2, 4, 1, 0, 0, 0]);
}

const REFUSALS: ReadonlySet<string> = new Set([
  'NOT_A_COMPONENT',
  'COMPONENT_INVALID',
  'COMPONENT_UNSUPPORTED',
  'COMPONENT_LIMIT',
]);

/** Asserts that the bytes are either accepted, or refused with a code that says so. */
async function assertJudged(bytes: Uint8Array): Promise<boolean> {
  try {
    await compileComponent(bytes);
    return true;
  } catch (error) {
    assert.ok(
      RuntimeError.is(error) && REFUSALS.has(error.code),
      `${Buffer.from(bytes).toString('hex')}: ${String(error)}`,
    );
    return false;
  }
}

const MODULE = `(module (type (func (param i32) (result i32))) (import "a" "b" (func $i (type 0)))
  (memory (export "m") 1 2) (table (export "t") 2 2 funcref) (global (mut i32) (i32.const 5)) (tag (param i32))
  (func $f (export "f") (type 0) (local i64) (block (br_table 0 0 (local.get 0))) (call $i (i32.load (local.get 0))))
  (elem (i32.const 0) func $f $i) (data (i32.const 8) "data"))`;

describe('Hostile components: binaries', () => {
  test('no bytes, one byte, other files', async () => {
    for (const bytes of [[], [0], [0, 0x61, 0x73, 0x6d], MODULE_HEADER, [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0]]) {
      await assertEnds(() => compileComponent(Uint8Array.from(bytes)), { code: 'NOT_A_COMPONENT' });
    }
  });

  test('a component cut off at any byte', async () => {
    const whole = await parseWat(`(component (component (import "f" (func))) (core ${MODULE.slice(1)}
      (import "x" (instance (export "r" (type (sub resource))) (export "f" (func (param "a" string) (result (list u8)))))))`);
    assert.equal(await assertJudged(whole), true);
    for (let length = 0; length < whole.length; length++) await assertJudged(whole.subarray(0, length));
  });

  test('a core module cut off at any byte', async () => {
    const module = await parseWat(
      MODULE.replace('(import "a" "b" (func $i (type 0)))', '(func $i (type 0) (local.get 0))'),
    );
    assert.equal(await assertJudged(around(module)), true);
    for (let length = 0; length < module.length; length++) {
      const accepted = await assertJudged(around(module.subarray(0, length)));
      // The header alone is an empty module, and sections that nothing needs may be missing at the end.
      if (accepted) assert.equal(WebAssembly.validate(Uint8Array.from(module.subarray(0, length))), true);
    }
  });

  test('a core module with any byte changed', async () => {
    const module = await parseWat(
      MODULE.replace('(import "a" "b" (func $i (type 0)))', '(func $i (type 0) (local.get 0))'),
    );
    for (let at = 8; at < module.length; at++) {
      for (const byte of [0x00, 0x7f, 0x80, 0xff, (module[at] as number) ^ 1]) {
        const changed = Uint8Array.from(module);
        changed[at] = byte;
        const accepted = await assertJudged(around(changed));
        if (accepted) assert.equal(WebAssembly.validate(changed), true, `byte ${at} as ${byte}`);
      }
    }
  });

  test('counts that lie', async () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    for (let id = 0; id <= 14; id++) {
      await assertJudged(Uint8Array.from([...COMPONENT_HEADER, id, huge.length, ...huge]));
      await assertJudged(Uint8Array.from([...COMPONENT_HEADER, id, ...huge]));
      await assertJudged(around([...MODULE_HEADER, id, huge.length, ...huge]));
      await assertJudged(around([...MODULE_HEADER, id, ...huge]));
    }
    // A body that says it has four thousand million locals, in many groups.
    const body = [0x01, ...huge, 0x7f, 0x0b];
    const code = [0x01, body.length, ...body];
    const module = [...MODULE_HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, code.length, ...code];
    assert.equal(await assertJudged(around(module)), false);
  });

  test('components nested in each other thousands of levels deep', async () => {
    for (const levels of [101, 1000, 20_000]) {
      // From inside out; each level is its header, a section id and a size, written back to front.
      const reversed: number[] = [...COMPONENT_HEADER].reverse();
      for (let level = 0; level < levels; level++) {
        reversed.push(...leb(reversed.length).reverse(), 4, ...[...COMPONENT_HEADER].reverse());
      }
      assert.equal(await assertJudged(Uint8Array.from(reversed.reverse())), false);
    }
  });

  test('instructions nested a hundred thousand deep', async () => {
    const depth = 100_000;
    const body = [
      0,
      ...Array.from({ length: depth }, () => [0x02, 0x40]).flat(),
      ...Array.from({ length: depth + 1 }, () => 0x0b),
    ];
    const code = [1, ...leb(body.length), ...body];
    const module = [...MODULE_HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, ...leb(code.length), ...code];
    await assertJudged(around(module));
  });

  test('sections twice, out of order, or unknown', async () => {
    const memory = [5, 3, 1, 0, 1];
    const types = [1, 4, 1, 0x60, 0, 0];
    assert.equal(await assertJudged(around([...MODULE_HEADER, ...memory, ...memory])), false);
    assert.equal(await assertJudged(around([...MODULE_HEADER, ...memory, ...types])), false);
    assert.equal(await assertJudged(around([...MODULE_HEADER, 77, 0])), false);
    assert.equal(await assertJudged(around([...MODULE_HEADER, 0, 3, 1, 0x61, 0xff, ...types, ...memory])), true);
  });
});

describe('Hostile guests: start functions', () => {
  const starting = (body: string) => `(component
    (import "host" (instance $h (export "call" (func))))
    (core func $call (canon lower (func $h "call")))
    (core module $M (import "" "call" (func $call)) (func $self (call $self)) (func $start ${body}) (start $start))
    (core instance (instantiate $M (with "" (instance (export "call" (func $call)))))))`;
  const bodies: readonly (readonly [name: string, body: string, end: End])[] = [
    ['traps', '(unreachable)', trap('unreachable')],
    ['calls itself for ever', '(call $self)', trap('stack-overflow')],
    ['calls a host that throws', '(call $call)', { code: 'INTERNAL' }],
  ];
  for (const guard of GUARDS) {
    for (const [name, body, end] of bodies) {
      test(`one that ${name} (${guard})`, async () => {
        const guarded =
          guard === 'plain'
            ? body
            : guard === 'legacy catch_all'
              ? `try ${body} catch_all end`
              : `(block $c (try_table (catch_all $c) ${body}))`;
        const component = await compileText(starting(guarded));
        const call = () => {
          throw new TypeError('a bug');
        };
        await assertEnds(() => component.instantiate({ host: { call } }), end);
      });
    }
    test(`one that waits for ever is ended by a signal (${guard})`, async () => {
      const body =
        guard === 'legacy catch_all'
          ? 'try (call $call) catch_all end (call $call)'
          : guard === 'plain'
            ? '(call $call)'
            : '(block $c (try_table (catch_all $c) (call $call))) (call $call)';
      const component = await compileText(starting(body));
      let calls = 0;
      const call = () => {
        calls++;
        return new Promise<never>(() => {});
      };
      const controller = new AbortController();
      const started = component.instantiate({ host: { call } }, { signal: controller.signal });
      setImmediate(() => controller.abort());
      await assertEnds(() => started, { code: 'COMPONENT_KILLED' });
      assert.equal(calls, 1);
    });
  }

  test('a signal that was given before', async () => {
    const component = await compileText(starting('(call $call)'));
    const reason = new RuntimeError('COMPONENT_DEADLINE', 'Too late');
    const host = hostOf();
    const { functions } = host;
    const options = { signal: AbortSignal.abort(reason) };
    await assertEnds(() => component.instantiate({ host: functions }, options), { code: 'COMPONENT_DEADLINE' });
    assert.deepEqual(host.log, []);
  });

  test('one that ends leaves nothing of its signal', async () => {
    const component = await compileText(starting('(call $call)'));
    const controller = new AbortController();
    const instance = await component.instantiate({ host: { call: () => undefined } }, { signal: controller.signal });
    controller.abort();
    assert.equal(instance.failure, undefined);
  });
});

describe('Hostile guests: handles', () => {
  test('a table full of handles ends the guest, and gives all of them back', async () => {
    const host = hostOf();
    const attack = '(loop $next (drop (call $make)) (br $next))';
    host.functions.make = () => ({});
    const instance = await start({ attack }, 'legacy catch_all', { host });
    await assertEnds(() => instance.call('f'), limit('handles'));
    await assertDead(instance, limit('handles'));
    assert.equal(host.log.length, 2 ** 20 + 1, 'also the one that found no place is dropped');
  });
});
