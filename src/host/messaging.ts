import type { BehaviorContext } from '../actor/index.ts';
import type { MessagingGrant } from '../capability/index.ts';
import type { HostInstance } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Rate } from '../time/index.ts';
import { decideFor, type Guest, PartKey, reportLimit } from '../wasi/index.ts';
import { type GuestFailure, toGuest } from './failure.ts';

/** What a guest gets of a host call: a WIT `result`. */
type Outcome<T> = { readonly tag: 'ok'; readonly val?: T } | { readonly tag: 'err'; readonly val: GuestFailure };

const SENT: Outcome<never> = Object.freeze({ tag: 'ok' });
/** Longest wait of an `ask`, as everywhere. */
const ASK_TIMEOUT_MS_MAX = 3_600_000;
/** Characters of an operation's name, as in protocols. */
const OPERATION_NAME_MAX = 255;
const NO_BYTES = new Uint8Array(0);

/** The actor that a guest is. */
export interface GuestActor {
  readonly context: BehaviorContext;
  readonly deadline: MessageDeadline | undefined;
  readonly limits: MessageLimits;
  /** Bytes of the largest message that it got, sent or was answered with. */
  largestBytes: number;
}

/** What bounds the messages of one component. */
export interface MessageLimits {
  /** Bytes of what it sends and is answered with. */
  readonly messageBytes: number;
  /** How many messages a second it sends. */
  readonly rate: Rate;
}

/** How long the component may take for the message that it handles. */
export interface MessageDeadline {
  /** Milliseconds that are left of it; `undefined`: no limit. */
  readonly leftMs: number | undefined;
}

/** Given to every guest that is an actor. */
export const ACTOR = new PartKey<GuestActor>('actor');

/** Implements `troupe:actor/messaging`: each call is checked against the grants; a denial is an answer, not a trap. */
export const MESSAGING_INTERFACE: HostInstance = Object.freeze({
  tell(this: Guest, ...[to, op, payload]: [string, string, Uint8Array]): Outcome<never> {
    const actor = this.part(ACTOR);
    const refusal = denied(this, 'tell', { target: to, payload });
    if (refusal !== undefined) return refusal;
    const invalid = misshapen(this, op, payload) ?? tooMany(this);
    if (invalid !== undefined) return failed(invalid);
    const sent = actor.context.tell(to, op, payload);
    return sent.ok ? SENT : failed(sent.error);
  },
  ask(
    this: Guest,
    ...[to, op, payload, timeoutMs]: [string, string, Uint8Array, number]
  ): Outcome<Uint8Array> | Promise<Outcome<Uint8Array>> {
    const actor = this.part(ACTOR);
    const refusal = denied(this, 'ask', { target: to, payload });
    if (refusal !== undefined) return refusal;
    const invalid = misshapen(this, op, payload) ?? badTimeout(timeoutMs) ?? tooMany(this);
    if (invalid !== undefined) return failed(invalid);
    return actor.context.ask(to, op, payload, timeoutMs).then(
      (value) => replied(this, value),
      (error: unknown) => failed(RuntimeError.from(error)),
    );
  },
  publish(this: Guest, topic: string, payload: Uint8Array): Outcome<number> {
    const actor = this.part(ACTOR);
    const refusal = denied(this, 'publish', { target: topic, payload });
    if (refusal !== undefined) return refusal;
    const invalid = misshapen(this, '', payload) ?? tooMany(this);
    if (invalid !== undefined) return failed(invalid);
    try {
      const subscribers = actor.context.publish(topic, payload);
      this.charge('delivery', subscribers);
      return { tag: 'ok', val: subscribers };
    } catch (error) {
      return failed(RuntimeError.from(error));
    }
  },
  self(this: Guest): string {
    return this.part(ACTOR).context.self.name;
  },
});

function denied(
  guest: Guest,
  action: keyof MessagingGrant,
  { target, payload }: { readonly target: string; readonly payload: Uint8Array },
): Outcome<never> | undefined {
  const decision = decideFor(guest, { kind: 'messaging', action, target, sizeBytes: payload.length });
  if (decision.effect === 'allow') return undefined;
  return failed(new RuntimeError('CAPABILITY_DENIED', decision.reason, { details: { action, target } }));
}

/** What a guest sends waits in mailboxes, which count messages and not bytes. */
function misshapen(guest: Guest, ...[op, payload]: [string, Uint8Array]): RuntimeError | undefined {
  if (op.length > OPERATION_NAME_MAX) return tooLarge('the operation', op.length, OPERATION_NAME_MAX);
  const actor = guest.part(ACTOR);
  const { messageBytes } = actor.limits;
  const { length: used } = payload;
  if (used > actor.largestBytes) actor.largestBytes = used;
  if (used <= messageBytes) return undefined;
  reportLimit(guest, { limit: 'message-size', limitValue: messageBytes, used });
  return tooLarge('the payload', used, messageBytes);
}

function tooLarge(what: string, size: number, max: number): RuntimeError {
  return new RuntimeError(
    'MESSAGE_INVALID',
    `Cannot pass a message on: the size of ${what} is ${size}, and ${max} the most`,
  );
}

/** Counts one message that the guest sends; refused, and reported, if its component has sent too many of late. */
export function tooMany(guest: Guest): RuntimeError | undefined {
  const rate = guest.part(ACTOR).limits.rate.on(guest.clock);
  if (rate === undefined || rate.tryTake(1)) return undefined;
  const { perSecond: limitValue } = rate;
  reportLimit(guest, { limit: 'message-rate', limitValue, used: limitValue });
  const text = `Cannot send: the component sends more than ${limitValue} messages a second; wait, or raise "message-rate" in [limits]`;
  return new RuntimeError('COMPONENT_LIMIT', text, { details: { limit: 'message-rate', limitValue } });
}

function badTimeout(timeoutMs: number): RuntimeError | undefined {
  if (timeoutMs >= 1 && timeoutMs <= ASK_TIMEOUT_MS_MAX) return undefined;
  return new RuntimeError(
    'MESSAGE_INVALID',
    `Cannot ask: timeout-ms is ${timeoutMs}, and 1 to ${ASK_TIMEOUT_MS_MAX} are allowed`,
  );
}

function failed(error: RuntimeError): { tag: 'err'; val: GuestFailure } {
  return { tag: 'err', val: toGuest(error) };
}

/** The answer as bytes: what is not bytes came from an actor that does not speak this contract. */
function replied(guest: Guest, value: unknown): Outcome<Uint8Array> {
  if (value instanceof Uint8Array) {
    // The guest would have to make room for it, and trap if it cannot.
    const invalid = misshapen(guest, '', value);
    return invalid === undefined ? { tag: 'ok', val: value } : failed(invalid);
  }
  if (value === undefined) return { tag: 'ok', val: NO_BYTES };
  return failed(
    new RuntimeError('MESSAGE_INVALID', `Cannot hand over the reply: a component takes bytes, got ${typeof value}`),
  );
}
