/** The part of the client that needs Node.js: Unix sockets, and finding an application by its folder. */
import { readFile, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import type { ControlTransport } from './control-client.ts';
import { createFetchTransport } from './fetch-transport.ts';

/** Bytes of one answer: the largest reply that an actor may give, in base64, with room to spare. */
const RESPONSE_BYTES_MAX = 64 * 1_048_576;

/** Folder beside `troupe.toml` in which a running application says where it listens. */
const CONTROL_DIRECTORY = '.troupe';

/** Speaks to a control port on a Unix socket. */
export function createSocketTransport(socketPath: string): ControlTransport {
  return async ({ method, path, token, body, signal }) => {
    const { promise, resolve: settle, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const request = httpRequest({ socketPath, method, path, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > RESPONSE_BYTES_MAX) response.destroy(new Error(`the answer exceeds ${RESPONSE_BYTES_MAX} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        settle({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
    return promise;
  };
}

/** Where an application listens, and what it wants to be shown. */
export interface ControlLocation {
  readonly transport: ControlTransport;
  readonly token: string;
}

/**
 * Finds the application that runs in a folder.
 *
 * @param path The folder of a `troupe.toml`, or that file.
 * @throws {RuntimeError} `CONTROL_UNREACHABLE` — none runs there; `details.help` says how to start it.
 */
export async function locateApplication(path: string): Promise<ControlLocation> {
  const folder = await toFolder(resolve(path));
  const directory = join(folder, CONTROL_DIRECTORY);
  const file = join(directory, 'control.json');
  const address = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreachable(folder, missing(cause) ? `"${file}" is not there` : `"${file}" cannot be read`, cause);
  });
  const token = await readFile(join(directory, 'token'), 'utf8').catch((cause: unknown) => {
    throw unreachable(folder, `"${join(directory, 'token')}" cannot be read`, cause);
  });
  const transport = toTransport(address);
  if (transport === undefined) throw unreachable(folder, `"${file}" is not what an application writes there`);
  return { transport: withPlace(transport, folder), token: token.trim() };
}

async function toFolder(path: string): Promise<string> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new RuntimeError('FILE_NOT_FOUND', `Cannot find an application in "${path}": it is not there`, { cause });
  });
  return stats.isDirectory() ? path : dirname(path);
}

function toTransport(text: string): ControlTransport | undefined {
  try {
    const { address } = JSON.parse(text) as { address?: { socketPath?: unknown; port?: unknown } };
    if (typeof address?.socketPath === 'string') return createSocketTransport(address.socketPath);
    if (Number.isInteger(address?.port)) return createFetchTransport(`http://127.0.0.1:${address?.port}`);
  } catch {
    // The caller says that the file is not what it should be.
  }
  return undefined;
}

/** Says which application was tried when nobody answers: a killed one leaves its files behind. */
function withPlace(transport: ControlTransport, folder: string): ControlTransport {
  return async (request) => {
    try {
      return await transport(request);
    } catch (cause) {
      if (request.signal.aborted) throw cause;
      throw unreachable(folder, isGone(cause) ? 'it has ended without removing its files' : reasonOf(cause), cause);
    }
  };
}

function unreachable(folder: string, reason: string, cause?: unknown): RuntimeError {
  return new RuntimeError('CONTROL_UNREACHABLE', `No application runs in "${folder}": ${reason}`, {
    cause,
    details: { folder, help: [`start it: troupe up ${folder}`, 'or name the folder of one that runs: --app DIR'] },
  });
}

/** Tells whether nobody listens; `fetch` hides the system's code one cause deeper. */
function isGone(cause: unknown): boolean {
  const origin = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  return origin instanceof Error && 'code' in origin && (origin.code === 'ECONNREFUSED' || origin.code === 'ENOENT');
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function missing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
