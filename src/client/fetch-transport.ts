import type { ControlTransport } from './control-client.ts';

/** Speaks to a control port on a loopback port by `fetch`. Runs in browsers. */
export function createFetchTransport(url: string): ControlTransport {
  return async ({ method, path, token, body, signal }) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = { method, headers, signal, redirect: 'error' as const, ...(body === undefined ? {} : { body }) };
    const response = await fetch(new URL(path, url), init);
    return { status: response.status, body: await response.text() };
  };
}
