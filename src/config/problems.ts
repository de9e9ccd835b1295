import type { z } from 'zod';
import { RuntimeError } from '../errors/index.ts';
import type { KeyPath, KeyPositions } from './key-positions.ts';
import { nearest } from './nearest.ts';

/** One mistake in a configuration file. */
export interface ConfigProblem {
  /** Absolute path of the file. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** Dotted path of the key; empty for the whole file. */
  readonly key: string;
  readonly message: string;
  readonly help?: string;
  /** True when the mistake is that a file is not there. */
  readonly absent?: boolean;
}

/** Problems that one error lists; what lies beyond is counted. */
const LISTED_MAX = 20;

/** Characters of a wrong value that an error quotes. */
const QUOTED_LENGTH_MAX = 60;

/** A document with all that is needed to say where something in it is wrong. */
export interface Document {
  readonly file: string;
  readonly value: unknown;
  readonly positions: KeyPositions;
}

/** What is wrong, and what to do about it. */
export type ProblemText = Pick<ConfigProblem, 'message' | 'help' | 'absent'>;

/** Says where `path` of `document` is and what is wrong there. */
export function problemAt(document: Document, path: KeyPath, text: ProblemText): ConfigProblem {
  const position = document.positions.find(path);
  return { file: document.file, ...position, key: path.join('.'), ...text };
}

/** Turns what the schema found into problems, several for several unknown keys. */
export function toProblems(
  document: Document,
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
): ConfigProblem[] {
  return issues.flatMap(withinAlternative).flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => problemAt(document, [...path, key], unknownKey(key, known)));
    }
    if (issue.code === 'invalid_key') {
      const reason = issue.issues[0]?.message ?? 'another name';
      return [problemAt(document, path, { message: `expected ${reason}, found ${quote(path.at(-1))}` })];
    }
    const found = valueAt(document.value, path);
    if (found === undefined) return [problemAt(document, path, { message: `is missing: expected ${issue.message}` })];
    return [problemAt(document, path, wrongValue(issue, found))];
  });
}

/** Of a value that fits none of several forms: what is wrong within it, if it has the kind of value of one of them. */
function withinAlternative(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.filter((inner) => inner.every(({ path, code }) => path.length > 0 || isOfContent(code)));
  if (meant.length !== 1) return [issue];
  return (meant[0] ?? []).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** Whether an issue of that code is about what a value holds, not about its kind. */
function isOfContent(code: z.core.$ZodIssue['code']): boolean {
  return code === 'unrecognized_keys' || code === 'custom' || code === 'too_big' || code === 'too_small';
}

/**
 * Makes the one error that reports all problems, the first {@link LISTED_MAX} of them with their places in `details`.
 *
 * @param summary What could not be done: `Cannot use "/srv/app/troupe.toml"`.
 */
export function configError(summary: string, problems: readonly ConfigProblem[]): RuntimeError {
  const sorted = problems.toSorted(byPlace);
  const first = sorted[0];
  const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : '';
  const text = first === undefined ? summary : `${summary}: ${describeProblem(first)}${more}`;
  // When files are all that is missing, the exit code should say so too.
  const code = problems.length > 0 && problems.every((problem) => problem.absent) ? 'FILE_NOT_FOUND' : 'CONFIG_INVALID';
  return new RuntimeError(code, text, {
    details: { summary, problems: sorted.slice(0, LISTED_MAX), problemCount: problems.length },
  });
}

function byPlace(one: ConfigProblem, other: ConfigProblem): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

/** One line: `line 12: components.parse.mailbx is not a known key`. */
export function describeProblem(problem: ConfigProblem): string {
  const place = problem.line === undefined ? '' : `line ${problem.line}: `;
  const key = problem.key === '' ? '' : `${problem.key} `;
  const help = problem.help === undefined ? '' : `; ${problem.help}`;
  return `${place}${key}${problem.message}${help}`;
}

/** Quotes any value for an error: short, on one line, without control characters. */
export function quote(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // Only a value that JSON cannot say gets here; its kind is all that is worth telling.
    text = typeof value;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
  return plain.length > QUOTED_LENGTH_MAX ? `${plain.slice(0, QUOTED_LENGTH_MAX)}…` : plain;
}

function unknownKey(key: string, known: readonly string[]): ProblemText {
  const message = 'is not a known key';
  const near = nearest(key, known);
  if (near !== undefined) return { message, help: `did you mean "${near}"?` };
  return known.length === 0 ? { message } : { message, help: `known here: ${known.join(', ')}` };
}

function wrongValue(issue: z.core.$ZodIssue, found: unknown): ProblemText {
  const text = { message: `expected ${issue.message}, found ${quote(found)}` };
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return text;
  const near = nearest(found, issue.values.map(String));
  return near === undefined ? text : { ...text, help: `did you mean "${near}"?` };
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

/** The keys that the schema knows at `path`. */
function knownKeys(schema: z.ZodType, path: KeyPath): readonly string[] {
  let current: unknown = schema;
  for (const part of path) {
    const definition = definitionOf(current);
    if (definition?.type === 'object') current = definition.shape?.[part];
    else if (definition?.type === 'record') current = definition.valueType;
    else if (definition?.type === 'array') current = definition.element;
    else return [];
  }
  return Object.keys(definitionOf(current)?.shape ?? {}).filter((key) => key !== '$schema');
}

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly valueType?: unknown;
  readonly element?: unknown;
  readonly innerType?: unknown;
  /** Of what is read into something else. */
  readonly in?: unknown;
  readonly options?: readonly unknown[];
}

/** The definition under defaults and optionality; of alternatives, that of the table. */
function definitionOf(schema: unknown): Definition | undefined {
  let current = schema;
  // A schema of ours is wrapped twice at most.
  for (let depth = 0; depth < 8; depth++) {
    if (typeof current !== 'object' || current === null || !('def' in current)) return undefined;
    const definition = current.def as Definition;
    if (definition.options !== undefined)
      return definition.options.map(definitionOf).find((option) => option?.shape !== undefined);
    const inner = definition.innerType ?? definition.in;
    if (inner === undefined) return definition;
    current = inner;
  }
  return undefined;
}
