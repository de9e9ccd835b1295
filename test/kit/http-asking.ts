/** Requests for tests, one connection each, and what to wait for afterwards. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { type IncomingHttpHeaders, request as sendRequest } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly informed: readonly number[];
  readonly text: string;
  /** The name of the error that cut it off. */
  readonly cut: string | undefined;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** Sends one request on a connection of its own. */
export function ask(url: string, { method = 'GET', headers = {}, body, trailers }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = sendRequest(url, { method, headers, agent: false });
    const informed: number[] = [];
    sent.on('information', ({ statusCode }) => informed.push(statusCode));
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let cut: string | undefined;
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', (error: NodeJS.ErrnoException) => {
        cut = error.code;
      });
      response.on('close', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0 } = response;
        resolve({ status: statusCode, headers: response.headers, trailers: response.trailers, informed, text, cut });
      });
    });
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end(body);
  });
}

/** Sockets that this process has open. */
export function sockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The descriptor that listed the folder is closed by now.
      return false;
    }
  }).length;
}

/** Waits until `condition` holds; a test that waits in vain fails. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
