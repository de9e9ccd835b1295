import { ignoreOutcome, isThenable } from './thenable.ts';

/** Calls an observer. It must not harm what it observes, and there is nobody to tell of what it throws or rejects with. */
export function observe<T>(observer: (fact: T) => unknown, fact: T): void {
  try {
    const result = observer(fact);
    if (isThenable(result)) ignoreOutcome(result);
  } catch {}
}
