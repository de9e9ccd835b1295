/**
 * The folder where a running application leaves what its clients need: `token` and `control.json` (the address), both
 * readable by this user only.
 */
import { readFileSync, rmdirSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';

/** A local connect answers at once; a process that is stopped or swapped out may not. */
const PROBE_DEADLINE_MS = 1_000;

/** Where an application listens. */
export type ControlAddress = { readonly socketPath: string } | { readonly port: number };

interface AddressFile {
  readonly pid: number;
  readonly address: ControlAddress;
}

/**
 * Makes the folder, or makes sure that an existing one is this user's, and closes it to others.
 *
 * @throws {RuntimeError} `FILE_UNREADABLE` — it is somebody else's, or cannot be made.
 */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const stats = await lstat(directory);
    const mine = process.getuid === undefined || stats.uid === process.getuid();
    if (!stats.isDirectory()) throw unusable(directory, 'it is not a folder');
    if (!mine) throw unusable(directory, 'it belongs to another user');
    await chmod(directory, 0o700);
  } catch (error) {
    throw toFileError(error, directory);
  }
}

/** Whatever the file system says becomes an error that names the folder and the way around it. */
export function toFileError(error: unknown, directory: string): RuntimeError {
  if (RuntimeError.is(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EEXIST' || code === 'ENOTDIR') return unusable(directory, 'it is not a folder');
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return unusable(directory, denied ? 'this user may not write there' : `the system says ${code || String(error)}`);
}

function unusable(directory: string, reason: string): RuntimeError {
  return new RuntimeError('FILE_UNREADABLE', `Cannot keep the control port's files in "${directory}": ${reason}`, {
    details: { help: ['free the folder, or set [control] enabled = false in troupe.toml'] },
  });
}

/**
 * Refuses when another application answers at the address that `directory` names; a stale one is forgotten.
 *
 * @throws {RuntimeError} `APPLICATION_RUNNING` — with the process id and what to do.
 */
export async function refuseIfRunning(directory: string, clock: Clock): Promise<void> {
  const found = await readAddress(directory);
  if (found === undefined || found.pid === process.pid) return;
  if (!isAlive(found.pid) || !(await answers(found.address, clock))) return;
  throw new RuntimeError(
    'APPLICATION_RUNNING',
    `The application in "${join(directory, '..')}" is running already, as process ${found.pid}`,
    {
      details: { pid: found.pid, help: ['stop it with Ctrl-C there, or look at it with troupe ps'] },
    },
  );
}

/**
 * Frees a socket path that a killed process left behind.
 *
 * @throws {RuntimeError} `PORT_IN_USE` — something listens there, or a file that is no socket is in the way.
 */
export async function freeSocketPath(socketPath: string, clock: Clock): Promise<void> {
  const stats = await lstat(socketPath).catch(() => undefined);
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw inUse(socketPath, 'a file that is not a socket is there', 'move it away, or set [control] socket');
  if (await answers({ socketPath }, clock))
    throw inUse(socketPath, 'another process listens there', 'stop it, or set [control] socket');
  await rm(socketPath, { force: true });
}

/** The files of one run, written and removed together. */
export class Rendezvous {
  readonly #directory: string;
  readonly #address: string;

  private constructor(directory: string, address: string) {
    this.#directory = directory;
    this.#address = address;
  }

  /** Publishes token and address; the address last, since clients begin with it. */
  static async publish(directory: string, token: string, address: ControlAddress): Promise<Rendezvous> {
    const content = `${JSON.stringify({ pid: process.pid, address } satisfies AddressFile)}\n`;
    const files = new Rendezvous(directory, content);
    try {
      await writePrivate(join(directory, 'token'), `${token}\n`);
      await writePrivate(join(directory, 'control.json'), content);
      return files;
    } catch (error) {
      await rm(join(directory, 'token'), { force: true });
      throw toFileError(error, directory);
    }
  }

  /** Removes the files if they are still this run's. Synchronous, for the last moment of a process. */
  remove(): void {
    try {
      if (readFileSync(join(this.#directory, 'control.json'), 'utf8') !== this.#address) return;
      rmSync(join(this.#directory, 'control.json'), { force: true });
      rmSync(join(this.#directory, 'token'), { force: true });
      removeIfEmpty(this.#directory);
    } catch {
      // Gone already: as it should be.
    }
  }
}

/** Removes the folder unless something is in it. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It holds what others put there, or is gone: either is as it should be.
  }
}

/** Writes beside and renames: a reader sees the old file or the new one, and never one that others can read. */
async function writePrivate(file: string, content: string): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await rm(beside, { force: true });
  await writeFile(beside, content, { mode: 0o600, flag: 'wx' });
  await rename(beside, file);
}

async function readAddress(directory: string): Promise<AddressFile | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(directory, 'control.json'), 'utf8'));
    return isAddressFile(parsed) ? parsed : undefined;
  } catch {
    // Not there or not ours to understand: nobody to wait for.
    return undefined;
  }
}

function isAddressFile(value: unknown): value is AddressFile {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('address' in value)) return false;
  const { pid, address } = value;
  if (!Number.isSafeInteger(pid) || Number(pid) < 1 || typeof address !== 'object' || address === null) return false;
  if ('socketPath' in address) return typeof address.socketPath === 'string';
  return 'port' in address && Number.isInteger(address.port);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Tells whether somebody accepts connections at `address`; one who hangs counts as somebody. */
function answers(address: ControlAddress, clock: Clock): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = 'port' in address ? connect(address.port, '127.0.0.1') : connect(address.socketPath);
  const timer = clock.after(PROBE_DEADLINE_MS, () => resolve(true), true);
  socket.once('connect', () => resolve(true));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN' || error.code === 'EACCES'));
  return promise.finally(() => {
    timer.cancel();
    socket.destroy();
  });
}

function inUse(place: string, reason: string, help: string): RuntimeError {
  return new RuntimeError('PORT_IN_USE', `Cannot listen at "${place}": ${reason}`, { details: { help: [help] } });
}
