import { readLines } from './lines.ts';
import { decodeRecord } from './record.ts';
import type { Segment } from './segments.ts';

/** What the first record of a file is chained to. */
export async function firstPrev({ path }: Segment): Promise<string | undefined> {
  for await (const { text } of readLines(path)) return decodeRecord(text)?.prev;
  return undefined;
}
