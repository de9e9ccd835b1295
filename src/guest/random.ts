import { getRandomBytes } from 'wasi:random/random@0.2.12';

/**
 * Randomness from the host. The engine is started when the component is built, so what its own `Math.random` gives is
 * known to whoever has the file, and the same in every instance.
 */

/** Numbers that one call of the host is asked for. */
const POOL = 64;

let pool = new Uint32Array(0);
let left = 0;

function nextWord(): number {
  if (left === 0) {
    pool = new Uint32Array(getRandomBytes(POOL * 4).slice().buffer);
    left = pool.length;
  }
  left -= 1;
  return pool[left] as number;
}

/** In [0, 1), with 53 bits. */
export function random(): number {
  return ((nextWord() >>> 5) * 2 ** 26 + (nextWord() >>> 6)) / 2 ** 53;
}

/** Bytes of one call; the limit that browsers have. */
const BYTES_MAX = 65_536;

export const crypto = {
  getRandomValues<T extends ArrayBufferView>(array: T): T {
    if (array.byteLength > BYTES_MAX) throw new RangeError(`At most ${BYTES_MAX} random bytes are given at once`);
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getRandomBytes(array.byteLength));
    return array;
  },

  randomUUID(): string {
    const bytes = getRandomBytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};
