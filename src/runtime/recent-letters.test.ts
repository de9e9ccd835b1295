import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../errors/index.ts';
import { RecentLetters } from './recent-letters.ts';

const LETTER = { kind: 'tell', to: undefined, topic: undefined, payload: 'secret', sender: undefined } as const;

test('RecentLetters counts letters of one kind together, the last first, without their payloads', () => {
  const recent = new RecentLetters();
  const error = new RuntimeError('MESSAGE_INVALID', 'x'.repeat(1_000));
  recent.note({ ...LETTER, reason: 'stopped', name: 'a', op: 'add', error: undefined }, 1);
  recent.note({ ...LETTER, reason: 'invalid', name: 'a', op: 'add', error }, 2);
  recent.note({ ...LETTER, reason: 'stopped', name: 'a', op: 'add', error: undefined }, 3);
  assert.deepEqual(recent.list(), [
    { actor: 'a', reason: 'stopped', operation: 'add', count: 2, lastAtMs: 3 },
    {
      actor: 'a',
      reason: 'invalid',
      operation: 'add',
      count: 1,
      lastAtMs: 2,
      error: { code: 'MESSAGE_INVALID', message: 'x'.repeat(256) },
    },
  ]);
});

test('RecentLetters holds a hundred kinds, however many operations somebody makes up', () => {
  const recent = new RecentLetters();
  for (let i = 0; i < 1_000; i++) {
    recent.note({ ...LETTER, reason: 'refused', name: 'a', op: `${i}${'y'.repeat(1_000)}`, error: undefined }, i);
  }
  const list = recent.list();
  assert.equal(list.length, 100);
  assert.ok(list[0]?.operation.startsWith('999y') && list.every(({ operation }) => operation.length === 256));
});
