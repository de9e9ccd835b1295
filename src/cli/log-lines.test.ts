import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLines } from './log-lines.ts';
import { eventLines } from './up/event-text.ts';

test('logLines puts level and context before each line, and harms no terminal', () => {
  assert.deepEqual(logLines({ level: 'warn', context: 'disk', text: 'low\nvery low\n' }), [
    'warn disk: low',
    'warn disk: very low',
  ]);
  assert.deepEqual(logLines({ level: 'error', context: '', text: '\u001b[2Jgone\u0007\u202e' }), [
    'error: gone\ufffd\ufffd',
  ]);
  assert.deepEqual(logLines({ level: 'info', context: 'a\nb\u001b[1m', text: '' }), ['info a b: ']);
});

test('logLines says how many lines were left out', () => {
  assert.deepEqual(logLines({ level: 'debug', context: 'x', text: 'y', dropped: 1_200 }), [
    'debug: left out 1,200 lines before this',
    'debug x: y',
  ]);
});

test('eventLines shows what a guest logged behind its name', () => {
  const event = { type: 'log', actor: 'disk/1', level: 'warn', context: 'sda', text: 'low' } as const;
  assert.deepEqual(eventLines(event), ['disk/1 | warn sda: low']);
});
