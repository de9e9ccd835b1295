import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits: not to be guessed, whatever the number of tries. */
const TOKEN_BYTES = 32;

const SCHEME = 'Bearer ';

/** Makes a token for one run of an application. */
export function createToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/**
 * Tells whether an `Authorization` header carries `token`. Compares digests in constant time, so that neither content
 * nor length leaks.
 */
export function isAuthorized(header: string | undefined, token: string): boolean {
  if (header === undefined || !header.startsWith(SCHEME)) return false;
  return timingSafeEqual(digest(header.slice(SCHEME.length)), digest(token));
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
