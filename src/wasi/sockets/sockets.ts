import { type HostFunction, type HostInstance, HostResourceType } from '../../component/index.ts';
import { asResource, asText, defineInterfaces, type Err, err, type Guest, Token, trap } from '../guest/index.ts';

/** The `network` resource: no authority, only something to pass on. */
class Network extends Token {}

const DENIED: Err<'access-denied'> = Object.freeze(err('access-denied' as const));

const TCP_METHODS = [
  'start-bind',
  'finish-bind',
  'start-connect',
  'finish-connect',
  'start-listen',
  'finish-listen',
  'accept',
  'local-address',
  'remote-address',
  'is-listening',
  'address-family',
  'set-listen-backlog-size',
  'keep-alive-enabled',
  'set-keep-alive-enabled',
  'keep-alive-idle-time',
  'set-keep-alive-idle-time',
  'keep-alive-interval',
  'set-keep-alive-interval',
  'keep-alive-count',
  'set-keep-alive-count',
  'hop-limit',
  'set-hop-limit',
  'receive-buffer-size',
  'set-receive-buffer-size',
  'send-buffer-size',
  'set-send-buffer-size',
  'subscribe',
  'shutdown',
];

const UDP_METHODS = [
  'start-bind',
  'finish-bind',
  'stream',
  'local-address',
  'remote-address',
  'address-family',
  'unicast-hop-limit',
  'set-unicast-hop-limit',
  'receive-buffer-size',
  'set-receive-buffer-size',
  'send-buffer-size',
  'set-send-buffer-size',
  'subscribe',
];

/** A resource type that nothing gives out, so that its methods cannot be called; they are there to be linked. */
function unobtainable(resource: string, methods: readonly string[]): HostInstance {
  const method: HostFunction = () => trap(`Cannot use a "${resource}": none was ever given out`);
  const functions = methods.map((name) => [`[method]${resource}.${name}`, method]);
  return { [resource]: new HostResourceType(resource), ...Object.fromEntries(functions) };
}

/** `wasi:sockets` without authority: whatever would reach the network answers `access-denied`. */
export const SOCKET_INTERFACES = defineInterfaces({
  'wasi:sockets/instance-network': {
    'instance-network'(this: Guest) {
      return new Network(this);
    },
  },
  'wasi:sockets/network': { network: new HostResourceType<Network>('network', (network) => network.drop()) },
  'wasi:sockets/ip-name-lookup': {
    ...unobtainable('resolve-address-stream', ['resolve-next-address', 'subscribe']),
    'resolve-addresses': (network, name) => {
      asResource(network, Network);
      asText(name);
      return DENIED;
    },
  },
  'wasi:sockets/tcp': unobtainable('tcp-socket', TCP_METHODS),
  'wasi:sockets/tcp-create-socket': { 'create-tcp-socket': () => DENIED },
  'wasi:sockets/udp': {
    ...unobtainable('udp-socket', UDP_METHODS),
    ...unobtainable('incoming-datagram-stream', ['receive', 'subscribe']),
    ...unobtainable('outgoing-datagram-stream', ['check-send', 'send', 'subscribe']),
  },
  'wasi:sockets/udp-create-socket': { 'create-udp-socket': () => DENIED },
});
