import { totalmem } from 'node:os';
import type { z } from 'zod';
import {
  type ComponentLimits,
  LIMIT_NAMES,
  LIMITS,
  type LimitKey,
  type LimitName,
  type LimitSpec,
} from '../host/index.ts';
import type { LimitsConfig } from './application.ts';
import { durationOrUnbounded, integer, integerOrUnbounded, size, sizeOrUnbounded, table } from './fields.ts';
import { type ConfigProblem, type Document, problemAt } from './problems.ts';
import { formatSize } from './units.ts';

const MIB = 1_048_576;

/** What one side says; `Infinity` for what is unbounded. */
export type LimitsSection = Readonly<Partial<Record<LimitKey, number | undefined>>>;

/** `[limits]` of `Component.toml` and `[components.NAME.limits]` of `troupe.toml`. */
export const LIMITS_SECTION = table(fieldsOf(LIMITS)).meta({
  description: "Upper bounds; of the author's and the operator's the smaller counts",
});

function fieldsOf(limits: Readonly<Record<LimitName, LimitSpec>>): Record<LimitKey, z.ZodType<number | undefined>> {
  const fields = LIMIT_NAMES.map((name) => [limits[name].key, fieldOf(limits[name])]);
  return Object.fromEntries(fields) as Record<LimitKey, z.ZodType<number | undefined>>;
}

function fieldOf(spec: LimitSpec): z.ZodType<number | undefined> {
  const { unit, unboundable, summary } = spec;
  if (unit === 'duration') return durationOrUnbounded(spec).optional().meta({ description: summary });
  if (unit === 'bytes') {
    const field = unboundable ? sizeOrUnbounded(spec) : size(spec);
    return field.optional().meta({ description: `${summary}. Default: ${defaultText(spec)}` });
  }
  const field = unboundable ? integerOrUnbounded(spec) : integer(spec);
  if (unboundable) return field.optional().meta({ description: `${summary}. Default: ${defaultText(spec)}` });
  return field.optional().meta({ description: summary, default: spec.default });
}

function defaultText({ unit, default: value = 0 }: LimitSpec): string {
  if (value === Number.POSITIVE_INFINITY) return 'unbounded';
  return unit === 'bytes' ? formatSize(value) : String(value);
}

/** Takes the smaller of both sides, then the default; what neither says of a run-time limit stays unsaid. */
export function mergeLimits(author: LimitsSection = {}, operator: LimitsSection = {}): LimitsConfig {
  const merged = (name: LimitName) => smaller(author[LIMITS[name].key], operator[LIMITS[name].key]);
  const { memoryBytes: _memory, tableElements: _table, deadlineMs: _deadline, ...others } = LIMITS;
  const component = (Object.keys(others) as (keyof ComponentLimits)[]).flatMap((name) => {
    const value = merged(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    memoryBytes: merged('memoryBytes') ?? LIMITS.memoryBytes.default,
    tableElements: merged('tableElements') ?? LIMITS.tableElements.default,
    deadlineMs: merged('deadlineMs'),
    component: Object.fromEntries(component),
  };
}

interface LimitPlaces {
  /** `troupe.toml`, and where in it the component is. */
  readonly application: { readonly document: Document; readonly at: readonly string[] };
  readonly manifest: Document | undefined;
  /** Bytes of memory of the machine. Default: this one's. */
  readonly machineBytes: number | undefined;
}

/** What of the limits of a component is not possible on this machine, or contradicts what else is said of it. */
export function limitProblems(
  { memoryBytes, component }: LimitsConfig,
  section: { readonly instances: number; readonly limits?: LimitsSection | undefined },
  { application: { document, at }, manifest, machineBytes = totalmem() }: LimitPlaces,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (memoryBytes > machineBytes) {
    const isAuthors = section.limits?.memory !== memoryBytes && manifest !== undefined;
    const [file, path] = isAuthors ? [manifest, []] : [document, at];
    const max = formatSize(Math.floor(machineBytes / MIB) * MIB);
    const message = `is more than this machine has: expected a size from "64KiB" to "${max}"`;
    problems.push(problemAt(file, [...path, 'limits', 'memory'], { message }));
  }
  const { instances = Number.POSITIVE_INFINITY } = component;
  if (section.instances > instances) {
    const message = `is more than the limit of the component: expected an integer from 1 to ${instances}`;
    const help = 'raise "instances" in [limits], or lower this';
    problems.push(problemAt(document, [...at, 'instances'], { message, help }));
  }
  return problems;
}

function smaller(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : Math.min(first, second);
}
