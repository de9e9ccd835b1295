/** Whether `value` is something to wait for. Throws what a hostile `then` throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Lets nobody hear of how `promise` ends: a rejection that nobody handles would end the process. */
export function ignoreOutcome(promise: PromiseLike<unknown>): void {
  Promise.resolve(promise).then(undefined, () => {});
}
