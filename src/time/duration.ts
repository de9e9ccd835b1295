import { RuntimeError } from '../errors/index.ts';

/** Milliseconds in each unit that people may write, longest first. */
const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** Digits after the point that are read and written: a thousandth of the unit. */
const WRITTEN = /^(\d{1,15}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;

/**
 * Reads a duration as people write it in files and flags: a number, at most three digits after the point, and a unit
 * (`ms`, `s`, `m`, `h`, `d`) without a space.
 *
 * @returns Milliseconds, 0 or more.
 * @throws {RuntimeError} `CONFIG_INVALID` when `text` is anything else.
 *
 * @example
 * ```ts
 * parseDuration('250ms');  // 250
 * parseDuration('1.5s');   // 1500
 * ```
 */
export function parseDuration(text: string): number {
  const parts = WRITTEN.exec(text);
  if (parts === null) {
    const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    throw new RuntimeError(
      'CONFIG_INVALID',
      `Cannot read ${shown} as a duration: write a number and a unit, such as "250ms", "5s", "2m" or "1h"`,
    );
  }
  const unitMs = UNITS_MS[parts[2] as keyof typeof UNITS_MS];
  // Rounded to a thousandth of a millisecond, so that 0.1 + 0.2 style noise never reaches a comparison.
  return Math.round(Number(parts[1]) * unitMs * 1_000) / 1_000;
}

/**
 * Writes a duration in the longest unit that shows it exactly with at most three digits after the point and at least
 * one before it; `parseDuration` reads it back. Finer than a microsecond is rounded.
 *
 * @param ms Milliseconds, 0 or more.
 */
export function formatDuration(ms: number): string {
  const exact = Math.round(ms * 1_000) / 1_000;
  for (const [unit, unitMs] of Object.entries(UNITS_MS)) {
    if (exact < unitMs) continue;
    const shown = Math.round((exact / unitMs) * 1_000) / 1_000;
    if (Math.round(shown * unitMs * 1_000) / 1_000 === exact) return `${shown}${unit}`;
  }
  return `${exact}ms`;
}
