import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, describe, test } from 'node:test';
import { NAME_RESOLVER } from '../../src/wasi/names/index.ts';
import { until } from '../kit/process.ts';
import {
  address,
  type Connected,
  type Family,
  fails,
  ok,
  openDescriptors,
  openHandles,
  SocketGuest,
} from '../kit/sockets.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((entries) => entries?.some(({ address: at }) => at === '::1'));
const FAMILIES: readonly Family[] = HAS_IPV6 ? ['ipv4', 'ipv6'] : ['ipv4'];
const WRONG = { ipv4: 'ipv6', ipv6: 'ipv4' } as const;
const UNSPECIFIED = { ipv4: [0, 0, 0, 0], ipv6: [0, 0, 0, 0, 0, 0, 0, 0] } as const;
/** Addresses for documentation: no interface has them. */
const NOBODYS = { ipv4: [192, 0, 2, 1], ipv6: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1] } as const;
const MULTICAST = { ipv4: [224, 254, 0, 0], ipv6: [0xff00, 0, 0, 0, 0, 0, 0, 0] } as const;
const MAPPED = [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1];
const SECOND = 1_000_000_000n;

const guests: SocketGuest[] = [];

function newGuest(options: ConstructorParameters<typeof SocketGuest>[0] = {}): SocketGuest {
  const guest = new SocketGuest(options);
  guests.push(guest);
  return guest;
}

/** Ends all guests so far, and waits until nothing of them keeps this process alive. */
async function disposeAll(): Promise<void> {
  for (const guest of guests.splice(0)) await guest.dispose();
  await until(
    () => openHandles() === 0,
    () => `${openHandles()} handles to be closed`,
  );
}

after(disposeAll);

/** Drops all three, in the order in which a guest has to. */
function drop({ socket, input, output }: Connected): void {
  input.drop();
  output.drop();
  socket.drop();
}

for (const family of FAMILIES) {
  describe(`tcp over ${family}`, () => {
    test('bind takes a free port, or the one that was asked for', async () => {
      const guest = newGuest();
      const socket = guest.createTcp(family);
      ok(await guest.bind(socket, address(family, 0)));
      const bound = ok(guest.tcp('local-address', socket));
      assert.deepEqual(bound.val.address, address(family, 0).val.address);
      assert.notEqual(bound.val.port, 0);
      socket.drop();
      const again = guest.createTcp(family);
      ok(await guest.bind(again, bound));
      assert.deepEqual(ok(guest.tcp('local-address', again)), bound);
      const everywhere = guest.createTcp(family);
      ok(await guest.bind(everywhere, address(family, 0, UNSPECIFIED[family])));
    });

    test('bind names what is wrong with an address, and can be tried again', async () => {
      const guest = newGuest();
      const socket = guest.createTcp(family);
      const { at } = await guest.listener(family);
      assert.deepEqual(await guest.bind(socket, address(WRONG[family], 0)), fails('invalid-argument'));
      assert.deepEqual(await guest.bind(socket, address(family, 0, MULTICAST[family])), fails('invalid-argument'));
      assert.deepEqual(await guest.bind(socket, address(family, 0, NOBODYS[family])), fails('address-not-bindable'));
      assert.deepEqual(await guest.bind(socket, at), fails('address-in-use'));
      if (family === 'ipv6')
        assert.deepEqual(await guest.bind(socket, address(family, 0, MAPPED)), fails('invalid-argument'));
      ok(await guest.bind(socket, address(family, 0)));
    });

    test('bind is not hindered by a connection that has just ended', async () => {
      const guest = newGuest();
      const { socket: listener, at } = await guest.listener(family);
      const client = guest.createTcp(family);
      ok(await guest.connect(client, at));
      const accepted = await guest.accept(listener);
      ok(await guest.write(accepted.output, 'x'.repeat(10)));
      drop(accepted);
      listener.drop();
      const second = guest.createTcp(family);
      ok(await guest.bind(second, at));
      ok(await guest.startListening(second));
    });

    test('connect names what is wrong with an address, and can be tried again', async () => {
      const guest = newGuest();
      const { at } = await guest.listener(family);
      const client = guest.createTcp(family);
      const wrong = [
        address(family, 47, UNSPECIFIED[family]),
        address(family, 0),
        address(WRONG[family], 47),
        address(family, 47, MULTICAST[family]),
        ...(family === 'ipv6' ? [address(family, at.val.port, MAPPED)] : [address(family, 47, [255, 255, 255, 255])]),
      ];
      for (const where of wrong) assert.deepEqual(await guest.connect(client, where), fails('invalid-argument'));
      ok(await guest.connect(client, at));
    });

    test('connect goes out from where the socket was bound', async () => {
      const guest = newGuest();
      const { socket: listener, at } = await guest.listener(family);
      const client = guest.createTcp(family);
      ok(await guest.bind(client, address(family, 0)));
      const bound = ok(guest.tcp('local-address', client));
      ok(await guest.connect(client, at));
      const { socket } = await guest.accept(listener);
      assert.deepEqual(ok(guest.tcp('remote-address', socket)), bound);
      assert.deepEqual(ok(guest.tcp('local-address', client)), bound);
    });

    test('connect is refused where nobody listens, and the socket is of no more use', async () => {
      const guest = newGuest();
      const { socket: listener, at } = await guest.listener(family);
      listener.drop();
      const client = guest.createTcp(family);
      assert.deepEqual(await guest.connect(client, at), fails('connection-refused'));
      assert.deepEqual(guest.tcp('finish-connect', client), fails('not-in-progress'));
      assert.deepEqual(await guest.connect(client, at), fails('invalid-state'));
      assert.deepEqual(await guest.bind(client, at), fails('invalid-state'));
    });

    test('an unbound socket can be bound or connected, and nothing else', () => {
      const guest = newGuest();
      const socket = guest.createTcp(family);
      for (const method of ['finish-bind', 'finish-connect', 'finish-listen'])
        assert.deepEqual(guest.tcp(method, socket), fails('not-in-progress'), method);
      for (const method of ['start-listen', 'accept', 'local-address', 'remote-address'])
        assert.deepEqual(guest.tcp(method, socket), fails('invalid-state'), method);
      assert.deepEqual(guest.tcp('shutdown', socket, 'both'), fails('invalid-state'));
      assert.equal(guest.tcp('is-listening', socket), false);
      assert.equal(guest.tcp('address-family', socket), family);
      assert.ok(guest.tcp('subscribe', socket).ready());
      checkOptions(guest, socket);
    });

    test('a bound socket keeps its address', async () => {
      const guest = newGuest();
      const socket = guest.createTcp(family);
      ok(guest.tcp('start-bind', socket, guest.network, address(family, 0)));
      assert.deepEqual(
        guest.tcp('start-bind', socket, guest.network, address(family, 0)),
        fails('concurrency-conflict'),
      );
      assert.deepEqual(
        guest.tcp('start-connect', socket, guest.network, address(family, 1)),
        fails('concurrency-conflict'),
      );
      assert.deepEqual(guest.tcp('start-listen', socket), fails('concurrency-conflict'));
      assert.deepEqual(guest.tcp('local-address', socket), fails('invalid-state'));
      ok(guest.tcp('finish-bind', socket));
      assert.deepEqual(guest.tcp('start-bind', socket, guest.network, address(family, 0)), fails('invalid-state'));
      for (const method of ['finish-bind', 'finish-connect', 'finish-listen'])
        assert.deepEqual(guest.tcp(method, socket), fails('not-in-progress'), method);
      for (const method of ['accept', 'remote-address'])
        assert.deepEqual(guest.tcp(method, socket), fails('invalid-state'), method);
      checkOptions(guest, socket);
    });

    test('a listening socket accepts, and nothing else', async () => {
      const guest = newGuest();
      const { socket, at } = await guest.listener(family);
      assert.deepEqual(guest.tcp('start-bind', socket, guest.network, at), fails('invalid-state'));
      assert.deepEqual(guest.tcp('start-connect', socket, guest.network, at), fails('invalid-state'));
      assert.deepEqual(guest.tcp('start-listen', socket), fails('invalid-state'));
      for (const method of ['finish-bind', 'finish-connect', 'finish-listen'])
        assert.deepEqual(guest.tcp(method, socket), fails('not-in-progress'), method);
      assert.deepEqual(guest.tcp('remote-address', socket), fails('invalid-state'));
      assert.deepEqual(guest.tcp('shutdown', socket, 'both'), fails('invalid-state'));
      assert.equal(guest.tcp('is-listening', socket), true);
      assert.deepEqual(await guest.tcp('accept', socket), fails('would-block'));
      assert.ok(!guest.tcp('subscribe', socket).ready());
      assert.deepEqual(guest.tcp('set-listen-backlog-size', socket, 32n), fails('not-supported'));
      checkOptions(guest, socket);
    });

    test('a connected socket knows both ends', async () => {
      const guest = newGuest();
      const { client, server } = await guest.pair(family);
      const { socket } = client;
      const at = address(family, 1);
      assert.deepEqual(guest.tcp('start-bind', socket, guest.network, at), fails('invalid-state'));
      assert.deepEqual(guest.tcp('start-connect', socket, guest.network, at), fails('invalid-state'));
      assert.deepEqual(guest.tcp('start-listen', socket), fails('invalid-state'));
      assert.deepEqual(guest.tcp('accept', socket), fails('invalid-state'));
      for (const method of ['finish-bind', 'finish-connect', 'finish-listen'])
        assert.deepEqual(guest.tcp(method, socket), fails('not-in-progress'), method);
      assert.deepEqual(ok(guest.tcp('local-address', socket)), ok(guest.tcp('remote-address', server.socket)));
      assert.deepEqual(ok(guest.tcp('remote-address', socket)), ok(guest.tcp('local-address', server.socket)));
      assert.deepEqual(guest.tcp('set-listen-backlog-size', socket, 32n), fails('invalid-state'));
      checkOptions(guest, socket);
    });

    test('what one end writes the other reads, one connection after another', async () => {
      const guest = newGuest();
      const { socket: listener, at } = await guest.listener(family);
      for (const message of ['Hello', 'Greetings']) {
        const socket = guest.createTcp(family);
        const [input, output] = ok(await guest.connect(socket, at));
        ok(await guest.write(output, message));
        drop({ socket, input, output });
        const accepted = await guest.accept(listener);
        assert.equal(ok(guest.call('streams.input-stream.read', accepted.input, 0n)).length, 0);
        assert.equal(Buffer.from(await guest.readAll(accepted.input)).toString(), message);
        drop(accepted);
      }
    });

    test('an input stream is closed once the other end has shut down', async () => {
      const guest = newGuest();
      const { client, server } = await guest.pair(family);
      ok(guest.tcp('shutdown', server.socket, 'both'));
      ok(guest.tcp('shutdown', server.socket, 'both'));
      drop(server);
      await guest.block(guest.call('streams.input-stream.subscribe', client.input));
      for (const length of [10n, 0n]) {
        assert.equal(guest.call('streams.input-stream.read', client.input, length).val.tag, 'closed');
      }
    });

    test('an input stream is closed once its own socket has shut down, whatever has come', async () => {
      const guest = newGuest();
      const { client, server } = await guest.pair(family);
      ok(await guest.write(server.output, 'Lorem ipsum'));
      await guest.block(guest.call('streams.input-stream.subscribe', client.input));
      ok(guest.tcp('shutdown', client.socket, 'receive'));
      for (const length of [10n, 0n]) {
        assert.equal(guest.call('streams.input-stream.read', client.input, length).val.tag, 'closed');
      }
    });

    test('an output stream is closed once its socket has shut down', async () => {
      const guest = newGuest();
      const { client } = await guest.pair(family);
      ok(guest.tcp('shutdown', client.socket, 'send'));
      const answers = [
        guest.call('streams.output-stream.write', client.output, Buffer.from('Hi')),
        guest.call('streams.output-stream.check-write', client.output),
        guest.call('streams.output-stream.flush', client.output),
      ];
      for (const answer of answers) assert.equal(answer.val.tag, 'closed');
    });

    test('S6: nothing that was written is lost by a shutdown or a drop', async () => {
      const guest = newGuest();
      for (const end of ['shutdown', 'drop']) {
        const { client, server } = await guest.pair(family);
        const permit = Number(ok(guest.call('streams.output-stream.check-write', client.output)));
        // Far more than the system takes at once, since the other end does not read yet.
        let sent = 0;
        while (sent < 200 * permit) {
          const room = Number(ok(guest.call('streams.output-stream.check-write', client.output)));
          if (room === 0) break;
          ok(guest.call('streams.output-stream.write', client.output, new Uint8Array(room)));
          sent += room;
        }
        if (end === 'shutdown') ok(guest.tcp('shutdown', client.socket, 'send'));
        else drop(client);
        assert.equal((await guest.readAll(server.input)).length, sent);
      }
    });
  });
}

function checkOptions(guest: SocketGuest, socket: unknown): void {
  const set = (name: string, value: unknown) => guest.tcp(`set-${name}`, socket, value);
  const get = (name: string) => ok(guest.tcp(name, socket));
  ok(set('keep-alive-enabled', true));
  assert.equal(get('keep-alive-enabled'), true);
  for (const name of ['keep-alive-idle-time', 'keep-alive-interval']) {
    assert.deepEqual(set(name, 0n), fails('invalid-argument'));
    ok(set(name, 1n));
    ok(set(name, 2n ** 64n - 1n));
    ok(set(name, 42n * SECOND));
    assert.equal(get(name), 42n * SECOND);
  }
  assert.deepEqual(set('keep-alive-count', 0), fails('invalid-argument'));
  ok(set('keep-alive-count', 42));
  assert.equal(get('keep-alive-count'), 42);
  assert.deepEqual(set('hop-limit', 0), fails('invalid-argument'));
  assert.deepEqual(set('hop-limit', 255), fails('not-supported'));
  ok(set('hop-limit', get('hop-limit')));
  for (const name of ['receive-buffer-size', 'send-buffer-size']) {
    assert.ok(get(name) > 0n);
    assert.deepEqual(set(name, 0n), fails('invalid-argument'));
    ok(set(name, 2n ** 64n - 1n));
    ok(set(name, 0x10000n));
    assert.equal(get(name), 0x10000n);
  }
  assert.deepEqual(guest.tcp('set-listen-backlog-size', socket, 0n), fails('invalid-argument'));
}

test('an accepted socket has the options that the listener had, and its own from then on', async () => {
  const guest = newGuest();
  const { socket: listener, at } = await guest.listener();
  ok(guest.tcp('set-keep-alive-enabled', listener, true));
  ok(guest.tcp('set-keep-alive-idle-time', listener, 42n * SECOND));
  ok(await guest.connect(guest.createTcp(), at));
  const { socket } = await guest.accept(listener);
  ok(guest.tcp('set-keep-alive-idle-time', listener, 43n * SECOND));
  assert.equal(ok(guest.tcp('keep-alive-enabled', socket)), true);
  assert.equal(ok(guest.tcp('keep-alive-idle-time', socket)), 42n * SECOND);
});

test('S5: a guest that does not read makes its peer wait', async () => {
  const guest = newGuest();
  const { client, server } = await guest.pair();
  let sent = 0;
  const chunk = new Uint8Array(65_536);
  for (;;) {
    const room = Number(ok(await guest.call('streams.output-stream.check-write', client.output)));
    if (room === 0 && sent > 1_000_000) break;
    if (room > 0) ok(guest.call('streams.output-stream.write', client.output, chunk.subarray(0, room)));
    else await guest.guest.turn();
    sent += room;
    assert.ok(sent < 50_000_000, 'there is an end to what a peer takes that does not read');
  }
  ok(guest.tcp('shutdown', client.socket, 'send'));
  assert.equal((await guest.readAll(server.input)).length, sent);
});

test('S1: connect and listen need a grant of that address and port', async () => {
  const owner = newGuest();
  const { at } = await owner.listener();
  const { port } = at.val;
  const grants = { network: { connect: [`tcp://127.0.0.1:${port}`, 'tcp://*:*'], listen: ['tcp://127.0.0.1:0'] } };
  const guest = newGuest({ grants });
  ok(await guest.connect(guest.createTcp(), at));
  assert.deepEqual(
    await guest.connect(guest.createTcp(), address('ipv4', port, [127, 0, 0, 2])),
    fails('access-denied'),
  );
  assert.deepEqual(await guest.connect(guest.createTcp(), address('ipv4', port + 1)), fails('access-denied'));
  await guest.listener();
  assert.deepEqual(await guest.bind(guest.createTcp(), address('ipv4', port)), fails('access-denied'));
  const everywhere = guest.createTcp();
  ok(await guest.bind(everywhere, address('ipv4', 0, [0, 0, 0, 0])));
  assert.deepEqual(guest.tcp('start-listen', everywhere), fails('access-denied'));
  assert.equal(guest.denials.length, 4);
  assert.equal(guest.denials.at(-1)?.line, 'network = { listen = ["tcp://0.0.0.0:0"] }');
});

test('S2: a granted name covers the addresses that the guest was given for it, and no others', async () => {
  const owner = newGuest();
  const { at } = await owner.listener();
  const guest = newGuest({ grants: { network: { connect: [`tcp://localhost:${at.val.port}`] } } });
  const stream = ok(guest.call('ip-name-lookup.resolve-addresses', guest.network, 'localhost'));
  const { val: found } = guest.call('ip-name-lookup.resolve-address-stream.resolve-next-address', stream);
  ok(await guest.connect(guest.createTcp(), address('ipv4', at.val.port, found.val)));
  assert.deepEqual(
    guest.call('ip-name-lookup.resolve-addresses', guest.network, 'other.example'),
    fails('access-denied'),
  );
});

test('S2: a granted name that leads into a private network is no way in', async () => {
  const owner = newGuest();
  const { at } = await owner.listener();
  const guest = newGuest({ grants: { network: { connect: ['tcp://*:*', 'tcp://evil.example:*'] } } });
  guest.guest.provide(NAME_RESOLVER, { resolve: async () => ['127.0.0.1'] });
  const stream = ok(guest.call('ip-name-lookup.resolve-addresses', guest.network, 'evil.example'));
  await guest.block(guest.call('ip-name-lookup.resolve-address-stream.subscribe', stream));
  ok(guest.call('ip-name-lookup.resolve-address-stream.resolve-next-address', stream));
  assert.deepEqual(await guest.connect(guest.createTcp(), at), fails('access-denied'));
  assert.equal(guest.denials[0]?.line, `network = { connect = ["tcp://127.0.0.1:${at.val.port}"] }`);
});

test('a listener closes what there is no room for, and counts it', async () => {
  const guest = newGuest({ socketsMax: 4 });
  const { at } = await guest.listener();
  const outside = Array.from({ length: 6 }, () => connect(at.val.port, '127.0.0.1'));
  const closed = await Promise.all(
    outside.slice(3).map(
      (socket) =>
        new Promise<boolean>((resolve) => {
          socket.on('error', () => resolve(true));
          socket.on('close', () => resolve(true));
          socket.resume();
        }),
    ),
  );
  assert.deepEqual(closed, [true, true, true]);
  assert.equal(guest.table.connectionsDropped, 3);
  assert.equal(guest.table.size, 4);
  assert.deepEqual(guest.call('tcp-create-socket.create-tcp-socket', 'ipv4'), fails('new-socket-limit'));
  for (const socket of outside) socket.destroy();
});

test('S6: every descriptor is closed when the guest is gone, in whatever state its sockets were', async () => {
  await disposeAll();
  const before = openDescriptors();
  const guest = new SocketGuest();
  const { at } = await guest.listener();
  ok(await guest.bind(guest.createTcp(), address('ipv4', 0)));
  ok(guest.tcp('start-bind', guest.createTcp(), guest.network, address('ipv4', 0)));
  const { client } = await guest.pair();
  // A connection that nobody accepts, one under way, one with bytes that nobody reads.
  ok(await guest.connect(guest.createTcp(), at));
  ok(guest.tcp('start-connect', guest.createTcp(), guest.network, at));
  while (Number(ok(guest.call('streams.output-stream.check-write', client.output))) > 0)
    ok(guest.call('streams.output-stream.write', client.output, new Uint8Array(4_096)));
  const waiting = guest.call('streams.input-stream.blocking-read', client.input, 1n);
  const gone = guest.dispose();
  await assert.rejects(waiting, { code: 'COMPONENT_KILLED' });
  await gone;
  await disposeAll();
  assert.equal(guest.table.size, 0);
  assert.equal(openDescriptors(), before);
});

test('S6: a connection whose peer is gone closes by itself', async () => {
  const guest = newGuest();
  const { client, server, listener } = await guest.pair();
  listener.drop();
  drop(server);
  await guest.readAll(client.input);
  drop(client);
  while (guest.table.size > 0) await guest.guest.turn();
});
