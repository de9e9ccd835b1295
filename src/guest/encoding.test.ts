import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, encodeUtf8, GuestTextDecoder, GuestTextEncoder } from './encoding.ts';

const native = { encoder: new TextEncoder(), decoder: new TextDecoder('utf-8', { ignoreBOM: true }) };

test('encodeUtf8 encodes every text as TextEncoder does, halves of pairs too', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 });
  fc.assert(
    fc.property(units, fc.string({ unit: 'binary' }), (codes, whole) => {
      for (const text of [String.fromCharCode(...codes), whole]) {
        assert.ok(Buffer.from(encodeUtf8(text)).equals(native.encoder.encode(text)), JSON.stringify(text));
      }
    }),
  );
});

test('decodeUtf8 decodes all bytes as TextDecoder does, wrong ones too', () => {
  const tricky = fc.constantFrom(
    0x00,
    0x7f,
    0x80,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc2,
    0xdf,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xff,
  );
  const bytes = fc.array(fc.oneof(tricky, fc.integer({ min: 0, max: 255 })), { maxLength: 40 });
  fc.assert(
    fc.property(bytes, (values) => {
      const given = Uint8Array.from(values);
      assert.equal(decodeUtf8(given), native.decoder.decode(given));
    }),
    { numRuns: 2_000 },
  );
});

test('decodeUtf8 decodes long texts in pieces', () => {
  const text = 'ä€😀x'.repeat(5_000);
  assert.equal(decodeUtf8(encodeUtf8(text)), text);
});

test('GuestTextDecoder refuses what it cannot do, and drops a byte order mark', () => {
  assert.throws(() => new GuestTextDecoder('latin1'), RangeError);
  assert.throws(() => new GuestTextDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff)), TypeError);
  assert.throws(() => new GuestTextDecoder().decode(Uint8Array.of(0x41), { stream: true }), TypeError);
  assert.equal(new GuestTextDecoder().decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), 'A');
  assert.equal(new GuestTextDecoder(undefined, { ignoreBOM: true }).decode(Uint8Array.of(0xef, 0xbb, 0xbf)), '\ufeff');
});

test('GuestTextEncoder writes as many whole characters as there is room for', () => {
  const target = new Uint8Array(4);
  assert.deepEqual(new GuestTextEncoder().encodeInto('a€€', target), { read: 2, written: 4 });
  assert.deepEqual([...target], [0x61, 0xe2, 0x82, 0xac]);
});
