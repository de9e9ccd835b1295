import type { HealthTrouble } from '../api/index.ts';

/** Failures of a component within {@link WITHIN_MS} that are a loop: once is an accident, and supervisors try again a few times. */
const FAILURES = 5;
const WITHIN_MS = 60_000;

/** Notices components that fail again and again, however soon they are back. */
export class CrashLoops {
  /** Of each component that has failed, when it did so the last times. */
  readonly #failures = new Map<string, readonly number[]>();

  note(component: string, nowMs: number): void {
    const before = this.#failures.get(component) ?? [];
    this.#failures.set(component, [...before, nowMs].slice(-FAILURES));
  }

  /** Components that fail so often now. */
  troubles(nowMs: number): HealthTrouble[] {
    return [...this.#failures].flatMap(([component, [first = 0, ...others]]) => {
      const ms = Math.round(nowMs - first);
      if (others.length < FAILURES - 1 || ms > WITHIN_MS) return [];
      return [{ kind: 'crash-loop' as const, component, ms, text: `it failed ${FAILURES} times` }];
    });
  }
}
