import { type Host, type IpAddress, parseAddress, parseHost, printAddress } from './addresses.ts';
import { type Decision, deny, quote } from './decision.ts';
import {
  type Endpoint,
  type EndpointPattern,
  type HostPattern,
  isThere,
  matchesAddress,
  matchesHostName,
  mayLeadTo,
  printEndpoint,
  printHost,
} from './endpoints.ts';
import { httpLine, networkLine } from './lines.ts';
import type { ConnectRequest, HttpRequest, ListenRequest, NetworkRequest } from './requests.ts';
import { firstOf, type Moment, type Rule } from './rules.ts';

type EndpointRules = readonly Rule<EndpointPattern>[];

/** What is granted of the network, read. */
export interface NetworkRules {
  readonly connect: EndpointRules;
  readonly listen: EndpointRules;
  readonly resolve: readonly Rule<HostPattern>[];
}

export function decideHttp(rules: EndpointRules, request: HttpRequest, moment: Moment): Decision {
  const named = parseHost(request.host);
  const address = request.address === undefined ? undefined : parseAddress(request.address);
  if (named === undefined || (request.address !== undefined && address === undefined)) return deny('what is no host');
  // An address leads to itself: if it was looked up to another one, the other one counts.
  const host: Host = named.kind === 'address' && address !== undefined ? { kind: 'address', address } : named;
  const found = firstOf(rules, moment, (pattern) => isThere(pattern, request) && matchesHost(pattern.host, host));
  if (found === undefined) {
    const text = printEndpoint({ scheme: request.scheme, host: printHost(host), port: request.port });
    const what = `${request.method === undefined ? '' : `${quote(request.method)} `}requests to ${quote(text)}`;
    return deny(what, httpLine(text));
  }
  if (host.kind === 'address' || address === undefined || mayLeadTo(host.name, address)) return found;
  return decideDirect(rules, { request, name: host.name, address, moment });
}

interface Direct {
  readonly request: HttpRequest;
  readonly name: string;
  readonly address: IpAddress;
  readonly moment: Moment;
}

/** A private address has to be granted itself, whatever name led there. */
function decideDirect(rules: EndpointRules, { request, name, address, moment }: Direct): Decision {
  const direct = firstOf(
    rules,
    moment,
    (pattern) => pattern.host.kind === 'range' && isThere(pattern, request) && matchesAddress(pattern.host, address),
  );
  if (direct !== undefined) return direct;
  const { scheme, port } = request;
  const there = printAddress(address);
  return deny(`${quote(name)} at the private address ${there}`, httpLine(printEndpoint({ scheme, host: there, port })));
}

function matchesHost(pattern: HostPattern, host: Host): boolean {
  return host.kind === 'name' ? matchesHostName(pattern, host.name) : matchesAddress(pattern, host.address);
}

export function decideNetwork(rules: NetworkRules, request: NetworkRequest, moment: Moment): Decision {
  switch (request.action) {
    case 'connect':
      return decideConnect(rules.connect, request, moment);
    case 'listen':
      return decideListen(rules.listen, request, moment);
    case 'resolve':
      return decideResolve(rules, request.name, moment);
    default:
      return request satisfies never;
  }
}

function decideConnect(rules: EndpointRules, request: ConnectRequest, moment: Moment): Decision {
  const { transport, port, names = [] } = request;
  const address = parseAddress(request.address);
  if (address === undefined) return deny('what is no address');
  const target = { scheme: transport, port };
  const led = names.filter((name) => mayLeadTo(name, address));
  const found = firstOf(rules, moment, (pattern) => {
    if (!isThere(pattern, target)) return false;
    return matchesAddress(pattern.host, address) || led.some((name) => matchesHostName(pattern.host, name));
  });
  if (found !== undefined) return found;
  const endpoint: Endpoint = { ...target, host: printAddress(address) };
  const text = printEndpoint(endpoint);
  const line = networkLine('connect', printEndpoint({ ...endpoint, host: led[0] ?? endpoint.host }));
  return deny(`${transport === 'tcp' ? 'connections' : 'datagrams'} to ${quote(text)}`, line);
}

function decideListen(rules: EndpointRules, request: ListenRequest, moment: Moment): Decision {
  const { transport, port } = request;
  const address = parseAddress(request.address);
  if (address === undefined) return deny('what is no address');
  const target = { scheme: transport, port };
  const found = firstOf(rules, moment, (pattern) => {
    // Here `*` is every address of this machine: what is private is not entered but offered.
    return isThere(pattern, target) && (pattern.host.kind === 'any' || matchesAddress(pattern.host, address));
  });
  if (found !== undefined) return found;
  const text = printEndpoint({ ...target, host: printAddress(address) });
  return deny(`listening at ${quote(text)}`, networkLine('listen', text));
}

/** A name may be looked up by one who may resolve it, or connect to it: who may connect can tell its owner more. */
function decideResolve({ resolve, connect }: NetworkRules, text: string, moment: Moment): Decision {
  const host = parseHost(text);
  if (host === undefined) return deny('what is no name');
  const { name } = host.kind === 'name' ? host : { name: undefined };
  if (name === undefined) return { effect: 'allow', rule: 'an address', reason: 'An address is its own answer' };
  const found =
    firstOf(resolve, moment, (pattern) => pattern.kind === 'any' || matchesHostName(pattern, name)) ??
    firstOf(connect, moment, (pattern) => matchesHostName(pattern.host, name));
  return found ?? deny(`looking up ${quote(name)}`, networkLine('resolve', name));
}
