import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { OutputStream } from './context.ts';
import { type Column, renderTable } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'KIND', dropFirst: 1 },
  { title: 'COUNT', align: 'right', dropFirst: 2 },
];
const ROWS = [['first', 'task', '1,234']];

const terminal = (columns: number): OutputStream => Object.assign(new PassThrough(), { isTTY: true, columns });
const lines = (stream: OutputStream): string[] =>
  stripVTControlCharacters(renderTable(stream, COLUMNS, ROWS)).split('\n');

test('renderTable shows every column where they have room', () => {
  assert.deepEqual(lines(terminal(18)), ['NAME   KIND  COUNT', 'first  task  1,234']);
});

test('renderTable leaves out columns in their order where a terminal is too narrow', () => {
  assert.deepEqual(lines(terminal(17)), ['NAME   COUNT', 'first  1,234']);
  assert.deepEqual(lines(terminal(11)), ['NAME', 'first']);
});

test('renderTable keeps what must stay, however narrow', () => {
  assert.deepEqual(lines(terminal(1)), ['NAME', 'first']);
});

test('renderTable leaves nothing out where no terminal is', () => {
  assert.deepEqual(lines(Object.assign(new PassThrough(), { columns: 5 })), [
    'NAME   KIND  COUNT',
    'first  task  1,234',
  ]);
});
