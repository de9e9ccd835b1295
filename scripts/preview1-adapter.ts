/** The adapter from WASI preview 1 to 0.2 that everybody uses: Wasmtime's, as a pinned npm package carries it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = '@bytecodealliance/jco@1.25.2';
const FILE = 'package/lib/wasi_snapshot_preview1.command.wasm';
const SHA256 = 'b391794bf40029766403da7353eb2e1da17067844b78e19eaf9d934c25c4055d';

/** The adapter for programs; it is kept in the folder `scratch`. */
export function commandAdapter(scratch: string): Uint8Array {
  const file = join(scratch, FILE);
  if (!existsSync(file)) {
    const tarball = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: scratch, encoding: 'utf8' }).trim();
    execFileSync('tar', ['xzf', join(scratch, tarball), '-C', scratch, FILE]);
  }
  const bytes = readFileSync(file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== SHA256) throw new Error(`${PACKAGE} holds another adapter than the pinned one`);
  return bytes;
}
