import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { LINE_BYTES_MAX } from './record.ts';

/** A line of a file. */
export interface Line {
  /** Without its line feed. `undefined`: nobody wrote it so, for it is longer than any record, or no UTF-8. */
  readonly text: string | undefined;
  /** Where the next one begins, in bytes. */
  readonly end: number;
  /** Whether a line feed follows; else it is the last one, and was torn. */
  readonly isWhole: boolean;
}

const LINE_FEED = 0x0a;

/** The lines of a file, from byte `start` on. Holds no more of it in memory than one line and what is read at a time. */
export async function* readLines(path: string, start = 0): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let size = 0;
  let end = start;
  const take = (isWhole: boolean): Line => {
    const bytes = size > LINE_BYTES_MAX ? undefined : Buffer.concat(parts);
    end += size + (isWhole ? 1 : 0);
    parts = [];
    size = 0;
    return { text: bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined, end, isWhole };
  };
  const add = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= LINE_BYTES_MAX) parts.push(bytes);
  };
  for await (const chunk of createReadStream(path, { start, highWaterMark: LINE_BYTES_MAX })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
      add(bytes.subarray(from, at));
      yield take(true);
      from = at + 1;
    }
    if (from < bytes.length) add(bytes.subarray(from));
  }
  if (size > 0) yield take(false);
}
