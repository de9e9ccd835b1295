import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { Mailbox } from './mailbox.ts';
import { MAILBOX_CAPACITY_MAX, type OverflowPolicy, toMailboxPolicy } from './options.ts';

const header = { name: 'shared' };

test('toMailboxPolicy fills in 1,024 messages and reject', () => {
  assert.deepEqual(toMailboxPolicy(), { capacity: 1_024, overflow: 'reject' });
});

test('toMailboxPolicy refuses a capacity out of range', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, MAILBOX_CAPACITY_MAX + 1, Number.POSITIVE_INFINITY]) {
    assert.throws(() => toMailboxPolicy({ capacity }), RangeError);
  }
});

test('toMailboxPolicy refuses wait and unknown overflow policies with the choice', () => {
  for (const overflow of ['wait', 'drop', '']) {
    assert.throws(
      () => toMailboxPolicy({ overflow: overflow as OverflowPolicy }),
      (error: Error) => RuntimeError.is(error, 'CONFIG_INVALID') && error.message.includes('"drop-oldest"'),
    );
  }
});

test('Mailbox takes system messages before user messages', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy());
  mailbox.offer('user', header);
  mailbox.offerSystem('first');
  mailbox.offerSystem('second');
  assert.equal(mailbox.peekHeader(), undefined);
  assert.equal(mailbox.hasSystemWork, true);
  assert.equal(mailbox.takeSystem(), 'first');
  assert.equal(mailbox.takeSystem(), 'second');
  assert.equal(mailbox.takeSystem(), undefined);
  assert.equal(mailbox.peekHeader(), header);
  assert.equal(mailbox.take(), 'user');
  assert.equal(mailbox.hasWork, false);
});

test('Mailbox.clearSystem forgets the system lane only', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy());
  mailbox.offer('user', header);
  mailbox.offerSystem('system');
  mailbox.clearSystem();
  assert.equal(mailbox.peekHeader(), header);
});

test('Mailbox refuses everything once it is closed and keeps what it has', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy({ capacity: 2, overflow: 'drop-oldest' }));
  mailbox.offer('kept', header);
  mailbox.close();
  assert.equal(mailbox.offer('late', header), false);
  assert.equal(mailbox.overflow('late', header), undefined);
  assert.equal(mailbox.capacity, 0);
  assert.deepEqual(mailbox.takeRest(), { message: 'kept', header });
  assert.equal(mailbox.takeRest(), undefined);
});

test('Mailbox.trim keeps a small ring, gives a large one back, and never one in use', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy());
  for (let i = 0; i < 1_000; i++) mailbox.offer(i, header);
  mailbox.trim();
  for (let i = 0; i < 1_000; i++) assert.deepEqual(mailbox.takeRest()?.message, i);
  mailbox.trim();
  for (let i = 0; i < 10; i++) mailbox.offer(i, header);
  assert.equal(mailbox.size, 10);
  for (let i = 0; i < 10; i++) assert.equal(mailbox.take(), i);
});

for (const overflow of ['reject', 'drop-oldest', 'drop-newest'] as const) {
  test(`Mailbox agrees with a bounded list under ${overflow}`, () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('offer') },
      { weight: 4, arbitrary: fc.constant('take') },
      fc.constant('trim'),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 300 }), (capacity, steps) => {
        const mailbox = new Mailbox<{ readonly of: number }, string>(toMailboxPolicy({ capacity, overflow }));
        const model: number[] = [];
        let sequence = 0;
        for (const step of steps) {
          if (step === 'offer') offerBoth(mailbox, model, { message: sequence++, capacity, overflow });
          else if (step === 'trim') mailbox.trim();
          else takeBoth(mailbox, model);
          assert.equal(mailbox.size, model.length);
          assert.ok(mailbox.size <= capacity);
        }
        while (model.length > 0) takeBoth(mailbox, model);
        assert.equal(mailbox.peekHeader(), undefined);
      }),
    );
  });
}

interface Offer {
  readonly message: number;
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
}

function offerBoth(mailbox: Mailbox<{ readonly of: number }, string>, model: number[], offer: Offer): void {
  const { message, capacity, overflow } = offer;
  const fits = model.length < capacity;
  assert.equal(mailbox.offer(message, { of: message }), fits);
  if (fits) {
    model.push(message);
    return;
  }
  const lost = mailbox.overflow(message, { of: message });
  if (overflow === 'drop-oldest') {
    model.push(message);
    assert.deepEqual(lost, { message: model[0], header: { of: model[0] } });
    model.shift();
  } else {
    assert.deepEqual(lost, overflow === 'reject' ? undefined : { message, header: { of: message } });
  }
}

function takeBoth(mailbox: Mailbox<{ readonly of: number }, string>, model: number[]): void {
  const expected = model.shift();
  assert.equal(mailbox.peekHeader()?.of, expected);
  if (expected !== undefined) assert.equal(mailbox.take(), expected);
}
