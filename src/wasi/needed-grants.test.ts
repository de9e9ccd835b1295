import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineWasi, neededGrants, WASI_INTERFACES } from './index.ts';

test('W5: neededGrants serves every patch of 0.2 and nothing else', () => {
  for (const version of ['', '@0.2.0', '@0.2.12', '@0.2.999']) {
    assert.deepEqual(neededGrants(`wasi:io/streams${version}`), {});
  }
  for (const version of ['@0.3.0', '@0.2.0-rc-2023-11-10', '@1.0.0', '@0.2']) {
    assert.equal(neededGrants(`wasi:io/streams${version}`), undefined);
  }
  for (const name of ['wasi:http/types', 'toString', '__proto__', '', '@', 'demo:x/y@0.2.0']) {
    assert.equal(neededGrants(name), undefined);
  }
});

test('neededGrants names the line for what cannot say no', () => {
  assert.deepEqual(neededGrants('wasi:clocks/wall-clock@0.2.0')?.grant, { kind: 'clock', line: 'clock = true' });
  assert.deepEqual(neededGrants('wasi:random/insecure-seed@0.2.0')?.grant, { kind: 'random', line: 'random = true' });
});

test('neededGrants lists exactly what defineWasi offers', () => {
  const { interfaces } = defineWasi({ clockGranted: true, randomGranted: true });
  assert.deepEqual(Object.keys(interfaces).sort(), WASI_INTERFACES);
});
