import type { HealthTrouble } from '../api/index.ts';
import { humanDuration, sanitizeLine } from './text.ts';

/** What does not get on, as one line. */
export function troubleText({ kind, actor = '', component = '', ms, text }: HealthTrouble): string {
  const who = sanitizeLine(actor);
  const time = humanDuration(ms);
  switch (kind) {
    case 'event-loop':
      return `something held the thread for ${time}`;
    case 'handler':
      return `${who} has waited in one message for ${time}`;
    case 'start':
      return `${who} has waited in its start for ${time}`;
    case 'stop':
      return `${who} has waited in its stop hook for ${time}`;
    case 'mailbox':
      return `${who} has let a message wait in its mailbox for ${time}`;
    case 'audit':
      return `nothing can be put on record for ${time}${text === undefined ? '' : `: ${sanitizeLine(text)}`}`;
    case 'audit-shipping':
      return `records of the audit log have not arrived for ${time}: ${sanitizeLine(text ?? '')}`;
    case 'component':
      return `${sanitizeLine(component)}: ${sanitizeLine(text ?? '')}`;
    case 'crash-loop':
      return `${sanitizeLine(component)} fails again and again: ${sanitizeLine(text ?? '')} within ${time}`;
    case 'audit-disk':
    case 'workers':
      return sanitizeLine(text ?? '');
    case 'given-up':
      return `${who} is not started again: ${sanitizeLine(text ?? '')}`;
    case 'room':
      return sanitizeLine(text ?? '');
    case 'starting-up':
      return 'the application is still starting';
    default:
      return `${who} is ${kind} for ${time}${text === undefined ? '' : `: ${sanitizeLine(text)}`}`;
  }
}
