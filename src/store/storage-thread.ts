/** The entry of the storage thread: opens the file, then runs one batch after another until it is told to close. */
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { assert, RuntimeError } from '../errors/index.ts';
import { openDatabase, storeError } from './database.ts';
import type { FromThread, ThreadSettings, ToThread } from './requests.ts';
import { Tables } from './tables.ts';

function main(): void {
  const port = parentPort;
  assert(port !== null, 'this module is the entry of a worker thread');
  const post = (message: FromThread) => port.postMessage(message);
  const settings = workerData as ThreadSettings;
  try {
    const database = openDatabase(settings.file, settings.bytes);
    const tables = tablesOf(database, settings);
    port.on('message', (message: ToThread) => {
      if (message.kind === 'batch') {
        post({ kind: 'answer', outcomes: tables.run(message.requests) });
        return;
      }
      database.close();
      port.close();
    });
    port.on('messageerror', (error) => {
      throw error;
    });
    post({ kind: 'opened' });
  } catch (error) {
    post({ kind: 'unusable', error: RuntimeError.from(error).toWire() });
  }
}

/** A file that says that it is ours, and has not our tables, is as damaged as any other. */
function tablesOf(database: DatabaseSync, settings: ThreadSettings): Tables {
  try {
    return new Tables(database, settings);
  } catch (error) {
    database.close();
    throw storeError(error, settings.file);
  }
}

main();
