import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../time/index.ts';
import { Interrupts, interruptExitCode } from './interrupts.ts';
import { humanDuration, humanSize, sanitize, sanitizeLine, toJson } from './text.ts';

/** Anything that a terminal may act on: controls but newline and tab, C1, line separators that some take for one, and reordering. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come through
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test('sanitize lets no escape sequence and no control character through', () => {
  assert.equal(sanitize('a\u001b[31mred\u001b[0m\u001b]0;title\u0007b'), 'aredb');
  assert.equal(sanitize('one\r\ntwo\rthree\tfour'), 'one\ntwo\nthree\tfour');
  assert.equal(
    sanitize('x\u0000\u0008\u009b2Jy\u202e'),
    sanitize('x\u0000\u0008\u009b2Jy\u202e').replace(DANGEROUS, '!'),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => !DANGEROUS.test(sanitize(text))),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'\u001b[]31m;\u0007\u009b\\HJPX^_?\n\ra'), maxLength: 40 }),
      (text) => !DANGEROUS.test(sanitize(text)),
    ),
    { numRuns: 5_000 },
  );
});

test('sanitizeLine makes one line', () => {
  assert.equal(sanitizeLine('a\n\n\tb\r\nc'), 'a b c');
});

test('toJson escapes what a terminal may act on and stays the same value', () => {
  const value = { text: '\u001b[31m\u009b\u202e é' };
  assert.ok(!DANGEROUS.test(toJson(value, 'line')));
  assert.deepEqual(JSON.parse(toJson(value)), value);
  assert.equal(toJson(undefined), 'null');
});

test('humanSize and humanDuration keep to two units at most', () => {
  const sizes = [0, 1_023, 1_536, 1_048_576, 5_000_000_000].map(humanSize);
  assert.deepEqual(sizes, ['0 B', '1023 B', '1.5 KiB', '1 MiB', '4.7 GiB']);
  const spans = [0, 999.4, 1_000, 61_000, 3_600_000, 93_784_000].map(humanDuration);
  assert.deepEqual(spans, ['0ms', '999ms', '1s', '1m 1s', '1h', '1d 2h']);
});

test('Interrupts asks first, and ends at once the second time, after all removals', () => {
  const log: unknown[] = [];
  const clock = new ManualClock();
  const interrupts = new Interrupts((code) => log.push(code), clock);
  interrupts.onExit(() => log.push('one'));
  interrupts.onExit(() => {
    throw new Error('cannot be removed');
  });
  const forget = interrupts.onExit(() => log.push('forgotten'));
  interrupts.onExit(() => log.push('two'));
  forget();
  interrupts.raise('SIGINT');
  assert.deepEqual([interrupts.signal.aborted, interrupts.interrupt, log], [true, 'SIGINT', []]);
  interrupts.raise('SIGINT');
  assert.deepEqual(log, [], 'an echo of the first');
  clock.advance(1_000);
  interrupts.raise('SIGPIPE');
  assert.deepEqual(log, []);
  interrupts.raise('SIGTERM');
  assert.deepEqual(log, ['one', 'two', interruptExitCode('SIGTERM')]);
});

test('Interrupts.end removes what must not stay and ends the process at once', () => {
  const happened: (string | number)[] = [];
  const interrupts = new Interrupts((code) => happened.push(code), new ManualClock());
  interrupts.onExit(() => happened.push('removed'));
  interrupts.end('SIGTERM');
  assert.deepEqual(happened, ['removed', 143]);
});
