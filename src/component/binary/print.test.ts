import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentEmbed, componentNew, parseWat } from '../tooling/index.ts';
import { decodeComponent, describeFunc, describeType, printWorld } from './index.ts';
import type { ValueType } from './model.ts';

const U8: ValueType = { kind: 'u8' };

test('describeType writes types as WIT does', () => {
  const resource = { slot: 0, name: 'conn', origin: { kind: 'local', dtor: undefined } } as const;
  const cases: readonly (readonly [ValueType, string])[] = [
    [U8, 'u8'],
    [{ kind: 'list', element: { kind: 'option', some: { kind: 'string' } } }, 'list<option<string>>'],
    [{ kind: 'result', ok: undefined, error: undefined }, 'result'],
    [{ kind: 'result', ok: U8, error: undefined }, 'result<u8>'],
    [{ kind: 'result', ok: undefined, error: U8 }, 'result<_, u8>'],
    [{ kind: 'tuple', types: [U8, { kind: 'char' }] }, 'tuple<u8, char>'],
    [{ kind: 'record', fields: [{ name: 'a', type: U8 }] }, 'record { a: u8 }'],
    [
      {
        kind: 'variant',
        cases: [
          { name: 'a', type: U8 },
          { name: 'b', type: undefined },
        ],
      },
      'variant { a(u8), b }',
    ],
    [{ kind: 'enum', names: ['a', 'b'] }, 'enum { a, b }'],
    [{ kind: 'flags', names: ['r', 'w'] }, 'flags { r, w }'],
    [{ kind: 'own', resource }, 'conn'],
    [{ kind: 'borrow', resource }, 'borrow<conn>'],
  ];
  for (const [type, expected] of cases) assert.equal(describeType(type), expected);
  assert.equal(describeFunc({ params: [{ name: 'x', type: U8 }], result: U8 }), 'func(x: u8) -> u8');
});

test('describeType cuts a type that shares its parts a million times', () => {
  let type: ValueType = U8;
  for (let level = 0; level < 90; level += 1) type = { kind: 'tuple', types: [type, type] };
  const text = describeType(type);
  assert.ok(text.length < 5_000 && text.includes('…'), `${text.length} characters`);
});

test('printWorld lists imports and exports with the names that types have there', async () => {
  const wit = `package a:b@1.0.0;
    interface io {
      resource conn { constructor(n: u32); read: func(len: u64) -> result<list<u8>, err>; open: static func(p: string) -> conn; }
      variant err { closed, other(string) }
      record point { x: f32, y: f32 }
      type points = list<point>;
      draw: func(p: points, s: borrow<conn>) -> option<tuple<u8, err>>;
    }
    world w { import io; import log: func(text: string); export run: func(a: u32) -> result; }`;
  const { type } = decodeComponent(await componentNew(await componentEmbed({ wit })));
  assert.equal(
    printWorld(type),
    `world component {
  import a:b/io@1.0.0 {
    resource conn {
      constructor(n: u32);
      read: func(len: u64) -> result<list<u8>, err>;
      open: static func(p: string) -> conn;
    }
    variant err { closed, other(string) }
    record point { x: f32, y: f32 }
    type points = list<point>;
    draw: func(p: points, s: borrow<conn>) -> option<tuple<u8, err>>;
  }
  import log: func(text: string);
  export run: func(a: u32) -> result;
}`,
  );
});

test('printWorld shows components, core modules and empty interfaces', async () => {
  const { type } = decodeComponent(
    await parseWat(
      '(component (import "m" (core module)) (import "i" (instance)) (import "c" (component (import "f" (func)))))',
    ),
  );
  assert.equal(
    printWorld(type),
    'world component {\n  import m: core module;\n  import i;\n  import c: component {\n    import f: func();\n  }\n}',
  );
});
