import { type CoreModule, readCoreModule, SECTION } from '../admission/index.ts';
import type { CoreSource, Plan, Step, StepImport } from './plan.ts';

/**
 * Toolchains break the circle "the module needs host functions, host functions need the module's memory" with two
 * small modules: a shim, whose functions call through a table, and a fixup, which fills that table afterwards. Our host
 * functions find the memory late, so the module can have them directly; shim and fixup are dropped when nothing else
 * uses them. A shim function that leads to another core module stays.
 */
export function foldShims(plan: Plan): Plan {
  const shims = plan.steps.flatMap((step, index) => (isShim(step) ? [index] : []));
  if (shims.length === 0) return plan;
  let steps: readonly Step[] = plan.steps;
  const dropped = new Set<number>();
  for (const shim of shims) {
    const fixup = steps.findIndex((step) => fixupOf(step, shim));
    const targets = fixup < 0 ? undefined : shimTargets(steps[shim] as Step, steps[fixup] as Step);
    if (targets === undefined) continue;
    steps = steps.map((step, index) => (index === fixup ? step : redirect(step, shim, targets)));
    const used = steps.some((step, index) => index !== fixup && usesStep(step, shim));
    if (!used && !usedElsewhere(plan, shim) && !usedElsewhere(plan, fixup)) dropped.add(shim).add(fixup);
  }
  return dropped.size === 0 ? { ...plan, steps } : renumber({ ...plan, steps }, dropped);
}

/** A shim's exports: functions by decimal numbers, and one table. */
function isShim(step: Step): boolean {
  return (
    step.imports.length === 0 &&
    step.keep.size > 1 &&
    [...step.keep].every((name) => name === '$imports' || /^\d+$/.test(name))
  );
}

/** A fixup imports the shim's table and one function for each element of it. */
function fixupOf(step: Step, shim: number): boolean {
  return (
    step.keep.size === 0 &&
    step.imports.some((item) => item.sort === 'table' && item.source.kind === 'export' && item.source.step === shim) &&
    step.imports.every((item) => item.sort === 'table' || item.sort === 'func')
  );
}

/** Source of each of the shim's functions, by export name; undefined if the two modules are not what they seem. */
function shimTargets(shim: Step, fixup: Step): ReadonlyMap<string, CoreSource> | undefined {
  const elements = fixupElements(readCoreModule(fixup.bytes));
  if (elements === undefined) return undefined;
  const functions = fixup.imports.filter((item) => item.sort === 'func');
  const module = readCoreModule(shim.bytes);
  const targets = new Map<string, CoreSource>();
  for (const item of module.exports) {
    if (item.kind !== 0) continue;
    const slot = indirectSlot(module, item.index);
    const source = slot === undefined ? undefined : functions[elements[slot] as number]?.source;
    if (source === undefined) return undefined;
    targets.set(item.name, source);
  }
  return targets;
}

/** Function indices of the only element segment, `(elem (i32.const 0) func …)`; a fixup has nothing else. */
function fixupElements(module: CoreModule): number[] | undefined {
  const allowed: number[] = [SECTION.type, SECTION.import, SECTION.element];
  if ([...module.sections.keys()].some((id) => !allowed.includes(id))) return undefined;
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
function indirectSlot(module: CoreModule, func: number): number | undefined {
  const body = bodyOf(module, func);
  if (body === undefined) return undefined;
  const params = module.types[module.functionTypes[func] as number]?.params.length ?? 0;
  let at = 1;
  if (body[0] !== 0) return undefined;
  for (let index = 0; index < params; index++) {
    if (params > 0x7f || body[at] !== 0x20 || body[at + 1] !== index) return undefined;
    at += 2;
  }
  if (body[at] !== 0x41) return undefined;
  const slot = leb(body, at + 1);
  if (slot === undefined || body[slot.next] !== 0x11) return undefined;
  const type = leb(body, slot.next + 1);
  if (type === undefined || body[type.next] !== 0 || body[type.next + 1] !== 0x0b) return undefined;
  // `i32.const` is signed: a slot of 64 or more has a further byte, and its value is the same.
  return slot.value;
}

function bodyOf(module: CoreModule, func: number): Uint8Array | undefined {
  const section = module.sections.get(SECTION.code);
  if (section === undefined) return undefined;
  let at = leb(module.bytes, section.start)?.next ?? section.end;
  for (let index = module.importedFunctions.length; at < section.end; index++) {
    const size = leb(module.bytes, at);
    if (size === undefined) return undefined;
    if (index === func) return module.bytes.subarray(size.next, size.next + size.value);
    at = size.next + size.value;
  }
  return undefined;
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
