import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { after, describe, test } from 'node:test';
import { RuntimeError } from '../../src/errors/index.ts';
import { until } from '../kit/process.ts';
import { address, type Family, fails, ok, openDescriptors, openHandles, SocketGuest } from '../kit/sockets.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((entries) => entries?.some(({ address: at }) => at === '::1'));
const FAMILIES: readonly Family[] = HAS_IPV6 ? ['ipv4', 'ipv6'] : ['ipv4'];
const WRONG = { ipv4: 'ipv6', ipv6: 'ipv4' } as const;
const UNSPECIFIED = { ipv4: [0, 0, 0, 0], ipv6: [0, 0, 0, 0, 0, 0, 0, 0] } as const;
const NOBODYS = { ipv4: [192, 0, 2, 1], ipv6: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1] } as const;
const MAPPED = [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1];
const LOCAL_UDP = ['udp://0.0.0.0/0:*', 'udp://[::]/0:*'];

// biome-ignore lint/suspicious/noExplicitAny: values of the interface, by their WIT names
type Any = any;

const guests: SocketGuest[] = [];

function newGuest(options: ConstructorParameters<typeof SocketGuest>[0] = {}): SocketGuest {
  const guest = new SocketGuest({ grants: { network: { connect: LOCAL_UDP, listen: ['udp://*:*'] } }, ...options });
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

/** A bound socket and its streams to everybody, or to `remote`. */
async function endpoint(guest: SocketGuest, family: Family, remote?: Any) {
  const socket = guest.createUdp(family);
  ok(await guest.bindUdp(socket, address(family, 0)));
  const [incoming, outgoing] = ok(guest.udp('stream', socket, remote));
  return { socket, incoming, outgoing, at: ok(guest.udp('local-address', socket)) };
}

async function send(
  guest: SocketGuest,
  outgoing: Any,
  ...datagrams: readonly { data: string; to?: Any }[]
): Promise<Any> {
  const permit = ok(await guest.call('udp.outgoing-datagram-stream.check-send', outgoing));
  assert.ok(permit >= BigInt(datagrams.length));
  const list = datagrams.map(({ data, to }) => ({ data: new TextEncoder().encode(data), remoteAddress: to }));
  return guest.call('udp.outgoing-datagram-stream.send', outgoing, list);
}

/** Waits until `count` datagrams have come. */
async function receive(guest: SocketGuest, incoming: Any, count: number): Promise<{ text: string; from: Any }[]> {
  const received: { text: string; from: Any }[] = [];
  while (received.length < count) {
    const some = ok(await guest.call('udp.incoming-datagram-stream.receive', incoming, 100n));
    for (const { data, remoteAddress } of some)
      received.push({ text: Buffer.from(data).toString(), from: remoteAddress });
    if (some.length === 0) await guest.block(guest.call('udp.incoming-datagram-stream.subscribe', incoming));
  }
  return received;
}

for (const family of FAMILIES) {
  describe(`udp over ${family}`, () => {
    test('bind takes a free port, or the one that was asked for, and names what is wrong with an address', async () => {
      const guest = newGuest();
      const socket = guest.createUdp(family);
      ok(await guest.bindUdp(socket, address(family, 0)));
      const bound = ok(guest.udp('local-address', socket));
      assert.notEqual(bound.val.port, 0);
      const other = guest.createUdp(family);
      assert.deepEqual(await guest.bindUdp(other, bound), fails('address-in-use'));
      assert.deepEqual(await guest.bindUdp(other, address(WRONG[family], 0)), fails('invalid-argument'));
      assert.deepEqual(await guest.bindUdp(other, address(family, 0, NOBODYS[family])), fails('address-not-bindable'));
      if (family === 'ipv6')
        assert.deepEqual(await guest.bindUdp(other, address(family, 0, MAPPED)), fails('invalid-argument'));
      socket.drop();
      // The system lets go of the port with the next turn.
      await guest.guest.turn();
      ok(await guest.bindUdp(other, bound));
    });

    test('a socket goes from unbound to bound, and its streams to a peer and back', async () => {
      const guest = newGuest();
      const socket = guest.createUdp(family);
      assert.deepEqual(guest.udp('finish-bind', socket), fails('not-in-progress'));
      assert.deepEqual(guest.udp('stream', socket, undefined), fails('invalid-state'));
      assert.deepEqual(guest.udp('local-address', socket), fails('invalid-state'));
      assert.deepEqual(guest.udp('remote-address', socket), fails('invalid-state'));
      checkOptions(guest, socket);
      ok(guest.udp('start-bind', socket, guest.network, address(family, 0, UNSPECIFIED[family])));
      const again = () => guest.udp('start-bind', socket, guest.network, address(family, 0));
      assert.deepEqual(again(), fails('concurrency-conflict'));
      ok(guest.udp('finish-bind', socket));
      assert.deepEqual(again(), fails('invalid-state'));
      assert.deepEqual(guest.udp('finish-bind', socket), fails('not-in-progress'));
      const { port } = ok(guest.udp('local-address', socket)).val;
      for (const remote of [undefined, 4_321, 4_321, 4_320, undefined, 4_321]) {
        ok(guest.udp('stream', socket, remote === undefined ? undefined : address(family, remote)));
        const expected = remote === undefined ? fails('invalid-state') : { tag: 'ok', val: address(family, remote) };
        assert.deepEqual(guest.udp('remote-address', socket), expected);
        assert.equal(ok(guest.udp('local-address', socket)).val.port, port);
      }
      assert.equal(guest.udp('address-family', socket), family);
      assert.ok(guest.udp('subscribe', socket).ready());
      checkOptions(guest, socket);
    });

    test('stream and send name what is wrong with an address', async () => {
      const guest = newGuest();
      const { socket, outgoing, at } = await endpoint(guest, family);
      const wrong = [
        address(family, 47, UNSPECIFIED[family]),
        address(family, 0),
        address(WRONG[family], 47),
        ...(family === 'ipv6' ? [address(family, 47, MAPPED)] : []),
      ];
      for (const to of wrong) {
        assert.deepEqual(await send(guest, outgoing, { data: 'x', to }), fails('invalid-argument'));
        assert.deepEqual(guest.udp('stream', socket, to), fails('invalid-argument'));
      }
      assert.deepEqual(await send(guest, outgoing, { data: 'x' }), fails('invalid-argument'));
      const [, connected] = ok(guest.udp('stream', socket, at));
      assert.deepEqual(await send(guest, connected, { data: 'x', to: address(family, 47) }), fails('invalid-argument'));
      assert.equal(ok(await send(guest, connected, { data: 'x', to: at })), 1n);
      const large = { data: new Uint8Array(65_508), remoteAddress: at };
      const answer = guest.call('udp.outgoing-datagram-stream.send', connected, [large]);
      assert.deepEqual(answer, fails('datagram-too-large'));
    });

    test('datagrams come as they were sent, the empty one too, with the address of the sender', async () => {
      const guest = newGuest();
      const server = await endpoint(guest, family);
      const client = await endpoint(guest, family, server.at);
      ok(await send(guest, client.outgoing, { data: '' }, { data: 'Hello', to: server.at }));
      const received = await receive(guest, server.incoming, 2);
      assert.deepEqual(received, [
        { text: '', from: client.at },
        { text: 'Hello', from: client.at },
      ]);
      ok(await send(guest, server.outgoing, { data: 'Greetings', to: client.at }));
      assert.deepEqual(await receive(guest, client.incoming, 1), [{ text: 'Greetings', from: server.at }]);
    });

    test('a stream to one peer gives nothing of others, even what has come before', async () => {
      const guest = newGuest();
      const destination = await endpoint(guest, family);
      const [a, b] = [await endpoint(guest, family, destination.at), await endpoint(guest, family, destination.at)];
      for (const { outgoing, data } of [
        { ...a, data: 'A' },
        { ...b, data: 'B' },
        { ...a, data: 'A' },
      ])
        ok(await send(guest, outgoing, { data }));
      await guest.block(guest.call('udp.incoming-datagram-stream.subscribe', destination.incoming));
      const [incoming] = ok(guest.udp('stream', destination.socket, b.at));
      assert.deepEqual(await receive(guest, incoming, 1), [{ text: 'B', from: b.at }]);
      assert.deepEqual(ok(await guest.call('udp.incoming-datagram-stream.receive', incoming, 1n)), []);
    });

    test('the streams of before work no more', async () => {
      const guest = newGuest();
      const { socket, incoming, outgoing } = await endpoint(guest, family);
      const permit = ok(guest.call('udp.outgoing-datagram-stream.check-send', outgoing));
      assert.ok(permit > 0n);
      ok(guest.udp('stream', socket, undefined));
      assert.ok(guest.call('udp.incoming-datagram-stream.subscribe', incoming).ready());
      assert.deepEqual(guest.call('udp.incoming-datagram-stream.receive', incoming, 1n), fails('invalid-state'));
      assert.deepEqual(guest.call('udp.outgoing-datagram-stream.check-send', outgoing), fails('invalid-state'));
      assert.deepEqual(guest.call('udp.outgoing-datagram-stream.send', outgoing, []), fails('invalid-state'));
    });

    test('a peer that is gone is reported to who receives', async () => {
      const guest = newGuest();
      const receiver = await endpoint(guest, family);
      receiver.socket.drop();
      await guest.guest.turn();
      const { incoming, outgoing } = await endpoint(guest, family, receiver.at);
      ok(await send(guest, outgoing, { data: 'hello' }));
      await guest.block(guest.call('udp.incoming-datagram-stream.subscribe', incoming));
      assert.deepEqual(guest.call('udp.incoming-datagram-stream.receive', incoming, 1n), fails('connection-refused'));
    });
  });
}

function checkOptions(guest: SocketGuest, socket: unknown): void {
  const set = (name: string, value: unknown) => guest.udp(`set-${name}`, socket, value);
  const get = (name: string) => ok(guest.udp(name, socket));
  assert.ok(get('unicast-hop-limit') > 0);
  assert.deepEqual(set('unicast-hop-limit', 0), fails('invalid-argument'));
  for (const hops of [1, 255, 42]) ok(set('unicast-hop-limit', hops));
  assert.equal(get('unicast-hop-limit'), 42);
  for (const name of ['receive-buffer-size', 'send-buffer-size']) {
    assert.ok(get(name) > 0n);
    assert.deepEqual(set(name, 0n), fails('invalid-argument'));
    for (const bytes of [1n, 2n ** 64n - 1n, 0x10000n]) ok(set(name, bytes));
    assert.equal(get(name), 0x10000n);
  }
}

test('send ends a guest that sends more than was permitted', async () => {
  const guest = newGuest();
  const { outgoing, at } = await endpoint(guest, 'ipv4');
  const one = { data: new Uint8Array(1), remoteAddress: at };
  const isTrap = (error: unknown) => RuntimeError.is(error, 'COMPONENT_TRAPPED');
  const sendList = (list: readonly unknown[]) => guest.call('udp.outgoing-datagram-stream.send', outgoing, list);
  assert.throws(() => sendList([one]), isTrap);
  const permit = Number(ok(guest.call('udp.outgoing-datagram-stream.check-send', outgoing)));
  assert.throws(() => sendList(Array.from({ length: permit + 1 }, () => one)), isTrap);
  assert.equal(ok(sendList(Array.from({ length: permit }, () => one))), BigInt(permit));
  assert.throws(() => sendList([one]), isTrap);
});

test('S1: each destination of a datagram is decided for itself, and those before the first denial are sent', async () => {
  const owner = newGuest();
  const granted = await endpoint(owner, 'ipv4');
  const other = await endpoint(owner, 'ipv4');
  const guest = newGuest({ grants: { network: { connect: [`udp://127.0.0.1:${granted.at.val.port}`] } } });
  const { outgoing, socket } = await endpoint(guest, 'ipv4');
  const answer = await send(guest, outgoing, { data: '1', to: granted.at }, { data: '2', to: other.at });
  assert.equal(ok(answer), 1n);
  assert.deepEqual(await send(guest, outgoing, { data: '3', to: other.at }), fails('access-denied'));
  assert.deepEqual(guest.udp('stream', socket, other.at), fails('access-denied'));
  assert.equal(guest.denials.at(-1)?.line, `network = { connect = ["udp://127.0.0.1:${other.at.val.port}"] }`);
  assert.equal((await receive(owner, granted.incoming, 1))[0]?.text, '1');
});

test('S3: a guest without a grant to listen hears only those to whom it may send', async () => {
  const owner = newGuest();
  const [friend, stranger] = [await endpoint(owner, 'ipv4'), await endpoint(owner, 'ipv4')];
  const guest = newGuest({ grants: { network: { connect: [`udp://127.0.0.1:${friend.at.val.port}`] } } });
  assert.deepEqual(await guest.bindUdp(guest.createUdp(), address('ipv4', 40_001)), fails('access-denied'));
  const { incoming, at } = await endpoint(guest, 'ipv4');
  ok(await send(owner, stranger.outgoing, { data: 'spam', to: at }));
  ok(await send(owner, friend.outgoing, { data: 'hello', to: at }));
  assert.deepEqual(await receive(guest, incoming, 1), [{ text: 'hello', from: friend.at }]);
  assert.equal(guest.table.datagramsDropped, 1);
});

test('S1: who may listen may answer those it has heard, and nobody else', async () => {
  const owner = newGuest();
  const [friend, stranger] = [await endpoint(owner, 'ipv4'), await endpoint(owner, 'ipv4')];
  const guest = newGuest({ grants: { network: { listen: ['udp://127.0.0.1:*'] } } });
  const { incoming, outgoing, at } = await endpoint(guest, 'ipv4');
  assert.deepEqual(await send(guest, outgoing, { data: 'early', to: friend.at }), fails('access-denied'));
  ok(await send(owner, friend.outgoing, { data: 'hello', to: at }));
  await receive(guest, incoming, 1);
  ok(await send(guest, outgoing, { data: 'answer', to: friend.at }));
  assert.deepEqual(await receive(owner, friend.incoming, 1), [{ text: 'answer', from: at }]);
  assert.deepEqual(await send(guest, outgoing, { data: 'late', to: stranger.at }), fails('access-denied'));
});

test('datagrams that nobody takes are dropped and counted', async () => {
  const guest = newGuest();
  const { at, incoming } = await endpoint(guest, 'ipv4');
  const outside = createSocket('udp4');
  const sendOne = () =>
    new Promise<void>((sent) => outside.send(Buffer.alloc(10), at.val.port, '127.0.0.1', () => sent()));
  for (let count = 0; count < 300; count++) {
    await sendOne();
    await guest.guest.turn();
  }
  while (guest.table.datagramsDropped < 44) await guest.guest.turn();
  assert.equal((await receive(guest, incoming, 256)).length, 256);
  outside.close();
});

test('S6: every descriptor is closed when the guest is gone, in whatever state its sockets were', async () => {
  await disposeAll();
  const before = openDescriptors();
  const guest = new SocketGuest({ grants: { network: { connect: LOCAL_UDP, listen: ['udp://*:*'] } } });
  guest.createUdp();
  ok(guest.udp('start-bind', guest.createUdp(), guest.network, address('ipv4', 0)));
  const { incoming, outgoing, at } = await endpoint(guest, 'ipv4');
  const waiting = guest.block(guest.call('udp.incoming-datagram-stream.subscribe', incoming));
  const gone = guest.dispose();
  await assert.rejects(waiting, { code: 'COMPONENT_KILLED' });
  await gone;
  await disposeAll();
  assert.equal(guest.table.size, 0);
  assert.equal(openDescriptors(), before);
  assert.deepEqual(guest.call('udp.outgoing-datagram-stream.check-send', outgoing), fails('invalid-state'));
  assert.ok(at.val.port > 0);
});
