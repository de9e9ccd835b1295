import { RuntimeError } from '../errors/index.ts';
import type { AskRequest, TellRequest } from './model.ts';
import { type JsonValue, jsonDepth, PAYLOAD_DEPTH_MAX, type Payload, payloadBytes } from './payload.ts';

/** Bytes that the body of one request may have. The reply of an `ask` is bounded by the actor's own limits. */
export const REQUEST_BODY_BYTES_MAX = 1_048_576;

/** Range of an ask's `timeoutMs`: the same as everywhere else. */
export const ASK_TIMEOUT_RANGE_MS = { min: 1, max: 3_600_000 } as const;

/** Characters that a name of an actor or operation may have over the control port. */
const NAME_LENGTH_MAX = 512;

/** @throws {RuntimeError} `MESSAGE_INVALID` — naming the field and what it must be. */
export function parseAskRequest(body: unknown): AskRequest {
  const fields = toFields(body, ['op', 'payload', 'timeoutMs']);
  const { timeoutMs } = fields;
  const { min, max } = ASK_TIMEOUT_RANGE_MS;
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < min || timeoutMs > max) {
    throw invalid(`"timeoutMs" must be an integer from ${min} to ${max}`);
  }
  return { op: toOperation(fields.op), payload: parsePayload(fields.payload), timeoutMs };
}

/** @throws {RuntimeError} `MESSAGE_INVALID` — naming the field and what it must be. */
export function parseTellRequest(body: unknown): TellRequest {
  const fields = toFields(body, ['op', 'payload']);
  return { op: toOperation(fields.op), payload: parsePayload(fields.payload) };
}

/** @throws {RuntimeError} `MESSAGE_INVALID` — `value` is not a payload. */
export function parsePayload(value: unknown): Payload {
  if (typeof value !== 'object' || value === null || !('form' in value)) {
    throw invalid('"payload" must be {"form":"json","value":…} or {"form":"bytes","base64":"…"}');
  }
  if (value.form === 'json' && 'value' in value) {
    if (jsonDepth(value.value) > PAYLOAD_DEPTH_MAX) {
      throw invalid(`"payload" nests deeper than ${PAYLOAD_DEPTH_MAX} levels`);
    }
    return { form: 'json', value: value.value as JsonValue };
  }
  if (value.form === 'bytes' && 'base64' in value && typeof value.base64 === 'string') {
    const payload = { form: 'bytes', base64: value.base64 } as const;
    payloadBytes(payload);
    return payload;
  }
  throw invalid('"payload" must be {"form":"json","value":…} or {"form":"bytes","base64":"…"}');
}

function toFields(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('the body must be a JSON object');
  for (const key of Object.keys(body)) {
    if (!known.includes(key))
      throw invalid(`the field "${key.slice(0, 64)}" is not known; known are ${known.join(', ')}`);
  }
  return body as Readonly<Record<string, unknown>>;
}

function toOperation(op: unknown): string {
  if (typeof op !== 'string' || op.length === 0 || op.length > NAME_LENGTH_MAX) {
    throw invalid(`"op" must be a string of 1 to ${NAME_LENGTH_MAX} characters`);
  }
  return op;
}

function invalid(reason: string): RuntimeError {
  return new RuntimeError('MESSAGE_INVALID', `Cannot take the request: ${reason}`);
}
