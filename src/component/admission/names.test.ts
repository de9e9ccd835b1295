import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, Emitter } from './bytes.ts';
import { nameSection } from './names.ts';

test('nameSection cuts what is too long, between characters, and leaves out imported functions', () => {
  const names = ['imported', 'é'.repeat(200)];
  const entries = new Emitter();
  entries.u32(names.length);
  for (const [index, name] of names.entries()) {
    entries.u32(index);
    entries.name(name);
  }
  const section = new Emitter();
  section.name('name');
  section.section(1, entries);
  const bytes = section.take();
  const kept = nameSection({ module: '7', section: new Cursor(bytes), firstDefined: 1, shift: 5 }).take();
  assert.deepEqual([...kept.subarray(5, 9)], [0, 2, 1, 0x37]);
  assert.deepEqual([...kept.subarray(11, 14)], [1, 6, 120]);
  assert.equal(new TextDecoder('utf-8', { fatal: true }).decode(kept.subarray(14)), 'é'.repeat(60));
});

test('nameSection takes a malformed section for none', () => {
  for (const rest of [[1], [1, 9, 1], [1, 2, 5, 0], [1, 0x80, 0x80, 0x80, 0x80, 0x80]]) {
    const bytes = Uint8Array.from([4, 0x6e, 0x61, 0x6d, 0x65, ...rest]);
    const kept = nameSection({ module: '0', section: new Cursor(bytes), firstDefined: 0, shift: 0 }).take();
    assert.deepEqual([...kept], [4, 0x6e, 0x61, 0x6d, 0x65, 0, 2, 1, 0x30]);
  }
});
