/**
 * tally: counts records and adds up what they cost, by one of their columns (`by` of the configuration: `species`,
 * `phase`, `state` or `year`).
 *
 * | message            | payload                     | what it does                                                        |
 * | ------------------ | --------------------------- | ------------------------------------------------------------------- |
 * | topic `strikes.rows` | batch, see `parse.c`      | counts it, unless it has counted the batch of that number already   |
 * | topic `strikes.end`  | batches u32, rows u32     | remembers how many there are                                        |
 * | ask `top`          | how many, decimal; empty: all | answers with the dearest ones, see below                          |
 *
 * The answer is text, fields between tabs. First line: batches counted, batches there are (`-` until it is known), rows
 * counted, rows there are (`-`), rows that were no record, cost of all. Then one line for each: name, records, cost.
 *
 * Batches come in order and some come twice, for their sender repeats what was not taken by all. So it is enough to know
 * the number that comes next; a higher one means that a batch was lost, and then the figures are never called complete.
 */
import {
  Answer,
  bytesOf,
  configValue,
  Delivery,
  done,
  Health,
  HealthStatus,
  Kind,
  Lifecycle,
  Message,
  refuse,
  refuseUnknown,
  replyText,
  serve,
  textOf,
} from '../../../guest-kit/as/troupe';

export * from '../../../guest-kit/as/exports';

class Entry {
  records: u32 = 0;
  cost: u64 = 0;

  constructor(public name: string) {}
}

const COLUMNS: StaticArray<string> = ['species', 'phase', 'state', 'year'];
const UNKNOWN: i64 = -1;

let column = 'species';
let entries = new Map<string, Entry>();
let batches: u32 = 0;
let rows: u32 = 0;
let rejected: u32 = 0;
let cost: u64 = 0;
let batchesExpected: i64 = UNKNOWN;
let rowsExpected: i64 = UNKNOWN;
let lost = false;

/** Reads a batch from front to back. */
class Reader {
  at: i32 = 0;

  constructor(private bytes: Uint8Array) {}

  u8(): u32 {
    return this.bytes[this.at++];
  }

  u16(): u32 {
    return this.u8() | (this.u8() << 8);
  }

  u32(): u32 {
    return this.u16() | (this.u16() << 16);
  }

  text(): string {
    const length = <i32>this.u8();
    const start = this.at;
    this.at += length;
    return textOf(this.bytes, start, start + length);
  }
}

function count(raw: string, dollars: u32): void {
  // Tabs and line breaks are what the answers are made of.
  const name = raw.replaceAll('\t', ' ').replaceAll('\n', ' ');
  let entry: Entry;
  if (entries.has(name)) {
    entry = entries.get(name);
  } else {
    entry = new Entry(name);
    entries.set(name, entry);
  }
  entry.records++;
  entry.cost += dollars;
}

function countBatch(payload: Uint8Array): Answer {
  if (payload.length < 12) return refuse(Kind.Invalid, 'BAD_BATCH', 'A batch has at least 12 bytes');
  const batch = new Reader(payload);
  const number = batch.u32();
  if (number < batches) return done();
  if (number > batches) {
    lost = true;
    return refuse(Kind.Conflict, 'BATCH_LOST', `Batch ${number} came, ${batches} was next`);
  }
  const records = batch.u32();
  const none = batch.u32();
  for (let i: u32 = 0; i < records; i++) {
    const year = batch.u16();
    const dollars = batch.u32();
    const species = batch.text();
    const phase = batch.text();
    const state = batch.text();
    if (column == 'species') count(species, dollars);
    else if (column == 'phase') count(phase, dollars);
    else if (column == 'state') count(state, dollars);
    else count(year.toString(), dollars);
    cost += dollars;
  }
  batches++;
  rows += records + none;
  rejected += none;
  return done();
}

function takeEnd(payload: Uint8Array): Answer {
  if (payload.length != 8) return refuse(Kind.Invalid, 'BAD_END', 'The end has 8 bytes');
  const end = new Reader(payload);
  batchesExpected = end.u32();
  rowsExpected = end.u32();
  return done();
}

/** Dearest first; the same cost by name, so that the order is always the same. */
function sorted(): Entry[] {
  return entries.values().sort((a: Entry, b: Entry): i32 => {
    if (a.cost != b.cost) return a.cost > b.cost ? -1 : 1;
    return a.name < b.name ? -1 : 1;
  });
}

function known(value: i64): string {
  return value == UNKNOWN ? '-' : value.toString();
}

function top(limit: i32): string {
  const expected = lost ? '-' : known(batchesExpected);
  const lines: string[] = [`${batches}\t${expected}\t${rows}\t${known(rowsExpected)}\t${rejected}\t${cost}`];
  const all = sorted();
  for (let i = 0; i < all.length && i < limit; i++) {
    lines.push(`${all[i].name}\t${all[i].records}\t${all[i].cost}`);
  }
  return lines.join('\n');
}

function handle(message: Message): Answer {
  if (message.delivery == Delivery.Topic) {
    if (message.subject == 'strikes.rows') return countBatch(message.payload);
    if (message.subject == 'strikes.end') return takeEnd(message.payload);
    return done();
  }
  if (message.subject == 'top') {
    const limit = textOf(message.payload).trim();
    return replyText(top(limit.length == 0 ? i32.MAX_VALUE : I32.parseInt(limit)));
  }
  return refuseUnknown(message);
}

/** What `top` gives, after the column and what was lost; `restore` reads it. */
function snapshot(): Uint8Array {
  return bytesOf(`${column}\t${lost ? 1 : 0}\t${known(batchesExpected)}\n${top(i32.MAX_VALUE)}`);
}

function restore(state: Uint8Array): string | null {
  const lines = textOf(state).split('\n');
  const head = lines[0].split('\t');
  const sums = lines.length > 1 ? lines[1].split('\t') : [];
  if (head.length != 3 || sums.length != 6) return 'Not a snapshot of this component';
  column = head[0];
  lost = head[1] == '1';
  batchesExpected = head[2] == '-' ? UNKNOWN : I64.parseInt(head[2]);
  batches = U32.parseInt(sums[0]);
  rows = U32.parseInt(sums[2]);
  rowsExpected = sums[3] == '-' ? UNKNOWN : I64.parseInt(sums[3]);
  rejected = U32.parseInt(sums[4]);
  cost = U64.parseInt(sums[5]);
  entries = new Map<string, Entry>();
  for (let i = 2; i < lines.length; i++) {
    const fields = lines[i].split('\t');
    const entry = new Entry(fields[0]);
    entry.records = U32.parseInt(fields[1]);
    entry.cost = U64.parseInt(fields[2]);
    entries.set(entry.name, entry);
  }
  return null;
}

function start(config: string): string | null {
  const by = configValue(config, 'by');
  if (by === null) return null;
  if (!COLUMNS.includes(by)) return `Cannot count by "${by}": give species, phase, state or year`;
  column = by;
  return null;
}

function health(): Health {
  return lost ? new Health(HealthStatus.Degraded, 'A batch was lost') : new Health(HealthStatus.Healthy, '');
}

const hooks = new Lifecycle();
hooks.start = start;
hooks.health = health;
hooks.snapshot = snapshot;
hooks.restore = restore;
serve(handle, hooks);
