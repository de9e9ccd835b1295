/** Milliseconds per unit of a duration. */
const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Bytes per unit of a size: powers of 1,024 with an `i`, of 1,000 without. */
const SIZE_UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** At most 15 digits: what a `number` holds exactly. */
export const DURATION_PATTERN = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h)$/;
export const SIZE_PATTERN = /^(\d{1,15}(?:\.\d{1,6})?)(B|KB|MB|GB|KiB|MiB|GiB)$/;

/** Parses `"250ms"`, `"5s"`, `"1.5m"`, `"2h"` to milliseconds; `undefined` when it is none. */
export function parseDurationMs(text: string): number | undefined {
  return parse(text, DURATION_PATTERN, DURATION_UNITS_MS);
}

/** Parses `"64MiB"`, `"512KiB"`, `"1GB"` to whole bytes; `undefined` when it is none. */
export function parseSizeBytes(text: string): number | undefined {
  const bytes = parse(text, SIZE_PATTERN, SIZE_UNITS_BYTES);
  return bytes === undefined ? undefined : Math.floor(bytes);
}

/** The shortest exact form: 90,000 is `"90s"`, 60,000 is `"1m"`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const scale = DURATION_UNITS_MS[unit] ?? 1;
    if (ms >= scale && ms % scale === 0) return `${ms / scale}${unit}`;
  }
  return `${ms}ms`;
}

/** The shortest exact form in powers of 1,024: 1,048,576 is `"1MiB"`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const scale = SIZE_UNITS_BYTES[unit] ?? 1;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return `${bytes}B`;
}

function parse(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN);
}
