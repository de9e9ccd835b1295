import type { CanonOptions, CoreSort, FuncType } from '../binary/index.ts';

/**
 * The plan: a component with everything static decided. Nested components are inlined, aliases are followed, instances
 * are numbered, and what remains to be done for each instance is a list of core modules to instantiate, in order.
 */
export interface Plan {
  readonly steps: readonly Step[];
  /** Component instances that own handles and flags: how many, and which resource each slot of each one is. */
  readonly states: readonly { readonly slots: readonly (number | undefined)[] }[];
  readonly resources: readonly ResourcePlan[];
  readonly contexts: readonly ContextPlan[];
  readonly lowerings: readonly LoweringPlan[];
  readonly exports: readonly ExportPlan[];
}

/** What instances need of a plan, once its core modules are compiled: the component's bytes are not kept. */
export type InstancePlan = Omit<Plan, 'steps'>;

/** Instantiation of one core module. */
export interface Step {
  readonly bytes: Uint8Array;
  /** In the order of the module's import section. */
  readonly imports: readonly StepImport[];
  /** The component instance that it belongs to. */
  readonly state: number;
  /** Names of the exports that something in the plan refers to. */
  readonly used: Set<string>;
}

export interface StepImport {
  readonly module: string;
  readonly name: string;
  readonly sort: CoreSort;
  readonly source: CoreSource;
}

/** Where a core item comes from. */
export type CoreSource =
  | { readonly kind: 'export'; readonly step: number; readonly name: string }
  | { readonly kind: 'lower'; readonly lowering: number }
  | { readonly kind: 'resource-new' | 'resource-rep' | 'resource-drop'; readonly state: number; readonly slot: number };

export type ExportSource = Extract<CoreSource, { kind: 'export' }>;

/** A resource type: the host's, found by path if any instance has a place for it, or one that a component of this plan defines. */
export type ResourcePlan =
  | { readonly kind: 'host'; readonly path: readonly string[]; readonly used: boolean }
  | { readonly kind: 'guest'; readonly name: string; readonly state: number; readonly dtor: ExportSource | undefined };

/** Memory and realloc that canonical definitions share. */
export interface ContextPlan {
  readonly state: number;
  readonly memory: ExportSource | undefined;
  readonly realloc: ExportSource | undefined;
}

export interface LoweringPlan {
  /** The host function, by import name and then export name; or the function of another component inside. */
  readonly target:
    | { readonly kind: 'host'; readonly path: readonly string[] }
    | { readonly kind: 'inside'; readonly export: number };
  readonly type: FuncType;
  readonly encoding: CanonOptions['encoding'];
  readonly context: number;
}

/** A function that can be called from outside of its component instance. */
export interface ExportPlan {
  /** `interface#function`, or `function` for one that the world exports itself. Of one inside: for messages. */
  readonly name: string;
  /** False for one that only other components of the composition call. */
  readonly outside: boolean;
  readonly type: FuncType;
  readonly encoding: CanonOptions['encoding'];
  readonly context: number;
  readonly core: ExportSource;
  /** Of the same step. */
  readonly postReturn: ExportSource | undefined;
}
