import { RuntimeError } from '../errors/index.ts';

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * What an `ask` or `tell` carries over the control port.
 *
 * `json` is for operations with WIT types: `value` is an array with one element per parameter, in order; a reply is
 * the result itself, `null` when there is none. `bytes` is for actors that handle messages: the bytes are opaque.
 */
export type Payload =
  | { readonly form: 'json'; readonly value: JsonValue }
  | { readonly form: 'bytes'; readonly base64: string };

/** Nesting that a JSON payload may have. Far beyond any WIT type in use; keeps every later recursion off the stack's end. */
export const PAYLOAD_DEPTH_MAX = 128;

/** Base64 alphabet with padding at the end only; the length is checked apart. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Elements turned into one string at a time: `String.fromCharCode` takes its arguments on the stack. */
const CHUNK_BYTES = 8_192;

/** Wraps bytes as a payload. Runs in browsers too, hence no `Buffer`. */
export function bytesPayload(bytes: Uint8Array): Payload {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return { form: 'bytes', base64: btoa(binary) };
}

/**
 * Returns the bytes of a `bytes` payload.
 *
 * @throws {RuntimeError} `MESSAGE_INVALID` — the text is not padded base64.
 */
export function payloadBytes(payload: { readonly form: 'bytes'; readonly base64: string }): Uint8Array {
  const { base64 } = payload;
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) {
    throw new RuntimeError('MESSAGE_INVALID', 'Cannot decode the payload: "base64" is not padded base64 text');
  }
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** Tells how deep `value` nests, giving up at `limit + 1`. Iterative: a hostile value cannot exhaust the stack. */
export function jsonDepth(value: unknown, limit: number = PAYLOAD_DEPTH_MAX): number {
  let depth = 0;
  // Each round replaces the values of one level by their children; together they are at most the value's own size.
  let level: unknown[] = [value];
  while (level.length > 0 && depth <= limit) {
    depth++;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return depth;
}
