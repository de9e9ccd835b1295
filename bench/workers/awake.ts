let isAwake = false;

/** Whether the event loop goes round without a rest, as that of a thread that has other work. */
export function keepAwake(awake: boolean): void {
  if (awake && !isAwake) setImmediate(turn);
  isAwake = awake;
}

function turn(): void {
  if (isAwake) setImmediate(turn);
}
