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
  for (const name of ['wasi:http/incoming-handler', 'toString', '__proto__', '', '@', 'demo:x/y@0.2.0']) {
    assert.equal(neededGrants(name), undefined);
  }
});

test('W5: neededGrants serves drafts by their exact names', () => {
  for (const name of [
    'wasi:keyvalue/store@0.2.0-draft',
    'wasi:keyvalue/atomics@0.2.0-draft2',
    'wasi:config/store@0.2.0-rc.1',
    'wasi:logging/logging',
    'wasi:logging/logging@0.1.0-draft',
  ]) {
    assert.deepEqual(neededGrants(name), {});
  }
  for (const name of [
    'wasi:keyvalue/store',
    'wasi:keyvalue/store@0.2.0',
    'wasi:keyvalue/store@0.2.0-draft3',
    'wasi:keyvalue/watcher@0.2.0-draft2',
    'wasi:config/runtime@0.2.0-draft2',
    'wasi:logging/logging@0.2.0',
  ]) {
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
