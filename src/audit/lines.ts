import { createReadStream } from 'node:fs';
import { LINE_BYTES_MAX } from './record.ts';

/** A line of a file, without its line feed. */
export interface Line {
  readonly text: string;
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** Whether a line feed follows; else it is the last one, and was torn. */
  readonly isWhole: boolean;
  /** Whether it is longer than any line that was written; then `text` is empty. */
  readonly isTooLong: boolean;
}

const LINE_FEED = 0x0a;

/** The lines of a file, from byte `start` on. Holds no more of it in memory than one line and what is read at a time. */
export async function* readLines(path: string, start = 0): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let size = 0;
  let offset = start;
  const take = (isWhole: boolean): Line => {
    const isTooLong = size > LINE_BYTES_MAX;
    const line = { text: isTooLong ? '' : Buffer.concat(parts).toString('utf8'), offset, isWhole, isTooLong };
    offset += size + (isWhole ? 1 : 0);
    parts = [];
    size = 0;
    return line;
  };
  const add = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= LINE_BYTES_MAX) parts.push(bytes);
  };
  for await (const chunk of createReadStream(path, { start, highWaterMark: LINE_BYTES_MAX })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      add(bytes.subarray(from, end));
      yield take(true);
      from = end + 1;
    }
    if (from < bytes.length) add(bytes.subarray(from));
  }
  if (size > 0) yield take(false);
}
