/** HTTP at the level of bytes: for requests that no client would send. */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { until } from './process.ts';

/** One connection, and all that came over it so far. */
export interface RawConnection {
  readonly socket: Socket;
  /** As Latin-1. */
  received(): string;
  /** Resolves when the other side has closed it, in order or not: all that came, and the code of the error if there was one. */
  readonly closed: Promise<{ readonly text: string; readonly error: string | undefined }>;
  send(text: string | Uint8Array): void;
  /** Waits until what came matches. */
  gets(pattern: RegExp): Promise<void>;
}

/** Opens a connection to `address` (`http://127.0.0.1:8080`) and sends `text`, as Latin-1. */
export function openRaw(address: string, text = ''): RawConnection {
  const { hostname, port } = new URL(address);
  const chunks: Buffer[] = [];
  const socket = connect(Number(port), hostname);
  let error: string | undefined;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', (thrown: NodeJS.ErrnoException) => {
    error = thrown.code;
  });
  const received = () => Buffer.concat(chunks).toString('latin1');
  const closed = new Promise<{ text: string; error: string | undefined }>((resolve) => {
    socket.on('close', () => resolve({ text: received(), error }));
  });
  const send = (more: string | Uint8Array) =>
    void socket.write(typeof more === 'string' ? Buffer.from(more, 'latin1') : more);
  if (text !== '') send(text);
  return {
    socket,
    received,
    closed,
    send,
    gets: (pattern) =>
      until(
        () => pattern.test(received()),
        () => `${pattern} in:\n${received()}`,
      ),
  };
}

/** Sends one request and returns all that came until the other side closed the connection. */
export async function rawRequest(address: string, text: string): Promise<string> {
  return (await openRaw(address, text).closed).text;
}

/** A whole request without a body, after which the connection is closed. */
export function requestText(target: string, headers: readonly string[] = [], method = 'GET'): string {
  return [`${method} ${target} HTTP/1.1`, 'Host: test', 'Connection: close', ...headers, '', ''].join('\r\n');
}

/** Descriptors that this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
