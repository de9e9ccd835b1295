import { randomFill, randomFillSync } from 'node:crypto';
import { RuntimeError } from '../../errors/index.ts';
import { asU64, defineInterfaces, type Eventually, type Guest, PartKey } from '../guest/index.ts';

/** Fills arrays with bytes that nobody can predict. */
export interface RandomBytes {
  /** Fills `bytes`; at once for few, in a promise for many, so that the event loop is not held up. */
  fill(bytes: Uint8Array): Eventually<void>;
}

/** Bytes of one request; more end the guest. The interface cannot give fewer than asked for. */
const REQUEST_BYTES_MAX = 16 * 1_024 * 1_024;

/** Bytes that are drawn on the calling thread: below 0.1 ms of work. */
const SYNC_BYTES_MAX = 65_536;

/** Bytes drawn ahead for `u64`s: one call to the operating system's generator costs more than the bytes. */
const POOL_BYTES = 512;

/** The operating system's generator by way of `node:crypto`. */
export const SYSTEM_RANDOM_BYTES: RandomBytes = {
  fill(bytes) {
    if (bytes.length <= SYNC_BYTES_MAX) {
      randomFillSync(bytes);
      return;
    }
    return new Promise((resolve, reject) => {
      randomFill(bytes, (error) => (error === null ? resolve() : reject(error)));
    });
  },
};

/** Where a guest's random bytes come from. */
export const RANDOM_BYTES = new PartKey<RandomBytes>('random bytes', { make: () => SYSTEM_RANDOM_BYTES });

const NUMBERS = new PartKey<NumberPool>('random numbers', {
  make: (guest) => new NumberPool(guest.part(RANDOM_BYTES)),
});

const SEED = new PartKey<Promise<readonly [bigint, bigint]>>('random seed', {
  make: (guest) => drawSeed(guest.part(RANDOM_BYTES)),
});

function bytes(this: Guest, length: unknown): Eventually<Uint8Array> {
  return drawBytes(this, asU64(length));
}

function number(this: Guest): Eventually<bigint> {
  return this.part(NUMBERS).next();
}

/**
 * `wasi:random/random`, `insecure` and `insecure-seed`. The insecure ones are as good as the secure one; the seed is the
 * same for every call of one guest, as a value import would be.
 */
export const RANDOM_INTERFACES = defineInterfaces({
  'wasi:random/random': { 'get-random-bytes': bytes, 'get-random-u64': number },
  'wasi:random/insecure': { 'get-insecure-random-bytes': bytes, 'get-insecure-random-u64': number },
  'wasi:random/insecure-seed': {
    'insecure-seed'(this: Guest) {
      return this.part(SEED);
    },
  },
});

/**
 * What was drawn last, at once, for whichever guest: it is in the guest's memory before anybody draws again. An array for each
 * draw would be garbage that takes longer to collect than to draw.
 */
const DRAWN = new Uint8Array(SYNC_BYTES_MAX);

function drawBytes(guest: Guest, length: bigint): Eventually<Uint8Array> {
  if (length > BigInt(REQUEST_BYTES_MAX)) {
    throw new RuntimeError(
      'COMPONENT_LIMIT',
      `Cannot draw ${length} random bytes: one request may be for ${REQUEST_BYTES_MAX}`,
      { details: { limit: REQUEST_BYTES_MAX } },
    );
  }
  const random = guest.part(RANDOM_BYTES);
  const count = Number(length);
  guest.charge('byte', count);
  const isShared = random === SYSTEM_RANDOM_BYTES && count <= SYNC_BYTES_MAX;
  const bytes = isShared ? DRAWN.subarray(0, count) : new Uint8Array(count);
  const filling = random.fill(bytes);
  return filling instanceof Promise ? filling.then(() => bytes) : bytes;
}

async function drawSeed(random: RandomBytes): Promise<readonly [bigint, bigint]> {
  const words = new BigUint64Array(2);
  await random.fill(new Uint8Array(words.buffer));
  return [words[0] ?? 0n, words[1] ?? 0n];
}

const NO_WORDS = new BigUint64Array(0);

/** Random `u64`s, many drawn at a time. A number that was given out is wiped. */
class NumberPool {
  readonly #random: RandomBytes;
  #words = NO_WORDS;
  #left = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  next(): Eventually<bigint> {
    if (this.#left > 0) return this.#take();
    if (this.#words === NO_WORDS) this.#words = new BigUint64Array(POOL_BYTES / BigUint64Array.BYTES_PER_ELEMENT);
    const filling = this.#random.fill(new Uint8Array(this.#words.buffer));
    const take = () => {
      this.#left = this.#words.length;
      return this.#take();
    };
    return filling instanceof Promise ? filling.then(take) : take();
  }

  #take(): bigint {
    this.#left -= 1;
    const word = this.#words[this.#left] ?? 0n;
    this.#words[this.#left] = 0n;
    return word;
  }
}
