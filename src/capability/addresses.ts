/**
 * An IP address by its bytes: four of IPv4, sixteen of IPv6. An IPv4 address in its IPv6 form (`::ffff:10.0.0.1`) is the
 * IPv4 address: a connection to either goes to the same place.
 */
export type IpAddress = readonly number[];

/** `10.0.0.0/8`: every address whose first `bits` bits are those of `address`. */
export interface IpRange {
  readonly address: IpAddress;
  readonly bits: number;
}

/** What a host text stands for once every way of spelling it is undone. */
export type Host =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: IpAddress };

/** Bytes before the IPv4 address in `::ffff:a.b.c.d`. */
const MAPPED_PREFIX: IpAddress = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** What a host text must not hold: separators of a URL, white space, escapes, control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a URL parser drops in silence
const NO_HOST = /[\u0000-\u0020\u007f/?#@\\%<>^|]/;

/** What is left of a name after normalisation: labels of letters, digits, `-` and `_`. */
const NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** A name in lower case whose last label begins with a letter, as no number does. */
const PLAIN_NAME = /^(?:[a-z0-9][a-z0-9-]*\.)*[a-z][a-z0-9-]*$/;

/** Four decimal numbers, without zeroes that would make them octal. */
const PLAIN_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/** Characters of a host text; the longest name has 253, its Unicode form may have a few more bytes and no more. */
const HOST_LENGTH_MAX = 1_024;

/**
 * Reads a host as a URL has it: a name, an IPv4 address in any of the forms that resolvers take (`127.1`, `0x7f.1`), or an
 * IPv6 address with or without brackets. Names come back in lower case, as ASCII (UTS 46), without a final dot.
 *
 * @returns `undefined` for everything that is no host, such as one with user information, an escape or a zone.
 */
export function parseHost(text: string): Host | undefined {
  if (text.length > HOST_LENGTH_MAX) return undefined;
  // What is spelt as it comes back, as most is, needs no reading.
  if (PLAIN_NAME.test(text) && !text.includes('xn--') && NAME.test(text)) return { kind: 'name', name: text };
  if (PLAIN_IPV4.test(text)) return { kind: 'address', address: text.split('.').map(Number) };
  if (NO_HOST.test(text)) return undefined;
  const isBare = text.includes(':') && !text.startsWith('[');
  const url = URL.parse(`http://${isBare ? `[${text}]` : text}/`);
  // What is more than a host, such as a port, would stand elsewhere in the URL.
  if (url === null || url.host !== url.hostname || (!isBare && hasPort(text))) return undefined;
  const { hostname } = url;
  if (hostname.startsWith('[')) return { kind: 'address', address: fromMapped(ipv6Bytes(hostname.slice(1, -1))) };
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return { kind: 'address', address: name.split('.').map(Number) };
  return NAME.test(name) ? { kind: 'name', name } : undefined;
}

/** Reads an IP address in any of its forms. */
export function parseAddress(text: string): IpAddress | undefined {
  const host = parseHost(text);
  return host?.kind === 'address' ? host.address : undefined;
}

/** Prints an address in its shortest form, IPv6 without brackets. */
export function printAddress(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const words = Array.from({ length: 8 }, (_, at) => word(address, at).toString(16));
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1);
}

/** Tells whether `range` holds `address`; no range of the one family holds an address of the other. */
export function isInRange({ address: base, bits }: IpRange, address: IpAddress): boolean {
  if (base.length !== address.length) return false;
  for (let at = 0; at * 8 < bits; at++) {
    const left = Math.min(8, bits - at * 8);
    if (((base[at] as number) ^ (address[at] as number)) >> (8 - left) !== 0) return false;
  }
  return true;
}

/** Reads `10.0.0.0/8`, `[fd00::]/8` or a single address; bits beyond the prefix are cleared. */
export function parseRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const most = address.length * 8;
  if (slash < 0) return { address, bits: most };
  const digits = text.slice(slash + 1);
  // A prefix of an IPv4 address in its IPv6 form counts from the beginning of that form.
  const isMapped = address.length === 4 && text.includes(':');
  const bits = /^(?:0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) - (isMapped ? 96 : 0) : -1;
  if (bits < 0 || bits > most) return undefined;
  return { address: address.map((byte, at) => byte & maskOf(bits - at * 8)), bits };
}

/** Tells whether an address leads back to this machine. */
export function isLoopback(address: IpAddress): boolean {
  return LOOPBACK_RANGES.some((range) => isInRange(range, address));
}

/**
 * Tells whether an address leads somewhere that is not the public internet: this machine, the local network, a private
 * or shared one, multicast, or nowhere that is defined. An address that another one is translated to (NAT64, 6to4) is
 * what it is translated to.
 *
 * @param address Text in any form. What is no address counts as private: nothing is known of it.
 */
export function isPrivateAddress(address: string | IpAddress): boolean {
  const bytes = typeof address === 'string' ? parseAddress(address) : address;
  if (bytes === undefined) return true;
  if (isInRange(NAT64, bytes)) return isPrivateAddress(bytes.slice(12));
  if (isInRange(SIX_TO_FOUR, bytes)) return isPrivateAddress(bytes.slice(2, 6));
  return PRIVATE_RANGES.some((range) => isInRange(range, bytes));
}

/**
 * An address and, if it is one that others are translated to (NAT64, 6to4), where that leads: who refuses one of them refuses
 * both.
 */
export function addressesBehind(address: IpAddress): readonly IpAddress[] {
  if (isInRange(NAT64, address)) return [address, address.slice(12)];
  if (isInRange(SIX_TO_FOUR, address)) return [address, address.slice(2, 6)];
  return [address];
}

/** Tells whether an address is every address of this machine. */
export function isUnspecified(address: IpAddress): boolean {
  return address.every((byte) => byte === 0);
}

function rangeOf(text: string): IpRange {
  const range = parseRange(text);
  if (range === undefined) throw new TypeError(`"${text}" is no range of addresses`);
  return range;
}

const LOOPBACK_RANGES = ['127.0.0.0/8', '[::1]'].map(rangeOf);

/** RFC 6052: the last four bytes are an IPv4 address. */
const NAT64 = rangeOf('[64:ff9b::]/96');

/** RFC 3056: the four bytes after the prefix are an IPv4 address. */
const SIX_TO_FOUR = rangeOf('[2002::]/16');

/** From IANA's registries of special-purpose addresses; the ranges for documentation are left out: they lead nowhere. */
const PRIVATE_RANGES = [
  // this network, private, shared (carriers), loopback, link-local (clouds serve their metadata there), private
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  // protocol assignments, private, benchmarks, multicast, reserved and broadcast
  ...['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
  // unspecified, loopback and the IPv4 forms that are out of use; local NAT64; discard; Teredo
  ...['[::]/96', '[::ffff:0:0:0]/96', '[64:ff9b:1::]/48', '[100::]/64', '[2001::]/32'],
  // unique-local, link-local, the former site-local, multicast
  ...['[fc00::]/7', '[fe80::]/10', '[fec0::]/10', '[ff00::]/8'],
].map(rangeOf);

/** Tells whether a port follows the host: a URL parser drops the default one in silence. */
function hasPort(text: string): boolean {
  return text.slice(text.lastIndexOf(']') + 1).includes(':');
}

/** The bytes of an IPv6 address in the form in which a URL parser gives it: hexadecimal words, one `::` at most. */
function ipv6Bytes(text: string): IpAddress {
  const [head = '', tail] = text.split('::');
  const before = wordsOf(head);
  const after = tail === undefined ? [] : wordsOf(tail);
  const zeroes = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeroes, ...after].flatMap((value) => [value >> 8, value & 0xff]);
}

function wordsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((digits) => Number.parseInt(digits, 16));
}

function fromMapped(bytes: IpAddress): IpAddress {
  return MAPPED_PREFIX.every((byte, at) => bytes[at] === byte) ? bytes.slice(12) : bytes;
}

function word(address: IpAddress, at: number): number {
  return ((address[at * 2] as number) << 8) | (address[at * 2 + 1] as number);
}

/** The mask of one byte of which the first `bits` bits count. */
function maskOf(bits: number): number {
  return 0xff & ~(0xff >> Math.min(8, Math.max(0, bits)));
}
