import { assert } from '../../errors/index.ts';
import { Cursor, Emitter } from './bytes.ts';
import { CodeRewriter, copyPatched, type FuelPlan } from './code.ts';
import { withFewTypes } from './complexity.ts';
import {
  type CoreModule,
  type FunctionType,
  isWide,
  type ModuleExport,
  readCoreModule,
  readVector,
  refuse,
  SECTION,
  SECTION_ORDER,
  scanSegment,
  skipImportType,
} from './core-module.ts';
import { FunctionTypes } from './function-types.ts';
import {
  type ExceptionEncoding,
  growerBody,
  type HostHook,
  hook,
  NUMBER_TYPES,
  type NumberType,
  type PumpTarget,
  pumpBody,
  pumpHooks,
  refuelBody,
  resultHook,
  type Trampoline,
  trampolineBody,
} from './glue.ts';
import { checkExports, countOf, importsOf, KIND } from './indices.ts';
import { type ExpressionFacts, FunctionUses, skipValueType, walkExpression } from './instructions.ts';
import { type AdmissionLimits, capMemories, capTables, checkModuleSize, VERBATIM } from './limits.ts';
import { nameSection } from './names.ts';

/**
 * How a function import is entered: `direct` is another core module's function; `sync` a host function that answers at
 * once; `blocking` one that may answer "pending" (`glue.ts`).
 */
export type ImportEntry = 'direct' | 'sync' | 'blocking';

export interface AdmissionRequest {
  readonly limits: AdmissionLimits;
  /** One entry per *function* import, in order. */
  readonly imports: readonly ImportEntry[];
  /** Exports that the linker uses; all others are dropped, since V8 makes an object for each. */
  readonly keep: ReadonlySet<string>;
  /** Exported functions that the pump calls, with their post-return; function `n` is message target `n`. */
  readonly pump: readonly { readonly func: string; readonly postReturn: string | undefined }[];
  /** A name by which stack traces tell the module from others; the names of its functions are kept if it is given. */
  readonly name?: string;
  /** Units of fuel that each message begins with, 1 to 1,000,000,000; more is asked for by the hook `refuel`. Undefined: none is charged. */
  readonly fuelSlice?: number | undefined;
  /** Asks for {@link AdmittedModule.state}. */
  readonly exportState?: boolean | undefined;
}

/** Names of the exports that are all of an instance that its code can change. */
export interface ModuleState {
  readonly memories: readonly string[];
  readonly globals: readonly string[];
}

/** Where the author's own functions are in an admitted module. */
export interface OwnFunctions {
  /** Index of the first one. */
  readonly first: number;
  readonly count: number;
  /** How much less their indices were before. */
  readonly shift: number;
}

/** A core module that V8 may compile, and what the linker must know of it. */
export interface AdmittedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Hooks to supply after the module's own imports, in the list named {@link IMPORT_LIST}. */
  readonly hooks: readonly HostHook[];
  readonly pumpExport: string | undefined;
  /** The module's start function, which can be run and suspended like any other. */
  readonly startExport: string | undefined;
  readonly functions: OwnFunctions;
  /** Undefined if it was not asked for, or if the module can change more than memories and integers. */
  readonly state: ModuleState | undefined;
}

/** Module name of every import of an admitted module; the import names are "0", "1" and so on. */
export const IMPORT_LIST = 'i';

/** Mutable globals that are exported at most. Compilers make one or two; each costs every instance half a microsecond. */
const STATE_GLOBALS_MAX = 16;

/**
 * Rewrites a core module so that the host stays in control of it: trampolines before host imports, the pump, memory and
 * table maxima, `start` as an export. Yields now and then, so that a caller can spread the work over many turns.
 *
 * @throws {RuntimeError} `COMPONENT_INVALID`, `COMPONENT_UNSUPPORTED`, `COMPONENT_LIMIT`.
 */
export function* admitModule(bytes: Uint8Array, request: AdmissionRequest): Generator<undefined, AdmittedModule> {
  checkModuleSize(bytes, request.limits);
  const rewriter = new Rewriter(withFewTypes(readCoreModule(bytes)), request);
  yield* rewriter.scanCode();
  return yield* rewriter.emit();
}

class Rewriter {
  readonly #module: CoreModule;
  readonly #request: AdmissionRequest;
  readonly #types: FunctionTypes;
  readonly #hooks: HostHook[];
  readonly #trampolines: (Trampoline & { readonly type: number })[] = [];
  /** Function exports by name. */
  readonly #functionExports: ReadonlyMap<string, number>;
  readonly #targets: PumpTarget[];
  /** New index of every function of the module. */
  readonly #map: Uint32Array;
  /** Globals, imported ones included, before that of the fuel. */
  readonly #globalCount: number;
  readonly #facts: ExpressionFacts;
  readonly #fuel: FuelPlan | undefined;
  readonly #codeRewriter: CodeRewriter;
  /** Memories that code grows, in the order of the functions that do it, which come last. */
  readonly #grown: number[] = [];
  readonly #names: Set<string>;
  /** Functions, by their new indices, that stand outside of code, so that code may take references of them. */
  readonly #declared = new Set<number>();

  constructor(module: CoreModule, request: AdmissionRequest) {
    assert(request.imports.length === module.importedFunctions.length, 'one entry per function import');
    this.#module = module;
    this.#request = request;
    this.#types = new FunctionTypes(module.types);
    this.#globalCount = countOf(module, KIND.global);
    this.#facts = {
      typeCount: module.types.length,
      globalCount: this.#globalCount,
      elementCount: this.#section(SECTION.element)?.u32() ?? 0,
      localCount: 0,
      usesLegacyExceptions: false,
      usesExceptionReferences: false,
      changesTables: false,
    };
    this.#names = new Set(module.exports.map((item) => item.name));
    const functions = module.exports.filter((item) => item.kind === 0);
    this.#functionExports = new Map(functions.map((item) => [item.name, item.index]));
    this.#hooks = this.#neededHooks();
    this.#map = new Uint32Array(module.functionTypes.length);
    const imported = module.importedFunctions.length;
    for (let index = 0; index < this.#map.length; index++) {
      this.#map[index] = index < imported ? index : index + this.#hooks.length;
    }
    request.imports.forEach((entry, index) => {
      if (entry === 'direct') return;
      this.#map[index] = this.#firstGlue + this.#trampolines.length;
      this.#trampolines.push(this.#trampoline(index, entry));
    });
    this.#targets = request.pump.map((target) => this.#pumpTarget(target));
    this.#fuel = this.#fuelPlan();
    this.#codeRewriter = new CodeRewriter({
      module,
      facts: this.#facts,
      fuel: this.#fuel,
      firstDefined: imported + this.#hooks.length,
      newIndex: (func) => this.#newIndex(func),
      paramCount: (nth) => this.#typeOf(imported + nth).params.length,
    });
    for (const func of module.importedFunctions.keys()) this.#typeOf(func);
    checkExports(module);
    for (const { kind, index } of module.exports) if (kind === 0) this.#declared.add(this.#newIndex(index));
    if (module.start !== undefined) this.#checkStart(module.start);
  }

  /** V8 checks the type of a start function, but not that of an export. */
  #checkStart(func: number): void {
    this.#newIndex(func);
    const { params, results } = this.#typeOf(func);
    if (params.length === 0 && results.length === 0) return;
    throw new Cursor(this.#module.bytes).fail('the start function has parameters or results');
  }

  #typeOf(func: number): FunctionType {
    const type = this.#module.types[this.#module.functionTypes[func] as number];
    if (type === undefined) throw new Cursor(this.#module.bytes).fail(`function ${func} has no such type`);
    return type;
  }

  #trampoline(index: number, entry: ImportEntry) {
    const type = this.#typeOf(index);
    assert(type.simple && type.results.length <= 1, 'host functions have flat types');
    return {
      target: index,
      params: type.params,
      result: type.results[0],
      blocking: entry === 'blocking',
      type: this.#module.functionTypes[index] as number,
    };
  }

  #exportedFunction(name: string): number {
    const found = this.#functionExports.get(name);
    assert(found !== undefined, `the linker asks for exports that are there: "${name}"`);
    return found;
  }

  #pumpTarget(target: AdmissionRequest['pump'][number]): PumpTarget {
    const func = this.#exportedFunction(target.func);
    const type = this.#typeOf(func);
    const postReturn = target.postReturn === undefined ? undefined : this.#exportedFunction(target.postReturn);
    return {
      func: this.#newIndex(func),
      postReturn: postReturn === undefined ? undefined : this.#newIndex(postReturn),
      params: type.params,
      result: type.results[0],
    };
  }

  /** The fuel's global and function come after all others. */
  #fuelPlan(): FuelPlan | undefined {
    if (this.#request.fuelSlice === undefined) return undefined;
    const { memories, tables } = this.#module;
    return {
      global: this.#globalCount,
      refuel: this.#firstGlue + this.#trampolines.length + this.#pumpCount,
      wide: {
        memories: [...importsOf(this.#module, KIND.memory).map(({ wide }) => wide), ...memories.map(isWide)],
        tables: [...importsOf(this.#module, KIND.table).map(({ wide }) => wide), ...tables.map(isWide)],
      },
      grower: (memory) => this.#grower(memory),
    };
  }

  #grower(memory: number): number {
    let nth = this.#grown.indexOf(memory);
    if (nth === -1) nth = this.#grown.push(memory) - 1;
    return (this.#fuel as FuelPlan).refuel + 1 + nth;
  }

  /** Index of the first function that is added: the trampolines, the pump, the one that gets fuel, those that grow memories. */
  get #firstGlue(): number {
    return this.#module.functionTypes.length + this.#hooks.length;
  }

  get #pumpCount(): number {
    return this.#request.pump.length > 0 ? 1 : 0;
  }

  #neededHooks(): HostHook[] {
    const names = this.#request.fuelSlice === undefined ? [] : ['refuel', 'await'];
    this.#request.imports.forEach((entry, index) => {
      if (entry !== 'blocking') return;
      names.push('await');
      const result = this.#typeOf(index).results[0];
      if (result !== undefined) names.push(resultHook(result));
    });
    if (this.#request.pump.length > 0) {
      const shapes = this.#request.pump.map((target) => this.#typeOf(this.#exportedFunction(target.func)));
      names.push(
        ...pumpHooks(
          shapes.map((type) => ({ func: 0, postReturn: undefined, params: type.params, result: type.results[0] })),
        ),
      );
    }
    return [...new Set(names)].map(hook);
  }

  #newIndex(func: number): number {
    const index = this.#map[func];
    if (index === undefined) throw new Cursor(this.#module.bytes).fail(`function ${func} of ${this.#map.length}`);
    return index;
  }

  readonly #hookIndex = (name: string): number =>
    this.#module.importedFunctions.length + this.#hooks.findIndex((item) => item.name === name);

  #section(id: number): Cursor | undefined {
    const found = this.#module.sections.get(id);
    return found && new Cursor(this.#module.bytes, found.start, found.end);
  }

  // ── code ──

  #code = new Emitter();

  /** Copies every body with new function indices. First, because it finds what the other sections need to know. */
  *scanCode(): Generator<undefined, undefined> {
    const cursor = this.#section(SECTION.code);
    if (cursor === undefined) return undefined;
    this.#code = new Emitter(cursor.end - cursor.at + 4096);
    const { imported, defined } = this.#counts();
    const bodies = cursor.u32();
    if (bodies !== defined) cursor.fail(`${bodies} bodies for ${defined} functions, ${imported} imported`);
    return yield* this.#codeRewriter.bodies(cursor, bodies, this.#code);
  }

  #counts(): { imported: number; defined: number } {
    const imported = this.#module.importedFunctions.length;
    return { imported, defined: this.#module.functionTypes.length - imported };
  }

  readonly #patchExpression = (cursor: Cursor, into: Emitter): void => {
    const uses = new FunctionUses();
    const start = cursor.at;
    walkExpression(cursor, uses, this.#facts);
    this.#declare(uses);
    this.#copyPatched({ from: start, to: cursor.at }, uses, into);
  };

  #declare(uses: FunctionUses): void {
    for (let nth = 0; nth < uses.count; nth++) this.#declared.add(this.#newIndex(uses.index(nth)));
  }

  /** What the rewriting declares of itself must not hide that its author did not. */
  #checkReferences(): void {
    for (const func of this.#codeRewriter.referenced) {
      if (!this.#declared.has(func)) throw new Cursor(this.#module.bytes).fail('code refers to an undeclared function');
    }
  }

  #copyPatched(range: { from: number; to: number }, uses: FunctionUses, into: Emitter): void {
    const { bytes } = this.#module;
    copyPatched({ bytes, ...range }, uses, { into, newIndex: (func) => this.#newIndex(func) });
  }

  // ── the other sections ──

  *emit(): Generator<undefined, AdmittedModule> {
    const encoding: ExceptionEncoding = this.#facts.usesExceptionReferences ? 'references' : 'legacy';
    if (this.#facts.usesExceptionReferences && this.#facts.usesLegacyExceptions) {
      refuse(new Cursor(this.#module.bytes), 'both encodings of exception handling');
    }
    const plan = { encoding, fuel: this.#fuel, hookIndex: this.#hookIndex };
    const glue = this.#trampolines.map((trampoline) => trampolineBody(trampoline, plan));
    const fuel = this.#fuel && { global: this.#fuel.global, slice: this.#request.fuelSlice as number };
    if (this.#targets.length > 0) {
      glue.push(pumpBody({ targets: this.#targets, fuel, hookIndex: this.#hookIndex }));
    }
    if (fuel !== undefined) glue.push(refuelBody(fuel.global, encoding, this.#hookIndex));
    const isWide = (memory: number) => this.#fuel?.wide.memories[memory] === true;
    for (const memory of this.#grown) glue.push(growerBody(memory, isWide(memory), this.#hookIndex));
    const pumpExport = this.#targets.length > 0 ? unique('pump', this.#names) : undefined;
    const startExport = this.#module.start === undefined ? undefined : unique('start', this.#names);
    const state = this.#request.exportState === true ? this.#stateExports() : undefined;
    // Order matters: what is written first may still add types.
    const contents = new Map<number, Emitter | undefined>();
    contents.set(SECTION.import, this.#importSection());
    contents.set(SECTION.function, this.#functionSection());
    contents.set(SECTION.type, this.#typeSection());
    contents.set(SECTION.table, this.#tableSection());
    contents.set(SECTION.memory, capMemories(this.#module, this.#request.limits.memoryBytes));
    contents.set(SECTION.global, this.#globalSection());
    contents.set(SECTION.export, this.#exportSection(this.#addedExports(pumpExport, startExport, state)));
    contents.set(SECTION.element, this.#elementSection());
    this.#checkReferences();
    const bytes = yield* this.#assemble(contents, this.#codeSection(glue));
    const names = (kind: number) => state?.filter((item) => item.kind === kind).map(({ name }) => name) ?? [];
    const named = state && { memories: names(KIND.memory), globals: names(KIND.global) };
    const functions = this.#ownFunctions();
    return { bytes, hooks: this.#hooks, pumpExport, startExport, functions, state: named };
  }

  /** Each section is copied once, and code and data, which are large, each in a slice of their own. */
  *#assemble(
    contents: ReadonlyMap<number, Emitter | undefined>,
    code: readonly Emitter[],
  ): Generator<undefined, Uint8Array<ArrayBuffer>> {
    const written = [...contents.values(), ...code].reduce((sum, content) => sum + (content?.length ?? 0), 0);
    const verbatim = VERBATIM.map((id) => this.#section(id)).reduce(
      (sum, item) => sum + (item ? item.end - item.at : 0),
      0,
    );
    const out = new Emitter(written + verbatim + 4096);
    out.u8(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    for (const id of SECTION_ORDER) {
      const content = contents.get(id);
      if (id === SECTION.code || id === SECTION.data) yield;
      if (content !== undefined) out.section(id, content);
      else if (id === SECTION.code) {
        const hints = this.#codeRewriter.branchHints;
        if (hints !== undefined) out.section(SECTION.custom, hints);
        out.section(id, ...code);
      } else if (VERBATIM.includes(id)) {
        const cursor = this.#section(id);
        if (cursor === undefined) continue;
        out.u8(id);
        out.u32(cursor.end - cursor.at);
        out.copy(cursor.bytes, cursor.at, cursor.end);
      }
    }
    if (this.#request.name !== undefined) out.section(SECTION.custom, this.#nameSection(this.#request.name));
    return out.take();
  }

  #ownFunctions(): OwnFunctions {
    const { imported, defined } = this.#counts();
    return { first: imported + this.#hooks.length, count: defined, shift: this.#hooks.length };
  }

  #nameSection(module: string): Emitter {
    const { bytes, names } = this.#module;
    const section = names && new Cursor(bytes, names.start, names.end);
    return nameSection({ module, section, firstDefined: this.#counts().imported, shift: this.#hooks.length });
  }

  #typeSection(): Emitter {
    const content = new Emitter();
    content.u32(this.#types.count);
    const original = this.#section(SECTION.type);
    if (original !== undefined) {
      original.u32();
      content.copy(original.bytes, original.at, original.end);
    }
    for (const type of this.#types.added) {
      content.u8(0x60);
      content.u32(type.params.length);
      content.u8(...type.params);
      content.u32(type.results.length);
      content.u8(...type.results);
    }
    return content;
  }

  /** Imports are found by number in one list: nothing of the guest's naming reaches a JavaScript object. */
  #importSection(): Emitter {
    const content = new Emitter();
    content.u32(this.#module.imports.length + this.#hooks.length);
    const trampolines = new Map(this.#trampolines.map((item) => [item.target, item]));
    let functions = 0;
    let position = 0;
    const head = (kind: number) => {
      content.name(IMPORT_LIST);
      content.name(String(position++));
      content.u8(kind);
    };
    readVector(this.#section(SECTION.import), (cursor) => {
      cursor.name();
      cursor.name();
      const kind = cursor.u8();
      const from = cursor.at;
      skipImportType(cursor, kind);
      const trampoline = kind === 0 ? trampolines.get(functions) : undefined;
      if (kind === 0) functions++;
      head(kind);
      if (trampoline?.blocking) content.u32(this.#types.index(trampoline.params, [NUMBER_TYPES.i32]));
      else content.copy(cursor.bytes, from, cursor.at);
    });
    for (const item of this.#hooks) {
      head(0);
      content.u32(this.#types.index(item.params.map(numberType), item.results.map(numberType)));
    }
    return content;
  }

  #functionSection(): Emitter {
    const content = new Emitter();
    const { imported, defined } = this.#counts();
    const plain = new Array<undefined>(this.#pumpCount + (this.#fuel === undefined ? 0 : 1)).fill(undefined);
    const growers = this.#grown.map((memory) => {
      const pages = [this.#fuel?.wide.memories[memory] ? NUMBER_TYPES.i64 : NUMBER_TYPES.i32];
      return this.#types.index(pages, pages);
    });
    const added = [
      ...this.#trampolines.map((item) => item.type),
      ...plain.map(() => this.#types.index([], [])),
      ...growers,
    ];
    content.u32(defined + added.length);
    for (const type of this.#module.functionTypes.slice(imported)) content.u32(type);
    for (const type of added) content.u32(type);
    return content;
  }

  #tableSection(): Emitter | undefined {
    const section = this.#section(SECTION.table);
    if (section === undefined) return undefined;
    const { tableElements } = this.#request.limits;
    return capTables(this.#module, { section, elementsMax: tableElements }, this.#patchExpression);
  }

  #globalSection(): Emitter | undefined {
    const section = this.#section(SECTION.global);
    if (section === undefined && this.#fuel === undefined) return undefined;
    const content = new Emitter();
    const own = section === undefined ? 0 : new Cursor(section.bytes, section.at, section.end).u32();
    content.u32(own + (this.#fuel === undefined ? 0 : 1));
    readVector(section, (cursor) => {
      const from = cursor.at;
      skipValueType(cursor, this.#facts.typeCount);
      cursor.u8();
      content.copy(cursor.bytes, from, cursor.at);
      this.#patchExpression(cursor, content);
    });
    // Empty at first: code that runs before a message asks for it.
    if (this.#fuel !== undefined) content.u8(NUMBER_TYPES.i32, 1, 0x41, 0, 0x0b);
    return content;
  }

  /** The memories and mutable globals that the module defines; undefined if they are not all that it can change. */
  #stateExports(): ModuleExport[] | undefined {
    if (this.#facts.changesTables) return undefined;
    const imported = importsOf(this.#module, KIND.memory).length;
    const state = this.#module.memories.map((_, nth) => this.#exportOf(KIND.memory, imported + nth));
    let index = importsOf(this.#module, KIND.global).length;
    let isPlain = true;
    readVector(this.#section(SECTION.global), (cursor) => {
      const type = skipValueType(cursor);
      const isMutable = cursor.u8() === 1;
      walkExpression(cursor, new FunctionUses(), this.#facts);
      if (isMutable) {
        // JavaScript cannot put the bits of a NaN back, nor read vectors; a reference could lead anywhere.
        if (type !== NUMBER_TYPES.i32 && type !== NUMBER_TYPES.i64) isPlain = false;
        state.push(this.#exportOf(KIND.global, index));
      }
      index++;
    });
    return isPlain && state.length - this.#module.memories.length <= STATE_GLOBALS_MAX ? state : undefined;
  }

  /** The export of a memory or global that is kept anyway, or a new one. */
  #exportOf(kind: number, index: number): ModuleExport {
    const isKept = (item: ModuleExport) =>
      item.kind === kind && item.index === index && this.#request.keep.has(item.name);
    return this.#module.exports.find(isKept) ?? { name: unique(`state ${kind} ${index}`, this.#names), kind, index };
  }

  #addedExports(
    pump: string | undefined,
    start: string | undefined,
    state: readonly ModuleExport[] | undefined,
  ): ModuleExport[] {
    const added = [...(state ?? [])];
    if (start !== undefined) added.push({ name: start, kind: 0, index: this.#newIndex(this.#module.start as number) });
    if (pump !== undefined) {
      added.push({ name: pump, kind: 0, index: this.#firstGlue + this.#trampolines.length });
    }
    return added;
  }

  #exportSection(added: readonly ModuleExport[]): Emitter {
    const kept = this.#module.exports
      .filter((item) => this.#request.keep.has(item.name))
      .map((item) => ({ ...item, index: item.kind === 0 ? this.#newIndex(item.index) : item.index }));
    const names = new Set(kept.map(({ name }) => name));
    kept.push(...added.filter(({ name }) => !names.has(name)));
    const content = new Emitter();
    content.u32(kept.length);
    for (const item of kept) {
      content.name(item.name);
      content.u8(item.kind);
      content.u32(item.index);
    }
    return content;
  }

  /** Functions that code takes references of must be declared, which a dropped export may have done. */
  #elementSection(): Emitter | undefined {
    const section = this.#section(SECTION.element);
    const declare = this.#codeRewriter.referenced.size > 0;
    if (section === undefined && !declare) return undefined;
    const segments = section?.u32() ?? 0;
    const content = new Emitter();
    content.u32(segments + (declare ? 1 : 0));
    if (section !== undefined) {
      const uses = new FunctionUses();
      const from = section.at;
      for (let index = 0; index < segments; index++) scanSegment(section, uses, this.#facts);
      if (section.at !== section.end) section.fail('section is longer than what it holds');
      this.#declare(uses);
      this.#copyPatched({ from, to: section.end }, uses, content);
    }
    if (declare) {
      content.u8(3, 0);
      content.u32(this.#codeRewriter.referenced.size);
      for (const index of this.#codeRewriter.referenced) content.u32(index);
    }
    return content;
  }

  /** The section in pieces: the author's code is large. */
  #codeSection(glue: readonly Emitter[]): readonly Emitter[] {
    const head = new Emitter();
    head.u32(this.#counts().defined + glue.length);
    const tail = new Emitter();
    for (const body of glue) {
      tail.u32(body.length);
      tail.append(body);
    }
    return [head, this.#code, tail];
  }
}

const numberType = (name: NumberType): number => NUMBER_TYPES[name];

/** `base`, or `base` with as many primes as it takes to be unlike every name in `taken`. */
function unique(base: string, taken: ReadonlySet<string>): string {
  let name = base;
  while (taken.has(name)) name += "'";
  return name;
}
