import { basename } from 'node:path';
import { type ActorType, defineActorType } from '../actor/index.ts';
import { type Decision, type Grants, NO_GRANTS } from '../capability/index.ts';
import { CompiledComponent } from '../component/index.ts';
import { type BehaviorPlan, ComponentBehavior, TASK_OPERATION } from './behavior.ts';
import { checkImports } from './deploy.ts';
import { type LoadOptions, loadComponent } from './load.ts';
import { type ComponentShape, shapeOf } from './shape.ts';
import { type ActorStdio, surroundings } from './surroundings.ts';

export interface ComponentOptions {
  /** Label of the actor type in counters and messages. Default: the file's name without `.wasm`; without file `component`. */
  readonly name?: string;
  /** What it may do. Default: nothing. */
  readonly grants?: Grants;
  /** Wall-clock milliseconds for one message; 0 or `Infinity`: no limit. Default 30,000, and none for a task. */
  readonly deadlineMs?: number | undefined;
  /** Handed to `lifecycle.start` as JSON text. Default: `{}`. */
  readonly config?: unknown;
  /** Arguments of a task, without the program's name. */
  readonly args?: readonly string[];
  /** Environment of the guest; names without an `env` grant are left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the standard streams of the actor called `name` lead, as far as granted. Default: nowhere. */
  readonly stdio?: (name: string) => Partial<ActorStdio>;
  /** Hears of every denial of a capability. */
  readonly onDenied?: (actor: string, decision: Decision) => void;
}

/** Default of `deadlineMs`: what a user of an HTTP gateway waits before giving up. */
export const DEADLINE_MS = 30_000;

/** An actor type made of a component. */
export interface ComponentActorType extends ActorType {
  readonly component: CompiledComponent;
  readonly shape: ComponentShape;
  /** Bytes of linear memory of the actor called `name` that started last; undefined when it does not run. */
  memoryBytes(name: string): number | undefined;
}

/**
 * Makes an actor type of a component: compiled, admitted and checked against its grants once; spawn it as often as
 * wanted.
 *
 * @param source Path or URL of the `.wasm` file, or a component that is compiled already.
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING` — it imports what was not granted; the text has the lines to add.
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `NOT_A_COMPONENT`, `COMPONENT_INVALID`,
 *   `COMPONENT_UNSUPPORTED`, `COMPONENT_LIMIT` — as `compileComponent`.
 * @throws {RangeError} (rejects) `deadlineMs` is below 0, or no number.
 *
 * @example
 * ```ts
 * const greeter = await component('./greeter.wasm', { grants: { messaging: { tell: ['log'] } } });
 * const ref = system.spawn(greeter, 'greeter');
 * const reply = await ref.askOp('hello', new TextEncoder().encode('world'));
 * ```
 */
export async function component(
  source: string | URL | CompiledComponent,
  options: ComponentOptions & LoadOptions = {},
): Promise<ComponentActorType> {
  if (source instanceof CompiledComponent) return componentActor(source, options);
  const name = options.name ?? basename(source instanceof URL ? source.pathname : source, '.wasm');
  return componentActor(await loadComponent(source, options), { ...options, name });
}

/** As {@link component}, for one that is compiled. */
export function componentActor(compiled: CompiledComponent, options: ComponentOptions = {}): ComponentActorType {
  const grants = options.grants ?? NO_GRANTS;
  const shape = shapeOf(compiled);
  const { deadlineMs = shape.kind === 'task' ? 0 : DEADLINE_MS } = options;
  if (!(deadlineMs >= 0)) throw new RangeError(`Cannot host the component: deadlineMs is ${deadlineMs}; use 0 or more`);
  checkImports(compiled, grants, options.name ?? 'component');
  const live = new Map<string, ComponentBehavior>();
  const plan: BehaviorPlan = {
    component: compiled,
    shape,
    config: new TextEncoder().encode(JSON.stringify(options.config ?? {})),
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : 0,
    surround: (context) => surroundings({ compiled, grants, options, context }),
    onLive: (name, behavior, lives) => {
      if (lives) live.set(name, behavior);
      else if (live.get(name) === behavior) live.delete(name);
    },
  };
  const type = defineActorType({
    name: options.name ?? 'component',
    operations: operationsOf(shape),
    create: () => new ComponentBehavior(plan),
  });
  return Object.assign(type, {
    component: compiled,
    shape,
    memoryBytes: (name: string) => live.get(name)?.memoryBytes,
  });
}

function operationsOf(shape: ComponentShape): 'any' | Record<string, 'tell' | 'ask'> {
  if (shape.kind === 'message') return 'any';
  if (shape.kind === 'task') return { [TASK_OPERATION]: 'tell' };
  return Object.fromEntries([...shape.operations.keys()].map((name) => [name, 'ask' as const]));
}
