import type { Context } from './context.ts';
import { unsupported } from './failure.ts';
import { flatten, flattenFunc, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from './flatten.ts';
import { CANON_OPTIONS_MAX } from './limits.ts';
import type { CanonOptions, CoreFuncType } from './model.ts';
import type { Reader } from './reader.ts';
import { coreSignature } from './subtype.ts';
import type { Func, Resource } from './types.ts';

const WASI_03 = '(a WASI 0.3 feature)';
const THREADS = '(a feature of threads)';

/** Built-in functions that come after WASI 0.2, by their codes. */
const LATER_BUILTINS: Readonly<Record<number, string>> = {
  5: `task.cancel ${WASI_03}`,
  6: `subtask.cancel ${WASI_03}`,
  7: `resource.drop async ${WASI_03}`,
  8: `backpressure.set ${WASI_03}`,
  9: `task.return ${WASI_03}`,
  10: `context.get ${WASI_03}`,
  11: `context.set ${WASI_03}`,
  12: `thread.yield ${WASI_03}`,
  13: `subtask.drop ${WASI_03}`,
  14: `stream.new ${WASI_03}`,
  15: `stream.read ${WASI_03}`,
  16: `stream.write ${WASI_03}`,
  17: `stream.cancel-read ${WASI_03}`,
  18: `stream.cancel-write ${WASI_03}`,
  19: `stream.drop-readable ${WASI_03}`,
  20: `stream.drop-writable ${WASI_03}`,
  21: `future.new ${WASI_03}`,
  22: `future.read ${WASI_03}`,
  23: `future.write ${WASI_03}`,
  24: `future.cancel-read ${WASI_03}`,
  25: `future.cancel-write ${WASI_03}`,
  26: `future.drop-readable ${WASI_03}`,
  27: `future.drop-writable ${WASI_03}`,
  28: `error-context.new ${WASI_03}`,
  29: `error-context.debug-message ${WASI_03}`,
  30: `error-context.drop ${WASI_03}`,
  31: `waitable-set.new ${WASI_03}`,
  32: `waitable-set.wait ${WASI_03}`,
  33: `waitable-set.poll ${WASI_03}`,
  34: `waitable-set.drop ${WASI_03}`,
  35: `waitable.join ${WASI_03}`,
  36: `backpressure.inc ${WASI_03}`,
  37: `backpressure.dec ${WASI_03}`,
  38: `thread.index ${THREADS}`,
  39: `thread.new-indirect ${THREADS}`,
  40: `thread.resume-later ${THREADS}`,
  41: `thread.suspend ${THREADS}`,
  42: `thread.suspend-then-resume ${THREADS}`,
  43: `thread.yield-then-resume ${THREADS}`,
  44: `thread.suspend-then-promote ${THREADS}`,
  45: `thread.yield-then-promote ${THREADS}`,
  64: `thread.spawn-ref ${THREADS}`,
  65: `thread.spawn-indirect ${THREADS}`,
  66: `thread.available-parallelism ${THREADS}`,
};

/** Reads one definition of the canonical section and adds the function that it makes. */
export function readCanon(context: Context, reader: Reader): void {
  context.session.at = reader.offset;
  const form = reader.u8();
  switch (form) {
    case 0x00:
      lift(context, reader);
      break;
    case 0x01:
      lower(context, reader);
      break;
    case 0x02:
      resourceBuiltin(context, reader, 'resource-new');
      break;
    case 0x03:
      resourceBuiltin(context, reader, 'resource-drop');
      break;
    case 0x04:
      resourceBuiltin(context, reader, 'resource-rep');
      break;
    default: {
      const later = LATER_BUILTINS[form];
      if (later !== undefined) unsupported(reader.offset - 1, later);
      reader.fail(`0x${form.toString(16)} is not a canonical definition`);
    }
  }
}

function lift(context: Context, reader: Reader): void {
  const { scope } = context;
  if (reader.u8() !== 0x00) reader.fail('only functions can be lifted');
  const coreFunc = reader.u32();
  const options = readOptions(context, reader);
  const type = scope.typeOf(reader.u32(), 'func');
  const core = scope.coreFunc(coreFunc);
  checkMemoryOptions(context, 'lift', { type, options });
  const expected = flattenFunc(type, 'lift');
  if (context.session.coreTypes.plainFunc(expected).id !== core.id) {
    context.fail(
      `core function ${coreFunc} is ${coreSignature(core.type)}; to be lifted it must be ${coreSignature(expected)}`,
    );
  }
  if (options.postReturn !== undefined) {
    const postReturn: OptionFunction = { option: 'post-return', index: options.postReturn };
    checkSignature(context, postReturn, { params: core.type.results, results: [] });
  }
  scope.funcs.push(type);
  scope.definitions.push({ kind: 'lift', coreFunc, type: scope.model.func(type), options });
}

function lower(context: Context, reader: Reader): void {
  const { scope, session } = context;
  if (reader.u8() !== 0x00) reader.fail('only functions can be lowered');
  const func = reader.u32();
  const options = readOptions(context, reader);
  const type = scope.lookup(scope.funcs, func, 'function');
  if (options.postReturn !== undefined) context.fail('a lowered function cannot have a post-return function');
  checkMemoryOptions(context, 'lower', { type, options });
  scope.coreFuncs.push(session.coreTypes.plainFunc(flattenFunc(type, 'lower')));
  scope.definitions.push({ kind: 'lower', func, type: scope.model.func(type), options });
}

function resourceBuiltin(
  context: Context,
  reader: Reader,
  kind: 'resource-new' | 'resource-drop' | 'resource-rep',
): void {
  const { scope, session } = context;
  const index = reader.u32();
  const resource: Resource = scope.typeOf(index, 'resource');
  if (kind !== 'resource-drop' && scope.definedResources.get(resource.id) !== true) {
    context.fail(`type ${index} is not a resource that this component defines, so it cannot see its representation`);
  }
  const results: CoreFuncType['results'] = kind === 'resource-drop' ? [] : ['i32'];
  scope.coreFuncs.push(session.coreTypes.plainFunc({ params: ['i32'], results }));
  scope.definitions.push({ kind, resource: scope.model.symbol(resource) });
}

const ENCODINGS = ['utf8', 'utf16', 'latin1+utf16'] as const;

/** Options by their codes, as they are called in the text format. */
const OPTION_NAMES: Readonly<Record<number, string>> = { 3: 'memory', 4: 'realloc', 5: 'post-return' };

const LATER_OPTIONS: Readonly<Record<number, string>> = {
  6: `async lifting or lowering ${WASI_03}`,
  7: `callback functions ${WASI_03}`,
  8: 'the canonical option "core-type" (garbage-collected values)',
  9: 'the canonical option "gc" (garbage-collected values)',
};

function readOptions(context: Context, reader: Reader): CanonOptions {
  let encoding: CanonOptions['encoding'] | undefined;
  const indices = new Map<number, number>();
  for (let left = reader.count(CANON_OPTIONS_MAX, 'canonical options'); left > 0; left -= 1) {
    const code = reader.u8();
    const asked = ENCODINGS[code];
    if (asked !== undefined) {
      if (encoding !== undefined) context.fail('a canonical definition has more than one string encoding');
      encoding = asked;
      continue;
    }
    const later = LATER_OPTIONS[code];
    if (later !== undefined) unsupported(reader.offset - 1, later);
    const name = OPTION_NAMES[code];
    if (name === undefined) reader.fail(`0x${code.toString(16)} is not a canonical option`);
    if (indices.has(code)) context.fail(`the canonical option ${name} is there twice`);
    indices.set(code, reader.u32());
  }
  const options: CanonOptions = {
    encoding: encoding ?? 'utf8',
    memory: indices.get(3),
    realloc: indices.get(4),
    postReturn: indices.get(5),
  };
  checkOptions(context, options);
  return options;
}

function checkOptions(context: Context, { memory, realloc }: CanonOptions): void {
  const { scope, session } = context;
  if (memory !== undefined) {
    const { is64, shared } = scope.lookup(scope.coreMemories, memory, 'core memory');
    if (is64) session.unsupported('a 64-bit memory in a canonical definition');
    if (shared) context.fail('the memory of a canonical definition cannot be shared');
  }
  if (realloc === undefined) return;
  if (memory === undefined) context.fail('the canonical option realloc needs the option memory');
  const params: CoreFuncType['params'] = ['i32', 'i32', 'i32', 'i32'];
  checkSignature(context, { option: 'realloc', index: realloc }, { params, results: ['i32'] });
}

interface CanonFunction {
  readonly type: Func;
  readonly options: CanonOptions;
}

/** A core function that an option names. */
interface OptionFunction {
  readonly option: 'realloc' | 'post-return';
  readonly index: number;
}

function checkSignature(context: Context, { option, index }: OptionFunction, expected: CoreFuncType): void {
  const found = coreSignature(context.scope.coreFunc(index).type);
  if (found !== coreSignature(expected)) {
    context.fail(`the ${option} function must be ${coreSignature(expected)}, and it is ${found}`);
  }
}

/** What passes through memory needs one; what this side must allocate in the guest needs its `realloc`. */
function checkMemoryOptions(context: Context, direction: 'lift' | 'lower', { type, options }: CanonFunction): void {
  const { session } = context;
  const { params, result } = type;
  const spilled = flatCount(params) > MAX_FLAT_PARAMS;
  const pointers = params.some((param) => session.info(param.type).pointer);
  const returned = result !== undefined && flatten(result).length > MAX_FLAT_RESULTS;
  const pointerResult = result !== undefined && session.info(result).pointer;
  const needsRealloc = direction === 'lift' ? spilled || pointers : pointerResult;
  const needsMemory = needsRealloc || spilled || pointers || returned;
  if (needsMemory && options.memory === undefined) {
    context.fail(`the canonical option memory is required to ${direction} this function`);
  }
  if (needsRealloc && options.realloc === undefined) {
    context.fail(`the canonical option realloc is required to ${direction} this function`);
  }
}

function flatCount(params: Func['params']): number {
  return params.reduce((count, param) => count + flatten(param.type).length, 0);
}
