import { Authority, type Decision, NO_GRANTS, type RecordDecision } from '../capability/index.ts';
import type { HostInstance } from '../component/index.ts';
import { type Clock, Rate, systemClock } from '../time/index.ts';
import { AUTHORITY, ON_DENIED, RECORD } from './authority/index.ts';
import { CLI_INTERFACES, CLI_SETTINGS, STDIO, type Stdio } from './cli/index.ts';
import { CLOCK_INTERFACES } from './clocks/index.ts';
import { CONFIG_INTERFACES, CONFIG_VALUES, configValues } from './config/index.ts';
import { assertFoldersSupported, FILE_SETTINGS, FILESYSTEM_INTERFACES } from './filesystem/index.ts';
import { Guest, ON_LIMIT, Parts } from './guest/index.ts';
import { HTTP_INTERFACES, HTTP_SETTINGS, UndiciClient } from './http/index.ts';
import { BYTE_RATES, IO_INTERFACES } from './io/index.ts';
import { KEYVALUE_INTERFACES, KEYVALUE_SETTINGS } from './keyvalue/index.ts';
import { LOG_SINK, LOGGING_INTERFACES, type LogSink } from './logging/index.ts';
import { WASI_DEFAULTS, type WasiLimits, type WasiOptions } from './options.ts';
import { RANDOM_BYTES, RANDOM_INTERFACES, SYSTEM_RANDOM_BYTES } from './random/index.ts';
import { SOCKET_INTERFACES, SOCKET_SETTINGS } from './sockets/index.ts';

/** WASI for all instances of one component. */
export interface Wasi {
  /**
   * By name without version, where `'wasi:io/streams'` serves every 0.2.x, or, if it is a draft, by its exact name. What
   * is not granted is not there. The functions take the guest that calls them as `this`: link them with it as the instance's `context`.
   */
  readonly interfaces: Readonly<Record<string, HostInstance>>;
  /** What one instance is to WASI. Costs little: whatever a guest has is made when it first uses it. Dispose of it. */
  guest(own: GuestOptions): Guest;
}

interface GuestOptions {
  /** Time and turns of the event loop. Whether guests may read it is the definition's. */
  readonly clock: Clock;
  /** Default: nothing comes in, and what goes out is lost. */
  readonly stdio?: Stdio;
  /** Hears of what the guest was denied by the grants. Default: nobody. */
  readonly onDenied?: (decision: Decision) => void;
  /** Puts on record what was decided of the guest. Default: nowhere. */
  readonly record?: RecordDecision;
  /** Hears of what the guest logs. Default: nobody. */
  readonly log?: LogSink;
}

/**
 * Defines the WASI 0.2 interfaces for the instances of one component: `wasi:io`, `wasi:cli`, `wasi:filesystem`,
 * `wasi:http`, `wasi:sockets`, `wasi:keyvalue`, `wasi:config`, `wasi:logging`, and, if granted, `wasi:clocks` and
 * `wasi:random`.
 *
 * Files and folders are opened when a guest first uses them, so this costs no I/O. A folder that is not there is the
 * guest's `no-entry`.
 *
 * @param options What all guests get.
 * @returns The interfaces to link, the same for all guests, and how to make a guest.
 * @throws {RuntimeError} `RUNTIME_UNSUPPORTED` — a folder is granted and this is not Linux with /proc.
 * @throws {RangeError} A limit is out of range.
 *
 * @example Run a program that prints
 * ```ts
 * const wasi = defineWasi({ args: ['hello'] });
 * const guest = wasi.guest({ clock: systemClock, stdio: { stdout: bufferSink() } });
 * const instance = await component.instantiate(wasi.interfaces, { context: guest });
 * …
 * await guest.dispose();
 * ```
 */
export function defineWasi(options: WasiOptions = {}): Wasi {
  const { preopens = [] } = options;
  assertFoldersSupported(preopens);
  const limits = { ...WASI_DEFAULTS, ...options.limits };
  const { openFilesMax, resourcesMax, drainMs, httpRequestsMax, socketsMax } = limits;
  assertRange('openFilesMax', openFilesMax, { min: 0, max: 65_536 });
  assertRange('resourcesMax', resourcesMax, { min: 1, max: 1_048_576 });
  assertRange('httpRequestsMax', httpRequestsMax, { min: 0, max: 65_536 });
  assertRange('socketsMax', socketsMax, { min: 0, max: 65_536 });
  const { grants = NO_GRANTS, clock = systemClock } = options;
  const authority = new Authority(grants, clock);
  const shared = new Parts()
    .set(CLI_SETTINGS, { args: options.args ?? [], env: Object.entries(options.env ?? {}), drainMs })
    .set(FILE_SETTINGS, { openFilesMax, preopens })
    .set(RANDOM_BYTES, options.random ?? SYSTEM_RANDOM_BYTES)
    .set(AUTHORITY, authority)
    .set(BYTE_RATES, options.byteRates ?? ratesOf(limits))
    .set(SOCKET_SETTINGS, { socketsMax, drainMs })
    .set(HTTP_SETTINGS, {
      client: new UndiciClient((request) => authority.decide(request)),
      requestsMax: httpRequestsMax,
      inject: (options.inject ?? []).map((header) => ({
        ...header,
        destinations: new Authority({ http: header.to }, clock),
      })),
    })
    .set(CONFIG_VALUES, configValues(options.config ?? {}));
  if (options.onLimit !== undefined) shared.set(ON_LIMIT, options.onLimit);
  if (options.store !== undefined)
    shared.set(KEYVALUE_SETTINGS, { store: options.store, storageBytes: limits.storageBytes });
  return {
    interfaces: Object.freeze({
      ...IO_INTERFACES,
      ...CLI_INTERFACES,
      ...FILESYSTEM_INTERFACES,
      ...HTTP_INTERFACES,
      ...SOCKET_INTERFACES,
      ...KEYVALUE_INTERFACES,
      ...CONFIG_INTERFACES,
      ...LOGGING_INTERFACES,
      ...(options.clockGranted === true ? CLOCK_INTERFACES : {}),
      ...(options.randomGranted === true ? RANDOM_INTERFACES : {}),
    }),
    guest({ clock, stdio, onDenied, record, log }) {
      const guest = new Guest({ clock, resourcesMax, shared });
      if (stdio !== undefined) guest.provide(STDIO, stdio);
      if (onDenied !== undefined) guest.provide(ON_DENIED, onDenied);
      if (record !== undefined) guest.provide(RECORD, record);
      if (log !== undefined) guest.provide(LOG_SINK, log);
      return guest;
    },
  };
}

function assertRange(name: string, value: number, { min, max }: { readonly min: number; readonly max: number }): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot define WASI with ${name} = ${value}: it must be an integer from ${min} to ${max}`);
}

function ratesOf({
  bytesInPerSecond,
  bytesOutPerSecond,
}: Pick<Required<WasiLimits>, 'bytesInPerSecond' | 'bytesOutPerSecond'>) {
  return { in: new Rate(bytesInPerSecond), out: new Rate(bytesOutPerSecond) };
}
