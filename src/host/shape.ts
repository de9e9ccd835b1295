import type { CompiledComponent, ExportedFunction } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { checkContract, checkIncomingHandler, holdsResources } from './contract.ts';

/** Names of our own WIT package and of the WASI export that make a component more than a bag of functions. */
const HANDLE = /^troupe:actor\/handler@0\.1\.\d+#handle$/;
const LIFECYCLE = /^troupe:actor\/lifecycle@0\.1\.\d+#(start|stop|health|snapshot|restore)$/;
const RUN = /^wasi:cli\/run@0\.2\.\d+#run$/;
/** Events of a bucket. Nothing here delivers them. */
const WATCHER = /^wasi:keyvalue\/watcher@[^#]*/;
const INCOMING = /^wasi:http\/incoming-handler@0\.2\.\d+#handle$/;

type Lifecycle = 'start' | 'stop' | 'health' | 'snapshot' | 'restore';

/** What kind of actor a component becomes, and by which of its exports. */
export interface ComponentShape {
  /**
   * `message`: takes messages; `http`: handles HTTP requests; `task`: runs to its end; `functions`: each export is an
   * `ask` operation.
   */
  readonly kind: 'message' | 'http' | 'task' | 'functions';
  /** `handler#handle`, `incoming-handler#handle` or `run#run`. */
  readonly main: ExportedFunction | undefined;
  readonly lifecycle: Readonly<Partial<Record<Lifecycle, ExportedFunction>>>;
  /** Operations by name; only `functions` has any. */
  readonly operations: ReadonlyMap<string, ExportedFunction>;
}

/** What an actor type that is made of a component promises: found by whoever links with one of its actors. */
export class ComponentContract {
  readonly shape: ComponentShape;

  constructor(shape: ComponentShape) {
    this.shape = shape;
  }
}

/**
 * Tells what kind of actor `component` becomes.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it exports no function, only functions whose types hold resources
 *   (handles do not travel between actors), one of our names with another type, or `wasi:keyvalue/watcher`; the text
 *   names it.
 */
export function shapeOf(component: CompiledComponent): ComponentShape {
  refuseWatcher(component);
  const find = (pattern: RegExp) => component.exports.find((item) => pattern.test(item.name));
  const lifecycle: Partial<Record<Lifecycle, ExportedFunction>> = {};
  for (const item of component.exports) {
    const hook = LIFECYCLE.exec(item.name)?.[1] as Lifecycle | undefined;
    if (hook === undefined) continue;
    checkContract(item, hook);
    lifecycle[hook] = item;
  }
  const handle = find(HANDLE);
  if (handle !== undefined) {
    checkContract(handle, 'handle');
    return { kind: 'message', main: handle, lifecycle, operations: new Map() };
  }
  const incoming = find(INCOMING);
  if (incoming !== undefined) {
    checkIncomingHandler(component, incoming);
    return { kind: 'http', main: incoming, lifecycle, operations: new Map() };
  }
  const run = find(RUN);
  if (run !== undefined) {
    checkContract(run, 'run');
    return { kind: 'task', main: run, lifecycle, operations: new Map() };
  }
  return { kind: 'functions', main: undefined, lifecycle, operations: operationsOf(component) };
}

/** A component that waits for events which never come would seem to work. */
function refuseWatcher(component: CompiledComponent): void {
  for (const { name } of component.exports) {
    const watcher = WATCHER.exec(name)?.[0];
    if (watcher === undefined) continue;
    throw new RuntimeError(
      'COMPONENT_UNSUPPORTED',
      `Cannot host the component: it exports "${watcher}", and nothing here tells it of changes in a bucket`,
      { details: { exports: [watcher] } },
    );
  }
}

function operationsOf(component: CompiledComponent): ReadonlyMap<string, ExportedFunction> {
  const operations = new Map<string, ExportedFunction>();
  const refused: string[] = [];
  const nameOf = operationNames(component.exports);
  for (const item of component.exports) {
    if (LIFECYCLE.test(item.name)) continue;
    if (isMethod(item.name) || holdsResources(item.type)) refused.push(item.name);
    else operations.set(nameOf(item), item);
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
function operationNames(exports: readonly ExportedFunction[]): (item: ExportedFunction) => string {
  const counts = new Map<string, number>();
  for (const { name } of exports) counts.set(withoutVersion(name), (counts.get(withoutVersion(name)) ?? 0) + 1);
  return ({ name }) => (counts.get(withoutVersion(name)) === 1 ? withoutVersion(name) : name);
}

/** `demo:calc/ops#add` of `demo:calc/ops@1.0.0#add`. */
export function withoutVersion(name: string): string {
  return name.replace(/@[^#]*/, '');
}

function isMethod(name: string): boolean {
  return /(^|#)\[(method|static|constructor)\]/.test(name);
}
