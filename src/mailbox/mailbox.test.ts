import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { bytesOf } from './bytes.ts';
import { Mailbox } from './mailbox.ts';
import { MAILBOX_CAPACITY_MAX, type OverflowPolicy, toMailboxPolicy } from './options.ts';

const header = { name: 'shared' };

test('toMailboxPolicy fills in 1,024 messages and reject', () => {
  assert.deepEqual(toMailboxPolicy(), { capacity: 1_024, capacityBytes: 0, overflow: 'reject' });
});

test('toMailboxPolicy refuses a capacity out of range', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, MAILBOX_CAPACITY_MAX + 1, Number.POSITIVE_INFINITY]) {
    assert.throws(() => toMailboxPolicy({ capacity }), RangeError);
  }
});

test('toMailboxPolicy refuses a capacity in bytes out of range', () => {
  for (const capacityBytes of [0, -1, 0.5, 2 ** 41]) {
    assert.throws(() => toMailboxPolicy({ capacityBytes }), /"capacityBytes" must be an integer/);
  }
});

test('toMailboxPolicy refuses unknown overflow policies with the choice', () => {
  for (const overflow of ['drop', '']) {
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
  assert.equal(mailbox.peekSystem(), 'first');
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
  assert.equal(mailbox.offerUrgent('late', header), false);
  assert.equal(mailbox.isClosed, true);
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

test('Mailbox.withdraw takes back what the actor sent to itself', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy({ capacity: 1, capacityBytes: 4 }));
  mailbox.offer('user', header);
  const own = {};
  mailbox.offerOwn('beyond every bound', own);
  mailbox.offerOwn('kept', header);
  assert.equal(
    mailbox.withdraw((header) => header === own),
    true,
  );
  assert.equal(
    mailbox.withdraw((header) => header === own),
    false,
  );
  assert.equal(mailbox.take(), 'kept');
  assert.equal(mailbox.take(), 'user');
  assert.equal(mailbox.hasWork, false);
  assert.equal(mailbox.sizeBytes, 0);
});

test('Mailbox counts bytes of payloads, and none for ever of one that was changed while it waited', () => {
  const mailbox = new Mailbox<object, string>(toMailboxPolicy({ capacityBytes: 100 }));
  const bytes = new Uint8Array(60);
  assert.equal(mailbox.offer(bytes, header), true);
  assert.equal(mailbox.offer('x'.repeat(41), header), false);
  const list: unknown[] = ['1', new Uint8Array(20), 7];
  assert.equal(mailbox.offer(list, header), true);
  assert.equal(mailbox.offerUrgent('text', header), true);
  assert.equal(mailbox.sizeBytes, 100);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  list.push(new Uint8Array(1_000));
  for (const left of [96, 36, 0]) {
    mailbox.take();
    assert.equal(mailbox.sizeBytes, left);
  }
});

test('bytesOf looks into arrays and plain objects, however deep or in circles, and no further than is enough', () => {
  const circle: { body: Uint8Array; self?: unknown } = { body: new Uint8Array(100) };
  circle.self = circle;
  let deep: unknown = 'x'.repeat(50);
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const hostile = {
    get body(): never {
      throw new Error('planted');
    },
  };
  const cases: [unknown, number][] = [
    [undefined, 0],
    [7, 0],
    ['text', 4],
    [new ArrayBuffer(3), 3],
    [{ to: { body: new Uint8Array(100) }, n: 1 }, 116],
    [circle, 108],
    [deep, 100_000 * 8 - 8 + 50],
    [new Map([['key', 'x'.repeat(1_000)]]), 0],
    [hostile, Number.POSITIVE_INFINITY],
  ];
  for (const [payload, bytes] of cases) assert.equal(bytesOf(payload, 1e9), bytes);
  assert.ok(bytesOf(new Array(1e9), 1_000) <= 1_008, 'it has stopped looking');
});

/** What a mailbox should do, in the simplest way. */
class Model {
  readonly urgent: Item[] = [];
  stashed: Item[] = [];
  user: Item[] = [];
  readonly policy: Policy;

  constructor(policy: Policy) {
    this.policy = policy;
  }

  get bytes(): number {
    return weigh([...this.urgent.filter(({ isOwn }) => isOwn !== true), ...this.stashed, ...this.user]);
  }

  fits({ text }: Item): boolean {
    return this.user.length + this.stashed.length < this.policy.capacity && this.fitsBytes(text);
  }

  fitsUrgent({ text }: Item): boolean {
    return this.urgent.filter(({ isOwn }) => isOwn !== true).length < this.policy.capacity && this.fitsBytes(text);
  }

  fitsBytes(text: string): boolean {
    const { capacityBytes = Number.POSITIVE_INFINITY } = this.policy;
    return text === '' || this.bytes + text.length <= capacityBytes;
  }

  /** Takes out those that the actor sent to itself, wherever they are. */
  withdraw(isUnwanted: (item: Item) => boolean): void {
    const isKept = (item: Item) => item.isOwn !== true || !isUnwanted(item);
    this.urgent.splice(0, this.urgent.length, ...this.urgent.filter(isKept));
    this.stashed = this.stashed.filter(isKept);
    this.user = this.user.filter(isKept);
  }

  /** What is lost by the overflow of `item`; `undefined`: it is refused. */
  overflow(item: Item): Item[] | undefined {
    const { overflow } = this.policy;
    if (overflow === 'reject' || overflow === 'wait') return undefined;
    const lost: Item[] = [];
    const { capacity, capacityBytes = Number.POSITIVE_INFINITY } = this.policy;
    const elsewhere = this.bytes - weigh(this.user);
    const couldFit = elsewhere + item.text.length <= capacityBytes || item.text === '';
    // None is lost in vain.
    if (overflow === 'drop-newest' || this.stashed.length >= capacity || !couldFit) return [item];
    while (this.user.length > 0 && !this.fits(item)) lost.push(this.user.shift() as Item);
    if (!this.fits(item)) return [...lost, item];
    this.user.push(item);
    return lost;
  }
}

function weigh(items: readonly Item[]): number {
  return items.reduce((sum, { text }) => sum + text.length, 0);
}

interface Item {
  readonly id: number;
  readonly text: string;
  readonly isOwn?: boolean;
}

interface Policy {
  readonly capacity: number;
  readonly capacityBytes: number | undefined;
  readonly overflow: OverflowPolicy;
}

const STEP = fc.record({
  what: fc.constantFrom(
    'offer',
    'offer',
    'offer',
    'urgent',
    'own',
    'take',
    'take',
    'stash',
    'unstash',
    'trim',
    'withdraw',
  ),
  size: fc.nat(6),
});

for (const overflow of ['reject', 'wait', 'drop-oldest', 'drop-newest'] as const) {
  test(`Mailbox agrees with bounded lists under ${overflow}`, () => {
    const capacityBytes = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined });
    const policy = fc.record({
      capacity: fc.integer({ min: 1, max: 12 }),
      capacityBytes,
      overflow: fc.constant(overflow),
    });
    fc.assert(
      fc.property(policy, fc.array(STEP, { maxLength: 200 }), (policy, steps) => {
        const { capacityBytes, ...rest } = policy;
        const options = { ...rest, ...(capacityBytes !== undefined && { capacityBytes }) };
        const mailbox = new Mailbox<Item, string>(toMailboxPolicy(options));
        const model = new Model(policy);
        let taken: Item | undefined;
        for (const [id, { what, size }] of steps.entries()) {
          const item = { id, text: 'x'.repeat(size) };
          if (what === 'offer') offerBoth(mailbox, model, item);
          else if (what === 'urgent') {
            const fits = model.fitsUrgent(item);
            if (fits) model.urgent.push(item);
            assert.equal(mailbox.offerUrgent(item.text, item), fits);
          } else if (what === 'own') {
            model.urgent.push({ ...item, isOwn: true });
            mailbox.offerOwn(item.text, model.urgent.at(-1) as Item);
          } else if (what === 'withdraw') {
            model.withdraw((own) => own.id % 2 === size % 2);
            mailbox.withdraw((own) => own.isOwn === true && own.id % 2 === size % 2);
          } else if (what === 'take') taken = takeBoth(mailbox, model) ?? taken;
          else if (what === 'stash' && taken !== undefined) {
            const fits = model.fits(taken);
            if (fits) model.stashed.push(taken);
            assert.equal(mailbox.stash(taken.text, taken), fits);
            taken = undefined;
          } else if (what === 'unstash') {
            model.user = [...model.stashed, ...model.user];
            model.stashed = [];
            mailbox.unstash();
          } else mailbox.trim();
          assert.equal(mailbox.size, model.user.length + model.stashed.length + model.urgent.length);
          if (capacityBytes !== undefined) assert.equal(mailbox.sizeBytes, model.bytes);
        }
        while (takeBoth(mailbox, model) !== undefined);
        for (const stashed of model.stashed) assert.equal(mailbox.takeRest()?.header, stashed);
        assert.equal(mailbox.takeRest(), undefined);
        assert.equal(mailbox.sizeBytes, 0);
      }),
    );
  });
}

function offerBoth(mailbox: Mailbox<Item, string>, model: Model, item: Item): void {
  const fits = model.fits(item);
  if (fits) model.user.push(item);
  assert.equal(mailbox.offer(item.text, item), fits);
  if (fits) return;
  const lost = model.overflow(item);
  assert.deepEqual(
    mailbox.overflow(item.text, item)?.map(({ header }) => header),
    lost,
  );
}

function takeBoth(mailbox: Mailbox<Item, string>, model: Model): Item | undefined {
  const expected = model.urgent.shift() ?? model.user.shift();
  assert.equal(mailbox.peekHeader(), expected);
  if (expected !== undefined) assert.equal(mailbox.take(), expected.text);
  return expected;
}
