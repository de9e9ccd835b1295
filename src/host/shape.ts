import type { CompiledComponent, ExportedFunction, FuncType, ValueType } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** Names of our own WIT package and of the WASI export that make a component more than a bag of functions. */
const HANDLE = /^troupe:actor\/handler@0\.1\.\d+#handle$/;
const LIFECYCLE = /^troupe:actor\/lifecycle@0\.1\.\d+#(start|stop|health|snapshot|restore)$/;
const RUN = /^wasi:cli\/run@0\.2\.\d+#run$/;

/** What kind of actor a component becomes, and by which of its exports. */
export interface ComponentShape {
  /** `message`: takes messages; `task`: runs to its end; `functions`: each export is an `ask` operation. */
  readonly kind: 'message' | 'task' | 'functions';
  /** `handler#handle` or `run#run`. */
  readonly main: ExportedFunction | undefined;
  readonly lifecycle: Readonly<Partial<Record<'start' | 'stop' | 'health' | 'snapshot' | 'restore', ExportedFunction>>>;
  /** Operations by name; for `message` there are none, since it decides itself. */
  readonly operations: ReadonlyMap<string, ExportedFunction>;
}

/**
 * Tells what kind of actor `component` becomes.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it exports no function, or one whose types hold resources (handles
 *   do not travel between actors); the text names it.
 */
export function shapeOf(component: CompiledComponent): ComponentShape {
  const find = (pattern: RegExp) => component.exports.find((item) => pattern.test(item.name));
  const lifecycle: Record<string, ExportedFunction> = {};
  for (const item of component.exports) {
    const hook = LIFECYCLE.exec(item.name)?.[1];
    if (hook !== undefined) lifecycle[hook] = item;
  }
  const handle = find(HANDLE);
  if (handle !== undefined) {
    checkHandler(handle);
    return { kind: 'message', main: handle, lifecycle, operations: new Map() };
  }
  const run = find(RUN);
  if (run !== undefined) return { kind: 'task', main: run, lifecycle, operations: new Map() };
  return { kind: 'functions', main: undefined, lifecycle, operations: operationsOf(component) };
}

/** A component may call anything `troupe:actor/handler`; only the right type is one. */
function checkHandler(handle: ExportedFunction): void {
  const [message] = handle.type.params;
  const fields = message?.type.kind === 'record' ? message.type.fields.map((field) => field.name).join() : '';
  if (
    handle.type.params.length === 1 &&
    fields === 'delivery,subject,payload,sender,remaining-ms' &&
    handle.type.result?.kind === 'result'
  )
    return;
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot host the component: its "${handle.name}" has another type than wit/actor.wit gives it`,
    {
      details: { export: handle.name },
    },
  );
}

function operationsOf(component: CompiledComponent): ReadonlyMap<string, ExportedFunction> {
  const operations = new Map<string, ExportedFunction>();
  const refused: string[] = [];
  for (const item of component.exports) {
    if (LIFECYCLE.test(item.name)) continue;
    if (isMethod(item.name) || holdsResources(item.type)) refused.push(item.name);
    else operations.set(operationName(item.name, component), item);
  }
  if (operations.size === 0) {
    const why =
      refused.length > 0
        ? `the types of its exports hold resources, which do not travel between actors: ${quoted(refused)}`
        : 'it exports no function';
    throw new RuntimeError('COMPONENT_UNSUPPORTED', `Cannot host the component: ${why}`, {
      details: { exports: refused },
    });
  }
  return operations;
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

/** `demo:calc/ops@1.0.0#add` is the operation `demo:calc/ops#add`, unless two versions of the interface are exported. */
function operationName(name: string, component: CompiledComponent): string {
  const plain = withoutVersion(name);
  const twins = component.exports.filter((item) => withoutVersion(item.name) === plain);
  return twins.length > 1 ? name : plain;
}

function withoutVersion(name: string): string {
  return name.replace(/@[^#]*/, '');
}

function isMethod(name: string): boolean {
  return /(^|#)\[(method|static|constructor)\]/.test(name);
}

/** Tells whether a parameter or the result of `type` is, or holds, a handle. */
export function holdsResources(type: FuncType): boolean {
  return type.params.some((param) => holds(param.type)) || (type.result !== undefined && holds(type.result));
}

function holds(type: ValueType | undefined): boolean {
  switch (type?.kind) {
    case 'own':
    case 'borrow':
      return true;
    case 'record':
      return type.fields.some((field) => holds(field.type));
    case 'variant':
      return type.cases.some((item) => holds(item.type));
    case 'list':
      return holds(type.element);
    case 'tuple':
      return type.types.some(holds);
    case 'option':
      return holds(type.some);
    case 'result':
      return holds(type.ok) || holds(type.error);
    default:
      return false;
  }
}
