import { decodeUtf8, encodeUtf8 } from './encoding.ts';
import { Failure } from './failure.ts';

/** What can be sent: text as UTF-8, bytes as they are, everything else as JSON; nothing as nothing. */
export type Payload = string | Uint8Array | number | boolean | object | null | undefined;

/** `undefined` and `null` are no payload at all. */
export function toBytes(payload: Payload): Uint8Array | null {
  if (payload === undefined || payload === null) return null;
  if (typeof payload === 'string') return encodeUtf8(payload);
  if (payload instanceof Uint8Array) return payload;
  const text = JSON.stringify(payload);
  if (text === undefined) throw new TypeError(`A ${typeof payload} cannot be sent`);
  return encodeUtf8(text);
}

export function fromJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('invalid', 'PAYLOAD_INVALID', `The payload is not JSON: ${(error as Error).message}`);
  }
}
