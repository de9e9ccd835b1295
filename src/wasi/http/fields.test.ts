import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failsWith } from '../../../test/kit/fails-with.ts';
import { areTrailers, contentLengthOf, isFieldValue, isToken, withoutForbidden } from './field-rules.ts';
import { Fields } from './fields.ts';
import { bytes, testGuest } from './http.suite.ts';
import { FIELD_OVERHEAD_BYTES, FIELDS_BYTES_MAX, FIELDS_MAX, GUEST_FIELDS_BYTES_MAX } from './limits.ts';

const textOf = (values: readonly Uint8Array[]) => values.map((value) => Buffer.from(value).toString('latin1'));

const entriesOf = (fields: Fields) =>
  fields.entries().map(([name, value]) => `${name}=${Buffer.from(value).toString('latin1')}`);

const tagOf = (result: ReturnType<Fields['append']>) => (result.tag === 'ok' ? 'ok' : result.val.tag);

test('Fields keeps order, case and repetition, and compares names without case', () => {
  const fields = new Fields(testGuest().guest);
  fields.append('X-A', bytes('1'));
  fields.append('b', bytes('2'));
  fields.append('x-a', bytes('3'));
  assert.deepEqual(entriesOf(fields), ['X-A=1', 'b=2', 'x-a=3']);
  assert.deepEqual(textOf(fields.get('X-a')), ['1', '3']);
  assert.deepEqual([fields.has('B'), fields.has('c'), fields.get('c')], [true, false, []]);
});

test('Fields replaces by set, by nothing if there is nothing, and removes by delete', () => {
  const fields = new Fields(testGuest().guest);
  fields.append('a', bytes('1'));
  fields.append('A', bytes('2'));
  fields.set('a', [bytes('3'), bytes('4')]);
  assert.deepEqual(textOf(fields.get('a')), ['3', '4']);
  fields.set('A', []);
  assert.equal(fields.has('a'), false);
  fields.append('a', bytes(''));
  assert.deepEqual(textOf(fields.get('a')), ['']);
  assert.equal(tagOf(fields.delete('a')), 'ok');
  assert.equal(tagOf(fields.delete('a')), 'ok');
  assert.deepEqual(fields.entries(), []);
});

test('H1: Fields refuses what is no name, no value, or the connection’s, and stays as it was', () => {
  const fields = new Fields(testGuest().guest);
  fields.append('a', bytes('1'));
  for (const name of ['', ' ', 'a b', 'a:', 'a\r\n', 'ä', '(a)', 'a\0']) {
    assert.equal(tagOf(fields.append(name, bytes('x'))), 'invalid-syntax', name);
    assert.equal(tagOf(fields.set(name, [])), 'invalid-syntax', name);
    assert.equal(tagOf(fields.delete(name)), 'invalid-syntax', name);
    assert.deepEqual([fields.get(name), fields.has(name)], [[], false]);
  }
  for (const value of ['\r', '\n', 'a\r\nb: c', '\0', '\x7f', '\x1b[1m']) {
    assert.equal(tagOf(fields.append('x', bytes(value))), 'invalid-syntax', value);
    assert.equal(tagOf(fields.set('a', [bytes('fine'), bytes(value)])), 'invalid-syntax', value);
  }
  for (const name of ['Connection', 'HOST', 'transfer-encoding', 'Proxy-Connection', 'http2-settings', 'upgrade']) {
    assert.equal(tagOf(fields.append(name, bytes('x'))), 'forbidden', name);
  }
  assert.deepEqual(entriesOf(fields), ['a=1']);
});

test('Fields that came from outside do not change; a copy of them does', () => {
  const list = ['A', '1'];
  const fields = new Fields(testGuest().guest, list);
  for (const result of [fields.append('b', bytes('2')), fields.set('a', []), fields.delete('a')]) {
    assert.equal(tagOf(result), 'immutable');
  }
  const copy = fields.clone();
  assert.equal(tagOf(copy.append('b', bytes('2'))), 'ok');
  assert.deepEqual([entriesOf(copy), entriesOf(fields), list], [['A=1', 'b=2'], ['A=1'], ['A', '1']]);
});

test('Fields given to a message do not change any more', () => {
  const fields = new Fields(testGuest().guest);
  fields.append('a', bytes('1'));
  assert.deepEqual(fields.consume(), ['a', '1']);
  assert.equal(tagOf(fields.append('b', bytes('2'))), 'immutable');
});

test('Fields ends a guest that adds too many, or too much', () => {
  const many = new Fields(testGuest().guest);
  for (let at = 0; at < FIELDS_MAX; at += 1) many.append('a', bytes(''));
  assert.throws(() => many.append('a', bytes('')), failsWith('COMPONENT_LIMIT', /2048 fields/));
  const large = new Fields(testGuest().guest);
  large.append('a', new Uint8Array(FIELDS_BYTES_MAX - FIELD_OVERHEAD_BYTES - 1).fill(0x61));
  assert.throws(() => large.append('a', bytes('')), failsWith('COMPONENT_LIMIT'));
});

test('Fields of one guest have a bound together, and give back what is dropped', () => {
  const { guest } = testGuest();
  const value = new Uint8Array(100_000).fill(0x61);
  const make = () => {
    const fields = new Fields(guest);
    fields.append('a', value);
    return fields;
  };
  const count = Math.floor(GUEST_FIELDS_BYTES_MAX / (value.length + 1 + FIELD_OVERHEAD_BYTES));
  const all = Array.from({ length: count }, make);
  assert.throws(make, failsWith('COMPONENT_LIMIT', /more header fields/));
  all.pop()?.drop();
  const last = make();
  last.set('a', []);
  make();
  last.drop();
});

test('Fields counts as a resource until it is dropped or given away', () => {
  const { guest } = testGuest({ resourcesMax: 1 });
  new Fields(guest).drop();
  new Fields(guest).consume();
  new Fields(guest);
  assert.throws(() => new Fields(guest), failsWith('COMPONENT_LIMIT'));
});

test('contentLengthOf takes one number and no other', () => {
  assert.equal(contentLengthOf(['a', '1']), undefined);
  assert.equal(contentLengthOf(['Content-LENGTH', '10']), 10);
  for (const value of ['', '-1', '+1', '1.0', '0x1', '1 ', ' 1', '1,1', '9'.repeat(16), 'x']) {
    assert.equal(contentLengthOf(['content-length', value]), 'invalid', value);
  }
  assert.equal(contentLengthOf(['content-length', '1', 'a', 'b', 'Content-Length', '1']), 'invalid');
});

test('withoutForbidden shares the list if it can', () => {
  const clean = ['a', 'host', 'b', 'upgrade'];
  assert.equal(withoutForbidden(clean), clean);
  assert.deepEqual(withoutForbidden(['Host', 'x', 'a', '1', 'KEEP-ALIVE', 'y', 'b', '2']), ['a', '1', 'b', '2']);
});

test('areTrailers refuses what frames a message', () => {
  assert.ok(areTrailers(['x-sum', '1']));
  for (const name of ['Content-Length', 'trailer', 'content-type']) assert.ok(!areTrailers(['a', 'b', name, '1']));
});

test('isToken and isFieldValue let nothing pass that could end a line', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x300 }), { maxLength: 20 }), (codes) => {
      const text = String.fromCharCode(...codes);
      const risky = /[\0\r\n]/.test(text);
      return !(risky && (isToken(text) || isFieldValue(text)));
    }),
    { numRuns: 500 },
  );
});
