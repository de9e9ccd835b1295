import {
  type Host,
  type IpAddress,
  type IpRange,
  isInRange,
  isLoopback,
  isPrivateAddress,
  parseHost,
  parseRange,
  printAddress,
} from './addresses.ts';

/** The scheme of an endpoint: what is spoken there. */
export type Scheme = 'http' | 'https' | 'tcp' | 'udp';

/** Where a request goes: a scheme, a host in its one spelling, a port. */
export interface Endpoint {
  readonly scheme: Scheme;
  /** A name in lower case and ASCII, or an address; IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
}

/** One line of a grant, read: `https://*.example.com`, `tcp://10.0.0.0/8:*`. */
export interface EndpointPattern {
  readonly scheme: Scheme;
  readonly host: HostPattern;
  readonly port: number | '*';
}

/** Which hosts a pattern stands for. */
export type HostPattern =
  /** `*`: every name, and every address of the public internet. */
  | { readonly kind: 'any' }
  /** `*.example.com`: every name below it, not itself. */
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'name'; readonly name: string }
  /** `10.0.0.0/8`, or one address. */
  | { readonly kind: 'range'; readonly range: IpRange };

const DEFAULT_PORTS: Readonly<Partial<Record<Scheme, number>>> = { http: 80, https: 443 };

/** The name that means this machine wherever it is looked up; so does every name below it. */
export const LOOPBACK_NAME = 'localhost';

/** `scheme://host[/prefix][:port]`; an IPv6 address stands in brackets. */
const PATTERN = /^(https?|tcp|udp):\/\/(\[[^\]]*\](?:\/\d+)?|[^:[\]]+)(?::(\*|\d{1,5}))?$/i;

/** Ports are 16 bits wide. */
const PORT_MAX = 65_535;

/**
 * Reads a pattern of endpoints: `scheme://host[:port]`. The host is a name, `*.suffix`, `*`, an address or a range of
 * addresses; the port a number or `*`, by default that of the scheme. `tcp` and `udp` have none, so theirs must be written.
 *
 * @returns `undefined` when it is none.
 */
export function parseEndpointPattern(text: string): EndpointPattern | undefined {
  const [, schemeText = '', hostText = '', portText] = PATTERN.exec(text) ?? [];
  const scheme = schemeText.toLowerCase() as Scheme;
  const host = parseHostPattern(hostText);
  const port = portText === undefined ? DEFAULT_PORTS[scheme] : portText === '*' ? '*' : Number(portText);
  if (host === undefined || port === undefined || (port !== '*' && port > PORT_MAX)) return undefined;
  return { scheme, host, port };
}

/** Prints a pattern in its one spelling; `parseEndpointPattern` gives the same one back. */
export function printEndpointPattern({ scheme, host, port }: EndpointPattern): string {
  const suffix = port === DEFAULT_PORTS[scheme] ? '' : `:${port}`;
  return `${scheme}://${printHostPattern(host)}${suffix}`;
}

/** Reads the host part of a pattern. */
export function parseHostPattern(text: string): HostPattern | undefined {
  if (text === '*') return { kind: 'any' };
  if (text.startsWith('*.')) {
    const host = parseHost(text.slice(2));
    return host?.kind === 'name' ? { kind: 'suffix', suffix: host.name } : undefined;
  }
  const range = parseRange(text);
  if (range !== undefined) return { kind: 'range', range };
  const host = parseHost(text);
  return host?.kind === 'name' ? host : undefined;
}

export function printHostPattern(host: HostPattern): string {
  switch (host.kind) {
    case 'any':
      return '*';
    case 'suffix':
      return `*.${host.suffix}`;
    case 'name':
      return host.name;
    case 'range': {
      const { address, bits } = host.range;
      const text = address.length === 4 ? printAddress(address) : `[${printAddress(address)}]`;
      return bits === address.length * 8 ? text : `${text}/${bits}`;
    }
    default:
      return host satisfies never;
  }
}

/**
 * Reads the authority of an HTTP request, `host[:port]`, as the one place that it leads to. Connect to what this gives,
 * never to the text: then no two readers can understand it differently.
 *
 * @returns `undefined` when it is none, or holds user information.
 */
export function parseAuthority(scheme: 'http' | 'https', authority: string): Endpoint | undefined {
  const [, hostText = '', portText] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{0,5}))?$/.exec(authority) ?? [];
  const host = parseHost(hostText);
  const port = portText === undefined || portText === '' ? (DEFAULT_PORTS[scheme] as number) : Number(portText);
  if (host === undefined || port < 1 || port > PORT_MAX) return undefined;
  return { scheme, host: printHost(host), port };
}

/** Prints where a request goes as the pattern that stands for exactly that. */
export function printEndpoint({ scheme, host, port }: Endpoint): string {
  const suffix = port === DEFAULT_PORTS[scheme] ? '' : `:${port}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${suffix}`;
}

export function printHost(host: Host): string {
  return host.kind === 'name' ? host.name : printAddress(host.address);
}

/** Tells whether `pattern` stands for the scheme and the port. */
export function isThere(pattern: EndpointPattern, { scheme, port }: Pick<Endpoint, 'scheme' | 'port'>): boolean {
  return pattern.scheme === scheme && (pattern.port === '*' || pattern.port === port);
}

/** Tells whether `pattern` names the host `name`; loopback names only where they are written, never by `*`. */
export function matchesHostName(pattern: HostPattern, name: string): boolean {
  if (pattern.kind === 'name') return pattern.name === name;
  if (pattern.kind === 'suffix') return name.endsWith(`.${pattern.suffix}`);
  return pattern.kind === 'any' && !isLoopbackName(name);
}

/**
 * Tells whether `pattern` covers `address` when it is named by nothing but itself: by a range that holds it, as one of
 * the public internet by `*`, or as this machine by `localhost`.
 */
export function matchesAddress(pattern: HostPattern, address: IpAddress): boolean {
  if (pattern.kind === 'range') return isInRange(pattern.range, address);
  if (pattern.kind === 'any') return !isPrivateAddress(address);
  return pattern.kind === 'name' && pattern.name === LOOPBACK_NAME && isLoopback(address);
}

/**
 * Tells whether one who may reach the host `name` may reach it at `address`: a name is no licence to enter a private
 * network, since whoever owns the name chooses its address. Only loopback names lead to this machine.
 */
export function mayLeadTo(name: string, address: IpAddress): boolean {
  return !isPrivateAddress(address) || (isLoopbackName(name) && isLoopback(address));
}

/** Tells whether every host that `inner` stands for is one that `outer` stands for. */
export function coversHost(outer: HostPattern, inner: HostPattern): boolean {
  switch (inner.kind) {
    case 'any':
      return outer.kind === 'any';
    case 'suffix':
      if (outer.kind === 'suffix' && outer.suffix === inner.suffix) return true;
      return matchesHostName(outer, `x.${inner.suffix}`) && outer.kind !== 'name';
    case 'name':
      return matchesHostName(outer, inner.name);
    case 'range':
      return coversRange(outer, inner.range);
    default:
      return inner satisfies never;
  }
}

/** As {@link coversHost}, for whole patterns. */
export function coversEndpoint(outer: EndpointPattern, inner: EndpointPattern): boolean {
  if (outer.scheme !== inner.scheme || (outer.port !== '*' && outer.port !== inner.port)) return false;
  return coversHost(outer.host, inner.host);
}

function coversRange(outer: HostPattern, { address, bits }: IpRange): boolean {
  if (outer.kind === 'range') return outer.range.bits <= bits && isInRange(outer.range, address);
  return bits === address.length * 8 && matchesAddress(outer, address);
}

function isLoopbackName(name: string): boolean {
  return name === LOOPBACK_NAME || name.endsWith(`.${LOOPBACK_NAME}`);
}
