import { RuntimeError } from '../../src/errors/index.ts';

const none = async (): Promise<never> => {
  throw new RuntimeError('STATE_NOT_FOUND', 'Nothing is kept here');
};

/** The part of a control plane that keeps nothing, and where all is well. */
export const NO_STATES = {
  states: async () => ({ states: [], hasMore: false }),
  state: none,
  removeState: none,
  permit: async () => undefined,
  noteIntrusion: () => undefined,
  outbox: async () => ({ queues: [], hasMore: false }),
  removeMessages: none,
  deadLetters: () => [],
  metrics: async () => ({ contentType: 'text/plain', text: '' }),
  health: () => ({ status: 'healthy', live: true, ready: true, reasons: [], room: {} }) as const,
};
