import { RuntimeError } from '../../src/errors/index.ts';

const none = async (): Promise<never> => {
  throw new RuntimeError('STATE_NOT_FOUND', 'Nothing is kept here');
};

/** The part of a control plane that keeps nothing. */
export const NO_STATES = { states: async () => ({ states: [], hasMore: false }), state: none, removeState: none };
