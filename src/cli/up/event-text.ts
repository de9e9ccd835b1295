import { logLines } from '../log-lines.ts';
import { humanDuration, sanitize, sanitizeLine } from '../text.ts';
import type { ShownEvent } from './event-limiter.ts';

/** The event as lines for people, safe for a terminal. */
export function eventLines(event: ShownEvent): string[] {
  const who = sanitizeLine(event.actor ?? event.component ?? 'application');
  if (event.type === 'output') return outputLines(who, event.text ?? '');
  if (event.type === 'log') return logLines(event).map((line) => `${who} | ${line}`);
  if (event.repeated !== undefined) {
    return [`${who} ${VERBS[event.type]}, ${event.repeated.toLocaleString('en-US')} times more`];
  }
  const took = event.durationMs === undefined ? '' : ` in ${humanDuration(event.durationMs)}`;
  const error = event.error === undefined ? undefined : `${event.error.code}: ${event.error.message}`;
  const reason = [error, event.text].filter((part) => part !== undefined && part !== '').join('; ');
  const tail = reason === '' ? '' : `: ${sanitizeLine(reason)}`;
  return [`${who} ${VERBS[event.type]}${took}${tail}`];
}

const VERBS: Readonly<Record<Exclude<ShownEvent['type'], 'output' | 'log'>, string>> = {
  compiling: 'is being compiled',
  compiled: 'compiled',
  started: 'started',
  failed: 'failed',
  restarted: 'failed and restarts',
  stopped: 'stopped',
  completed: 'completed',
  'dead-letter': 'did not get a message',
  denied: 'was denied something',
  'would-deny': 'would be denied something',
  'limit-breached': 'ran into a limit',
  'request-failed': 'did not answer a request',
  quarantined: 'failed too often in a row',
};

/** What a guest wrote, each line behind its name. */
function outputLines(who: string, text: string): string[] {
  const lines = sanitize(text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => `${who} | ${line}`);
}
