import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Decision, FilesystemRight, Grants, NetworkGrant } from '../capability/index.ts';
import type { CompiledComponent, ComponentInstance, HostImports } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentShape, checkImports, GuestFuel, inFile, loadComponent, shapeOf } from '../host/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { systemClock } from '../time/index.ts';
import { defineWasi, type Guest, type LogEntry, readableSource, writableSink } from '../wasi/index.ts';

/** How to run a program. */
export interface RunCommandOptions {
  readonly file: string;
  /** What follows the program's name; the name itself is the file's. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders that the program sees, with every right. */
  readonly dirs: readonly { readonly hostPath: string; readonly guestPath: string }[];
  /** Where its HTTP requests may go. Default: nowhere. */
  readonly http?: readonly string[];
  /** What it may do with the network. Default: nothing. */
  readonly network?: NetworkGrant;
  /** Linear memory. Default: the engine's. */
  readonly memoryBytes?: number;
  /** Wall-clock time from the program's start. Default: none. */
  readonly timeoutMs?: number;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends the program; the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Folder that keeps its buckets. Default: they end with it. */
  readonly dataDirectory?: string;
  /** Hears of what it was denied. Its texts are the guest's. Default: nobody. */
  readonly onDenied?: (decision: Decision) => void;
  /** Hears what it logs. Its texts are the guest's. Default: nobody. */
  readonly onLog?: (entry: LogEntry) => void;
}

const ALL_RIGHTS: readonly FilesystemRight[] = ['read', 'write', 'list', 'delete'];

/**
 * Runs a `wasi:cli/run` component to its end, as `wasmtime run` does: clocks, randomness, the standard streams and all
 * buckets are granted, folders, variables and the network are what the options name.
 *
 * @returns The program's exit code, 0 to 255.
 * @throws {RuntimeError} `COMPONENT_TRAPPED`, `COMPONENT_DEADLINE` — it did not come to an end of its own.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it is no program; the text says what it is.
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE` — its buckets cannot be opened.
 * @throws {RuntimeError} whatever loading it reports.
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  const { file, memoryBytes, signal } = options;
  const compiled = await loadComponent(file, {
    ...(memoryBytes !== undefined && { limits: { memoryBytes } }),
    ...(signal && { signal }),
  });
  const run = programOf(compiled, file);
  const grants: Grants = {
    clock: true,
    random: true,
    stdio: { stdin: true, stdout: true, stderr: true },
    env: Object.keys(options.env),
    filesystem: options.dirs.map((dir) => ({ ...dir, rights: ALL_RIGHTS })),
    keyvalue: ['*'],
    http: options.http ?? [],
    network: options.network ?? {},
  };
  checkImports(compiled, grants, { label: basename(file) });
  const store = await openProgramStore(compiled, options.dataDirectory);
  const stdin = readableSource(options.stdin);
  const stdout = writableSink(options.stdout);
  const stderr = writableSink(options.stderr);
  const wasi = defineWasi({
    clockGranted: true,
    randomGranted: true,
    args: [basename(file), ...options.args],
    env: options.env,
    preopens: grants.filesystem ?? [],
    grants,
    ...(store && { store }),
  });
  const terminals = {
    stdin: isTerminal(options.stdin),
    stdout: isTerminal(options.stdout),
    stderr: isTerminal(options.stderr),
  };
  const { onLog, onDenied } = options;
  const guest = wasi.guest({
    clock: systemClock,
    stdio: { stdin, stdout, stderr, terminals },
    ...(onLog && { log: { log: onLog } }),
    ...(onDenied && { onDenied }),
  });
  try {
    return await ending(options, (signal) => exitCode(compiled, { imports: wasi.interfaces, guest, run, signal }));
  } catch (error) {
    throw inFile(error, file);
  } finally {
    await guest.dispose();
    for (const stream of [stdin, stdout, stderr]) stream.close();
    await store?.close();
  }
}

/** The store of a program that uses buckets; others get by without the thread. */
export async function openProgramStore(
  { needs }: CompiledComponent,
  directory: string | undefined,
): Promise<Store | undefined> {
  if (!needs.some((name) => name.startsWith('wasi:keyvalue/'))) return undefined;
  return openStore(directory === undefined ? {} : { directory });
}

/** The name of the program's entry. */
function programOf(compiled: CompiledComponent, file: string): string {
  const shape = shapeIn(compiled, file);
  if (shape.kind === 'task' && shape.main !== undefined) return shape.main.name;
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot run "${file}": it does not export wasi:cli/run; ${INSTEAD[shape.kind]}`,
    { details: { file } },
  );
}

const IN_APPLICATION = 'give it a place in troupe.toml and use "troupe up"';

const INSTEAD: Readonly<Record<ComponentShape['kind'], string>> = {
  message: `it handles messages: ${IN_APPLICATION}`,
  http: 'it handles HTTP requests: use "troupe serve"',
  task: 'its entry is missing',
  functions: `it exports functions: ${IN_APPLICATION}`,
};

function shapeIn(compiled: CompiledComponent, file: string): ComponentShape {
  try {
    return shapeOf(compiled);
  } catch (error) {
    throw inFile(error, file);
  }
}

/** Runs `work` with a signal that says when the program has to end: when it was given up, or its time is over. */
async function ending<T>(
  { timeoutMs, signal }: RunCommandOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(RuntimeError.from(signal?.reason, 'COMPONENT_KILLED'));
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined ? undefined : systemClock.after(timeoutMs, () => controller.abort(late(timeoutMs)));
  try {
    return await work(controller.signal);
  } finally {
    timer?.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

function late(timeoutMs: number): RuntimeError {
  return new RuntimeError('COMPONENT_DEADLINE', `The program took longer than ${timeoutMs} ms`, {
    details: { deadlineMs: timeoutMs },
  });
}

interface Program {
  readonly imports: HostImports;
  readonly guest: Guest;
  /** Name of the entry. */
  readonly run: string;
  readonly signal: AbortSignal;
}

/** The program's exit code, however it ends itself; its start functions belong to it. */
async function exitCode(compiled: CompiledComponent, { imports, guest, run, signal }: Program): Promise<number> {
  let instance: ComponentInstance | undefined;
  const onAbort = () => instance?.kill(signal.reason as RuntimeError);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    // So that a program that computes hears of signals too.
    const fuel = new GuestFuel(systemClock, compiled);
    instance = await compiled.instantiate(imports, { context: guest, signal, fuel });
    signal.throwIfAborted();
    const result = (await instance.call(run)) as { tag: 'ok' | 'err' };
    return result.tag === 'ok' ? 0 : 1;
  } catch (error) {
    if (RuntimeError.is(error, 'COMPONENT_EXITED') && typeof error.details.status === 'number')
      return error.details.status & 0xff;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    instance?.kill();
  }
}

function isTerminal(stream: Readable | Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
