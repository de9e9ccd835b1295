import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { ActorRef, DeadLetter, FailureReport } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { causesOf } from './causes.ts';
import { nameOf } from './message.ts';
import { showList, showValue } from './show.ts';

/** Which dead letter is meant: every property that is named fits. */
export type DeadLetterMatch = Partial<Pick<DeadLetter, 'reason' | 'op' | 'kind' | 'payload' | 'topic'>> & {
  readonly to?: ActorRef | string;
};

/** Which failure is meant. `cause`: the code or the message of what was thrown. */
export interface FailureMatch {
  readonly actor?: ActorRef | string;
  readonly phase?: FailureReport['phase'];
  readonly directive?: NonNullable<FailureReport['directive']>['kind'];
  readonly cause?: string | RegExp;
}

/** Whether a dead letter is meant. */
export function fits(letter: DeadLetter, wanted: Partial<DeadLetter>): boolean {
  return Object.entries(wanted).every(([key, value]) => isDeepStrictEqual(Reflect.get(letter, key), value));
}

/** Whether `wanted` is the code or the message of something behind `error`. */
export function isCausedBy(error: RuntimeError, wanted: string | RegExp): boolean {
  const texts: string[] = [];
  for (const cause of causesOf(error)) {
    texts.push(cause.message);
    if (RuntimeError.is(cause)) texts.push(cause.code);
  }
  return texts.some((text) => (typeof wanted === 'string' ? text === wanted : wanted.test(text)));
}

interface Taking<T> {
  readonly isIt: (one: T) => boolean;
  readonly show: (one: T) => string;
  readonly what: string;
  readonly caller: (...args: never[]) => unknown;
}

/** Takes the first that is meant out of `list`. @throws {AssertionError} There is none. */
export function takeFirst<T>(list: T[], { isIt, show, what, caller }: Taking<T>): T {
  const index = list.findIndex(isIt);
  if (index >= 0) return list.splice(index, 1)[0] as T;
  const lines = list.map(show);
  const message = `Expected a ${what}, but there is\n${showList(lines, 'none')}`;
  throw new AssertionError({ message, actual: lines, expected: [what], operator: 'expect', stackStartFn: caller });
}

/** What is meant, for people. */
export function showWanted(match: object): string {
  const parts = Object.entries(match).map(([key, value]) => {
    const shown = isActorRef(value) ? `"${nameOf(value)}"` : showValue(value);
    return `${key}: ${shown}`;
  });
  return parts.length === 0 ? 'of any kind' : `with ${parts.join(', ')}`;
}

function isActorRef(value: unknown): value is ActorRef {
  return typeof value === 'object' && value !== null && 'tellOp' in value;
}
