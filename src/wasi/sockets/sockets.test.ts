import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest } from '../guest/index.ts';
import { SOCKET_INTERFACES } from './index.ts';

test('S1: sockets answer access-denied to whatever would reach the network', () => {
  const guest = new Guest({ clock: new ManualClock(), resourcesMax: 2 });
  // biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
  const call = (name: string, fn: string, ...args: unknown[]): any => {
    const item = SOCKET_INTERFACES[`wasi:sockets/${name}`]?.[fn];
    assert.ok(typeof item === 'function', fn);
    return item.call(guest, ...args);
  };
  const denied = { tag: 'err', val: 'access-denied' };
  assert.deepEqual(call('tcp-create-socket', 'create-tcp-socket', 'ipv4'), denied);
  assert.deepEqual(call('udp-create-socket', 'create-udp-socket', 'ipv6'), denied);
  const network = call('instance-network', 'instance-network');
  assert.deepEqual(call('ip-name-lookup', 'resolve-addresses', network, 'example.org'), denied);
  const isTrap = (error: unknown) => RuntimeError.is(error, 'COMPONENT_TRAPPED');
  assert.throws(() => call('ip-name-lookup', 'resolve-addresses', {}, 'example.org'), isTrap);
  assert.throws(() => call('tcp', '[method]tcp-socket.shutdown', {}, 'both'), isTrap);
  network.drop();
});
