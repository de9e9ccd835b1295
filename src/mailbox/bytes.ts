/** Bytes of a value that has none of its own, as an element or a property: what its slot takes. */
const SLOT_BYTES = 8;

/**
 * Bytes of a payload: of strings, their characters; of buffers and views, their bytes; of arrays and plain objects, those of
 * what is in them, however deep, and at least 8 for each. Of anything else, which may be a reference, nothing is known: 0, or 8
 * inside of another.
 *
 * @param enough Looks no further when it has found more; so that a look costs no more than the bound that it is for.
 * @returns More than `enough`, however much it is, also for what throws when it is looked at.
 */
export function bytesOf(payload: unknown, enough: number): number {
  if (!isContainer(payload)) return bytesOfLeaf(payload);
  try {
    return bytesIn(payload, enough);
  } catch {
    // A getter, or a proxy: nothing is known of it, and nobody may be harmed by it.
    return Number.POSITIVE_INFINITY;
  }
}

function bytesIn(payload: object, enough: number): number {
  let bytes = 0;
  const seen = new Set([payload]);
  // A list of its own instead of recursion: a payload may be deeper than the call stack.
  const toVisit = [payload];
  for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
    for (const value of Array.isArray(next) ? next : Object.values(next)) {
      bytes += Math.max(SLOT_BYTES, bytesOfLeaf(value));
      if (bytes > enough) return bytes;
      if (!isContainer(value) || seen.has(value)) continue;
      seen.add(value);
      toVisit.push(value);
    }
  }
  return bytes;
}

function bytesOfLeaf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return 0;
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
