import { type HostInstance, HostResourceType } from '../../component/index.ts';
import {
  asBytes,
  asLength,
  asListOf,
  asRecord,
  asResource,
  asText,
  asU32,
  asU64,
  defineInterfaces,
  type Guest,
  OK,
  ok,
  Token,
  trap,
} from '../guest/index.ts';
import { IoError } from '../io/index.ts';
import { asFamily, asSocketAddress, type SocketAddress, toSocketAddressValue } from './addresses.ts';
import { IncomingDatagrams, type OutgoingDatagram, OutgoingDatagrams } from './datagram-streams.ts';
import { type ErrorCode, errnoToErrorCode, refused, type SocketResult } from './error-code.ts';
import { ResolveAddressStream, resolveAddresses } from './name-lookup.ts';
import {
  clampBacklog,
  clampBufferBytes,
  clampKeepAliveCount,
  clampKeepAliveTime,
  type TcpOptions,
} from './tcp-options.ts';
import { TcpSocket } from './tcp-socket.ts';
import { UdpSocket } from './udp-socket.ts';

/** The `network` resource: no authority, only something to pass on. What a guest may do stands in its grants. */
class Network extends Token {}

/** Node.js leaves the hop limit of TCP to the system; what Linux and most others have. */
const TCP_HOP_LIMIT = 64;

const asNetwork = (value: unknown) => asResource(value, Network);
const asTcp = (value: unknown) => asResource(value, TcpSocket);
const asUdp = (value: unknown) => asResource(value, UdpSocket);
const asIncoming = (value: unknown) => asResource(value, IncomingDatagrams);
const asOutgoing = (value: unknown) => asResource(value, OutgoingDatagrams);

function addressResult(result: SocketResult<SocketAddress>) {
  return result.tag === 'err' ? result : ok(toSocketAddressValue(result.val));
}

function bufferBytesOf(value: unknown): number {
  return clampBufferBytes(asU64(value));
}

/** Sets an option of a TCP socket that must not be 0. */
function setTcp<T extends number | bigint>(
  self: unknown,
  value: T,
  set: (options: TcpOptions, value: T) => void,
): SocketResult<undefined> {
  const socket = asTcp(self);
  if (value === 0 || value === 0n) return refused('invalid-argument');
  set(socket.options, value);
  socket.applyOptions();
  return OK;
}

/** Sets an option of a UDP socket that must not be 0. */
function setUdp(
  self: unknown,
  value: number,
  set: (socket: UdpSocket, value: number) => void,
): SocketResult<undefined> {
  const socket = asUdp(self);
  if (value === 0) return refused('invalid-argument');
  set(socket, value);
  return OK;
}

const TCP_OPERATIONS = {
  'tcp-socket': new HostResourceType<TcpSocket>('tcp-socket', (socket) => socket.drop()),
  '[method]tcp-socket.start-bind': (self, network, address) => {
    asNetwork(network);
    return asTcp(self).startBind(asSocketAddress(address));
  },
  '[method]tcp-socket.finish-bind': (self) => asTcp(self).finishBind(),
  '[method]tcp-socket.start-connect': (self, network, address) => {
    asNetwork(network);
    return asTcp(self).startConnect(asSocketAddress(address));
  },
  '[method]tcp-socket.finish-connect': (self) => asTcp(self).finishConnect(),
  '[method]tcp-socket.start-listen': (self) => asTcp(self).startListen(),
  '[method]tcp-socket.finish-listen': (self) => asTcp(self).finishListen(),
  '[method]tcp-socket.accept': (self) => asTcp(self).accept(),
  '[method]tcp-socket.local-address': (self) => addressResult(asTcp(self).localAddress()),
  '[method]tcp-socket.remote-address': (self) => addressResult(asTcp(self).remoteAddress()),
  '[method]tcp-socket.is-listening': (self) => asTcp(self).listening,
  '[method]tcp-socket.address-family': (self) => asTcp(self).family,
  '[method]tcp-socket.subscribe': (self) => asTcp(self).subscribe(),
  '[method]tcp-socket.shutdown': (self, what) =>
    what === 'receive' || what === 'send' || what === 'both'
      ? asTcp(self).shutdown(what)
      : trap('Cannot shut down a direction that is none'),
} satisfies HostInstance;

const TCP_OPTIONS = {
  '[method]tcp-socket.set-listen-backlog-size': (self, value) => {
    const problem: ErrorCode | undefined = asTcp(self).backlogProblem;
    if (problem !== undefined && asU64(value) > 0n) return refused(problem);
    return setTcp(self, clampBacklog(asU64(value)), (options, backlog) => {
      options.backlog = backlog;
    });
  },
  '[method]tcp-socket.keep-alive-enabled': (self) => ok(asTcp(self).options.keepAlive),
  '[method]tcp-socket.set-keep-alive-enabled': (self, value) => {
    const socket = asTcp(self);
    socket.options.keepAlive = value === true;
    socket.applyOptions();
    return OK;
  },
  '[method]tcp-socket.keep-alive-idle-time': (self) => ok(asTcp(self).options.keepAliveIdleNs),
  '[method]tcp-socket.set-keep-alive-idle-time': (self, value) =>
    setTcp(self, asU64(value), (options, time) => {
      options.keepAliveIdleNs = clampKeepAliveTime(time);
    }),
  '[method]tcp-socket.keep-alive-interval': (self) => ok(asTcp(self).options.keepAliveIntervalNs),
  '[method]tcp-socket.set-keep-alive-interval': (self, value) =>
    setTcp(self, asU64(value), (options, time) => {
      options.keepAliveIntervalNs = clampKeepAliveTime(time);
    }),
  '[method]tcp-socket.keep-alive-count': (self) => ok(asTcp(self).options.keepAliveCount),
  '[method]tcp-socket.set-keep-alive-count': (self, value) =>
    setTcp(self, asU32(value), (options, count) => {
      options.keepAliveCount = clampKeepAliveCount(count);
    }),
  '[method]tcp-socket.hop-limit': (self) => {
    asTcp(self);
    return ok(TCP_HOP_LIMIT);
  },
  '[method]tcp-socket.set-hop-limit': (self, value) => {
    asTcp(self);
    const hops = asU32(value);
    if (hops === 0) return refused('invalid-argument');
    return hops === TCP_HOP_LIMIT ? OK : refused('not-supported');
  },
  '[method]tcp-socket.receive-buffer-size': (self) => ok(BigInt(asTcp(self).options.receiveBufferBytes)),
  '[method]tcp-socket.set-receive-buffer-size': (self, value) =>
    setTcp(self, bufferBytesOf(value), (options, bytes) => {
      options.receiveBufferBytes = bytes;
    }),
  '[method]tcp-socket.send-buffer-size': (self) => ok(BigInt(asTcp(self).options.sendBufferBytes)),
  '[method]tcp-socket.set-send-buffer-size': (self, value) =>
    setTcp(self, bufferBytesOf(value), (options, bytes) => {
      options.sendBufferBytes = bytes;
    }),
} satisfies HostInstance;

const UDP_SOCKET = {
  'udp-socket': new HostResourceType<UdpSocket>('udp-socket', (socket) => socket.drop()),
  '[method]udp-socket.start-bind': (self, network, address) => {
    asNetwork(network);
    return asUdp(self).startBind(asSocketAddress(address));
  },
  '[method]udp-socket.finish-bind': (self) => asUdp(self).finishBind(),
  '[method]udp-socket.stream': (self, remote) =>
    asUdp(self).stream(remote === undefined ? undefined : asSocketAddress(remote)),
  '[method]udp-socket.local-address': (self) => addressResult(asUdp(self).localAddress()),
  '[method]udp-socket.remote-address': (self) => addressResult(asUdp(self).remoteAddress()),
  '[method]udp-socket.address-family': (self) => asUdp(self).family,
  '[method]udp-socket.unicast-hop-limit': (self) => ok(asUdp(self).hopLimit),
  '[method]udp-socket.set-unicast-hop-limit': (self, value) =>
    setUdp(self, asU32(value) & 0xff, (socket, hops) => {
      socket.hopLimit = hops;
    }),
  '[method]udp-socket.receive-buffer-size': (self) => ok(BigInt(asUdp(self).receiveBufferBytes)),
  '[method]udp-socket.set-receive-buffer-size': (self, value) =>
    setUdp(self, bufferBytesOf(value), (socket, bytes) => {
      socket.receiveBufferBytes = bytes;
    }),
  '[method]udp-socket.send-buffer-size': (self) => ok(BigInt(asUdp(self).sendBufferBytes)),
  '[method]udp-socket.set-send-buffer-size': (self, value) =>
    setUdp(self, bufferBytesOf(value), (socket, bytes) => {
      socket.sendBufferBytes = bytes;
    }),
  '[method]udp-socket.subscribe': (self) => asUdp(self).subscribe(),
} satisfies HostInstance;

function asOutgoingDatagram(value: unknown): OutgoingDatagram {
  const { data, remoteAddress } = asRecord(value);
  return { data: asBytes(data), to: remoteAddress === undefined ? undefined : asSocketAddress(remoteAddress) };
}

const DATAGRAM_STREAMS = {
  'incoming-datagram-stream': new HostResourceType<IncomingDatagrams>('incoming-datagram-stream', (stream) =>
    stream.drop(),
  ),
  '[method]incoming-datagram-stream.receive': (self, max) =>
    asIncoming(self).receive(asLength(max, Number.MAX_SAFE_INTEGER)),
  '[method]incoming-datagram-stream.subscribe': (self) => asIncoming(self).subscribe(),
  'outgoing-datagram-stream': new HostResourceType<OutgoingDatagrams>('outgoing-datagram-stream', (stream) =>
    stream.drop(),
  ),
  '[method]outgoing-datagram-stream.check-send': (self) => asOutgoing(self).checkSend(),
  '[method]outgoing-datagram-stream.send': (self, datagrams) =>
    asOutgoing(self).send(asListOf(datagrams, asOutgoingDatagram)),
  '[method]outgoing-datagram-stream.subscribe': (self) => asOutgoing(self).subscribe(),
} satisfies HostInstance;

const NAME_LOOKUP = {
  'resolve-addresses'(this: Guest, network: unknown, name: unknown) {
    asNetwork(network);
    return resolveAddresses(this, asText(name));
  },
  'resolve-address-stream': new HostResourceType<ResolveAddressStream>('resolve-address-stream', (stream) =>
    stream.drop(),
  ),
  '[method]resolve-address-stream.resolve-next-address': (self: unknown) =>
    asResource(self, ResolveAddressStream).next(),
  '[method]resolve-address-stream.subscribe': (self: unknown) => asResource(self, ResolveAddressStream).subscribe(),
};

/** `wasi:sockets`. What the guest may do with it is what `network` of its grants says. */
export const SOCKET_INTERFACES = defineInterfaces({
  'wasi:sockets/network': {
    network: new HostResourceType<Network>('network', (network) => network.drop()),
    'network-error-code': (error) => {
      const { errno } = asResource(error, IoError);
      return errno === undefined ? undefined : errnoToErrorCode(errno);
    },
  },
  'wasi:sockets/instance-network': {
    'instance-network'(this: Guest) {
      return new Network(this);
    },
  },
  'wasi:sockets/ip-name-lookup': NAME_LOOKUP,
  'wasi:sockets/tcp': { ...TCP_OPERATIONS, ...TCP_OPTIONS },
  'wasi:sockets/tcp-create-socket': {
    'create-tcp-socket'(this: Guest, family) {
      return TcpSocket.create(this, asFamily(family));
    },
  },
  'wasi:sockets/udp': { ...UDP_SOCKET, ...DATAGRAM_STREAMS },
  'wasi:sockets/udp-create-socket': {
    'create-udp-socket'(this: Guest, family) {
      return UdpSocket.create(this, asFamily(family));
    },
  },
});
