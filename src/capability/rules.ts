import { type Circumstances, holds, patternOf } from './conditions.ts';
import { allow, type Decision } from './decision.ts';
import type { Conditional, Granted } from './grants.ts';

/** One grant of a pattern, read once. */
export interface Rule<Read> {
  readonly read: Read;
  /** Absent: it holds always. */
  readonly when: Conditional | undefined;
  /** What it comes to. */
  readonly allowed: Decision;
}

/** How the patterns of one kind are read, and stand in a file. */
export interface Reading<Read> {
  /** `undefined`: it is none, and grants nothing. */
  read(pattern: string): Read | undefined;
  line(granted: Granted): string;
}

/** Reads grants of patterns. */
export function rulesFrom<Read>(
  granted: readonly Granted[] | undefined,
  { read, line }: Reading<Read>,
): readonly Rule<Read>[] {
  return (granted ?? []).flatMap((grant): Rule<Read>[] => {
    const pattern = read(patternOf(grant));
    if (pattern === undefined) return [];
    const when = typeof grant === 'string' ? undefined : grant;
    const allowed = allow(line(grant));
    const { untilMs } = when ?? {};
    return [{ read: pattern, when, allowed: untilMs === undefined ? allowed : { ...allowed, untilMs } }];
  });
}

/** A request, as far as conditions are about it, and the time. */
export interface Moment {
  readonly request: Circumstances;
  wallMs(): number;
}

/** The first rule that matches and holds. */
export function firstOf<Read>(
  rules: readonly Rule<Read>[],
  moment: Moment,
  matches: (read: Read) => boolean,
): Decision | undefined {
  for (const { read, when, allowed } of rules) {
    if (!matches(read)) continue;
    if (when === undefined) return allowed;
    if (holds(when, moment.request) && (when.untilMs === undefined || moment.wallMs() < when.untilMs)) return allowed;
  }
  return undefined;
}
