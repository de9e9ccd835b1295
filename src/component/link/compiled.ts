import type { ExportStub, ImportStub } from '../abi/index.ts';
import type { AdmissionLimits, ModuleState, OwnFunctions } from '../admission/index.ts';
import type { FuncType } from '../binary/index.ts';
import type { Origin } from './origin.ts';
import type { CoreSource, InstancePlan } from './plan.ts';

/** A function that a component exports. */
export interface ExportedFunction {
  /** `interface#function` as in `'demo:calc/ops@1.0.0#add'`, or `'function'` for one that the world exports itself. */
  readonly name: string;
  readonly type: FuncType;
}

/** What an instance must know of one exported function. */
export interface CompiledExport extends ExportedFunction {
  readonly stub: ExportStub;
  readonly context: number;
  readonly step: number;
  /** What `take` answers for it: 1 + its place in the step's pump. */
  readonly target: number;
  readonly hasPostReturn: boolean;
}

/** What a hook does; the core modules of one component instance share one function of each kind. */
export type HookKind = 'await' | 'result' | 'refuel' | 'take' | 'arg' | 'done' | 'done-value';

/** A core module ready to be instantiated. */
export interface CompiledStep {
  /** @internal */
  readonly module: WebAssembly.Module;
  readonly sources: readonly CoreSource[];
  readonly hooks: readonly HookKind[];
  readonly pumpExport: string | undefined;
  readonly startExport: string | undefined;
  readonly moduleState: ModuleState | undefined;
  readonly state: number;
}

/** What an instance must know of its component. */
export interface CompiledParts {
  readonly exports: readonly ExportedFunction[];
  readonly plan: InstancePlan;
  readonly steps: readonly CompiledStep[];
  /** Linear memories of one instance. */
  readonly memoryCount: number;
  readonly importStubs: readonly ImportStub[];
  readonly limits: Pick<AdmissionLimits, 'memoryBytes'>;
  /** Of its core modules, in the order in which they were admitted and named. */
  readonly functions: readonly OwnFunctions[];
  /** By lowering: the function inside the composition that it calls; undefined for one of the host. */
  readonly callees: readonly (CompiledExport | undefined)[];
  /** Where the lives of its instances begin; undefined if they cannot be put back to that. */
  readonly origin: Origin | undefined;
  export(name: string): ExportedFunction | undefined;
  /** Whether `func` is one of its functions, those that only its own components call included. */
  owns(func: ExportedFunction): boolean;
}
