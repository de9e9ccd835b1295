import {
  addressesBehind,
  type Host,
  isInRange,
  isLoopback,
  isUnspecified,
  parseAddress,
  parseHost,
} from './addresses.ts';
import { type Decision, refuse } from './decision.ts';
import {
  type EndpointPattern,
  type HostPattern,
  isThere,
  LOOPBACK_NAME,
  matchesHostName,
  parseEndpointPattern,
  parseHostPattern,
} from './endpoints.ts';
import type { Denies, MessagingGrant } from './grants.ts';
import { httpLine, keyValueLine, messagingLine, networkLine } from './lines.ts';
import { matchesBucket, matchesName, matchesTopic } from './patterns.ts';
import type { CapabilityRequest, ConnectRequest, HttpRequest, ListenRequest, NetworkRequest } from './requests.ts';

/** A pattern that refuses, read. */
interface Refusal<Read> {
  readonly read: Read;
  readonly refused: Decision;
}

/**
 * Denials, read once. Where a grant must name what it means, a denial takes whatever could be meant: `*` is every host, a name
 * is refused wherever it leads, an address by whatever name it was found.
 */
export class Denials {
  readonly #all: readonly Refusals[];

  constructor(denies: readonly Denies[] | undefined) {
    this.#all = (denies ?? []).map((denied) => new Refusals(denied));
  }

  /** The refusal of a request by the first denial that stands for it. */
  of(request: CapabilityRequest): Decision | undefined {
    for (const refusals of this.#all) {
      const refused = refusals.of(request);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }
}

/** How a denial stands in its file, and in decisions. */
export function denyRule({ origin }: Denies, line: string): string {
  return `${origin === undefined ? '' : `${origin}: `}deny = { ${line} }`;
}

/** What one file denies. Of other kinds nothing is granted by a pattern: what is refused of them is not granted. */
class Refusals {
  readonly #messaging: Readonly<Record<keyof MessagingGrant, readonly Refusal<string>[]>>;
  readonly #buckets: readonly Refusal<string>[];
  readonly #http: readonly Refusal<EndpointPattern>[];
  readonly #connect: readonly Refusal<EndpointPattern>[];
  readonly #listen: readonly Refusal<EndpointPattern>[];
  readonly #resolve: readonly Refusal<HostPattern>[];

  constructor(denied: Denies) {
    const { messaging, keyvalue, http, network } = denied;
    const from = <Read>(
      patterns: readonly string[] | undefined,
      read: (pattern: string) => Read | undefined,
      line: (pattern: string) => string,
    ): Refusal<Read>[] =>
      (patterns ?? []).flatMap((pattern) => {
        const known = read(pattern);
        return known === undefined ? [] : [{ read: known, refused: refuse(denyRule(denied, line(pattern))) }];
      });
    const asIs = (pattern: string): string => pattern;
    const toThe = (action: keyof MessagingGrant) =>
      from(messaging?.[action], asIs, (pattern) => messagingLine(action, pattern));
    this.#messaging = {
      tell: toThe('tell'),
      ask: toThe('ask'),
      publish: toThe('publish'),
      subscribe: toThe('subscribe'),
    };
    this.#buckets = from(keyvalue, asIs, keyValueLine);
    this.#http = from(http, parseEndpointPattern, httpLine);
    this.#connect = from(network?.connect, parseEndpointPattern, (pattern) => networkLine('connect', pattern));
    this.#listen = from(network?.listen, parseEndpointPattern, (pattern) => networkLine('listen', pattern));
    this.#resolve = from(network?.resolve, parseHostPattern, (pattern) => networkLine('resolve', pattern));
  }

  of(request: CapabilityRequest): Decision | undefined {
    switch (request.kind) {
      case 'messaging': {
        const { action, target } = request;
        const matches = action === 'tell' || action === 'ask' ? matchesName : matchesTopic;
        return this.#messaging[action].find(({ read }) => matches(read, target))?.refused;
      }
      case 'keyvalue':
        return this.#buckets.find(({ read }) => matchesBucket(read, request.bucket))?.refused;
      case 'http':
        return this.#http.find(({ read }) => isRefused(read, request))?.refused;
      case 'network':
        return this.#ofNetwork(request);
      default:
        return undefined;
    }
  }

  #ofNetwork(request: NetworkRequest): Decision | undefined {
    switch (request.action) {
      case 'connect': {
        const target = { ...request, scheme: request.transport };
        return this.#connect.find(({ read }) => isRefused(read, target))?.refused;
      }
      case 'listen':
        return this.#listen.find(({ read }) => isOffered(read, request))?.refused;
      case 'resolve':
        return this.#resolve.find(({ read }) => isNamed(read, parseHost(request.name)))?.refused;
      default:
        return request satisfies never;
    }
  }
}

type Target = HttpRequest | (ConnectRequest & { readonly scheme: 'tcp' | 'udp' });

function isRefused(pattern: EndpointPattern, target: Target): boolean {
  if (!isThere(pattern, target)) return false;
  const names = target.kind === 'http' ? [target.host] : (target.names ?? []);
  const hosts = [...names, ...(target.address === undefined ? [] : [target.address])];
  return hosts.some((host) => isNamed(pattern.host, parseHost(host)));
}

/** Who listens at every address of this machine listens at each that is refused. */
function isOffered(pattern: EndpointPattern, { transport, port, address: text }: ListenRequest): boolean {
  const address = parseAddress(text);
  if (address === undefined || !isThere(pattern, { scheme: transport, port })) return false;
  return isUnspecified(address) || isNamed(pattern.host, { kind: 'address', address });
}

/** What cannot be read is not granted either. */
function isNamed(pattern: HostPattern, host: Host | undefined): boolean {
  if (host === undefined) return false;
  if (pattern.kind === 'any') return true;
  if (host.kind === 'name') return matchesHostName(pattern, host.name);
  const addresses = addressesBehind(host.address);
  if (pattern.kind === 'range') return addresses.some((address) => isInRange(pattern.range, address));
  return pattern.kind === 'name' && pattern.name === LOOPBACK_NAME && addresses.some(isLoopback);
}
