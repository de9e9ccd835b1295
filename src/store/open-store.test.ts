import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from './open-store.ts';

test('openStore refuses a path in place of options, which would be a store in memory', async () => {
  await assert.rejects(openStore('./state' as never), { name: 'TypeError', message: /\{ directory: … \}, not string/ });
});
