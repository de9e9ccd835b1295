/** Bytes of idle actors, counted in a process that does nothing else. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Bytes of heap that each of `count` idle actors of `contender` takes. */
export function idleBytes(contender: string, count: number): number {
  const file = join(import.meta.dirname, '..', 'idle-memory.ts');
  const args = ['--expose-gc', '--max-old-space-size=6144', file, contender, `${count}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`idle-memory.ts ${contender} failed: ${stderr}`);
  return JSON.parse(stdout) as number;
}
