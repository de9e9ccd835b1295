import { type ListenRequest, parseEndpointPattern, patternOf } from '../../capability/index.ts';
import { AUTHORITY, isAllowed } from '../authority/index.ts';
import type { Guest } from '../guest/index.ts';
import type { SocketAddress } from './addresses.ts';
import { SOCKETS } from './socket-table.ts';

export type Transport = 'tcp' | 'udp';

/** Whether the guest may connect or send there: to the address, or to a granted name that led this guest to it. */
export function mayConnect(guest: Guest, transport: Transport, { host, port }: SocketAddress): boolean {
  const names = guest.part(SOCKETS).lookups.namesOf(host);
  return isAllowed(guest, { kind: 'network', action: 'connect', transport, address: host, port, names });
}

/** The same without a report: for what strangers do, not the guest. */
export function mayHearFrom(guest: Guest, { host, port }: SocketAddress): boolean {
  const names = guest.part(SOCKETS).lookups.namesOf(host);
  const request = { kind: 'network', action: 'connect', transport: 'udp', address: host, port, names } as const;
  return guest.part(AUTHORITY).decide(request).effect === 'allow';
}

/** Whether the guest may take what comes there. */
export function mayListen(guest: Guest, transport: Transport, address: SocketAddress): boolean {
  return isAllowed(guest, listening(transport, address));
}

/**
 * What the guest may do with a local address: `listen`, or only `connect` from it. A port that the system chooses is no
 * more than every connection has; any other one is an address that others know.
 */
export function bindingOf(guest: Guest, transport: Transport, address: SocketAddress): 'listen' | 'connect' | 'denied' {
  const authority = guest.part(AUTHORITY);
  const request = listening(transport, address);
  if (authority.decide(request).effect === 'allow') return isAllowed(guest, request) ? 'listen' : 'denied';
  const connects = authority.grants.network?.connect ?? [];
  const isClient =
    address.port === 0 && connects.some((granted) => parseEndpointPattern(patternOf(granted))?.scheme === transport);
  if (isClient) return 'connect';
  isAllowed(guest, request);
  return 'denied';
}

function listening(transport: Transport, { host, port }: SocketAddress): ListenRequest {
  return { kind: 'network', action: 'listen', transport, address: host, port };
}
