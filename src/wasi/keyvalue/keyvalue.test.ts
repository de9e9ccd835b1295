import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Authority, type Decision } from '../../capability/index.ts';
import { HostResourceType } from '../../component/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { ManualClock, systemClock } from '../../time/index.ts';
import { AUTHORITY, ON_DENIED } from '../authority/index.ts';
import { Guest, Parts } from '../guest/index.ts';
import { KEYVALUE_INTERFACES, KEYVALUE_SETTINGS } from './index.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (this: Guest, ...args: any[]) => any>;
type Draft = 'draft' | 'draft2';

const DRAFTS: readonly Draft[] = ['draft', 'draft2'];
const OK = { tag: 'ok', val: undefined };

/** What a guest may be ended with. Anything else is a fault of ours. */
const ENDS = new Set(['COMPONENT_TRAPPED', 'COMPONENT_LIMIT']);

const bytes = (text: string) => new TextEncoder().encode(text);
const ok = (val: unknown) => ({ tag: 'ok', val });

/** A guest of one draft, and its functions by interface and name. */
function setUp(draft: Draft, { store, keyvalue = ['*'] }: { store?: Store; keyvalue?: readonly string[] }) {
  const denials: Decision[] = [];
  const shared = new Parts().set(AUTHORITY, new Authority({ keyvalue }, systemClock));
  if (store !== undefined) shared.set(KEYVALUE_SETTINGS, { store });
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 20, shared });
  guest.provide(ON_DENIED, (decision) => void denials.push(decision));
  const item = (name: string, fn: string) => KEYVALUE_INTERFACES[`wasi:keyvalue/${name}@0.2.0-${draft}`]?.[fn];
  const call = (name: string, fn: string, ...args: unknown[]) =>
    (item(name, fn) as Functions[string]).call(guest, ...args);
  const method = (fn: string, ...args: unknown[]) => call('store', `[method]bucket.${fn}`, ...args);
  const drop = (name: string, resource: string, value: object) => {
    (item(name, resource) as HostResourceType).dropValue(value);
  };
  return { guest, denials, call, method, drop, open: (name: string) => call('store', 'open', name) };
}

describe('wasi:keyvalue', () => {
  let store: Store;
  before(async () => {
    store = await openStore({ limits: { bucketKeys: 2_500 } });
  });
  after(() => store.close());

  for (const draft of DRAFTS) {
    test(`${draft}: a bucket gives what was set, and nothing that was deleted`, async () => {
      const { open, method } = setUp(draft, { store });
      const bucket = open(`set-${draft}`).val;
      assert.deepEqual(await method('get', bucket, 'a'), OK);
      assert.deepEqual(await method('exists', bucket, 'a'), ok(false));
      assert.deepEqual(await method('delete', bucket, 'a'), OK);
      assert.deepEqual(await method('set', bucket, 'a', bytes('1')), OK);
      assert.deepEqual(await method('set', bucket, '', bytes('')), OK);
      assert.deepEqual(await method('get', bucket, 'a'), ok(bytes('1')));
      assert.deepEqual(await method('get', bucket, ''), ok(bytes('')));
      assert.deepEqual(await method('exists', bucket, 'a'), ok(true));
      assert.deepEqual(await method('list-keys', bucket, undefined), ok({ keys: ['a', ''], cursor: undefined }));
      assert.deepEqual(await method('delete', bucket, 'a'), OK);
      assert.deepEqual(await method('exists', bucket, 'a'), ok(false));
    });

    test(`KV1: ${draft}: open gives the buckets that are granted, and tells the operator of any other`, () => {
      const { open, denials } = setUp(draft, { store, keyvalue: ['default', 'team-*'] });
      assert.equal(open('default').tag, 'ok');
      assert.equal(open('team-a').tag, 'ok');
      assert.equal(open('').tag, 'ok', 'the store without a name');
      assert.deepEqual(open('other'), { tag: 'err', val: { tag: 'access-denied' } });
      assert.deepEqual(
        denials.map(({ line }) => line),
        ['keyvalue = ["other"]'],
      );
      for (const name of ['../x', 'team-*', 'x'.repeat(1_000_000)]) {
        assert.deepEqual(open(name), { tag: 'err', val: { tag: 'no-such-store' } });
      }
      const storeless = setUp(draft, {});
      assert.deepEqual(storeless.open('default'), { tag: 'err', val: { tag: 'no-such-store' } });
    });

    test(`${draft}: open ends a guest that hoards buckets; dropped ones count no more`, () => {
      const { open, drop } = setUp(draft, { store });
      for (let round = 0; round < 100; round++) drop('store', 'bucket', open('a').val);
      for (let held = 0; held < 20; held++) open('a');
      assert.throws(
        () => open('a'),
        (error) => RuntimeError.is(error, 'COMPONENT_LIMIT'),
      );
    });

    test(`KV2: ${draft}: guests that are granted the same bucket share it, whatever their draft`, async () => {
      const [one, other] = [setUp(draft, { store }), setUp(draft === 'draft' ? 'draft2' : 'draft', { store })];
      await one.method('set', one.open(`shared-${draft}`).val, 'a', bytes('1'));
      assert.deepEqual(await other.method('get', other.open(`shared-${draft}`).val, 'a'), ok(bytes('1')));
    });

    test(`KV4: ${draft}: increment counts across guests, as text, within the bounds of the draft`, async () => {
      const guests = Array.from({ length: 4 }, () => setUp(draft, { store }));
      const add = ({ call, open }: (typeof guests)[number], delta: bigint) =>
        call('atomics', 'increment', open(`count-${draft}`).val, 'n', delta);
      const sums = await Promise.all(guests.flatMap((guest) => [1n, 2n, 3n, 4n].map((delta) => add(guest, delta))));
      assert.equal(
        sums.reduce((max, { val }) => (val > max ? val : max), 0n),
        40n,
      );
      const [guest] = guests as [(typeof guests)[number]];
      assert.deepEqual(await guest.method('get', guest.open(`count-${draft}`).val, 'n'), ok(bytes('40')));
      const most = draft === 'draft' ? 2n ** 64n - 1n : 2n ** 63n - 1n;
      assert.deepEqual(await add(guest, most - 40n), ok(most));
      const over = await add(guest, 1n);
      assert.equal(over.val.tag, 'other');
      assert.match(over.val.val, /^STORE_NUMBER_INVALID: .*the sum would not be between/);
      if (draft === 'draft2') assert.deepEqual(await add(guest, -most - 1n), ok(-1n));
      assert.throws(
        () => add(guest, -(2n ** 64n)),
        (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'),
      );
    });

    test(`${draft}: batch takes more than the store takes at once`, async () => {
      const { call, open } = setUp(draft, { store });
      const bucket = open(`batch-${draft}`).val;
      const keys = Array.from({ length: 2_400 }, (_, index) => `${index}`);
      const pairs = keys.map((key) => [key, bytes(key)]);
      assert.deepEqual(await call('batch', 'set-many', bucket, pairs), OK);
      assert.deepEqual(
        await call('batch', 'get-many', bucket, ['7', 'none', ...keys]),
        ok([['7', bytes('7')], undefined, ...pairs]),
      );
      assert.deepEqual(await call('batch', 'delete-many', bucket, ['none', ...keys.slice(2)]), OK);
      assert.deepEqual(await call('batch', 'get-many', bucket, keys.slice(0, 3)), ok([pairs[0], pairs[1], undefined]));
      for (const fn of ['set-many', 'delete-many']) assert.deepEqual(await call('batch', fn, bucket, []), OK);
      assert.deepEqual(await call('batch', 'get-many', bucket, []), ok([]));
    });

    test(`${draft}: batch refuses what is too much, and what came before stays written`, async () => {
      const { call, open, method } = setUp(draft, { store });
      const bucket = open(`much-${draft}`).val;
      const pairs = Array.from({ length: 2_600 }, (_, index) => [`${index}`, bytes('x')]);
      const full = await call('batch', 'set-many', bucket, pairs);
      assert.match(full.val.val, /^STORE_LIMIT: .*holds 2500 of 2500 keys/);
      assert.deepEqual(await method('exists', bucket, '2047'), ok(true));
      const large = open(`large-${draft}`).val;
      const value = new Uint8Array(8 * 1_024 ** 2);
      assert.deepEqual(
        await call('batch', 'set-many', large, [
          ['a', value],
          ['b', value],
          ['c', value],
        ]),
        OK,
      );
      assert.match((await call('batch', 'get-many', large, ['a', 'b', 'c'])).val.val, /more than 16777216 bytes/);
      assert.equal((await call('batch', 'get-many', large, ['a', 'b'])).val.length, 2);
      await call('batch', 'delete-many', large, ['a', 'b', 'c']);
    });

    test(`KV5: ${draft}: what the store refuses is the guest's other, with a code`, async () => {
      const { call, open, method } = setUp(draft, { store });
      const bucket = open(`refuse-${draft}`).val;
      const key = 'k'.repeat(1_025);
      for (const refused of [
        method('get', bucket, key),
        method('set', bucket, key, bytes('')),
        method('delete', bucket, key),
        method('exists', bucket, key),
        call('atomics', 'increment', bucket, key, 1n),
        call('batch', 'get-many', bucket, [key]),
        call('batch', 'set-many', bucket, [[key, bytes('')]]),
        call('batch', 'delete-many', bucket, [key]),
        method('set', bucket, 'k', new Uint8Array(8 * 1_024 ** 2 + 1)),
      ]) {
        const { tag, val } = await refused;
        assert.deepEqual([tag, val.tag], ['err', 'other']);
        assert.match(val.val, /^STORE_LIMIT: /);
      }
    });

    test(`KV6: ${draft}: list-keys goes on where it was, in any instance`, async () => {
      const { call, open } = setUp(draft, { store });
      const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`);
      await call(
        'batch',
        'set-many',
        open(`list-${draft}`).val,
        keys.map((key) => [key, bytes('')]),
      );
      const seen: string[] = [];
      let cursor: unknown;
      do {
        const { open: openAgain, method } = setUp(draft, { store });
        const page = await method('list-keys', openAgain(`list-${draft}`).val, cursor);
        seen.push(...page.val.keys);
        ({ cursor } = page.val);
        assert.ok(cursor === undefined || typeof cursor === (draft === 'draft' ? 'bigint' : 'string'));
      } while (cursor !== undefined);
      assert.deepEqual(seen, keys);
    });
  }

  test('whatever a guest passes is answered, or ends the guest', async () => {
    const anything = (bucket: object, cas: object) =>
      fc.constantFrom<unknown>(
        ...[undefined, null, true, -1, 0.5, Number.NaN, -1n, 1n, 2n ** 64n, '', 'a', '\ud800', 'x'.repeat(2_000)],
        ...[[], {}, ['a'], [['a']], [['a', bytes('1')]], [[bytes('1'), 'a']], new Array(3), bytes('1'), bucket, cas],
      );
    for (const draft of DRAFTS) {
      const { call, open, guest } = setUp(draft, { store });
      const { call: second, open: openSecond } = setUp('draft2', { store });
      const bucket = open('any').val;
      const swap = (await second('atomics', '[static]cas.new', openSecond('any').val, 'a')).val;
      const functions = ['store', 'atomics', 'batch'].flatMap((name) =>
        Object.entries(KEYVALUE_INTERFACES[`wasi:keyvalue/${name}@0.2.0-${draft}`] ?? {})
          .filter(([, item]) => !(item instanceof HostResourceType))
          .map(([fn]) => [name, fn] as const),
      );
      const args = fc.array(anything(bucket, swap), { maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...functions), args, async ([name, fn], values) => {
          const outcome = await (async () => call(name, fn, ...values))().catch((error: RuntimeError) => error);
          if (outcome instanceof Error) assert.ok(ENDS.has((outcome as RuntimeError).code), String(outcome));
          else assert.ok(outcome.tag === 'ok' || outcome.tag === 'err');
          // What it was given does not count here.
          if (outcome.tag === 'ok' && (fn === 'open' || fn === '[static]cas.new')) guest.release();
        }),
        { numRuns: 500 },
      );
    }
  });

  test('KV6: list-keys takes any cursor that a guest makes up', async () => {
    const [numbers, texts] = [setUp('draft', { store }), setUp('draft2', { store })];
    const empty = ok({ keys: [], cursor: undefined });
    assert.deepEqual(await numbers.method('list-keys', numbers.open('cursor').val, 2n ** 64n - 1n), empty);
    assert.deepEqual(await texts.method('list-keys', texts.open('cursor').val, '9'.repeat(15)), empty);
    for (const cursor of ['', '-1', '1.5', '9'.repeat(16), 'key']) {
      const { val } = await texts.method('list-keys', texts.open('cursor').val, cursor);
      assert.deepEqual(val, { tag: 'other', val: 'The cursor is not one that list-keys gave' });
    }
  });

  test('KV4: a swap writes what nobody has changed since, and else gives the handle back, renewed', async () => {
    const { call, open, method, drop } = setUp('draft2', { store });
    const bucket = open('cas').val;
    const cas = (await call('atomics', '[static]cas.new', bucket, 'a')).val;
    assert.deepEqual(await call('atomics', '[method]cas.current', cas), OK);
    await method('set', bucket, 'a', bytes('1'));
    const failed = await call('atomics', 'swap', cas, bytes('mine'));
    assert.deepEqual([failed.tag, failed.val.tag], ['err', 'cas-failed']);
    const renewed = failed.val.val;
    await method('set', bucket, 'a', bytes('2'));
    await method('set', bucket, 'a', bytes('1'));
    assert.equal((await call('atomics', 'swap', renewed, bytes('mine'))).val.tag, 'cas-failed', 'the same value again');
    assert.deepEqual(await call('atomics', '[method]cas.current', renewed), ok(bytes('1')));
    assert.deepEqual(await call('atomics', 'swap', renewed, bytes('mine')), OK);
    assert.deepEqual(await method('get', bucket, 'a'), ok(bytes('mine')));
    const unused = (await call('atomics', '[static]cas.new', bucket, 'a')).val;
    drop('atomics', 'cas', unused);
  });

  test('a swap leaves no handle behind, however it ends', async () => {
    const { call, open, drop } = setUp('draft2', { store });
    const bucket = open('handles').val;
    for (let round = 0; round < 30; round++) {
      const cas = (await call('atomics', '[static]cas.new', bucket, 'a')).val;
      const outcome = await call('atomics', 'swap', cas, new Uint8Array(round % 2 === 0 ? 8 * 1_024 ** 2 + 1 : 1));
      if (round % 2 === 0) assert.equal(outcome.val.tag, 'store-error');
      else assert.deepEqual(outcome, OK);
      const tooLong = await call('atomics', '[static]cas.new', bucket, 'k'.repeat(1_025));
      assert.equal(tooLong.val.tag, 'other');
    }
    drop('store', 'bucket', bucket);
    for (let held = 0; held < 20; held++) open('handles');
  });

  test('KV5: a guest is not told where the store lies', async () => {
    const closed = await openStore();
    await closed.close();
    const unusable: Store = Object.assign(Object.create(closed), {
      exists: () =>
        Promise.reject(
          new RuntimeError('STORE_UNUSABLE', 'Cannot use "/srv/secret"', { details: { file: '/srv/secret' } }),
        ),
    });
    const { open, method } = setUp('draft', { store: unusable });
    const bucket = open('a').val;
    assert.deepEqual((await method('exists', bucket, 'a')).val, {
      tag: 'other',
      val: 'STORE_UNUSABLE: The file of the store cannot be used',
    });
    const other = setUp('draft', { store: closed });
    assert.match((await other.method('exists', other.open('a').val, 'a')).val.val, /^STORE_CLOSED: /);
  });
});
