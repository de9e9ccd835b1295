import { type CoreModule, type FunctionType, readCoreModule, SECTION } from '../admission/index.ts';
import type { CoreSource, Plan, Step, StepImport } from './plan.ts';

/**
 * Toolchains break the circle "the module needs host functions, host functions need the module's memory" with two
 * small modules: a shim, whose functions call through a table, and a fixup, which fills that table afterwards. Our host
 * functions find the memory late, so the module can have them directly; shim and fixup are dropped when nothing else
 * uses them. A shim function that leads to another core module stays.
 *
 * Anybody can write two modules that look like these. They are folded only when that cannot be noticed: nothing else
 * reaches the table, no code runs before it is filled, and each call fits.
 */
export function foldShims(plan: Plan): Plan {
  const folding = new Folding(plan);
  let steps: readonly Step[] = plan.steps;
  const dropped = new Set<number>();
  for (const shim of plan.steps.keys()) {
    const pair = folding.pairOf(shim);
    if (pair === undefined) continue;
    const { fixup, targets } = pair;
    steps = steps.map((step, index) => (index === fixup ? step : redirect(step, shim, targets)));
    const used = steps.some((step, index) => index !== fixup && usesStep(step, shim));
    if (!used && !usedElsewhere(plan, shim) && !usedElsewhere(plan, fixup)) dropped.add(shim).add(fixup);
  }
  return dropped.size === 0 ? { ...plan, steps } : renumber({ ...plan, steps }, dropped);
}

/** A fixup, and the source of each function of its shim by export name. */
interface Pair {
  readonly fixup: number;
  readonly targets: ReadonlyMap<string, CoreSource>;
}

const SHIM_SECTIONS: readonly number[] = [SECTION.type, SECTION.function, SECTION.table, SECTION.export, SECTION.code];
const FIXUP_SECTIONS: readonly number[] = [SECTION.type, SECTION.import, SECTION.element];

/** Finds the pairs of one plan. */
class Folding {
  readonly #steps: readonly Step[];
  readonly #modules = new Map<Uint8Array, CoreModule>();

  constructor(plan: Plan) {
    this.#steps = plan.steps;
  }

  /** The fixup of the shim that step `number` is; undefined if it is none, or folding it could be noticed. */
  pairOf(number: number): Pair | undefined {
    const shim = this.#steps[number] as Step;
    if (!isShim(shim)) return undefined;
    const users = this.#steps.flatMap((step, index) => (usesTable(step, number) ? [index] : []));
    const [fixup = number] = users;
    if (users.length !== 1 || !isFixup(this.#steps[fixup] as Step)) return undefined;
    // Until then a call ends in a trap, for the table is empty.
    const between = this.#steps.slice(number + 1, fixup);
    if (between.some((step) => this.#read(step).start !== undefined)) return undefined;
    const targets = this.#targets(shim, this.#steps[fixup] as Step);
    return targets && { fixup, targets };
  }

  #targets(shim: Step, fixup: Step): ReadonlyMap<string, CoreSource> | undefined {
    const [from, to] = [this.#read(shim), this.#read(fixup)];
    if (!hasOnly(from, SHIM_SECTIONS) || !hasOnly(to, FIXUP_SECTIONS)) return undefined;
    const elements = fixupElements(to);
    const bodies = bodiesOf(from);
    const [table] = from.tables;
    if (elements === undefined || bodies === undefined || table === undefined || from.tables.length > 1)
      return undefined;
    if (BigInt(elements.length) > table.min) return undefined;
    const functions = fixup.imports.filter((item) => item.sort === 'func');
    const targets = new Map<string, CoreSource>();
    for (const item of from.exports) {
      if (item.kind !== 0) continue;
      const type = typeOf(from, item.index);
      const slot: number | undefined = type && indirectSlot(bodies[item.index], type);
      const func = slot === undefined ? undefined : elements[slot];
      if (type === undefined || func === undefined || !sameType(type, typeOf(to, func))) return undefined;
      const source = functions[func]?.source;
      if (source === undefined) return undefined;
      targets.set(item.name, source);
    }
    return targets;
  }

  #read({ bytes }: Step): CoreModule {
    let module = this.#modules.get(bytes);
    if (module === undefined) {
      module = readCoreModule(bytes);
      this.#modules.set(bytes, module);
    }
    return module;
  }
}

/** A shim's exports: functions by decimal numbers, and one table. */
function isShim(step: Step): boolean {
  return (
    step.imports.length === 0 &&
    step.used.size > 1 &&
    [...step.used].every((name) => name === '$imports' || /^\d+$/.test(name))
  );
}

/** A fixup imports the shim's table and one function for each element of it. */
function isFixup(step: Step): boolean {
  return (
    step.used.size === 0 &&
    step.imports.filter((item) => item.sort === 'table').length === 1 &&
    step.imports.every((item) => item.sort === 'table' || item.sort === 'func')
  );
}

function usesTable(step: Step, shim: number): boolean {
  return step.imports.some(({ sort, source }) => sort === 'table' && source.kind === 'export' && source.step === shim);
}

function hasOnly(module: CoreModule, allowed: readonly number[]): boolean {
  return [...module.sections.keys()].every((id) => allowed.includes(id));
}

function typeOf(module: CoreModule, func: number): FunctionType | undefined {
  return module.types[module.functionTypes[func] as number];
}

/** Whether a call through the table passes its check of types. Of references nothing is known here. */
function sameType(a: FunctionType, b: FunctionType | undefined): boolean {
  return b?.simple === true && a.simple && `${a.params}>${a.results}` === `${b.params}>${b.results}`;
}

/** Function indices of the only element segment, `(elem (i32.const 0) func …)`; a fixup has nothing else. */
function fixupElements(module: CoreModule): number[] | undefined {
  const section = module.sections.get(SECTION.element);
  if (section === undefined) return undefined;
  const bytes = module.bytes.subarray(section.start, section.end);
  const prefix = [1, 0, 0x41, 0, 0x0b];
  if (!prefix.every((byte, index) => bytes[index] === byte)) return undefined;
  const numbers = lebs(bytes, prefix.length);
  const count = numbers?.shift();
  return numbers?.length === count ? numbers : undefined;
}

/** The table slot that a shim function calls: `local.get 0 … n; i32.const SLOT; call_indirect`. */
function indirectSlot(body: Uint8Array | undefined, type: FunctionType): number | undefined {
  const params = type.params.length;
  if (body?.[0] !== 0 || params > 0x7f) return undefined;
  let at = 1;
  for (let index = 0; index < params; index++) {
    if (body[at] !== 0x20 || body[at + 1] !== index) return undefined;
    at += 2;
  }
  if (body[at] !== 0x41) return undefined;
  const slot = leb(body, at + 1);
  // `i32.const` is signed: one below zero has this bit, and a slot of 64 or more has a further byte instead.
  if (slot === undefined || ((body[slot.next - 1] as number) & 0x40) !== 0 || body[slot.next] !== 0x11)
    return undefined;
  const callee = leb(body, slot.next + 1);
  if (callee === undefined || body[callee.next] !== 0 || body[callee.next + 1] !== 0x0b) return undefined;
  return slot.value;
}

function bodiesOf(module: CoreModule): Uint8Array[] | undefined {
  const section = module.sections.get(SECTION.code);
  if (section === undefined) return undefined;
  const bodies: Uint8Array[] = [];
  let at = leb(module.bytes, section.start)?.next ?? section.end;
  while (at < section.end) {
    const size = leb(module.bytes, at);
    if (size === undefined) return undefined;
    at = size.next + size.value;
    bodies.push(module.bytes.subarray(size.next, at));
  }
  return bodies;
}

function leb(bytes: Uint8Array, from: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let length = 0; length < 5; length++) {
    const byte = bytes[from + length];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * length);
    if (byte < 0x80) return { value, next: from + length + 1 };
  }
  return undefined;
}

function lebs(bytes: Uint8Array, from: number): number[] | undefined {
  const numbers: number[] = [];
  for (let at = from; at < bytes.length; ) {
    const number = leb(bytes, at);
    if (number === undefined) return undefined;
    numbers.push(number.value);
    at = number.next;
  }
  return numbers;
}

/** Gives `step` the host functions themselves where it imports the shim's. */
function redirect(step: Step, shim: number, targets: ReadonlyMap<string, CoreSource>): Step {
  const imports = step.imports.map((item): StepImport => {
    if (item.source.kind !== 'export' || item.source.step !== shim || item.sort !== 'func') return item;
    const target = targets.get(item.source.name);
    return target === undefined || target.kind === 'export' ? item : { ...item, source: target };
  });
  return { ...step, imports };
}

function usesStep(step: Step, number: number): boolean {
  return step.imports.some((item) => item.source.kind === 'export' && item.source.step === number);
}

function usedElsewhere(plan: Plan, number: number): boolean {
  const contexts = plan.contexts.some((item) => item.memory?.step === number || item.realloc?.step === number);
  const exports = plan.exports.some((item) => item.core.step === number || item.postReturn?.step === number);
  const resources = plan.resources.some((item) => item.kind === 'guest' && item.dtor?.step === number);
  return contexts || exports || resources;
}

function renumber(plan: Plan, dropped: ReadonlySet<number>): Plan {
  const numbers = new Map<number, number>();
  plan.steps.forEach((_, index) => {
    if (!dropped.has(index)) numbers.set(index, numbers.size);
  });
  const source = <T extends CoreSource | undefined>(item: T): T =>
    item?.kind === 'export' ? { ...item, step: numbers.get(item.step) as number } : item;
  return {
    ...plan,
    steps: plan.steps
      .filter((_, index) => !dropped.has(index))
      .map((step) => ({ ...step, imports: step.imports.map((item) => ({ ...item, source: source(item.source) })) })),
    contexts: plan.contexts.map((item) => ({ ...item, memory: source(item.memory), realloc: source(item.realloc) })),
    exports: plan.exports.map((item) => ({ ...item, core: source(item.core), postReturn: source(item.postReturn) })),
    resources: plan.resources.map((item) => (item.kind === 'guest' ? { ...item, dtor: source(item.dtor) } : item)),
  };
}
