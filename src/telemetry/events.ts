interface EventSpec {
  /** How serious it is. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly help: string;
}

/** Everything that a running application tells besides what its guests write, once. A name is never used again for something else. */
export const EVENTS = {
  compiling: { level: 'debug', help: 'A component is being checked and compiled' },
  compiled: { level: 'info', help: 'A component is compiled; `durationMs`' },
  started: { level: 'info', help: 'An actor takes messages, for the first time or again' },
  failed: {
    level: 'error',
    help: 'An actor failed and is not started again, or something of the application did; `error`',
  },
  restarted: { level: 'error', help: 'An actor failed, and is started again; `error`' },
  quarantined: {
    level: 'error',
    help: 'An actor, or a component that handles requests, failed too often and is held; `error`',
  },
  stopped: { level: 'info', help: 'An actor has ended because it was told to' },
  completed: { level: 'info', help: 'A task has reached its end' },
  output: { level: 'info', help: 'A guest wrote to `stream`: `stdout` or `stderr`; `text`' },
  log: {
    level: 'info',
    help: 'A guest logged by `wasi:logging`; `level` and `context` are its own, `dropped` lines before it were left out',
  },
  'dead-letter': { level: 'warn', help: 'A message was accepted and not handled; `text`' },
  denied: { level: 'warn', help: 'A guest wanted what it is not granted; `text` says which rule' },
  'would-deny': { level: 'warn', help: 'The same, where that is only observed: it got it' },
  'limit-breached': {
    level: 'warn',
    help: 'A guest ran into a limit, `times` since that was told last; `limit`, `limitValue`, `used`',
  },
  'request-failed': { level: 'warn', help: 'A component did not answer a request; `error`' },
} as const satisfies Record<string, EventSpec>;

export type EventName = keyof typeof EVENTS;
