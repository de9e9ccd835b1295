import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { componentEmbed, componentNew, parseWat } from '../tooling/index.ts';
import { decodeComponent } from './index.ts';
import type { Component, Definition } from './model.ts';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const component = (...rest: readonly number[]): Uint8Array => Uint8Array.from([...PREAMBLE, ...rest]);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function refuses(bytes: Uint8Array, code: 'NOT_A_COMPONENT' | 'COMPONENT_INVALID', why: RegExp): void {
  assert.throws(
    () => decodeComponent(bytes),
    (error) => {
      assert.ok(RuntimeError.is(error, code), String(error));
      assert.match(error.message, why);
      return true;
    },
  );
}

function only<K extends Definition['kind']>(from: Component, kind: K): Extract<Definition, { readonly kind: K }>[] {
  return from.definitions.filter((definition) => definition.kind === kind) as Extract<
    Definition,
    { readonly kind: K }
  >[];
}

test('decodeComponent says what a file is that is not a component', () => {
  refuses(Uint8Array.of(), 'NOT_A_COMPONENT', /file is empty/);
  refuses(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00), 'NOT_A_COMPONENT', /wasm-tools component new/);
  refuses(text('(component)'), 'NOT_A_COMPONENT', /WebAssembly text.*wasm-tools parse/);
  refuses(text('\n  ;; a comment\n(module)'), 'NOT_A_COMPONENT', /WebAssembly text/);
  refuses(text('#!/bin/sh'), 'NOT_A_COMPONENT', /does not begin with the four bytes/);
  refuses(Uint8Array.of(0x00, 0x61, 0x73), 'NOT_A_COMPONENT', /does not begin with/);
  refuses(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d), 'NOT_A_COMPONENT', /ends after the first bytes/);
  refuses(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0c, 0x00, 0x01, 0x00), 'NOT_A_COMPONENT', /version 12 and layer 1/);
  refuses(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x02, 0x00), 'NOT_A_COMPONENT', /version 13 and layer 2/);
});

test('decodeComponent takes an empty component, empty sections and custom sections', () => {
  assert.deepEqual(decodeComponent(component()).definitions, []);
  const valid = [
    [0x07, 0x01, 0x00, 0x05, 0x01, 0x00, 0x08, 0x01, 0x00],
    [0x00, 0x03, 0x02, 0x68, 0x69], // "hi"
    [0x00, 0x06, 0x02, 0x68, 0x69, 0xff, 0xfe, 0x01], // what follows the name has no form
    [0x07, 0x81, 0x80, 0x80, 0x80, 0x00, 0x00], // a number may be padded to five bytes
    [0x07, 0x02, 0x01, 0x73, 0x06, 0x05, 0x01, 0x03, 0x02, 0x00, 0x00, 0x07, 0x03, 0x01, 0x70, 0x01],
  ];
  for (const bytes of valid) assert.doesNotThrow(() => decodeComponent(component(...bytes)), `${bytes}`);
});

test('decodeComponent refuses malformed bytes and says where', () => {
  const cases: readonly (readonly [bytes: readonly number[], why: RegExp])[] = [
    [[0x0d, 0x00], /no section 13 \(at byte 8\)/],
    [[0xff], /ends too early/],
    [[0x07], /ends too early \(at byte 9\)/],
    [[0x07, 0x03, 0x00], /ends too early/],
    [[0x07, 0x01, 0x01, 0x73], /ends too early/],
    [[0x07, 0x02, 0x00, 0x00], /section has bytes left over/],
    [[0x00, 0x80, 0x80], /ends too early/],
    [[0x00, 0x03, 0x05, 0x61, 0x62], /ends too early/],
    [[0x00, 0x03, 0x02, 0xff, 0xfe], /not valid UTF-8/],
    [[0x07, 0xff, 0xff, 0xff, 0xff, 0x1f], /32-bit number is too large/],
    [[0x07, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], /32-bit number is too l/],
    [[0x07, 0x05, 0xff, 0xff, 0xff, 0xff, 0x0f], /4294967295 definitions are more/],
    [[0x07, 0x06, 0x01, 0x72, 0xff, 0xff, 0xff, 0x7f], /fields are more than the 10000/],
    [[0x07, 0x02, 0x01, 0x6c], /0x6c is not the form of a type/], // unions were taken out
    [[0x07, 0x07, 0x01, 0x71, 0x01, 0x01, 0x61, 0x00, 0x01], /does not end with a zero byte/],
    [[0x07, 0x05, 0x01, 0x40, 0x00, 0x01, 0x01], /at most one result/],
    [[0x07, 0x05, 0x01, 0x40, 0x00, 0x02, 0x00], /at most one result/],
    [[0x08, 0x05, 0x01, 0x00, 0x01, 0x00, 0x00], /only functions can be lifted/],
    [[0x08, 0x02, 0x01, 0x3f], /0x3f is not a canonical definition/],
    [[0x06, 0x05, 0x01, 0x02, 0x02, 0x00, 0x00], /not a sort/],
    [[0x06, 0x04, 0x01, 0x01, 0x07, 0x00], /not a target of an alias/],
    [[0x0a, 0x06, 0x01, 0x03, 0x01, 0x61, 0x01, 0x00], /0x3 is not the form of a name/],
    [[0x02, 0x02, 0x01, 0x02], /not the form of a core instance/],
    [[0x05, 0x02, 0x01, 0x02], /not the form of an instance/],
    [[0x01, 0x04, 0x00, 0x61, 0x73, 0x6d], /ends too early/],
    [[0x01, 0x08, ...PREAMBLE], /core module does not begin/],
    [[0x04, 0x08, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], /nested component does not begin/],
    [[0x01, 0x0a, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x0e, 0x00], /core module has no section 14/],
    [[0x01, 0x0e, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x03, 0x01, 0x00, 0x01, 0x01, 0x00], /out of order/],
  ];
  for (const [bytes, why] of cases) refuses(component(...bytes), 'COMPONENT_INVALID', why);
});

test('decodeComponent bounds how deep components and types nest', () => {
  let nested: Uint8Array = Uint8Array.from(PREAMBLE);
  for (let level = 0; level < 200; level += 1) {
    const size = [(nested.length & 0x7f) | 0x80, ((nested.length >> 7) & 0x7f) | 0x80, nested.length >> 14];
    nested = component(0x04, ...size, ...nested);
  }
  refuses(nested, 'COMPONENT_INVALID', /nested more than 100 deep/);
  const types = Array.from({ length: 500 }, () => [0x42, 0x01, 0x01]).flat();
  const size = types.length + 2;
  refuses(
    component(0x07, (size & 0x7f) | 0x80, size >> 7, 0x01, ...types, 0x73),
    'COMPONENT_INVALID',
    /more than 100 deep/,
  );
});

test('decodeComponent accepts both old forms of import and export names, and attributes', () => {
  for (const name of [
    [0x00, 0x01, 0x61],
    [0x01, 0x01, 0x61],
    [0x02, 0x01, 0x61, 0x01, 0x02, 0x01, 0x78],
  ]) {
    const section = [0x01, ...name, 0x01, 0x00];
    const bytes = component(0x07, 0x05, 0x01, 0x40, 0x00, 0x01, 0x00, 0x0a, section.length, ...section);
    assert.deepEqual([...decodeComponent(bytes).type.imports.keys()], ['a']);
  }
  const twice = [0x01, 0x02, 0x01, 0x61, 0x02, 0x02, 0x01, 0x78, 0x02, 0x01, 0x79, 0x01, 0x00];
  const bytes = component(0x07, 0x05, 0x01, 0x40, 0x00, 0x01, 0x00, 0x0a, twice.length, ...twice);
  refuses(bytes, 'COMPONENT_INVALID', /attribute twice/);
});

test('decodeComponent keeps definitions in order, with indices that each of them adds to', async () => {
  const decoded = decodeComponent(
    await parseWat(`(component
      (import "f" (func $f (param "a" string)))
      (core module $M (memory (export "m") 1) (func (export "g") (param i32)))
      (core instance $m (instantiate $M))
      (alias core export $m "m" (core memory $mem))
      (core func $l (canon lower (func $f) string-encoding=utf16 (memory $mem)))
      (core instance (export "f" (func $l)))
      (alias core export $m "g" (core func $g))
      (func $h (param "x" u32) (canon lift (core func $g)))
      (export "h" (func $h)))`),
  );
  assert.deepEqual(
    decoded.definitions.map((definition) => definition.kind),
    [
      'type',
      'import',
      'core-module',
      'core-instantiate',
      'alias-core-export',
      'lower',
      'core-exports',
      'alias-core-export',
      'type',
      'lift',
      'export',
    ],
  );
  const [lower] = only(decoded, 'lower');
  assert.deepEqual(lower?.options, { encoding: 'utf16', memory: 0, realloc: undefined, postReturn: undefined });
  assert.deepEqual(lower?.type, { params: [{ name: 'a', type: { kind: 'string' } }], result: undefined });
  const [lift] = only(decoded, 'lift');
  assert.equal(lift?.coreFunc, 1);
  const [exported] = only(decoded, 'export');
  assert.equal(exported?.index, 1);
  const [module] = only(decoded, 'core-module');
  assert.ok(WebAssembly.validate(module?.bytes as Uint8Array<ArrayBuffer>));
  assert.deepEqual([...(module?.type.exports.keys() ?? [])], ['m', 'g']);
});

test('decodeComponent gives each resource a slot and says where it comes from', async () => {
  const decoded = decodeComponent(
    await parseWat(`(component
      (import "r" (type $r (sub resource)))
      (import "same" (type (eq $r)))
      (import "i" (instance $i (export "s" (type (sub resource))) (export "in" (instance (export "t" (type (sub resource)))))))
      (core module $M (func (export "d") (param i32)))
      (core instance $m (instantiate $M))
      (alias core export $m "d" (core func $d))
      (type $own (resource (rep i32) (dtor (core func $d))))
      (component $C (type $x (resource (rep i32))) (export "x" (type $x)))
      (instance $c (instantiate $C))
      (export "mine" (type $own))
      (export "theirs" (instance $c)))`),
  );
  assert.deepEqual(
    decoded.resources.map((resource) => [resource.slot, resource.name, resource.origin]),
    [
      [0, 'r', { kind: 'import', path: ['r'] }],
      [1, 's', { kind: 'import', path: ['i', 's'] }],
      [2, 't', { kind: 'import', path: ['i', 'in', 't'] }],
      [3, 'mine', { kind: 'local', dtor: 0 }],
      [4, 'x', { kind: 'instance', instance: 1, path: ['x'] }],
    ],
  );
  const same = decoded.type.imports.get('same');
  assert.ok(same?.kind === 'type' && same.type.kind === 'resource' && same.type.resource === decoded.resources[0]);
  const [nested] = only(decoded, 'component');
  assert.deepEqual(
    nested?.component.resources.map((resource) => resource.origin),
    [{ kind: 'local', dtor: undefined }],
  );
});

test('decodeComponent puts what was supplied into the type of an instance', async () => {
  const decoded = decodeComponent(
    await parseWat(`(component
      (component $C
        (import "r" (type $r (sub resource)))
        (import "f" (func $f (param "x" (own $r))))
        (export "g" (func $f)))
      (type $mine (resource (rep i32)))
      (core func $drop (canon resource.drop $mine))
      (func $f (param "x" (own $mine)) (canon lift (core func $drop)))
      (instance (instantiate $C (with "r" (type $mine)) (with "f" (func $f)))))`),
  );
  const [instance] = only(decoded, 'instantiate');
  const func = instance?.type.exports.get('g');
  assert.ok(func?.kind === 'func');
  const param = func.type.params[0]?.type;
  assert.ok(param?.kind === 'own' && param.resource === decoded.resources[0]);
  assert.deepEqual(instance?.args, [
    { name: 'r', sort: 'type', index: 0 },
    { name: 'f', sort: 'func', index: 0 },
  ]);
});

test('decodeComponent takes what wit-component makes of a world with resources and shims', async () => {
  const wit = `package a:b@1.2.3;
    interface io { resource conn { constructor(n: u32); read: func(len: u64) -> result<list<u8>, err>; }
      variant err { closed, other(string) } draw: func(s: borrow<conn>) -> option<tuple<u8, err>>; }
    world w { import io; use io.{conn}; import log: func(text: string, s: conn); export io; export run: func(a: string) -> result; }`;
  for (const encoding of ['utf8', 'utf16', 'latin1+utf16'] as const) {
    const decoded = decodeComponent(await componentNew(await componentEmbed({ wit, encoding })));
    assert.deepEqual([...decoded.type.imports.keys()], ['a:b/io@1.2.3', 'conn', 'log']);
    assert.deepEqual([...decoded.type.exports.keys()].sort(), ['a:b/io@1.2.3', 'run']);
    assert.ok(only(decoded, 'lower').some((lower) => lower.options.encoding === encoding));
  }
});
