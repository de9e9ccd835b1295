import { type Host, parseAddress, parseHost, printAddress } from './addresses.ts';
import { allow, type Decision, deny, quote } from './decision.ts';
import {
  type Endpoint,
  type EndpointPattern,
  type HostPattern,
  isThere,
  matchesAddress,
  matchesHostName,
  mayLeadTo,
  parseEndpointPattern,
  parseHostPattern,
  printEndpoint,
  printHost,
} from './endpoints.ts';
import type { NetworkGrant } from './grants.ts';

/**
 * An HTTP request that goes out. Decide twice: without `address` before anything is looked up, and with it for the
 * address that is about to be connected to.
 */
export interface HttpRequest extends Endpoint {
  readonly kind: 'http';
  readonly scheme: 'http' | 'https';
  /** Where the name led to. A name whose owner points it at a private network is refused here. */
  readonly address?: string;
}

/** A use of the network below HTTP. */
export type NetworkRequest = ConnectRequest | ListenRequest | ResolveRequest;

/** To connect, or to send a datagram. */
export interface ConnectRequest {
  readonly kind: 'network';
  readonly action: 'connect';
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Names that led the same guest to the address; a grant of one of them covers it. */
  readonly names?: readonly string[];
}

/** To take what comes to an address of this machine. */
export interface ListenRequest {
  readonly kind: 'network';
  readonly action: 'listen';
  readonly transport: 'tcp' | 'udp';
  /** `0.0.0.0` and `::` are every address of this machine. */
  readonly address: string;
  /** 0 is one that the system chooses. */
  readonly port: number;
}

/** To look up the addresses of a name. */
export interface ResolveRequest {
  readonly kind: 'network';
  readonly action: 'resolve';
  readonly name: string;
}

export function decideHttp(patterns: readonly string[], request: HttpRequest): Decision {
  const named = parseHost(request.host);
  const address = request.address === undefined ? undefined : parseAddress(request.address);
  if (named === undefined || (request.address !== undefined && address === undefined)) return deny('what is no host');
  // An address leads to itself: if it was looked up to another one, the other one counts.
  const host: Host = named.kind === 'address' && address !== undefined ? { kind: 'address', address } : named;
  const endpoint = { scheme: request.scheme, host: printHost(host), port: request.port };
  const found = patterns.find((text) => {
    const pattern = readEndpoint(text);
    if (pattern === undefined || !isThere(pattern, request)) return false;
    if (host.kind === 'name') return matchesHostName(pattern.host, host.name);
    return matchesAddress(pattern.host, host.address);
  });
  if (found === undefined) return deny(`requests to ${quote(printEndpoint(endpoint))}`, httpLine(endpoint));
  if (host.kind === 'address' || address === undefined || mayLeadTo(host.name, address)) return allow(httpRule(found));
  const direct = patterns.find((text) => {
    const pattern = readEndpoint(text);
    return pattern?.host.kind === 'range' && isThere(pattern, request) && matchesAddress(pattern.host, address);
  });
  if (direct !== undefined) return allow(httpRule(direct));
  const there = printAddress(address);
  return deny(`${quote(host.name)} at the private address ${there}`, httpLine({ ...endpoint, host: there }));
}

export function decideNetwork(grant: NetworkGrant, request: NetworkRequest): Decision {
  switch (request.action) {
    case 'connect':
      return decideConnect(grant.connect ?? [], request);
    case 'listen':
      return decideListen(grant.listen ?? [], request);
    case 'resolve':
      return decideResolve(grant, request.name);
    default:
      return request satisfies never;
  }
}

function decideConnect(patterns: readonly string[], request: ConnectRequest): Decision {
  const { transport, port, names = [] } = request;
  const address = parseAddress(request.address);
  if (address === undefined) return deny('what is no address');
  const endpoint = { scheme: transport, host: printAddress(address), port };
  const led = names.filter((name) => mayLeadTo(name, address));
  const found = patterns.find((text) => {
    const pattern = readEndpoint(text);
    if (pattern === undefined || !isThere(pattern, endpoint)) return false;
    return matchesAddress(pattern.host, address) || led.some((name) => matchesHostName(pattern.host, name));
  });
  if (found !== undefined) return allow(networkLine('connect', found));
  const text = printEndpoint(endpoint);
  const line = networkLine('connect', printEndpoint({ ...endpoint, host: led[0] ?? endpoint.host }));
  return deny(`${transport === 'tcp' ? 'connections' : 'datagrams'} to ${quote(text)}`, line);
}

function decideListen(patterns: readonly string[], request: ListenRequest): Decision {
  const { transport, port } = request;
  const address = parseAddress(request.address);
  if (address === undefined) return deny('what is no address');
  const endpoint = { scheme: transport, host: printAddress(address), port };
  const found = patterns.find((text) => {
    const pattern = readEndpoint(text);
    if (pattern === undefined || !isThere(pattern, endpoint)) return false;
    // Here `*` is every address of this machine: what is private is not entered but offered.
    return pattern.host.kind === 'any' || matchesAddress(pattern.host, address);
  });
  if (found !== undefined) return allow(networkLine('listen', found));
  const text = printEndpoint(endpoint);
  return deny(`listening at ${quote(text)}`, networkLine('listen', text));
}

/** A name may be looked up by one who may resolve it, or connect to it: who may connect can tell its owner more. */
function decideResolve(grant: NetworkGrant, text: string): Decision {
  const host = parseHost(text);
  if (host === undefined) return deny('what is no name');
  if (host.kind === 'address') return allow('an address');
  const found = grant.resolve?.find((pattern) => {
    const read = readHost(pattern);
    return read?.kind === 'any' || (read !== undefined && matchesHostName(read, host.name));
  });
  if (found !== undefined) return allow(networkLine('resolve', found));
  const reached = grant.connect?.find((pattern) => {
    const read = readEndpoint(pattern);
    return read !== undefined && matchesHostName(read.host, host.name);
  });
  if (reached !== undefined) return allow(networkLine('connect', reached));
  return deny(`looking up ${quote(host.name)}`, networkLine('resolve', host.name));
}

function httpLine(endpoint: Endpoint): string {
  return httpRule(printEndpoint(endpoint));
}

export function httpRule(pattern: string): string {
  return `http = [${quote(pattern)}]`;
}

export function networkLine(action: string, pattern: string): string {
  return `network = { ${action} = [${quote(pattern)}] }`;
}

/** Patterns kept read; they are the operator's and few. When there are more, all are read again. */
const READ_PATTERNS_MAX = 1_024;

/** Makes a pure reader of texts remember. A decision per request would else cost two parses of a URL per pattern. */
function remembering<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined || known.has(text)) return found as T;
    if (known.size >= READ_PATTERNS_MAX) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
}

export const readEndpoint = remembering<EndpointPattern | undefined>(parseEndpointPattern);
export const readHost = remembering<HostPattern | undefined>(parseHostPattern);
