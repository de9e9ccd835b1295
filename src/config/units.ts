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

/** What `parseDuration` of time/ reads, for the published schemas. */
export const DURATION_PATTERN = /^\d{1,15}(?:\.\d{1,3})?(?:ms|s|m|h|d)$/;

/** At most 15 digits: what a `number` holds exactly. */
export const SIZE_PATTERN = /^(\d{1,15}(?:\.\d{1,3})?)(B|KB|MB|GB|KiB|MiB|GiB)$/;

/** Parses `"64MiB"`, `"512KiB"`, `"1GB"` to whole bytes; `undefined` when it is none. */
export function parseSizeBytes(text: string): number | undefined {
  const match = SIZE_PATTERN.exec(text);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (SIZE_UNITS_BYTES[match[2] ?? ''] ?? Number.NaN));
}

/** The shortest exact form in powers of 1,024: 1,048,576 is `"1MiB"`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const scale = SIZE_UNITS_BYTES[unit] ?? 1;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return `${bytes}B`;
}
