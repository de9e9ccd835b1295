import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role } from './roles.ts';

/** 256 bits: not to be guessed, whatever the number of tries. */
const TOKEN_BYTES = 32;

const SCHEME = 'Bearer ';

/** Makes a token for one run of an application, or for one who is to use it. */
export function createToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** SHA-256 of a token, in lower-case hexadecimal: all that is kept of it. */
export function digestOfToken(token: string): string {
  return digest(token).toString('hex');
}

/** Who holds a token, and what that allows. */
export interface TokenHolder {
  /** For the record. */
  readonly name: string;
  readonly role: Role;
  /** As of {@link digestOfToken}. */
  readonly sha256: string;
}

/**
 * Finds who holds the token of an `Authorization` header. Compares digests in constant time, all of them, so that neither content nor
 * length nor place leaks.
 */
export function holderOf(header: string | undefined, holders: readonly TokenHolder[]): TokenHolder | undefined {
  if (header === undefined || !header.startsWith(SCHEME)) return undefined;
  const shown = digest(header.slice(SCHEME.length));
  let found: TokenHolder | undefined;
  for (const holder of holders) {
    if (timingSafeEqual(shown, Buffer.from(holder.sha256, 'hex'))) found ??= holder;
  }
  return found;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
