import { networkInterfaces } from 'node:os';
import { parseAddress, printAddress } from '../../capability/index.ts';
import { asListOf, asRecord, asU32, trap } from '../guest/index.ts';

export type IpAddressFamily = 'ipv4' | 'ipv6';

/** WIT's `ip-address`: four bytes, or eight words. */
export interface IpAddressValue {
  readonly tag: IpAddressFamily;
  readonly val: readonly number[];
}

/** WIT's `ip-socket-address`. */
export type IpSocketAddressValue =
  | { readonly tag: 'ipv4'; readonly val: { readonly port: number; readonly address: readonly number[] } }
  | {
      readonly tag: 'ipv6';
      readonly val: {
        readonly port: number;
        readonly flowInfo: number;
        readonly address: readonly number[];
        readonly scopeId: number;
      };
    };

/** An address and a port, as the host uses them. */
export interface SocketAddress {
  readonly family: IpAddressFamily;
  /** As text, without a zone. */
  readonly host: string;
  readonly port: number;
  /** Index of the network interface that a link-local address is of; 0 is none. */
  readonly scopeId: number;
}

export function asFamily(value: unknown): IpAddressFamily {
  return value === 'ipv4' || value === 'ipv6' ? value : trap('Cannot use an address family that is neither');
}

/** Reads an `ip-socket-address` of a guest. */
export function asSocketAddress(value: unknown): SocketAddress {
  const { tag, val } = asRecord(value);
  const family = asFamily(tag);
  const { port, address, scopeId = 0 } = asRecord(val);
  const parts = asListOf(address, asU32);
  const isWhole = family === 'ipv4' ? isParts(parts, 4, 0xff) : isParts(parts, 8, 0xffff);
  const portNumber = asU32(port);
  if (!isWhole || portNumber > 0xffff) trap('Cannot use an address with parts that are out of range');
  const bytes = family === 'ipv4' ? parts : parts.flatMap((word) => [word >> 8, word & 0xff]);
  return { family, host: printAddress(bytes), port: portNumber, scopeId: asU32(scopeId) };
}

function isParts(parts: readonly number[], length: number, max: number): boolean {
  return parts.length === length && parts.every((part) => part <= max);
}

/** What Node.js says of an end of a connection: the host may have a zone. */
export function fromNode(host: string, port: number): SocketAddress {
  const [text = '', zone] = host.split('%');
  const family = text.includes(':') ? 'ipv6' : 'ipv4';
  return { family, host: text, port, scopeId: zone === undefined ? 0 : scopeIdOf(zone) };
}

export function toSocketAddressValue({ host, port, scopeId }: SocketAddress): IpSocketAddressValue {
  const { tag, val: address } = toAddressValue(host);
  return tag === 'ipv4' ? { tag, val: { port, address } } : { tag, val: { port, flowInfo: 0, address, scopeId } };
}

/** @param host Text of an address. The IPv6 form of an IPv4 address becomes the latter. */
export function toAddressValue(host: string): IpAddressValue {
  const bytes = parseAddress(host) ?? trap('Cannot tell the guest of an address that is none');
  if (bytes.length === 4) return { tag: 'ipv4', val: bytes };
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] as number) << 8) | (bytes[at * 2 + 1] as number));
  return { tag: 'ipv6', val: words };
}

/** The host as Node.js takes it, with its zone; `undefined` when no interface has that index. */
export function toNodeHost({ host, scopeId }: SocketAddress): string | undefined {
  if (scopeId === 0) return host;
  const zone = Object.entries(networkInterfaces()).find(([, entries]) =>
    entries?.some((entry) => entry.family === 'IPv6' && entry.scopeid === scopeId),
  );
  return zone === undefined ? undefined : `${host}%${zone[0]}`;
}

function scopeIdOf(zone: string): number {
  const entry = networkInterfaces()[zone]?.find((item) => item.family === 'IPv6' && item.scopeid !== 0);
  return entry?.family === 'IPv6' ? entry.scopeid : 0;
}

export function isSame(one: SocketAddress, other: SocketAddress): boolean {
  return one.host === other.host && one.port === other.port && one.scopeId === other.scopeId;
}

export function isUnspecified({ host }: SocketAddress): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** An IPv4 address in one of its two IPv6 forms; IPv6 sockets here are for IPv6 only. */
export function isIpv4InIpv6({ family, host }: SocketAddress): boolean {
  if (family === 'ipv4' || host === '::' || host === '::1') return false;
  const bytes = parseAddress(host);
  return bytes?.length === 4 || bytes?.slice(0, 12).every((byte) => byte === 0) === true;
}

/** Neither multicast nor broadcast. */
export function isUnicast({ family, host }: SocketAddress): boolean {
  if (family === 'ipv6') return !/^ff[0-9a-f]{2}:/.test(host);
  return Number.parseInt(host, 10) < 224 || (Number.parseInt(host, 10) >= 240 && host !== '255.255.255.255');
}

/** Whether something can be sent there from a socket of `family`. */
export function isRemote(address: SocketAddress, family: IpAddressFamily): boolean {
  return address.family === family && address.port !== 0 && !isUnspecified(address) && !isIpv4InIpv6(address);
}
