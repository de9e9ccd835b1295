import { count, sanitize, sanitizeLine } from './text.ts';

/** What a guest logged. Its texts are the guest's. */
interface Logged {
  readonly level?: string;
  readonly context?: string;
  readonly text?: string;
  readonly dropped?: number;
}

/** What a guest logged as lines for people, safe for a terminal: each with its level and what it belongs to. */
export function logLines({ level = 'info', context = '', text = '', dropped = 0 }: Logged): string[] {
  const head = context === '' ? level : `${level} ${sanitizeLine(context)}`;
  const lines = sanitize(text).trimEnd().split('\n');
  const left = dropped === 0 ? [] : [`${level}: left out ${count(dropped, 'line')} before this`];
  return [...left, ...lines.map((line) => `${head}: ${line}`)];
}
