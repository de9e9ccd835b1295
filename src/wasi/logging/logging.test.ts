import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest, PartKey } from '../guest/index.ts';
import { LOG_SINK, LOGGING_INTERFACES, type LogEntry } from './index.ts';

type Log = (this: Guest, ...args: readonly unknown[]) => void;

function setUp() {
  const clock = new ManualClock();
  const guest = new Guest({ clock, resourcesMax: 10 });
  const entries: LogEntry[] = [];
  guest.provide(LOG_SINK, { log: (entry) => void entries.push(entry) });
  const logAs =
    (name: string) =>
    (...line: readonly unknown[]) =>
      (LOGGING_INTERFACES[name] as { log: Log }).log.call(guest, ...line);
  const log = logAs('wasi:logging/logging@0.1.0-draft');
  return { clock, guest, entries, log, logAs };
}

test('logging hands on what a guest logs, under both names', () => {
  const { entries, log, logAs } = setUp();
  log('info', 'boot', 'up');
  logAs('wasi:logging/logging')('critical', '', '\u001b[2J');
  assert.deepEqual(entries, [
    { level: 'info', context: 'boot', message: 'up' },
    { level: 'critical', context: '', message: '\u001b[2J' },
  ]);
});

test('logging ends a guest that passes what is no level or no text', () => {
  const { entries, log } = setUp();
  for (const args of [
    ['loud', '', ''],
    ['info', 1, ''],
    ['info', '', undefined],
  ]) {
    assert.throws(
      () => log(args[0], args[1], args[2]),
      (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'),
    );
  }
  assert.deepEqual(entries, []);
});

test('LO1: logging shortens what is long, and cuts no character in two', () => {
  const { entries, log } = setUp();
  log('info', 'c'.repeat(1_000_000), `${'x'.repeat(4_095)}😀 and so on`);
  assert.equal(entries[0]?.context, `${'c'.repeat(128)}… (999872 characters more)`);
  assert.equal(entries[0]?.message, `${'x'.repeat(4_095)}\ufffd… (11 characters more)`);
});

test('LO1: logging lets a burst and then a steady trickle through, and tells how many lines it left out', () => {
  const { clock, guest, entries, log } = setUp();
  for (let line = 0; line < 1_000; line++) log('debug', '', `${line}`);
  assert.equal(entries.length, 200);
  clock.advance(100);
  for (let line = 0; line < 10; line++) log('debug', '', 'later');
  assert.equal(entries.length, 205);
  assert.deepEqual(entries[200], { level: 'debug', context: '', message: 'later', dropped: 800 });
  assert.equal(entries[204]?.dropped, undefined);
  clock.advance(60_000);
  for (let line = 0; line < 1_000; line++) log('debug', '', 'again');
  assert.equal(entries.length, 405, 'a rest saves up no more than a burst');
  assert.equal(entries[205]?.dropped, 5);
  void guest.dispose();
  assert.deepEqual(entries[405], {
    level: 'warn',
    context: '',
    message: 'The last lines of the log were left out',
    dropped: 800,
  });
});

test('LO1: guests of one listener share what may be logged: one for each request is no way around it', () => {
  const clock = new ManualClock();
  const { log } = LOGGING_INTERFACES['wasi:logging/logging'] as { log: Log };
  const entries: LogEntry[] = [];
  const sink = { log: (entry: LogEntry) => void entries.push(entry) };
  for (let request = 0; request < 100; request++) {
    const guest = new Guest({ clock, resourcesMax: 10 });
    guest.provide(LOG_SINK, sink);
    for (let line = 0; line < 10; line++) log.call(guest, 'info', '', `${line}`);
    void guest.dispose();
  }
  assert.equal(entries.length, 201, 'and one line that says how many were left out');
  clock.advance(1_000);
  const last = new Guest({ clock, resourcesMax: 10 });
  last.provide(LOG_SINK, sink);
  log.call(last, 'info', '', 'after a while');
  assert.equal((entries[200]?.dropped ?? 0) + (entries[201]?.dropped ?? 0), 800);
});

test('LO2: logging costs a guest nothing that nobody listens to', () => {
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 10 });
  const { log } = LOGGING_INTERFACES['wasi:logging/logging'] as { log: Log };
  for (let line = 0; line < 1_000; line++) assert.equal(log.call(guest, 'info', '', 'x'), undefined);
  assert.equal(guest.dispose(), undefined);
});

test('Guest.dispose lets go of everything also when a listener throws', () => {
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 10 });
  const { log } = LOGGING_INTERFACES['wasi:logging/logging'] as { log: Log };
  let lines = 0;
  const log200 = () => {
    lines += 1;
    assert.ok(lines <= 200, 'the line of the end');
  };
  guest.provide(LOG_SINK, { log: log200 });
  for (let line = 0; line < 201; line++) log.call(guest, 'info', '', 'x');
  let isGone = false;
  const onGone = () => {
    isGone = true;
  };
  guest.part(new PartKey<object>('after it', { make: () => ({}), dispose: () => onGone() }));
  assert.equal(guest.dispose(), undefined);
  assert.deepEqual([lines, isGone], [201, true]);
});
