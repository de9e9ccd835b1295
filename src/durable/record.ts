import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';

/** First bytes of a record: `T`, and the format's number. A later format has another. */
const MARK = 0x54;
const FORMAT = 1;

/** Mark, format, and the checksum of what follows. */
const HEAD_BYTES = 6;

/**
 * Makes a record of a value, as `structuredClone` takes it.
 *
 * @throws What `structuredClone` throws at what it does not take.
 */
export function seal(value: unknown): Uint8Array {
  const body = serialize(value);
  const record = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  record[0] = MARK;
  record[1] = FORMAT;
  record.writeUInt32LE(crc32(body), 2);
  record.set(body, HEAD_BYTES);
  return record;
}

/** What was sealed; `undefined` if the record is damaged. */
export function open(record: Uint8Array): { readonly value: unknown } | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.length <= HEAD_BYTES || bytes[0] !== MARK || bytes[1] !== FORMAT) return undefined;
  const body = bytes.subarray(HEAD_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(2)) return undefined;
  try {
    return { value: deserialize(body) };
  } catch {
    // Whole, and yet no value: another version of Node.js may write what this one cannot read.
    return undefined;
  }
}
