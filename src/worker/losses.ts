import { RuntimeError } from '../errors/index.ts';

/** Creates the error of an end that cannot go on with what the other side wrote. */
export function garbage(what: string, cause?: unknown): RuntimeError {
  return new RuntimeError('WORKER_LOST', `Cannot read what the worker wrote: ${what}; the link was ended`, {
    details: { reason: 'garbage' },
    cause,
  });
}

/** Creates the error of an end whose other end was closed. */
export function otherGone(): RuntimeError {
  return new RuntimeError('WORKER_LOST', 'Cannot reach the other side of the link: it has closed it', {
    details: { reason: 'closed' },
  });
}
