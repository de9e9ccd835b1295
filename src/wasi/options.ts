import type { FilesystemGrant, Grants, HeaderInjection } from '../capability/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock, Rate } from '../time/index.ts';
import type { Breach, Guest } from './guest/index.ts';
import type { RandomBytes } from './random/index.ts';

/** What the instances of one component get of WASI. What is absent is not granted. */
export interface WasiOptions {
  /** Offers `wasi:clocks`. Default false. */
  readonly clockGranted?: boolean;
  /** Offers `wasi:random`. Default false. */
  readonly randomGranted?: boolean;
  /** Where random bytes come from. Default: the operating system. */
  readonly random?: RandomBytes;
  /** Arguments, the program's name first. Default none. */
  readonly args?: readonly string[];
  /** The whole environment that guests see. Default empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** Granted folders. Default none. */
  readonly preopens?: readonly FilesystemGrant[];
  /** What is decided call by call: buckets, HTTP requests, the network. Default none. */
  readonly grants?: Grants;
  /** When grants end. Default: the system's. */
  readonly clock?: Clock;
  /** Where the buckets of `wasi:keyvalue` are. Default: none is known. */
  readonly store?: Store;
  /** What `wasi:config` gives: texts by name; what is in a table has its path for a name. Default empty. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly limits?: WasiLimits;
  /** Headers that are added to requests of `wasi:http` as they leave. Default: none. */
  readonly inject?: readonly HeaderInjection[];
  /** Bytes that all guests together take in and give out. Default: what `limits` say, for the guests of this. */
  readonly byteRates?: { readonly in: Rate; readonly out: Rate };
  /** Hears of every limit that a guest runs into and goes on. Default: nobody. */
  readonly onLimit?: (guest: Guest, breach: Breach) => void;
}

/** Bounds of one instance, and rates of all together; defaults in {@link WASI_DEFAULTS}. */
export interface WasiLimits {
  /** Files, directories and directory streams open at once. Integer, 0 to 65,536. Default 64. */
  readonly openFilesMax?: number;
  /** Streams, pollables, errors and descriptors held at once. Integer, 1 to 1,048,576. Default 16,384. */
  readonly resourcesMax?: number;
  /** HTTP requests to others under way at once. Integer, 0 to 65,536. Default 32. */
  readonly httpRequestsMax?: number;
  /** Sockets and connections open at once, those that wait to be accepted included. Integer, 0 to 65,536. Default 64. */
  readonly socketsMax?: number;
  /** Bytes a second that all instances read from files, sockets and bodies, 1 at least. Default `Infinity`. */
  readonly bytesInPerSecond?: number;
  /** Bytes a second that all instances write. Default `Infinity`. */
  readonly bytesOutPerSecond?: number;
  /** Bytes that a bucket may hold for a guest to write more into it, 0 at least. Default `Infinity`: the store's own limit. */
  readonly storageBytes?: number;
  /** Milliseconds for which disposing waits for standard output and connections to take what was written. Default 1,000. */
  readonly drainMs?: number;
}

/**
 * `openFilesMax` and `socketsMax` leave a process of 1,024 descriptors room for half a dozen guests that use all of theirs; `resourcesMax`
 * is some 2 MB of host memory; `httpRequestsMax` are the connections to one origin that a component may have; `drainMs` is what a person accepts between a program's end and the prompt.
 */
export const WASI_DEFAULTS = Object.freeze({
  openFilesMax: 64,
  resourcesMax: 16_384,
  httpRequestsMax: 32,
  socketsMax: 64,
  bytesInPerSecond: Number.POSITIVE_INFINITY,
  bytesOutPerSecond: Number.POSITIVE_INFINITY,
  storageBytes: Number.POSITIVE_INFINITY,
  drainMs: 1_000,
});
