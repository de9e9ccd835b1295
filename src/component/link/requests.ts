import type { AdmissionLimits, AdmissionRequest, ImportEntry } from '../admission/index.ts';
import type { CoreSource, ExportPlan, Plan, Step } from './plan.ts';

/** What is asked for all core modules alike: `exportState`, so that instances can be put back to their origin. */
type CommonRequest = Pick<AdmissionRequest, 'exportState' | 'fuelSlice'>;

/** What admission is asked to do with each core module of a plan, by step. */
export class Requests {
  readonly #plan: Plan;
  readonly #limits: readonly AdmissionLimits[];
  readonly #used: readonly Set<string>[];
  readonly #pumped: readonly ExportPlan[][];
  readonly #common: CommonRequest;
  readonly #targets = new Map<ExportPlan, number>();

  /** @param limits Of each step. */
  constructor(plan: Plan, limits: readonly AdmissionLimits[], common: CommonRequest) {
    this.#common = common;
    this.#plan = plan;
    this.#limits = limits;
    this.#used = usedExports(plan);
    this.#pumped = plan.steps.map(() => []);
    for (const item of plan.exports) {
      const number = this.#pumped[item.core.step]?.push(item) ?? 0;
      this.#targets.set(item, number);
    }
  }

  /** What the pump of its step calls an exported function: 1 + its place. */
  target(item: ExportPlan): number {
    return this.#targets.get(item) as number;
  }

  of(step: number): AdmissionRequest {
    const pump = (this.#pumped[step] as ExportPlan[]).map((item) => {
      return { func: item.core.name, postReturn: item.postReturn?.name };
    });
    const imports = (this.#plan.steps[step] as Step).imports
      .filter((item) => item.sort === 'func')
      .map((item) => entryOf(item.source));
    const limits = this.#limits[step] as AdmissionLimits;
    return { ...this.#common, limits, imports, keep: this.#used[step] as Set<string>, pump };
  }
}

function entryOf(source: CoreSource): ImportEntry {
  if (source.kind === 'export') return 'direct';
  return source.kind === 'lower' || source.kind === 'resource-drop' ? 'blocking' : 'sync';
}

/** By step, the exports that something outside of the module uses; the pump calls its functions from within. */
function usedExports(plan: Plan): Set<string>[] {
  const used = plan.steps.map(() => new Set<string>());
  const note = (source: CoreSource | undefined) => {
    if (source?.kind === 'export') used[source.step]?.add(source.name);
  };
  for (const step of plan.steps) for (const item of step.imports) note(item.source);
  for (const context of plan.contexts) {
    note(context.memory);
    note(context.realloc);
  }
  for (const resource of plan.resources) if (resource.kind === 'guest') note(resource.dtor);
  return used;
}
