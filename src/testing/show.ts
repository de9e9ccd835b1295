import { inspect } from 'node:util';
import type { ActorRef, Termination, Work } from '../actor/index.ts';

/** Characters of a value in a message to people; more hides what it is about. */
const VALUE_CHARACTERS_MAX = 200;

/** A value on one line. */
export function showValue(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY, compact: true, maxArrayLength: 20 });
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}…`;
}

/** A message on one line: `tell "add" { by: 2 } from "client"`. */
export function showMessage(message: {
  readonly kind: string;
  readonly op: string;
  readonly payload: unknown;
  readonly sender?: ActorRef | undefined;
}): string {
  const { kind, op, payload, sender } = message;
  const what = payload === undefined ? '' : ` ${showValue(payload)}`;
  return `${kind} "${op}"${what}${sender === undefined ? '' : ` from "${sender.name}"`}`;
}

/** How an actor ended, in words. */
export function showEnd({ kind, error }: Termination): string {
  return error === undefined ? kind : `${kind}: ${error.message}`;
}

/** What an actor is in the middle of, in words that follow its name. */
export function showWork({ doing, op, asks }: Work): string {
  const what = {
    starting: 'is in "init"',
    stopping: 'is in its stop hook',
    handling: `is handling "${op ?? 'a notice'}"`,
  };
  const why = asks.length === 0 ? '' : `, and waits for ${asks.map((name) => `"${name}"`).join(', ')}`;
  return what[doing] + why;
}

/** Lines below a headline; `nothing` if there are none. */
export function showList(lines: readonly string[], nothing = 'nothing'): string {
  return lines.length === 0 ? `  ${nothing}` : lines.map((line) => `  ${line}`).join('\n');
}
