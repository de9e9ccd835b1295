import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest, Parts } from '../guest/index.ts';
import { CONFIG_INTERFACES, CONFIG_VALUES, configValues } from './index.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (this: Guest, ...args: any[]) => any>;

const NAMES = ['wasi:config/store@0.2.0-rc.1', 'wasi:config/store@0.2.0-draft', 'wasi:config/runtime@0.2.0-draft'];

function setUp(table?: Readonly<Record<string, unknown>>) {
  const shared = new Parts();
  if (table !== undefined) shared.set(CONFIG_VALUES, configValues(table));
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 10, shared });
  return (name: string, fn: string, ...args: unknown[]) =>
    (CONFIG_INTERFACES[name] as unknown as Functions)[fn]?.call(guest, ...args);
}

test('CF1: config gives the values of the component under every name of the interface', () => {
  const call = setUp({ greeting: 'hello', empty: '' });
  for (const name of NAMES) {
    assert.deepEqual(call(name, 'get', 'greeting'), { tag: 'ok', val: 'hello' });
    assert.deepEqual(call(name, 'get', 'empty'), { tag: 'ok', val: '' });
    assert.deepEqual(call(name, 'get', 'toString'), { tag: 'ok', val: undefined });
    assert.deepEqual(call(name, 'get-all').val, [
      ['greeting', 'hello'],
      ['empty', ''],
    ]);
    assert.throws(
      () => call(name, 'get', 1),
      (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'),
    );
  }
  assert.deepEqual(Object.keys(CONFIG_INTERFACES).sort(), [...NAMES].sort());
});

test('config of a component that has none is empty', () => {
  const call = setUp();
  assert.deepEqual(call('wasi:config/store@0.2.0-rc.1', 'get', 'a'), { tag: 'ok', val: undefined });
  assert.deepEqual(call('wasi:config/store@0.2.0-rc.1', 'get-all'), { tag: 'ok', val: [] });
});

test('configValues makes texts of scalars, paths of tables and JSON of lists', () => {
  const values = configValues({
    text: 'as it is',
    whole: 3,
    part: 0.25,
    yes: true,
    day: new Date('2026-01-02T03:04:05Z'),
    list: [1, 'two', { three: 3 }],
    retry: { max: 3, backoff: { min: '50ms' } },
    none: null,
    'a.b': 'first',
    a: { b: 'second' },
  });
  assert.deepEqual(Object.fromEntries(values), {
    text: 'as it is',
    whole: '3',
    part: '0.25',
    yes: 'true',
    day: '2026-01-02T03:04:05.000Z',
    list: '[1,"two",{"three":3}]',
    'retry.max': '3',
    'retry.backoff.min': '50ms',
    'a.b': 'first',
  });
});
