import { basename } from 'node:path';
import type { Clock } from '../time/index.ts';
import type { AuditOptions } from './options.ts';
import { type AuditEvent, describeEvent, sealRecord } from './record.ts';
import { firstRecord, type LogEnd } from './recover.ts';
import {
  type AuditFiles,
  type Head,
  listSegments,
  removeSegment,
  type Segment,
  type SegmentWriter,
  segmentOf,
  writeHead,
} from './segments.ts';

/** Milliseconds between two heads: how much of the end can be cut off unnoticed by whoever can also cut the process off. */
const HEAD_MS = 1_000;
/** Milliseconds after which a file is followed by the next, so that records are kept a day too long at most. */
const SEGMENT_MS = 86_400_000;

/** What a chain is written by. */
export interface ChainOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly files: AuditFiles;
  readonly policy: Required<Pick<AuditOptions, 'segmentBytes' | 'retentionMs' | 'durability'>>;
}

/**
 * The files of a log that is written: the end of its chain, and how records are put behind it. A call that fails has moved
 * nothing; the next one begins with the file opened anew. One call at a time.
 */
export class Chain {
  readonly #options: ChainOptions;
  #segment: Segment;
  /** `undefined` after a failure. */
  #writer: SegmentWriter | undefined;
  #sizeBytes: number;
  #sinceMs: number;
  #head: Head;
  #savedSeq = -1;
  #savedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ChainOptions, { segment, sizeBytes, sinceMs, seq, hash, file, at }: LogEnd) {
    this.#options = options;
    this.#segment = segment ?? segmentOf(options.directory, 0);
    this.#sizeBytes = sizeBytes;
    this.#sinceMs = sinceMs;
    this.#head = { seq, hash, file, at };
  }

  /** The last record that is on disk. */
  get head(): Head {
    return this.#head;
  }

  /** Begins the log, or goes on with it. What is torn at its end goes. */
  async begin({ segment, tornBytes }: LogEnd): Promise<void> {
    if (segment === undefined) {
      // Before the first record: a log without it is one of which something was taken away.
      await writeHead(this.#options.directory, this.#head);
      await this.#openNext('log.opened');
    } else {
      await this.#reopen();
      const details = tornBytes === 0 ? undefined : { tornBytes };
      await this.#record({ kind: 'log', action: 'log.resumed', outcome: 'done', details });
    }
    await this.#expire();
    await this.saveHead();
  }

  /** Has the file open, with room in it, and removes those that are too old. */
  async prepare(): Promise<void> {
    if (this.#writer === undefined) await this.#reopen();
    const { policy, clock } = this.#options;
    if (this.#sizeBytes < policy.segmentBytes && !isDayOff(clock.wallMs(), this.#sinceMs)) return;
    await this.saveHead();
    await this.#writer?.close();
    this.#writer = undefined;
    await this.#openNext('log.continued');
    await this.#expire();
  }

  /** Writes records and, when they are on disk, lets the chain go on from them. Call `prepare` before. */
  async append(events: readonly string[]): Promise<void> {
    const writer = this.#writer as SegmentWriter;
    let { seq, hash, at } = this.#head;
    let text = '';
    const lines: string[] = [];
    for (const described of events) {
      ({ line: text, hash } = sealRecord(described, { seq: ++seq, prev: hash }));
      lines.push(text, '\n');
    }
    const bytes = Buffer.from(lines.join(''));
    await writer.append(bytes);
    if (this.#options.policy.durability === 'disk') await writer.sync();
    this.#sizeBytes += bytes.length;
    at = this.#sizeBytes - Buffer.byteLength(text) - 1;
    this.#head = { seq, hash, file: basename(this.#segment.path), at };
  }

  /** Gives the file up, so that the next `prepare` opens it anew. */
  async abandon(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    // Nothing more can be done for it.
    await writer?.close().catch(() => undefined);
  }

  /** As {@link saveHead}, if the last one is old. Without it less is noticed of what is cut off; the records are there all the same. */
  async saveHeadSometimes(): Promise<void> {
    if (this.#options.clock.nowMs() < this.#savedAtMs + HEAD_MS) return;
    await this.saveHead().catch(() => undefined);
  }

  /** Notes beside the log where it ends. */
  async saveHead(): Promise<void> {
    const head = this.#head;
    if (this.#savedSeq === head.seq) return;
    this.#savedAtMs = this.#options.clock.nowMs();
    // Never ahead of its record, whatever the power does.
    if (this.#options.policy.durability !== 'disk') await this.#writer?.sync();
    await writeHead(this.#options.directory, head);
    this.#savedSeq = head.seq;
  }

  async #reopen(): Promise<void> {
    const writer = await this.#options.files.open(this.#segment.path, false);
    this.#writer = writer;
    // What a failed write left, or a process that was killed.
    await writer.truncate(this.#sizeBytes);
  }

  async #openNext(action: string): Promise<void> {
    // Not always the next number: a file may have been made, and nothing more.
    const newest = (await listSegments(this.#options.directory)).at(-1)?.number ?? 0;
    const segment = segmentOf(this.#options.directory, Math.max(newest, this.#segment.number) + 1);
    this.#writer = await this.#options.files.open(segment.path, true);
    this.#segment = segment;
    this.#sizeBytes = 0;
    this.#sinceMs = this.#options.clock.wallMs();
    await this.#record({ kind: 'log', action, outcome: 'done', resource: basename(segment.path) });
  }

  /** Removes files whose records are older than they are kept; what the chain began with then is on record first. */
  async #expire(): Promise<void> {
    const { directory, clock, policy } = this.#options;
    const segments = await listSegments(directory);
    for (const [at, segment] of segments.slice(0, -1).entries()) {
      // Written right behind the last record of this file.
      const next = await firstOf(segments.slice(at + 1));
      if (next === undefined || Date.parse(next.time) > clock.wallMs() - policy.retentionMs) return;
      const event = { kind: 'log', action: 'log.expired', outcome: 'done', resource: basename(segment.path) } as const;
      await this.#record({ ...event, details: { lastHash: next.prev } });
      // One that cannot be removed is tried again with the next file.
      await removeSegment(segment).catch(() => undefined);
    }
  }

  async #record(event: AuditEvent): Promise<void> {
    await this.append([describeEvent(event, this.#options.clock.wallMs())]);
  }

  async close(): Promise<void> {
    await this.saveHead().catch(() => undefined);
    await this.abandon();
  }
}

/** Also backwards: a clock that was wrong when the file was begun. */
function isDayOff(nowMs: number, sinceMs: number): boolean {
  return Math.abs(nowMs - sinceMs) >= SEGMENT_MS;
}

async function firstOf(segments: readonly Segment[]) {
  for (const segment of segments) {
    const record = await firstRecord(segment);
    if (record !== undefined) return record;
  }
  return undefined;
}
