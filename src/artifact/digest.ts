import { createHash } from 'node:crypto';
import { join } from 'node:path';

const DIGEST = /^[0-9a-f]{64}$/;

/** Whether a text is a SHA-256 digest in lower-case hexadecimal. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

export function digestOfArtifact(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where the artifact of a digest is in a store. Two levels, so that no folder has too many files. */
export function artifactPath(directory: string, digest: string): string {
  return join(directory, 'sha256', digest.slice(0, 2), digest.slice(2));
}
