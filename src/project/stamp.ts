import { createHash } from 'node:crypto';
import { leb128 } from './handles.ts';

/**
 * A custom section at the end of a built component: the digest of what it was made of. So a component says itself
 * whether it is up to date, wherever it was copied to, and no file lies beside it.
 */
const SECTION = 'troupe-build';
const CUSTOM = 0x00;
const DIGEST_LENGTH = 64;

export function digestOf(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const bytes = typeof input === 'string' ? Buffer.from(input) : input;
    // The length keeps two inputs from passing for one.
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

export function withStamp(component: Uint8Array, digest: string): Uint8Array {
  return Buffer.concat([component, sectionOf(digest)]);
}

/** The digest of what `component` was made of; `undefined` if it was not built by us. */
export function stampOf(component: Uint8Array): string | undefined {
  const length = sectionOf('0'.repeat(DIGEST_LENGTH)).length;
  const end = Buffer.from(component.subarray(-length)).toString('latin1');
  const digest = end.slice(-DIGEST_LENGTH);
  return end.length === length && end === Buffer.from(sectionOf(digest)).toString('latin1') ? digest : undefined;
}

function sectionOf(digest: string): Uint8Array {
  const name = Buffer.from(SECTION);
  const body = Buffer.concat([leb128(name.length), name, Buffer.from(digest, 'latin1')]);
  return Buffer.concat([Uint8Array.of(CUSTOM), leb128(body.length), body]);
}
