import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../errors/index.ts';
import { componentEmbed, componentNew, parseWat, validateComponent } from '../tooling/index.ts';
import { CANON_CASES } from './cases-canon.suite.ts';
import { CORE_CASES, INSTANTIATION_CASES, RESOURCE_CASES } from './cases-linking.suite.ts';
import { ANNOTATION_CASES, NAME_CASES } from './cases-names.suite.ts';
import { TYPE_CASES, VISIBILITY_CASES } from './cases-types.suite.ts';
import { decodeComponent, printWorld } from './index.ts';
import type { Component } from './model.ts';

const CODES = ['NOT_A_COMPONENT', 'COMPONENT_INVALID', 'COMPONENT_UNSUPPORTED'];

/** Rules of the specification that wasm-tools, with every proposal switched on, does not enforce. */
const STRICTER = /name ".*" (is not valid|conflicts)|differ in their address type/s;

async function corpus(): Promise<Uint8Array[]> {
  const tables = [
    TYPE_CASES,
    VISIBILITY_CASES,
    NAME_CASES,
    ANNOTATION_CASES,
    RESOURCE_CASES,
    CANON_CASES,
    INSTANTIATION_CASES,
    CORE_CASES,
  ];
  const binaries = await Promise.all(
    tables.flatMap((table) => table.valid).map((body) => parseWat(`(component ${body}\n)`)),
  );
  const wit = `package a:b@1.2.3;
    interface io { resource conn { constructor(n: u32); read: func(len: u64) -> result<list<u8>, err>; } variant err { closed, other(string) } }
    world w { import io; use io.{conn}; import log: func(text: string, s: conn); export io; export run: func(a: string) -> result; }`;
  return [...binaries.filter((binary) => binary.length < 4_000), await componentNew(await componentEmbed({ wit }))];
}

/** Overwrites some bytes, mostly with small numbers: those are indices, counts, codes. */
const mutations = fc.array(
  fc.record({
    at: fc.nat(),
    byte: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

function mutate(binary: Uint8Array, changes: readonly { readonly at: number; readonly byte: number }[]): Uint8Array {
  const bytes = Uint8Array.from(binary);
  for (const { at, byte } of changes) bytes[8 + (at % (bytes.length - 8))] = byte;
  return bytes;
}

/** The model, or why there is none. */
function verdict(bytes: Uint8Array): Component | RuntimeError {
  try {
    return decodeComponent(bytes);
  } catch (error) {
    assert.ok(RuntimeError.is(error), `not one of ours: ${error instanceof Error ? error.stack : error}`);
    assert.ok(CODES.includes(error.code), error.code);
    return error;
  }
}

/** Tells whether the engine takes the code of all core modules, which the decoder leaves to it. */
function coreCodeIsValid(component: Component): boolean {
  return component.definitions.every((definition) => {
    if (definition.kind === 'core-module') return WebAssembly.validate(definition.bytes as Uint8Array<ArrayBuffer>);
    return definition.kind !== 'component' || coreCodeIsValid(definition.component);
  });
}

test('B2: decodeComponent gives a model or one of its errors for any change of a valid component', async () => {
  const binaries = await corpus();
  fc.assert(
    fc.property(fc.constantFrom(...binaries), mutations, (binary, changes) => {
      const result = verdict(mutate(binary, changes));
      if (!RuntimeError.is(result)) assert.ok(printWorld(result.type).length > 0);
    }),
    { numRuns: 3_000 },
  );
});

test('decodeComponent refuses a component that is cut off anywhere but between sections', async () => {
  for (const binary of await corpus()) {
    for (let length = 0; length < binary.length; length += Math.ceil(binary.length / 150))
      verdict(binary.subarray(0, length));
  }
});

test('B2: decodeComponent gives a model or one of its errors for random bytes after the preamble', () => {
  const preamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void verdict(Uint8Array.from([...preamble, ...bytes]))),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void verdict(bytes)));
});

test('B1: decodeComponent accepts and refuses what the validator of wasm-tools does', async (t) => {
  const binaries = await corpus();
  const counts = { accepted: 0, refused: 0, unsupported: 0 };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...binaries), mutations, async (binary, changes) => {
      const bytes = mutate(binary, changes);
      const ours = verdict(bytes);
      const theirs = await validateComponent(bytes);
      const hex = Buffer.from(bytes).toString('hex');
      if (!RuntimeError.is(ours)) {
        counts.accepted += 1;
        if (coreCodeIsValid(ours)) assert.equal(theirs, undefined, `accepted here, refused there: ${hex}`);
      } else if (ours.code === 'COMPONENT_UNSUPPORTED') {
        counts.unsupported += 1;
      } else {
        counts.refused += 1;
        if (!STRICTER.test(ours.message)) assert.notEqual(theirs, undefined, `${ours.message}; accepted there: ${hex}`);
      }
    }),
    { numRuns: 1_500, seed: 20 }, // a fixed seed: what a newer wasm-tools decides otherwise is no failure by chance
  );
  t.diagnostic(
    `${counts.accepted} accepted, ${counts.refused} refused, ${counts.unsupported} unsupported: all the same`,
  );
});

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join(' ');

test('B2: decodeComponent ends soon on small components whose types explode', async () => {
  const doubled = lines(
    12,
    (at) =>
      `(type $i${at + 1} (instance (alias outer 1 $i${at} (type $k)) (export "a" (instance (type $k))) (export "b" (instance (type $k)))))`,
  );
  const resources = `(type $i (instance ${lines(1_000, (at) => `(export "r${at}" (type (sub resource)))`)})) (import "i" (instance $x (type $i)))`;
  const hostile = [
    `(type $i0 (instance (export "r" (type (sub resource))))) ${doubled} ${lines(500, (at) => `(import "i${at}" (instance (type $i12)))`)}`,
    `${resources} (component $c (import "i" (instance $j ${lines(1_000, (at) => `(export "r${at}" (type (sub resource)))`)})) (export "j" (instance $j))) ${lines(900, () => '(instance (instantiate $c (with "i" (instance $x))))')}`,
  ];
  for (const body of hostile) {
    const result = verdict(await parseWat(`(component ${body})`));
    assert.ok(RuntimeError.is(result, 'COMPONENT_INVALID') && /too complex/.test(result.message), body.slice(0, 200));
  }
});
