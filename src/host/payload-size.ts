/** Bytes of anything that is not text or numbers in a row: what V8 takes for a small object, roughly. */
const OBJECT_BYTES = 16;
const VALUE_BYTES = 8;

/**
 * Bytes that WIT values in their JavaScript form take, by estimate: text and typed arrays by their length, everything
 * else by its parts. Looks no further once there are more than `max`.
 *
 * @param values Nests no deeper than the types of a component.
 */
export function payloadBytes(values: readonly unknown[], max: number): number {
  let bytes = 0;
  const add = (value: unknown): void => {
    if (bytes > max) return;
    bytes += VALUE_BYTES;
    if (typeof value === 'string') bytes += value.length;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (Array.isArray(value)) value.forEach(add);
    else if (typeof value === 'object' && value !== null) {
      bytes += OBJECT_BYTES;
      for (const key in value) add((value as Readonly<Record<string, unknown>>)[key]);
    }
  };
  values.forEach(add);
  return bytes;
}
