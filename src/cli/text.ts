import { stripVTControlCharacters, styleText } from 'node:util';
import type { OutputStream } from './context.ts';

type Format = Parameters<typeof styleText>[0];

/** Control characters but newline and tab, and those that reorder what a reader sees. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What JSON leaves as it is and a terminal may act on. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Makes text of a guest harmless for a terminal: escape sequences are removed, other control characters shown as `�`,
 * line ends made plain.
 */
export function sanitize(text: string): string {
  return stripVTControlCharacters(text.replace(/\r\n?/g, '\n')).replace(UNSAFE, '\ufffd');
}

/** As {@link sanitize}, on one line. */
export function sanitizeLine(text: string): string {
  return sanitize(text).replace(/[\n\t]+/g, ' ');
}

/** JSON that is safe to show on a terminal: pretty for people, on one line for streams of records. */
export function toJson(value: unknown, layout: 'pretty' | 'line' = 'pretty'): string {
  const text = JSON.stringify(value, undefined, layout === 'pretty' ? 2 : undefined) ?? 'null';
  return text.replace(UNSAFE_IN_JSON, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Colours `text` if `stream` is a terminal that shows colours and `NO_COLOR` is not set. */
export function paint(stream: OutputStream, format: Format, text: string): string {
  if (!stream.isTTY) return text;
  return styleText(format, text, { stream: stream as NodeJS.WritableStream, validateStream: true });
}

/** Writes one line. */
export function writeLine(stream: OutputStream, line = ''): void {
  stream.write(`${line}\n`);
}

/** `1 actor`, `2 actors`. */
export function count(amount: number, noun: string): string {
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1 ? '' : 's'}`;
}

/** A size for people: `64 MiB`, `1.5 KiB`. */
export function humanSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : Number(value.toFixed(1))} ${units[unit]}`;
}

/** A time span for people, in its two largest units: `850ms`, `12s`, `3m 5s`, `2d 4h`. */
export function humanDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1_000);
  const parts = [
    { amount: Math.floor(seconds / 86_400), unit: 'd' },
    { amount: Math.floor(seconds / 3_600) % 24, unit: 'h' },
    { amount: Math.floor(seconds / 60) % 60, unit: 'm' },
    { amount: seconds % 60, unit: 's' },
  ];
  const first = parts.findIndex(({ amount }) => amount > 0);
  const shown = parts.slice(first, first + 2).filter(({ amount }) => amount > 0);
  return shown.map(({ amount, unit }) => `${amount}${unit}`).join(' ');
}
