import { RuntimeError } from '../../errors/index.ts';
import { type Cursor, Emitter } from './bytes.ts';
import { type CoreModule, isWide, type Limits, readLimits, rewriteVector, SECTION } from './core-module.ts';
import { skipValueType } from './instructions.ts';

/** What a component may claim of the process. Checked and written into its core modules before V8 sees them. */
export interface AdmissionLimits {
  /** Bytes of linear memory of one instance, all of its memories together. Multiple of 65,536 is not needed: rounded down. */
  readonly memoryBytes: number;
  /** Elements of the tables of one instance, all of them together. */
  readonly tableElements: number;
  /** Bytes of the core modules of one component together; a module that is linked in two ways counts twice. */
  readonly moduleBytes: number;
}

/** Size of a WebAssembly page. */
export const PAGE_BYTES = 65_536;

/** Pages that 32-bit addresses reach, and those that V8 allows a memory with 64-bit ones: a larger maximum is not valid. */
const ADDRESSABLE_PAGES = { narrow: 65_536n, wide: 262_144n };

/**
 * Defaults. Memory: room for a JavaScript engine inside a component (75 MB steady), yet 60 of them in 16 GB. Tables:
 * ten times the largest that a compiled language runtime was seen to need. Module: 4 × the largest JavaScript guest.
 */
export const ADMISSION_DEFAULTS: AdmissionLimits = {
  memoryBytes: 256 * 1024 * 1024,
  tableElements: 100_000,
  moduleBytes: 64 * 1024 * 1024,
};

function limitError(what: string, details: Record<string, unknown>): never {
  throw new RuntimeError('COMPONENT_LIMIT', what, { details });
}

function writeLimits(into: Emitter, limits: Limits, max: bigint): void {
  into.u8(limits.flags | 1);
  into.u64(limits.min);
  into.u64(limits.max !== undefined && limits.max < max ? limits.max : max);
}

/** Refuses what starts with more bytes of memory than it may have. */
export function checkMemoryClaim(claimedBytes: number, limitBytes: number): void {
  if (claimedBytes <= limitBytes) return;
  limitError(
    `Cannot admit the component: it starts with ${claimedBytes} bytes of memory and its limit is ${limitBytes}; raise "memory" in [limits]`,
    { limit: 'memory', limitBytes, claimedBytes },
  );
}

/** Refuses what starts with more table elements than it may have. */
export function checkTableClaim(claimedElements: number, limitElements: number): void {
  if (claimedElements <= limitElements) return;
  limitError(
    `Cannot admit the component: it starts with tables of ${claimedElements} elements and its limit is ${limitElements}; raise "table" in [limits]`,
    { limit: 'table', limitElements, claimedElements },
  );
}

/**
 * Memory section with maxima such that all memories together stay below `budgetBytes`: each gets its minimum, and the
 * rest is shared out evenly.
 */
export function capMemories(module: CoreModule, budgetBytes: number): Emitter | undefined {
  if (module.memories.length === 0) return undefined;
  const budget = BigInt(Math.floor(budgetBytes / PAGE_BYTES));
  const claimed = module.memories.reduce((sum, memory) => sum + memory.min, 0n);
  if (claimed > budget) checkMemoryClaim(Number(claimed) * PAGE_BYTES, budgetBytes);
  const share = (budget - claimed) / BigInt(module.memories.length);
  const content = new Emitter();
  content.u32(module.memories.length);
  for (const memory of module.memories) {
    const max = memory.min + share;
    const reach = isWide(memory) ? ADDRESSABLE_PAGES.wide : ADDRESSABLE_PAGES.narrow;
    writeLimits(content, memory, max < reach ? max : reach);
  }
  return content;
}

/**
 * Table section with maxima such that all tables together stay below `elementsMax`, as memories do.
 * `patchExpression` copies an initialiser with new function indices.
 */
export function capTables(
  module: CoreModule,
  { section, elementsMax }: { section: Cursor; elementsMax: number },
  patchExpression: (cursor: Cursor, into: Emitter) => void,
): Emitter {
  const claimed = module.tables.reduce((sum, table) => sum + table.min, 0n);
  const budget = BigInt(Math.floor(elementsMax));
  checkTableClaim(Number(claimed), elementsMax);
  const share = module.tables.length === 0 ? 0n : (budget - claimed) / BigInt(module.tables.length);
  return rewriteVector(section, (cursor, content) => {
    const from = cursor.at;
    const initialised = cursor.bytes[from] === 0x40;
    if (initialised) cursor.skip(2);
    skipValueType(cursor);
    content.copy(cursor.bytes, from, cursor.at);
    const limits = readLimits(cursor);
    writeLimits(content, limits, limits.min + share);
    if (initialised) patchExpression(cursor, content);
  });
}

/** Refuses a module that is larger than the limit, before anything of it is read. */
export function checkModuleSize(bytes: Uint8Array, limits: AdmissionLimits): void {
  if (bytes.length <= limits.moduleBytes) return;
  limitError(
    `Cannot admit the component: a core module has ${bytes.length} bytes and the limit is ${limits.moduleBytes}`,
    { limit: 'module', limitBytes: limits.moduleBytes },
  );
}

/** Sections whose bytes pass through as they are. */
export const VERBATIM: readonly number[] = [SECTION.dataCount, SECTION.data, SECTION.tag];
