import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Secrets } from './secrets.ts';

const VALUE = 'p4ss"word/with\\all+of it';
const secrets = new Secrets(
  new Map([
    ['db', VALUE],
    ['key', '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n'],
  ]),
);

test('Secrets shows its names, and its values to nobody who does not ask for one', () => {
  for (const text of [inspect(secrets), JSON.stringify({ secrets }), `${secrets}`, inspect({ deep: { secrets } })]) {
    assert.ok(text.includes('db'));
    assert.ok(!text.includes('p4ss'), text);
  }
  assert.equal(secrets.reveal('db'), VALUE);
  assert.equal(secrets.reveal('other'), undefined);
});

test('Secrets.redact finds a value as it is, in JSON, in an address, in base64, and line by line', () => {
  const forms = [VALUE, JSON.stringify({ VALUE }), `https://x/?p=${encodeURIComponent(VALUE)}`, btoa(VALUE)];
  for (const text of forms) assert.match(secrets.redact(`before ${text} after`), /^before .*\[secret db\].* after$/);
  assert.equal(secrets.redact('a line: kqhkiG9w0BAQEF!'), 'a line: [secret key]!');
});

test('Secrets.redactAll leaves no value in any text of plain data, and everything else as it is', () => {
  const data = { n: 1, list: ['x', { [`k ${VALUE}`]: `v ${VALUE}` }], none: undefined, when: new Date(0) };
  const redacted = secrets.redactAll(data);
  assert.ok(!JSON.stringify(redacted).includes('p4ss'));
  assert.deepEqual([redacted.n, redacted.list[0], redacted.when], [1, 'x', data.when]);
  const empty = new Secrets();
  assert.equal(empty.redactAll(data), data);
});

test('Secrets.redact never leaves the value in a text, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (value, before, after) => {
      // One that is part of what replaces it is in every text.
      fc.pre(!'[secret s]'.includes(value));
      const redacted = new Secrets(new Map([['s', value]])).redact(before + value + after);
      assert.ok(redacted.includes('[secret s]'));
    }),
  );
});
