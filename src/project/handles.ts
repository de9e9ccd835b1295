import { RuntimeError } from '../errors/index.ts';

/**
 * Ends of handles, answered within the component.
 *
 * The bindings of QuickJS never drop a handle that the host gave them. The canonical ABI has what it takes,
 * `canon resource.drop`, but only for code that imports it as a core function, which JavaScript cannot. So a world gets
 * an interface with functions `drop-NAME: func(handle: u32)`, which as core functions look exactly like the drops, and
 * afterwards the component is rewritten:
 *
 *     (import "troupe:guest/handles" (instance …))   →  (instance)                        an empty one in its place
 *     (alias export $handles "drop-x" (func))        →  (alias export … (func))           any other; nobody uses it now
 *     (canon lower (func drop-x))                    →  (canon resource.drop $x)
 *
 * No index moves, and the result imports nothing that is not WASI. Components within components are rewritten too: the
 * tool wraps what it made. What an export defines comes last there, and is used by nothing of this.
 */

const SECTION = { component: 4, instance: 5, alias: 6, type: 7, canon: 8, import: 10 } as const;
const SORT = { core: 0x00, func: 0x01, value: 0x02, type: 0x03, component: 0x04, instance: 0x05 } as const;
const HEADER_BYTES = 8;

/** Where the resource of each function is defined: in the first of these that there is (see `quickjs-streams.ts`). */
const RESOURCES: Readonly<Record<string, { readonly from: readonly string[]; readonly name: string }>> = {
  'drop-pollable': { from: ['wasi:io/poll@'], name: 'pollable' },
  'drop-http-pollable': { from: ['wasx:io/poll@', 'wasi:io/poll@'], name: 'pollable' },
  'drop-input-stream': { from: ['wasx:io/streams@', 'wasi:io/streams@'], name: 'input-stream' },
  'drop-output-stream': { from: ['wasx:io/streams@', 'wasi:io/streams@'], name: 'output-stream' },
};

const HANDLES = 'troupe:guest/handles@0.1.0';

/** A function or type that was taken out of an imported instance. */
interface Alias {
  readonly instance: number;
  readonly name: string;
}

/** What the sections so far have defined. */
interface Spaces {
  /** Names of instances, `undefined` for those that are not imported. */
  readonly instances: (string | undefined)[];
  readonly funcs: (Alias | undefined)[];
  readonly types: (Alias | undefined)[];
}

/**
 * Answers the imports of `troupe:guest/handles` within `component`.
 *
 * @throws {RuntimeError} `BUILD_FAILED` — it is laid out in another way than wit-component does.
 */
export function answerHandles(component: Uint8Array): Uint8Array {
  const spaces: Spaces = { instances: [], funcs: [], types: [] };
  const parts: Uint8Array[] = [component.subarray(0, HEADER_BYTES)];
  const reader = new Reader(component, HEADER_BYTES);
  while (!reader.done) {
    const start = reader.at;
    const id = reader.byte();
    const body = reader.bytes(reader.u32());
    parts.push(...(rewriteSection(id, body, spaces) ?? [component.subarray(start, reader.at)]));
  }
  return Buffer.concat(parts);
}

/** The section in its new form; `undefined` if it stays as it is. */
function rewriteSection(id: number, body: Uint8Array, spaces: Spaces): Uint8Array[] | undefined {
  const reader = new Reader(body);
  switch (id) {
    case SECTION.import:
      return rewriteImports(reader, spaces);
    case SECTION.alias:
      return rewriteAliases(reader, spaces);
    case SECTION.canon:
      return rewriteCanons(reader, spaces);
    case SECTION.type:
      spaces.types.push(...Array.from({ length: reader.u32() }, () => undefined));
      return undefined;
    case SECTION.instance:
      spaces.instances.push(...Array.from({ length: reader.u32() }, () => undefined));
      return undefined;
    case SECTION.component:
      return [section(SECTION.component, answerHandles(body))];
    default:
      return undefined;
  }
}

/** Takes our import out; an empty instance stands in its place. */
function rewriteImports(reader: Reader, spaces: Spaces): Uint8Array[] | undefined {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  let found = false;
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.at;
    reader.byte();
    const name = reader.name();
    skipExternType(reader, name, spaces);
    if (name === HANDLES) found = true;
    else (found ? after : before).push(reader.since(start));
  }
  if (!found) return undefined;
  const empty = Uint8Array.of(0x01, 0x00);
  return [
    ...(before.length > 0 ? [section(SECTION.import, vector(before))] : []),
    section(SECTION.instance, vector([empty])),
    ...(after.length > 0 ? [section(SECTION.import, vector(after))] : []),
  ];
}

function skipExternType(reader: Reader, name: string, spaces: Spaces): void {
  const sort = reader.byte();
  if (sort === SORT.core) reader.byte();
  if (sort === SORT.type) {
    const bound = reader.byte();
    if (bound === 0x00) reader.u32();
    spaces.types.push(undefined);
    return;
  }
  reader.u32();
  if (sort === SORT.instance) spaces.instances.push(name);
  if (sort === SORT.func) spaces.funcs.push(undefined);
}

function rewriteAliases(reader: Reader, spaces: Spaces): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let changed = false;
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.at;
    const sort = reader.byte();
    if (sort === SORT.core) reader.byte();
    const target = reader.byte();
    const first = reader.u32();
    const alias = target === 0x02 ? undefined : { instance: first, name: reader.name() };
    if (target === 0x02) reader.u32();
    let entry = reader.since(start);
    const isExport = target === 0x00;
    if (sort === SORT.func) {
      if (alias !== undefined && isExport && spaces.instances[alias.instance] === HANDLES) {
        entry = stand(spaces);
        changed = true;
      }
      spaces.funcs.push(isExport ? alias : undefined);
    }
    if (sort === SORT.type) spaces.types.push(isExport ? alias : undefined);
    if (sort === SORT.instance) spaces.instances.push(undefined);
    entries.push(entry);
  }
  return changed ? [section(SECTION.alias, vector(entries))] : undefined;
}

/** An alias to a function that is there in any case, in the place of one of ours. */
function stand(spaces: Spaces): Uint8Array {
  const instance = spaces.instances.findIndex((name) => name?.startsWith('wasi:cli/stdout@'));
  if (instance < 0) throw unknownLayout('it does not import wasi:cli/stdout');
  const name = new TextEncoder().encode('get-stdout');
  return Buffer.concat([Uint8Array.of(SORT.func, 0x00), leb128(instance), leb128(name.length), name]);
}

function rewriteCanons(reader: Reader, spaces: Spaces): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let changed = false;
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.at;
    const kind = reader.byte();
    if (kind === 0x00) {
      reader.byte();
      reader.u32();
      skipOptions(reader);
      reader.u32();
      spaces.funcs.push(undefined);
    } else if (kind === 0x01) {
      reader.byte();
      const alias = spaces.funcs[reader.u32()];
      skipOptions(reader);
      if (alias !== undefined && spaces.instances[alias.instance] === HANDLES) {
        entries.push(Buffer.concat([Uint8Array.of(0x03), leb128(resourceType(alias.name, spaces))]));
        changed = true;
        continue;
      }
    } else if (kind >= 0x02 && kind <= 0x04) {
      reader.u32();
    } else {
      throw unknownLayout(`a canonical function of kind ${kind}`);
    }
    entries.push(reader.since(start));
  }
  return changed ? [section(SECTION.canon, vector(entries))] : undefined;
}

function skipOptions(reader: Reader): void {
  for (let left = reader.u32(); left > 0; left--) {
    const option = reader.byte();
    if (option >= 0x03 && option <= 0x05) reader.u32();
    else if (option > 0x05) throw unknownLayout(`a canonical option of kind ${option}`);
  }
}

function resourceType(drop: string, spaces: Spaces): number {
  const resource = RESOURCES[drop];
  for (const from of resource?.from ?? []) {
    const index = spaces.types.findIndex((alias) => {
      return alias?.name === resource?.name && spaces.instances[alias?.instance ?? -1]?.startsWith(from);
    });
    if (index >= 0) return index;
  }
  throw unknownLayout(`no type for "${drop}"`);
}

function unknownLayout(what: string): RuntimeError {
  return new RuntimeError('BUILD_FAILED', `Cannot give the component its handles: ${what}`);
}

function section(id: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(id), leb128(body.length), body]);
}

function vector(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([leb128(entries.length), ...entries]);
}

/** Unsigned LEB128. */
export function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, left]);
}

/** Reads what a tool of this build has just made: an end too soon is its mistake, not an attack. */
class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw unknownLayout('it ends too soon');
    return byte;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  bytes(size: number): Uint8Array {
    this.at += size;
    return this.#bytes.subarray(this.at - size, this.at);
  }

  name(): string {
    return new TextDecoder().decode(this.bytes(this.u32()));
  }

  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.at);
  }
}
