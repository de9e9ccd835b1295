import {
  addressesBehind,
  type Host,
  isInRange,
  isLoopback,
  isUnspecified,
  parseAddress,
  parseHost,
} from './addresses.ts';
import {
  type ConnectRequest,
  type HttpRequest,
  httpRule,
  type ListenRequest,
  type NetworkRequest,
  networkLine,
  readEndpoint,
  readHost,
} from './decide-network.ts';
import { type Decision, keyValueLine, messagingLine, refuse } from './decision.ts';
import { type EndpointPattern, type HostPattern, isThere, LOOPBACK_NAME, matchesHostName } from './endpoints.ts';
import type { Denies } from './grants.ts';
import { matchesBucket, matchesName, matchesTopic } from './patterns.ts';
import type { CapabilityRequest } from './requests.ts';

/**
 * The refusal of a request by the first of `denies` that stands for it. Where a grant must name what it means, a denial takes
 * whatever could be meant: `*` is every host, a name is refused wherever it leads, an address by whatever name it was found.
 */
export function denialOf(denies: readonly Denies[] | undefined, request: CapabilityRequest): Decision | undefined {
  if (denies === undefined) return undefined;
  for (const denied of denies) {
    const line = lineOf(denied, request);
    if (line !== undefined) return refuse(denyRule(denied, line));
  }
  return undefined;
}

/** How a denial stands in its file, and in decisions. */
export function denyRule({ origin }: Denies, line: string): string {
  return `${origin === undefined ? '' : `${origin}: `}deny = { ${line} }`;
}

/** The line of `denied` that stands for the request. */
function lineOf(denied: Denies, request: CapabilityRequest): string | undefined {
  switch (request.kind) {
    case 'messaging': {
      const { action, target } = request;
      const matches = action === 'tell' || action === 'ask' ? matchesName : matchesTopic;
      const found = denied.messaging?.[action]?.find((pattern) => matches(pattern, target));
      return found === undefined ? undefined : messagingLine(action, found);
    }
    case 'keyvalue': {
      const found = denied.keyvalue?.find((pattern) => matchesBucket(pattern, request.bucket));
      return found === undefined ? undefined : keyValueLine(found);
    }
    case 'http': {
      const found = denied.http?.find((text) => isRefused(readEndpoint(text), request));
      return found === undefined ? undefined : httpRule(found);
    }
    case 'network':
      return networkLineOf(denied, request);
    default:
      // Of the other kinds nothing is granted by a pattern: what is refused of them is not granted.
      return undefined;
  }
}

function networkLineOf({ network }: Denies, request: NetworkRequest): string | undefined {
  const { action } = request;
  const found = network?.[action]?.find((text) => {
    switch (request.action) {
      case 'connect':
        return isRefused(readEndpoint(text), { ...request, scheme: request.transport });
      case 'listen':
        return isOffered(readEndpoint(text), request);
      case 'resolve':
        return isNamed(readHost(text), parseHost(request.name));
      default:
        return request satisfies never;
    }
  });
  return found === undefined ? undefined : networkLine(action, found);
}

type Target = HttpRequest | (ConnectRequest & { readonly scheme: 'tcp' | 'udp' });

function isRefused(pattern: EndpointPattern | undefined, target: Target): boolean {
  if (pattern === undefined || !isThere(pattern, target)) return false;
  const names = target.kind === 'http' ? [target.host] : (target.names ?? []);
  const hosts = [...names, ...(target.address === undefined ? [] : [target.address])];
  return hosts.some((host) => isNamed(pattern.host, parseHost(host)));
}

/** Who listens at every address of this machine listens at each that is refused. */
function isOffered(pattern: EndpointPattern | undefined, { transport, port, address: text }: ListenRequest): boolean {
  const address = parseAddress(text);
  if (pattern === undefined || address === undefined || !isThere(pattern, { scheme: transport, port })) return false;
  return isUnspecified(address) || isNamed(pattern.host, { kind: 'address', address });
}

/** What cannot be read is not granted either. */
function isNamed(pattern: HostPattern | undefined, host: Host | undefined): boolean {
  if (pattern === undefined || host === undefined) return false;
  if (pattern.kind === 'any') return true;
  if (host.kind === 'name') return matchesHostName(pattern, host.name);
  const addresses = addressesBehind(host.address);
  if (pattern.kind === 'range') return addresses.some((address) => isInRange(pattern.range, address));
  return pattern.kind === 'name' && pattern.name === LOOPBACK_NAME && addresses.some(isLoopback);
}
