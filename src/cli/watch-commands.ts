import { auditCommand } from './commands/audit.ts';
import { healthCommand } from './commands/health.ts';
import { monitoringCommand } from './commands/monitoring.ts';
import { tokenCommand } from './commands/token.ts';

/** Commands about how an application gets on, what is on record, and who may look. */
export const WATCH_COMMANDS = [healthCommand, auditCommand, monitoringCommand, tokenCommand] as const;
