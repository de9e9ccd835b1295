import { RuntimeError } from '../errors/index.ts';
import {
  BUCKET_NAME_BYTES_MAX,
  KEY_BYTES_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_ITEMS_MAX,
  VALUE_BYTES_MAX,
} from './options.ts';
import type { StoreRequest } from './requests.ts';

/** Bytes that a request, or an entry of one, takes besides its texts and values: roughly what objects cost. */
const OVERHEAD_BYTES = 128;

/** Roughly the bytes that a request takes while it waits. */
export function sizeOf(request: StoreRequest): number {
  switch (request.op) {
    case 'read':
      return request.keys.reduce((sum, key) => sum + key.length + OVERHEAD_BYTES, OVERHEAD_BYTES);
    case 'write':
      return request.writes.reduce(
        (sum, { key, value }) => sum + key.length + (value?.length ?? 0) + OVERHEAD_BYTES,
        OVERHEAD_BYTES,
      );
    case 'list':
      return OVERHEAD_BYTES;
    default:
      return request.key.length + OVERHEAD_BYTES;
  }
}

/**
 * Refuses what is too large to be asked at all, and what could not be handed to another thread.
 *
 * @throws {TypeError} A name or key is no text, a value no bytes.
 * @throws {RuntimeError} `STORE_LIMIT`.
 */
export function checkedRequest(request: StoreRequest): void {
  switch (request.op) {
    case 'read':
      check('the keys', request.keys.length, REQUEST_ITEMS_MAX);
      checkBucket(request.bucket);
      for (const key of request.keys) checkKey(key);
      break;
    case 'write':
      check('the entries', request.writes.length, REQUEST_ITEMS_MAX);
      for (const { bucket, key, value } of request.writes) {
        checkBucket(bucket);
        checkKey(key);
        if (value !== undefined) checkValue(value);
      }
      check('the bytes of all entries', sizeOf(request), REQUEST_BYTES_MAX);
      break;
    case 'list':
      checkBucket(request.bucket);
      break;
    default:
      checkBucket(request.bucket);
      checkKey(request.key);
  }
}

function checkBucket(name: unknown): void {
  check('the bytes of the name of a bucket', Buffer.byteLength(asText(name)), BUCKET_NAME_BYTES_MAX);
}

function checkKey(key: unknown): void {
  check('the bytes of a key', Buffer.byteLength(asText(key)), KEY_BYTES_MAX);
}

function checkValue(value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`Cannot store a ${typeof value}: a value is a Uint8Array`);
  check('the bytes of a value', value.length, VALUE_BYTES_MAX);
}

function asText(name: unknown): string {
  if (typeof name === 'string') return name;
  throw new TypeError(`Cannot ask that of the store: names and keys are texts, got ${typeof name}`);
}

function check(what: string, size: number, max: number): void {
  if (size <= max) return;
  throw new RuntimeError('STORE_LIMIT', `Cannot ask that of the store: ${what} are ${size}, at most ${max} are taken`, {
    details: { size, max },
  });
}
