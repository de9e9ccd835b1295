/**
 * The kinds of value that a configuration file holds. Each schema's error text is what was expected, as a noun phrase:
 * `problems.ts` makes "expected …, found …" of it.
 */
import { z } from 'zod';
import { formatDuration, parseDuration } from '../time/index.ts';
import { DURATION_PATTERN, formatSize, parseSizeBytes, SIZE_PATTERN } from './units.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Characters of one string; keeps error texts and everything derived from names small. */
const TEXT_LENGTH_MAX = 4_096;

/** Elements of one list. */
const LIST_LENGTH_MAX = 1_024;

/** A whole number within a range. */
export function integer(range: Range) {
  const expected = `an integer from ${grouped(range.min)} to ${grouped(range.max)}`;
  return z.int({ error: expected }).min(range.min, expected).max(range.max, expected);
}

/** A number within a range, whole or not. */
export function decimal(range: Range) {
  const expected = `a number from ${grouped(range.min)} to ${grouped(range.max)}`;
  return z.number({ error: expected }).min(range.min, expected).max(range.max, expected);
}

/** `"250ms"` and the like; the result is in milliseconds. */
export function duration(range: Range) {
  const expected = `a duration from "${formatDuration(range.min)}" to "${formatDuration(range.max)}", such as "5s" or "250ms"`;
  return z
    .string({ error: expected })
    .regex(DURATION_PATTERN, expected)
    .transform((text, context) => within(parseDuration(text), range, { expected, context }));
}

/** As {@link duration}, or `"unbounded"`, which is `Infinity`. */
export function durationOrUnbounded(range: Range) {
  const expected = `a duration from "${formatDuration(range.min)}" to "${formatDuration(range.max)}", such as "5s", or "unbounded"`;
  const pattern = new RegExp(`^unbounded$|${DURATION_PATTERN.source}`);
  return z
    .string({ error: expected })
    .regex(pattern, expected)
    .transform((text, context) =>
      text === 'unbounded' ? Number.POSITIVE_INFINITY : within(parseDuration(text), range, { expected, context }),
    );
}

/** `"64MiB"` and the like; the result is in bytes. */
export function size(range: Range) {
  const expected = `a size from "${formatSize(range.min)}" to "${formatSize(range.max)}", such as "64MiB"`;
  return z
    .string({ error: expected })
    .regex(SIZE_PATTERN, expected)
    .transform((text, context) => within(parseSizeBytes(text), range, { expected, context }));
}

/** As {@link size}, or `"unbounded"`, which is `Infinity`. */
export function sizeOrUnbounded(range: Range) {
  const expected = `a size from "${formatSize(range.min)}" to "${formatSize(range.max)}", such as "64MiB", or "unbounded"`;
  const pattern = new RegExp(`^unbounded$|${SIZE_PATTERN.source}`);
  return z
    .string({ error: expected })
    .regex(pattern, expected)
    .transform((text, context) =>
      text === 'unbounded' ? Number.POSITIVE_INFINITY : within(parseSizeBytes(text), range, { expected, context }),
    );
}

/** As {@link integer}, or `"unbounded"`, which is `Infinity`. */
export function integerOrUnbounded(range: Range) {
  const expected = `an integer from ${grouped(range.min)} to ${grouped(range.max)}, or "unbounded"`;
  const number = z.int({ error: expected }).min(range.min, expected).max(range.max, expected);
  return z
    .union([number, z.literal('unbounded', { error: expected })], { error: expected })
    .transform((value) => (value === 'unbounded' ? Number.POSITIVE_INFINITY : value));
}

/** A string that is not empty. */
export function text(expected = 'a text that is not empty') {
  return z
    .string({ error: expected })
    .min(1, expected)
    .max(TEXT_LENGTH_MAX, `${expected} of at most ${TEXT_LENGTH_MAX} characters`);
}

/** A string of a given form. */
export function pattern(form: RegExp, expected: string) {
  return z.string({ error: expected }).regex(form, expected);
}

/** One of some words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `one of ${words.map((word) => `"${word}"`).join(', ')}` });
}

/** `true` or `false`. */
export function flag() {
  return z.boolean({ error: 'true or false' });
}

/** A bounded list. */
export function list<Item extends z.ZodType>(item: Item, expected: string) {
  return z.array(item, { error: expected }).max(LIST_LENGTH_MAX, `${expected} of at most ${LIST_LENGTH_MAX} entries`);
}

/** A table with these keys and no others. */
export function table<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: 'a table' });
}

/** A name of an application, component or actor's base: what every place that shows or routes names can hold. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;
export const NAME_EXPECTED =
  'a name of lower-case letters, digits and "-" that begins with a letter, at most 63 characters';

/** Lower or upper case; compared without case. */
export const SHA256_PATTERN = /^[0-9a-fA-F]{64}$/;
export const SHA256_EXPECTED = 'a SHA-256 digest of 64 hexadecimal digits';

/** An environment variable's name: no `=`, no control characters. */
export const VARIABLE_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
export const VARIABLE_EXPECTED = 'the name of an environment variable: letters, digits and "_"';

function within(
  value: number | undefined,
  range: Range,
  report: { readonly expected: string; readonly context: z.RefinementCtx },
): number {
  if (value !== undefined && value >= range.min && value <= range.max) return value;
  report.context.addIssue({ code: 'custom', message: report.expected });
  return z.NEVER;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
