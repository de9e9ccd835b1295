import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Authority, type Decision, type Grants } from '../../capability/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { AUTHORITY, ON_DENIED } from '../authority/index.ts';
import { Guest } from '../guest/index.ts';
import { IoError, type Pollable } from '../io/index.ts';
import { NAME_RESOLVER } from '../names/index.ts';
import { asSocketAddress, fromNode, isIpv4InIpv6, isRemote, isUnicast, toAddressValue } from './addresses.ts';
import { DatagramQueue } from './datagram-queue.ts';
import { DatagramSender } from './datagram-sender.ts';
import { errnoToErrorCode, toConnectErrorCode } from './error-code.ts';
import { SOCKET_INTERFACES, SOCKET_SETTINGS, SOCKETS } from './index.ts';
import { LookupMemory } from './lookup-memory.ts';
import { clampBufferBytes, clampKeepAliveTime, TcpOptions } from './tcp-options.ts';

const isTrap = (error: unknown) => RuntimeError.is(error, 'COMPONENT_TRAPPED');
const LOOPBACK = { tag: 'ipv4', val: { port: 80, address: [127, 0, 0, 1] } };
const ANY_PORT = { tag: 'ipv4', val: { port: 0, address: [127, 0, 0, 1] } };

function setUp({ grants = {}, socketsMax = 2 }: { grants?: Grants; socketsMax?: number } = {}) {
  const clock = new ManualClock();
  const guest = new Guest({ clock, resourcesMax: 100 });
  const denials: Decision[] = [];
  guest.provide(AUTHORITY, new Authority(grants, guest.clock));
  guest.provide(ON_DENIED, (decision) => denials.push(decision));
  guest.provide(SOCKET_SETTINGS, { socketsMax, drainMs: 0 });
  // biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
  const call = (name: string, fn: string, ...args: unknown[]): any => {
    const item = SOCKET_INTERFACES[`wasi:sockets/${name}`]?.[fn];
    assert.ok(typeof item === 'function', fn);
    return item.call(guest, ...args);
  };
  const network = call('instance-network', 'instance-network');
  const tcp = () => call('tcp-create-socket', 'create-tcp-socket', 'ipv4').val;
  const udp = () => call('udp-create-socket', 'create-udp-socket', 'ipv4').val;
  return { clock, guest, denials, call, network, tcp, udp };
}

const DENIED = { tag: 'err', val: 'access-denied' };

test('S1: sockets answer access-denied to whatever no grant covers, and the denial names the line to add', () => {
  const { call, network, tcp, udp, denials } = setUp();
  const [socket, datagrams] = [tcp(), udp()];
  assert.deepEqual(call('tcp', '[method]tcp-socket.start-connect', socket, network, LOOPBACK), DENIED);
  assert.deepEqual(call('tcp', '[method]tcp-socket.start-bind', socket, network, LOOPBACK), DENIED);
  assert.deepEqual(call('tcp', '[method]tcp-socket.start-bind', socket, network, ANY_PORT), DENIED);
  assert.deepEqual(call('udp', '[method]udp-socket.start-bind', datagrams, network, ANY_PORT), DENIED);
  assert.deepEqual(call('ip-name-lookup', 'resolve-addresses', network, 'example.org'), DENIED);
  assert.deepEqual(
    denials.map(({ line }) => line),
    [
      'network = { connect = ["tcp://127.0.0.1:80"] }',
      'network = { listen = ["tcp://127.0.0.1:80"] }',
      'network = { listen = ["tcp://127.0.0.1:0"] }',
      'network = { listen = ["udp://127.0.0.1:0"] }',
      'network = { resolve = ["example.org"] }',
    ],
  );
});

test('sockets count against the limit of the guest until they are dropped', () => {
  const { call, tcp, udp, guest } = setUp({ socketsMax: 2 });
  const [first, second] = [tcp(), udp()];
  const full = { tag: 'err', val: 'new-socket-limit' };
  assert.deepEqual(call('tcp-create-socket', 'create-tcp-socket', 'ipv6'), full);
  assert.deepEqual(call('udp-create-socket', 'create-udp-socket', 'ipv4'), full);
  assert.equal(guest.part(SOCKETS).size, 2);
  first.drop();
  second.drop();
  assert.equal(guest.part(SOCKETS).size, 0);
  assert.equal(call('tcp-create-socket', 'create-tcp-socket', 'ipv6').tag, 'ok');
});

test('G3: sockets end a guest that declares other types', () => {
  const { call, network, tcp } = setUp();
  const socket = tcp();
  for (const address of [
    undefined,
    {},
    { tag: 'ipv5', val: {} },
    { tag: 'ipv4', val: { port: 1, address: [1, 2, 3] } },
    { tag: 'ipv4', val: { port: 1, address: [1, 2, 3, 256] } },
    { tag: 'ipv4', val: { port: 65_536, address: [1, 2, 3, 4] } },
    { tag: 'ipv6', val: { port: 1, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 65_536], scopeId: 0 } },
  ]) {
    assert.throws(() => call('tcp', '[method]tcp-socket.start-bind', socket, network, address), isTrap);
  }
  assert.throws(() => call('tcp', '[method]tcp-socket.start-bind', socket, {}, LOOPBACK), isTrap);
  assert.throws(() => call('tcp', '[method]tcp-socket.shutdown', socket, 'all'), isTrap);
  assert.throws(() => call('tcp', '[method]tcp-socket.finish-bind', {}), isTrap);
  assert.throws(() => call('udp-create-socket', 'create-udp-socket', 'ipx'), isTrap);
  assert.throws(() => call('ip-name-lookup', 'resolve-addresses', {}, 'example.org'), isTrap);
});

test('addresses of IPv4 in IPv6, multicast, and of nobody are told apart', () => {
  const v6 = (...address: number[]) =>
    asSocketAddress({ tag: 'ipv6', val: { port: 1, flowInfo: 0, address, scopeId: 0 } });
  const v4 = (...address: number[]) => asSocketAddress({ tag: 'ipv4', val: { port: 1, address } });
  assert.ok(isIpv4InIpv6(v6(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)) && isIpv4InIpv6(v6(0, 0, 0, 0, 0, 0, 0x7f00, 1)));
  assert.ok(!isIpv4InIpv6(v6(0, 0, 0, 0, 0, 0, 0, 1)) && !isIpv4InIpv6(v6(0, 0, 0, 0, 0, 0, 0, 0)));
  assert.ok(!isUnicast(v6(0xff02, 0, 0, 0, 0, 0, 0, 1)) && isUnicast(v6(0xff, 0, 0, 0, 0, 0, 0, 1)));
  assert.ok(!isUnicast(v4(224, 0, 0, 1)) && !isUnicast(v4(255, 255, 255, 255)) && isUnicast(v4(223, 0, 0, 1)));
  assert.ok(
    !isRemote(v4(0, 0, 0, 0), 'ipv4') && isRemote(v4(10, 0, 0, 1), 'ipv4') && !isRemote(v4(10, 0, 0, 1), 'ipv6'),
  );
  assert.deepEqual(toAddressValue('fe80::1'), { tag: 'ipv6', val: [0xfe80, 0, 0, 0, 0, 0, 0, 1] });
  assert.deepEqual(toAddressValue('::ffff:10.0.0.1'), { tag: 'ipv4', val: [10, 0, 0, 1] });
  assert.deepEqual(fromNode('fe80::1%nowhere', 5), { family: 'ipv6', host: 'fe80::1', port: 5, scopeId: 0 });
});

test('errors of the system have their names in WASI', () => {
  assert.equal(errnoToErrorCode('ECONNREFUSED'), 'connection-refused');
  assert.equal(errnoToErrorCode('toString'), 'unknown');
  assert.equal(errnoToErrorCode(undefined), 'unknown');
  assert.equal(toConnectErrorCode({ code: 'EADDRNOTAVAIL' }), 'address-in-use');
  assert.equal(toConnectErrorCode({ code: 'ENETUNREACH' }), 'remote-unreachable');
});

test('network-error-code names why a stream failed, if the system did', () => {
  const { call, guest } = setUp();
  assert.equal(
    call('network', 'network-error-code', new IoError(guest, { errno: 'ETIMEDOUT', cause: undefined })),
    'timeout',
  );
  assert.equal(
    call('network', 'network-error-code', new IoError(guest, { errno: undefined, cause: undefined })),
    undefined,
  );
  assert.throws(() => call('network', 'network-error-code', {}), isTrap);
});

test('TcpOptions are cut to what a system takes, and copied for each connection', () => {
  assert.equal(clampKeepAliveTime(1n), 1_000_000_000n);
  assert.equal(clampKeepAliveTime(2n ** 64n - 1n), 32_767_000_000_000n);
  assert.equal(clampBufferBytes(2n ** 64n - 1n), 4_194_304);
  const options = new TcpOptions();
  const copy = options.copy();
  options.keepAliveCount = 1;
  assert.equal(copy.keepAliveCount, 9);
});

test('DatagramQueue holds a bounded number of datagrams and bytes', () => {
  const queue = new DatagramQueue();
  const [here, there] = [fromNode('127.0.0.1', 1), fromNode('127.0.0.1', 2)];
  for (let count = 0; count < 256; count++) assert.ok(queue.push({ data: new Uint8Array(1), remote: here }));
  assert.ok(!queue.push({ data: new Uint8Array(0), remote: here }));
  assert.equal(queue.take(300).length, 256);
  for (let count = 0; count < 4; count++) assert.ok(queue.push({ data: new Uint8Array(65_507), remote: there }));
  assert.ok(!queue.push({ data: new Uint8Array(65_507), remote: here }));
  assert.ok(queue.push({ data: new Uint8Array(1), remote: here }));
  assert.equal(queue.keepFrom(here), 4);
  assert.ok(queue.push({ data: new Uint8Array(65_507), remote: here }));
});

test('DatagramSender permits no end of empty datagrams either, until the system has taken them', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const to = fromNode('127.0.0.1', socket.address().port);
  const sender = new DatagramSender(socket);
  let sent = 0;
  for (; sender.permit > 0 && sent < 10_000; sent++) sender.send(new Uint8Array(0), to);
  assert.ok(sent <= 512, `${sent} are under way`);
  await new Promise<void>((resolve) => sender.signal.watch(() => sender.permit > 0 && resolve()));
  socket.close();
});

test('S2: LookupMemory keeps the latest names of the latest addresses', () => {
  const memory = new LookupMemory();
  for (let count = 0; count < 1_100; count++)
    memory.remember(`n${count}.example`, [`10.0.${count >> 8}.${count & 255}`]);
  assert.deepEqual(memory.namesOf('10.0.0.0'), []);
  assert.deepEqual(memory.namesOf('10.0.4.75'), ['n1099.example']);
  for (let count = 0; count < 20; count++) memory.remember(`m${count}.example`, ['10.0.4.75']);
  assert.equal(memory.namesOf('10.0.4.75').length, 16);
  assert.ok(memory.namesOf('10.0.4.75').includes('m19.example'));
});

function settled(guest: Guest, pollable: Pollable): Promise<void> {
  return guest.wait((done) => {
    const cancel = pollable.watch(done);
    if (pollable.ready()) done();
    return cancel;
  });
}

const METHOD = '[method]resolve-address-stream.resolve-next-address';

test('resolve-addresses answers addresses and localhost without a lookup', () => {
  const { call, network, guest } = setUp({ grants: { network: { connect: ['tcp://localhost:1'] } } });
  guest.provide(NAME_RESOLVER, { resolve: () => assert.fail('nothing is to be looked up') });
  const answers = (name: string) => {
    const stream = call('ip-name-lookup', 'resolve-addresses', network, name).val;
    const found: unknown[] = [];
    for (;;) {
      const { val } = call('ip-name-lookup', METHOD, stream);
      if (val === undefined) return found;
      found.push(val);
    }
  };
  const one = { tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] };
  assert.deepEqual(answers('127.0.0.1'), [{ tag: 'ipv4', val: [127, 0, 0, 1] }]);
  assert.deepEqual(answers('[::]'), [{ tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 0] }]);
  assert.deepEqual(answers('DEAD:BEEF::0'), [{ tag: 'ipv6', val: [0xdead, 0xbeef, 0, 0, 0, 0, 0, 0] }]);
  assert.deepEqual(answers('LOCALHOST.'), [{ tag: 'ipv4', val: [127, 0, 0, 1] }, one]);
  for (const name of ['', ' ', 'a.b<&>', '127.0.0.1:80', '[::]:80', 'http://example.com/', 'a@b'])
    assert.deepEqual(call('ip-name-lookup', 'resolve-addresses', network, name), {
      tag: 'err',
      val: 'invalid-argument',
    });
});

test('resolve-addresses looks a Unicode name up once, in ASCII, and remembers where it led', async () => {
  const asked: string[] = [];
  const { call, network, guest } = setUp({ grants: { network: { resolve: ['*.example'] } } });
  guest.provide(NAME_RESOLVER, {
    async resolve(name) {
      asked.push(name);
      return ['1.2.3.4', 'fe80::1%eth0', '::ffff:5.6.7.8', 'nonsense'];
    },
  });
  const stream = call('ip-name-lookup', 'resolve-addresses', network, 'BÜCHER.example').val;
  assert.deepEqual(call('ip-name-lookup', METHOD, stream), { tag: 'err', val: 'would-block' });
  await settled(guest, call('ip-name-lookup', '[method]resolve-address-stream.subscribe', stream));
  const next = () => call('ip-name-lookup', METHOD, stream).val;
  assert.deepEqual(
    [next(), next(), next(), next()].map((value) => value?.tag),
    ['ipv4', 'ipv6', 'ipv4', undefined],
  );
  assert.deepEqual(asked, ['xn--bcher-kva.example']);
  assert.deepEqual(guest.part(SOCKETS).lookups.namesOf('5.6.7.8'), ['xn--bcher-kva.example']);
});

test('resolve-addresses ends by its deadline, and lets no guest have more than a few lookups under way', () => {
  const { call, clock, network, guest } = setUp({ grants: { network: { resolve: ['*'] } } });
  guest.provide(NAME_RESOLVER, { resolve: () => new Promise(() => undefined) });
  const lookUp = () => call('ip-name-lookup', 'resolve-addresses', network, 'a.example');
  const streams = Array.from({ length: 8 }, lookUp);
  assert.deepEqual(lookUp(), { tag: 'err', val: 'temporary-resolver-failure' });
  clock.advance(10_000);
  for (const { val } of streams) assert.deepEqual(call('ip-name-lookup', METHOD, val), { tag: 'err', val: 'timeout' });
});

test('resolve-addresses names the failures of the resolver, and leaves no timer with the guest gone', async () => {
  const { call, clock, network, guest } = setUp({ grants: { network: { resolve: ['*'] } } });
  let code = 'ENOTFOUND';
  guest.provide(NAME_RESOLVER, { resolve: () => Promise.reject(Object.assign(new Error(), { code })) });
  for (const [errno, expected] of [
    ['ENOTFOUND', 'name-unresolvable'],
    ['EAI_AGAIN', 'temporary-resolver-failure'],
    ['EAI_FAIL', 'permanent-resolver-failure'],
  ] as const) {
    code = errno;
    const stream = call('ip-name-lookup', 'resolve-addresses', network, 'a.example').val;
    await settled(guest, call('ip-name-lookup', '[method]resolve-address-stream.subscribe', stream));
    assert.deepEqual(call('ip-name-lookup', METHOD, stream), { tag: 'err', val: expected });
  }
  guest.provide(NAME_RESOLVER, { resolve: () => new Promise(() => undefined) });
  call('ip-name-lookup', 'resolve-addresses', network, 'a.example');
  await guest.dispose();
  assert.equal(clock.pendingTimers, 0);
});
