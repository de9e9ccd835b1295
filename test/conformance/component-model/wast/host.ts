/** What scripts may import of their host, by the names that Wasmtime's runner gives it. */
import assert from 'node:assert/strict';
import { type HostImports, HostResourceType } from '../../../../src/component/index.ts';
import { parseWat } from '../../../../src/component/tooling/index.ts';

/** A resource that is a number and no more. */
interface Numbered {
  readonly rep: number;
}

/** A host of its own for each script: it counts drops. */
export function scriptHost(): HostImports {
  let drops = 0;
  let lastDrop = 0;
  const resource1 = new HostResourceType<Numbered>('resource1', ({ rep }) => {
    drops++;
    lastDrop = rep;
  });
  return {
    'host-echo-u32': (value: number) => value,
    'host-return-two': () => 2,
    host: {
      'return-three': () => 3,
      nested: { 'return-four': () => 4 },
      resource1,
      resource2: new HostResourceType('resource2'),
      'resource1-again': resource1,
      '[constructor]resource1': (rep: number): Numbered => ({ rep }),
      '[static]resource1.assert': (resource: Numbered, rep: number) => assert.equal(resource.rep, rep),
      '[static]resource1.last-drop': () => lastDrop,
      '[static]resource1.drops': () => drops,
      '[method]resource1.simple': (resource: Numbered, rep: number) => assert.equal(resource.rep, rep),
      '[method]resource1.take-borrow': () => undefined,
      '[method]resource1.take-own': () => undefined,
      'return-hi': () => 'hi',
    },
  };
}

/** Core modules that scripts may import, by `interface#name`. */
export const PARTS = {
  'host#simple-module': await parseWat(
    '(module (global (export "g") i32 i32.const 100) (func (export "f") (result i32) i32.const 101))',
  ),
};
