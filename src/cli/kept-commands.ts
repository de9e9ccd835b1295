import { artifactCommand } from './commands/artifact.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { outboxCommand } from './commands/outbox.ts';
import { stateCommand } from './commands/state.ts';

/** Commands about what an application keeps, and what nobody took. */
export const KEPT_COMMANDS = [stateCommand, outboxCommand, deadLettersCommand, artifactCommand] as const;
