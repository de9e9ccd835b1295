import { isDeepStrictEqual } from 'node:util';
import type { ActorRef, Passage } from '../actor/index.ts';

/** A message as faults and expectations see it. */
export type TestMessage = Pick<Passage, 'to' | 'sender' | 'kind' | 'op' | 'topic' | 'payload'>;

/**
 * Which messages are meant: all that have every property that is named, payloads by deep equality; or all for which a
 * function returns `true`. Left out: every message.
 */
export type MessageMatch =
  | ((message: TestMessage) => boolean)
  | {
      readonly to?: ActorRef | string;
      readonly from?: ActorRef | string;
      readonly kind?: TestMessage['kind'];
      readonly op?: string;
      readonly topic?: string;
      readonly payload?: unknown;
    };

/** The function that a match stands for. */
export function toPredicate(match: MessageMatch | undefined): (message: TestMessage) => boolean {
  if (match === undefined) return () => true;
  if (typeof match === 'function') return match;
  return (message) =>
    isNamed(message.to, match.to) &&
    isNamed(message.sender, match.from) &&
    is(message.kind, match.kind) &&
    is(message.op, match.op) &&
    is(message.topic, match.topic) &&
    (!('payload' in match) || isDeepStrictEqual(message.payload, match.payload));
}

function is<T>(actual: T, wanted: T | undefined): boolean {
  return wanted === undefined || actual === wanted;
}

/** Whether `ref` is the actor that is meant. */
export function isNamed(ref: ActorRef | undefined, wanted: ActorRef | string | undefined): boolean {
  return wanted === undefined || ref?.name === nameOf(wanted);
}

/** The name of an actor, given in either way. */
export function nameOf(actor: ActorRef | string): string {
  return typeof actor === 'string' ? actor : actor.name;
}
