import type { HostInstance } from '../component/index.ts';
import type { Clock } from '../time/index.ts';
import { createCli, DISCARD_SINK, EMPTY_SOURCE } from './cli/index.ts';
import { clockInterfaces } from './clocks/index.ts';
import { assertFoldersSupported, createFileSystem, createPreopens, filesystemInterfaces } from './filesystem/index.ts';
import { Guest } from './guest/index.ts';
import { IO_INTERFACES, type Writer } from './io/index.ts';
import { WASI_DEFAULTS, type WasiOptions } from './options.ts';
import { randomInterfaces, SYSTEM_RANDOM_BYTES } from './random/index.ts';
import { socketInterfaces } from './sockets/index.ts';

/** WASI for one component instance. */
export interface Wasi {
  /** By name without version: `'wasi:io/streams'` serves every 0.2.x. What is not granted is not there. */
  readonly interfaces: Readonly<Record<string, HostInstance>>;
  /**
   * Ends every wait with `COMPONENT_KILLED`, gives standard output time to take what it holds, ends it, and closes every
   * file.
   * Call it when the instance has ended, whatever way. Settles when the last descriptor is closed; never rejects.
   */
  dispose(): Promise<void>;
}

/**
 * Makes the WASI 0.2 interfaces for one component instance: `wasi:io`, `wasi:cli`, `wasi:filesystem`,
 * `wasi:sockets` without authority, and, if granted, `wasi:clocks` and `wasi:random`.
 *
 * Files and folders are opened when the guest first uses them, so this costs no I/O. A folder that is not there is the
 * guest's `no-entry`.
 *
 * @param options What the guest gets. Only `clock` is required.
 * @returns The interfaces to link, and how to let go of everything.
 * @throws {RuntimeError} `RUNTIME_UNSUPPORTED` — a folder is granted and this is not Linux with /proc.
 * @throws {RangeError} A limit is out of range.
 *
 * @example Run a program that prints
 * ```ts
 * const stdout = bufferSink();
 * const wasi = createWasi({ clock: systemClock, args: ['hello'], stdout });
 * const instance = await component.instantiate({ imports: wasi.interfaces });
 * …
 * await wasi.dispose();
 * ```
 */
export function createWasi(options: WasiOptions): Wasi {
  const preopenGrants = options.preopens ?? [];
  assertFoldersSupported(preopenGrants);
  const { openFilesMax, resourcesMax, drainMs } = { ...WASI_DEFAULTS, ...options.limits };
  assertRange('openFilesMax', openFilesMax, { min: 0, max: 65_536 });
  assertRange('resourcesMax', resourcesMax, { min: 1, max: 1_048_576 });
  const guest = new Guest({ clock: options.clock, resourcesMax });
  const system = createFileSystem(guest, openFilesMax);
  const preopens = createPreopens(system, preopenGrants);
  const cli = createCli(guest, toCliOptions(options));
  return {
    interfaces: Object.freeze({
      ...IO_INTERFACES,
      ...cli.interfaces,
      ...filesystemInterfaces(preopens),
      ...socketInterfaces(guest),
      ...(options.clockGranted === true ? clockInterfaces(guest) : {}),
      ...(options.randomGranted === true ? randomInterfaces(options.random ?? SYSTEM_RANDOM_BYTES) : {}),
    }),
    async dispose() {
      guest.dispose();
      await Promise.all(cli.writers.map((writer) => drained(writer, options.clock, drainMs)));
      await system.open.dispose();
    },
  };
}

function toCliOptions(options: WasiOptions) {
  const { stdin = false, stdout = false, stderr = false } = options.terminals ?? {};
  return {
    args: options.args ?? [],
    env: options.env ?? {},
    stdin: options.stdin ?? EMPTY_SOURCE,
    stdout: options.stdout ?? DISCARD_SINK,
    stderr: options.stderr ?? DISCARD_SINK,
    terminals: { stdin, stdout, stderr },
  };
}

function assertRange(name: string, value: number, { min, max }: { readonly min: number; readonly max: number }): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot create WASI with ${name} = ${value}: it must be an integer from ${min} to ${max}`);
}

/** Ends the writer when its sink has taken everything, at once if it has, or after `drainMs`; settles then. */
function drained(writer: Writer, clock: Clock, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      writer.end();
      resolve();
    };
    if (writer.idle) return end();
    const giveUp = () => {
      timer.cancel();
      cancel();
      end();
    };
    const timer = clock.after(drainMs, giveUp, true);
    const cancel = writer.watch(() => {
      if (writer.idle) giveUp();
    });
  });
}
