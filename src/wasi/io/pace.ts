import { Rate } from '../../time/index.ts';
import { type Eventually, type Guest, isPromise, PartKey, reportLimit } from '../guest/index.ts';
import type { ByteSink, ByteSource } from './ports.ts';

/** How many bytes a second the guests of one component read and write, all of them together. */
export interface ByteRates {
  readonly in: Rate;
  readonly out: Rate;
}

const ENDLESS = new Rate(Number.POSITIVE_INFINITY);

export const BYTE_RATES = new PartKey<ByteRates>('byte rates', { make: () => ({ in: ENDLESS, out: ENDLESS }) });

/** `source`, of which no more comes than the guest's component may read; itself, if that is not bounded. */
export function pacedSource(guest: Guest, source: ByteSource): ByteSource {
  if (guest.part(BYTE_RATES).in.on(guest.clock) === undefined) return source;
  const paid = (bytes: Uint8Array | undefined) => paidFor(guest, { in: bytes?.length ?? 0 }, bytes);
  return {
    read(maxBytes) {
      const bytes = source.read(maxBytes);
      return isPromise(bytes) ? bytes.then(paid) : paid(bytes);
    },
  };
}

/** `sink`, which takes no more than the guest's component may write; itself, if that is not bounded. */
export function pacedSink(guest: Guest, sink: ByteSink): ByteSink {
  if (guest.part(BYTE_RATES).out.on(guest.clock) === undefined) return sink;
  return {
    write(bytes) {
      const out = bytes.length;
      const written = sink.write(bytes);
      return isPromise(written)
        ? written.then(() => paidFor(guest, { out }, undefined))
        : paidFor(guest, { out }, undefined);
    },
    flush: () => sink.flush?.(),
    end: () => sink.end?.(),
  };
}

/**
 * Gives `value` when the debt is paid that so many bytes make, at once if there is none. One who is gone does not pay:
 * what is still to go out of it is a bounded number of bytes.
 */
export function paidFor<T>(
  ...[guest, bytes, value]: [Guest, { readonly in: number } | { readonly out: number }, T]
): Eventually<T> {
  const [direction, count] = 'in' in bytes ? (['in', bytes.in] as const) : (['out', bytes.out] as const);
  const bucket = guest.disposed ? undefined : guest.part(BYTE_RATES)[direction].on(guest.clock);
  if (bucket === undefined) return value;
  bucket.spend(count);
  const { level, perSecond } = bucket;
  if (level >= 0) return value;
  const used = Math.ceil(perSecond - level);
  reportLimit(guest, { limit: `bytes-${direction}-per-second`, limitValue: perSecond, used });
  return guest
    .wait((done) => bucket.wait(done))
    .then(
      () => value,
      () => value,
    );
}
