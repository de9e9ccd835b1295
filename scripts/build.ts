/**
 * `npm run build`: src/ → dist/ as JavaScript with declarations and source maps. `wit/`, `schema/` and the guest kits are
 * not copied: they are published beside dist/, and `../../wit` is the same place seen from src/ and from dist/.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = dirname(import.meta.dirname);
const DIST = join(ROOT, 'dist');

// Files of deleted sources must not be published.
rmSync(DIST, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
// The compiler gives `./x.ts` its new ending in code, not in declarations, where only some tools see through it.
for (const file of globSync('**/*.d.ts', { cwd: DIST })) {
  const text = readFileSync(join(DIST, file), 'utf8');
  writeFileSync(join(DIST, file), text.replaceAll(/((?:from |import\()['"]\.{1,2}\/[^'"\n]+)\.ts(?=['"])/g, '$1.js'));
}
// What the code reads beside itself.
for (const file of globSync('**/*.wasm', { cwd: join(ROOT, 'src') }))
  copyFileSync(join(ROOT, 'src', file), join(DIST, file));
const main = join(DIST, 'cli', 'main.js');
if (existsSync(main)) chmodSync(main, 0o755);
process.exitCode = status ?? 1;
