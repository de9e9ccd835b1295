import { deserialize, serialize } from 'node:v8';
import { RuntimeError } from '../errors/index.ts';

/** How the bytes of a payload are to be read. */
const FORM = { nothing: 0, bytes: 1, text: 2, number: 3, clone: 4 } as const;

/** Bytes: the largest message. */
const MESSAGE_BYTES_MAX = 16 * 1_024 ** 2;

/** A value on its way into a frame: how many bytes it takes, and what writes them. */
export interface Packed {
  readonly form: number;
  readonly sizeBytes: number;
  /** The bytes, or the text or number that they are written from. */
  readonly content: Uint8Array | string | number | undefined;
}

const NOTHING: Packed = { form: FORM.nothing, sizeBytes: 0, content: undefined };

/**
 * Makes a value ready to be written: bytes as they are, all else as the structured clone of Node.js has it.
 *
 * @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE` — it holds what cannot be copied, or has more than 16 MiB.
 */
export function pack(value: unknown): Packed {
  if (value === undefined) return NOTHING;
  if (typeof value === 'number') return { form: FORM.number, sizeBytes: 8, content: value };
  if (value instanceof Uint8Array) return bounded({ form: FORM.bytes, sizeBytes: value.length, content: value });
  if (typeof value === 'string') {
    return bounded({ form: FORM.text, sizeBytes: Buffer.byteLength(value), content: value });
  }
  let bytes: Buffer;
  try {
    bytes = serialize(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `Cannot send a message to another thread: ${why}; send plain data, and names instead of references`;
    throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { cause: error });
  }
  return bounded({ form: FORM.clone, sizeBytes: bytes.length, content: bytes });
}

function bounded(packed: Packed): Packed {
  if (packed.sizeBytes <= MESSAGE_BYTES_MAX) return packed;
  const text = `Cannot send a message of ${packed.sizeBytes} bytes to another thread: the most is ${MESSAGE_BYTES_MAX}; send it in parts`;
  throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details: { sizeBytes: packed.sizeBytes } });
}

/** Writes a value that was packed at `at`. */
export function write({ content }: Packed, { bytes, view }: { bytes: Uint8Array; view: DataView }, at: number): void {
  if (content === undefined) return;
  if (typeof content === 'number') view.setFloat64(at, content, true);
  else if (typeof content === 'string') ENCODER.encodeInto(content, bytes.subarray(at));
  else bytes.set(content, at);
}

const ENCODER = new TextEncoder();

/** The value that was written as `form` in a frame. Throws for what nobody wrote. */
export function unpack(form: number, frame: { bytes: Uint8Array; view: DataView; end: number }, at: number): unknown {
  if (form === FORM.nothing) return undefined;
  if (form === FORM.number) return frame.view.getFloat64(at, true);
  // A copy: the memory of the frame is written again.
  const bytes = frame.bytes.slice(at, frame.end);
  if (form === FORM.bytes) return bytes;
  if (form === FORM.text) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  if (form === FORM.clone) return deserialize(bytes);
  throw new RuntimeError('INTERNAL', `A frame has the unknown form ${form}`);
}
