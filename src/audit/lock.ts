import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RuntimeError } from '../errors/index.ts';

const FILE = 'lock.sqlite';

/**
 * Keeps every other process out of the folder until `release`, or until this process ends, however it ends: Node.js has no
 * locks of files, SQLite has.
 *
 * @throws {RuntimeError} `AUDIT_LOCKED`.
 */
export function lockFolder(directory: string): { release(): void } {
  const database = new DatabaseSync(join(directory, FILE));
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new RuntimeError('AUDIT_LOCKED', `Cannot open the audit log in "${directory}": another process writes it`, {
      details: { directory },
      cause: error,
    });
  }
  return { release: () => database.close() };
}
