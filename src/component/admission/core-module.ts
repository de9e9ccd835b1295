import { RuntimeError } from '../../errors/index.ts';
import { Cursor, Emitter } from './bytes.ts';
import { type ExpressionFacts, FunctionUses, skipValueType, walkExpression } from './instructions.ts';
import { isNameSection } from './names.ts';

/** Section ids of a core module. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Order in which sections must stand; the ids are not it, since two came later. */
export const SECTION_ORDER: readonly number[] = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
];

/** A function type: its parameters and results as the bytes that encode them. */
export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
  /** False if a parameter or result is a reference with a heap type, which the arrays cannot say. */
  readonly simple: boolean;
}

export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  /** 0 function, 1 table, 2 memory, 3 global, 4 tag. */
  readonly kind: number;
  /** Type index of a function. */
  readonly type: number;
  /** Of a memory or table: whether its addresses have 64 bits. */
  readonly wide: boolean;
}

export interface ModuleExport {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

/** Bounds of a memory or table, with the rest of its encoding. */
export interface Limits {
  readonly flags: number;
  readonly min: bigint;
  readonly max: bigint | undefined;
}

/** A core module taken apart as far as admission needs it. Code, data and elements stay bytes. */
export interface CoreModule {
  readonly bytes: Uint8Array;
  readonly sections: ReadonlyMap<number, { readonly start: number; readonly end: number }>;
  readonly types: readonly FunctionType[];
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
  /** Type index of every function, imported ones first. */
  readonly functionTypes: readonly number[];
  readonly importedFunctions: readonly ModuleImport[];
  readonly memories: readonly Limits[];
  readonly tables: readonly Limits[];
  readonly start: number | undefined;
  /** Where its name section is, if it has one. */
  readonly names: { readonly start: number; readonly end: number } | undefined;
}

/** Limits flags: bit 0 maximum, bit 1 shared, bit 2 64-bit, bit 3 custom page size. */
export function readLimits(cursor: Cursor): Limits {
  const flags = cursor.u8();
  if (flags & 0x02) refuse(cursor, 'shared memory');
  if (flags & 0x08) refuse(cursor, 'custom page sizes');
  if (flags > 0x0f) cursor.fail('limits are malformed');
  const min = cursor.u64();
  return { flags, min, max: flags & 1 ? cursor.u64() : undefined };
}

/** Whether the addresses of such a memory or table have 64 bits. */
export function isWide({ flags }: Limits): boolean {
  return (flags & 0x04) !== 0;
}

export function refuse(cursor: Cursor, feature: string): never {
  throw new RuntimeError('COMPONENT_UNSUPPORTED', `Core module uses ${feature} at byte ${cursor.at}`, {
    details: { offset: cursor.at, feature },
  });
}

/** Takes a core module apart. Bounds are checked; meaning is V8's to validate, on the rewritten module. */
export function readCoreModule(bytes: Uint8Array): CoreModule {
  const { sections, names } = readSections(bytes);
  const section = (id: number): Cursor | undefined => {
    const found = sections.get(id);
    return found && new Cursor(bytes, found.start, found.end);
  };
  const types = readTypes(section(SECTION.type));
  const imports = readImports(section(SECTION.import), types.length);
  const importedFunctions = imports.filter((item) => item.kind === 0);
  const functionTypes = importedFunctions.map((item) => item.type);
  readVector(section(SECTION.function), (cursor) => functionTypes.push(cursor.u32()));
  const memories: Limits[] = [];
  readVector(section(SECTION.memory), (cursor) => memories.push(readLimits(cursor)));
  const tables = readTables(section(SECTION.table), types.length);
  const exports: ModuleExport[] = [];
  readVector(section(SECTION.export), (cursor) => {
    exports.push({ name: cursor.name(), kind: cursor.u8(), index: cursor.u32() });
  });
  checkTags(section(SECTION.tag), types);
  const start = section(SECTION.start)?.u32();
  return { bytes, sections, types, imports, exports, functionTypes, importedFunctions, memories, tables, start, names };
}

function readSections(bytes: Uint8Array): Pick<CoreModule, 'sections' | 'names'> {
  const cursor = new Cursor(bytes);
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) {
    if (cursor.u8() !== byte) cursor.fail('not a core module of version 1');
  }
  const sections = new Map<number, { start: number; end: number }>();
  let names: CoreModule['names'];
  let position = -1;
  while (cursor.at < cursor.end) {
    const id = cursor.u8();
    const length = cursor.u32();
    const start = cursor.at;
    cursor.skip(length);
    if (id === SECTION.custom) {
      if (isNameSection(bytes, start)) names = { start, end: cursor.at };
      continue;
    }
    const order = SECTION_ORDER.indexOf(id);
    if (order < 0) refuse(cursor, `a section with id ${id}`);
    if (order <= position) cursor.fail(`section ${id} is out of order`);
    position = order;
    sections.set(id, { start, end: cursor.at });
  }
  return { sections, names };
}

/** Reads a vector; every item takes at least one byte, so a hostile count ends at the section's end. */
export function readVector(cursor: Cursor | undefined, item: (cursor: Cursor) => void): void {
  if (cursor === undefined) return;
  for (let count = cursor.u32(); count > 0; count--) item(cursor);
  if (cursor.at !== cursor.end) cursor.fail('section is longer than what it holds');
}

/** As {@link readVector}, into a vector of as many items, which `item` writes. */
export function rewriteVector(section: Cursor, item: (cursor: Cursor, into: Emitter) => void): Emitter {
  const content = new Emitter();
  content.u32(new Cursor(section.bytes, section.at, section.end).u32());
  readVector(section, (cursor) => item(cursor, content));
  return content;
}

function readTypes(cursor: Cursor | undefined): FunctionType[] {
  const types: FunctionType[] = [];
  const count = cursor === undefined ? 0 : new Cursor(cursor.bytes, cursor.at, cursor.end).u32();
  readVector(cursor, (at) => {
    if (at.u8() !== 0x60) {
      at.at--;
      refuse(at, 'garbage-collected types (their memory could not be limited)');
    }
    const params = readValueTypes(at, count);
    const results = readValueTypes(at, count);
    const simple = ![...params, ...results].some((type) => type === 0x63 || type === 0x64);
    types.push({ params, results, simple });
  });
  return types;
}

function readValueTypes(cursor: Cursor, typeCount: number): number[] {
  const types: number[] = [];
  for (let count = cursor.u32(); count > 0; count--) types.push(skipValueType(cursor, typeCount));
  return types;
}

function readImports(cursor: Cursor | undefined, typeCount: number): ModuleImport[] {
  const imports: ModuleImport[] = [];
  readVector(cursor, (at) => {
    const module = at.name();
    const name = at.name();
    const kind = at.u8();
    let type = 0;
    let wide = false;
    if (kind === 0) type = at.u32();
    else if (kind === 1) {
      skipValueType(at, typeCount);
      wide = isWide(readLimits(at));
    } else if (kind === 2) wide = isWide(readLimits(at));
    else if (kind === 3) {
      skipValueType(at, typeCount);
      at.u8();
    } else if (kind === 4) {
      at.u8();
      type = at.u32();
    } else at.fail(`import has the unknown kind ${kind}`);
    imports.push({ module, name, kind, type, wide });
  });
  return imports;
}

/** Bounds of the tables that the module defines; an initialiser of the elements is passed over. */
function readTables(cursor: Cursor | undefined, typeCount: number): Limits[] {
  const tables: Limits[] = [];
  const facts: ExpressionFacts = {
    typeCount,
    globalCount: Number.POSITIVE_INFINITY,
    elementCount: Number.POSITIVE_INFINITY,
    localCount: 0,
    usesLegacyExceptions: false,
    usesExceptionReferences: false,
    changesTables: false,
  };
  readVector(cursor, (at) => {
    const initialised = at.bytes[at.at] === 0x40;
    if (initialised) at.skip(2);
    skipValueType(at, typeCount);
    tables.push(readLimits(at));
    if (initialised) walkExpression(at, new FunctionUses(), facts);
  });
  return tables;
}

/** An exception that carries references could chain exceptions without end, outside every memory limit. */
function checkTags(cursor: Cursor | undefined, types: readonly FunctionType[]): void {
  readVector(cursor, (at) => {
    at.u8();
    const type = types[at.u32()];
    if (type === undefined) return at.fail('tag has no such type');
    if (type.params.some((param) => param < 0x7b)) refuse(at, 'exceptions that carry references');
  });
}

/** Passes over what stands behind the kind of an import. */
export function skipImportType(cursor: Cursor, kind: number): void {
  if (kind === 0) cursor.u32();
  else if (kind === 3) {
    skipValueType(cursor);
    cursor.u8();
  } else if (kind === 4) {
    cursor.u8();
    cursor.u32();
  } else {
    if (kind === 1) skipValueType(cursor);
    const flags = cursor.u8();
    cursor.skipLeb(10);
    if (flags & 1) cursor.skipLeb(10);
  }
}

/** Flags of an element segment: bit 0 passive or declarative, bit 1 table index or declarative, bit 2 expressions. */
export function scanSegment(cursor: Cursor, uses: FunctionUses, facts: ExpressionFacts): void {
  const flags = cursor.u32();
  if (flags > 7) cursor.fail('element segment is malformed');
  const active = (flags & 1) === 0;
  if (active && flags & 2) cursor.u32();
  if (active) walkExpression(cursor, uses, facts);
  const expressions = (flags & 4) !== 0;
  if (flags & 3) {
    if (expressions) skipValueType(cursor, facts.typeCount);
    else cursor.u8();
  }
  for (let count = cursor.u32(); count > 0; count--) {
    if (expressions) walkExpression(cursor, uses, facts);
    else {
      const start = cursor.at;
      const index = cursor.u32();
      uses.add(start, cursor.at, index);
    }
  }
}
