/**
 * The adapter from WASI preview 1 to 0.2 that everybody uses: Wasmtime's (Apache-2.0 with LLVM exception), as a pinned
 * npm package carries it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../node_modules/@bytecodealliance/jco/lib/wasi_snapshot_preview1.command.wasm');
const SHA256 = 'b391794bf40029766403da7353eb2e1da17067844b78e19eaf9d934c25c4055d';

/** The adapter for programs. */
export function commandAdapter(): Uint8Array {
  const bytes = readFileSync(FILE);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== SHA256) throw new Error(`${FILE} is another adapter than the pinned one`);
  return bytes;
}
