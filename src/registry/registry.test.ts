import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorRef } from '../actor/index.ts';
import { Registry } from './registry.ts';

test('Registry gives a name to one actor at a time, and takes it back only from its owner', () => {
  const registry = new Registry();
  const [first, second] = [{}, {}] as [ActorRef, ActorRef];
  assert.equal(registry.claim('orders/7', first), true);
  assert.equal(registry.claim('orders/7', second), false);
  registry.release('orders/7', second);
  assert.equal(registry.lookup('orders/7'), first);
  registry.release('orders/7', first);
  assert.equal(registry.lookup('orders/7'), undefined);
  assert.equal(registry.claim('orders/7', second), true);
  assert.equal(registry.size, 1);
});
