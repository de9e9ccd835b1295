import type { BehaviorContext } from '../actor/index.ts';
import { type Decision, decide, type Grants, type MessagingGrant } from '../capability/index.ts';
import type { HostInstance } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type GuestFailure, toGuest } from './failure.ts';

/** What a guest gets of a host call: a WIT `result`. */
type Outcome<T> = { readonly tag: 'ok'; readonly val?: T } | { readonly tag: 'err'; readonly val: GuestFailure };

const SENT: Outcome<never> = Object.freeze({ tag: 'ok' });
/** Longest wait of an `ask`, as everywhere. */
const ASK_TIMEOUT_MS_MAX = 3_600_000;
/** Bytes of one payload: a full mailbox of the default size then holds 1 GiB at most. As much as NATS carries in one message. */
const PAYLOAD_BYTES_MAX = 1_048_576;
/** Characters of an operation's name, as in protocols. */
const OPERATION_NAME_MAX = 255;
const NO_BYTES = new Uint8Array(0);

interface MessagingOptions {
  readonly grants: Grants;
  /** Gets every denial, before the guest does. */
  readonly onDenied: (decision: Decision) => void;
  /** The actor's context; made when the behavior starts. */
  readonly context: () => BehaviorContext;
}

/** Implements `troupe:actor/messaging`: each call is checked against the grants; a denial is an answer, not a trap. */
export function messagingInterface({ grants, onDenied, context }: MessagingOptions): HostInstance {
  const denied = (action: keyof MessagingGrant, target: string): Outcome<never> | undefined => {
    const decision = decide(grants, { kind: 'messaging', action, target });
    if (decision.effect === 'allow') return undefined;
    onDenied(decision);
    return failed(new RuntimeError('CAPABILITY_DENIED', decision.reason, { details: { action, target } }));
  };
  return {
    tell: (to: string, op: string, payload: Uint8Array): Outcome<never> => {
      const refusal = denied('tell', to);
      if (refusal !== undefined) return refusal;
      const invalid = misshapen(op, payload);
      if (invalid !== undefined) return failed(invalid);
      const sent = context().tell(to, op, payload);
      return sent.ok ? SENT : failed(sent.error);
    },
    ask: (
      ...[to, op, payload, timeoutMs]: [string, string, Uint8Array, number]
    ): Outcome<Uint8Array> | Promise<Outcome<Uint8Array>> => {
      const refusal = denied('ask', to);
      if (refusal !== undefined) return refusal;
      const invalid = misshapen(op, payload) ?? badTimeout(timeoutMs);
      if (invalid !== undefined) return failed(invalid);
      return context()
        .ask(to, op, payload, timeoutMs)
        .then(replied, (error: unknown) => failed(RuntimeError.from(error)));
    },
    publish: (topic: string, payload: Uint8Array): Outcome<number> => {
      const refusal = denied('publish', topic);
      if (refusal !== undefined) return refusal;
      const invalid = misshapen('', payload);
      if (invalid !== undefined) return failed(invalid);
      try {
        return { tag: 'ok', val: context().publish(topic, payload) };
      } catch (error) {
        return failed(RuntimeError.from(error));
      }
    },
    self: (): string => context().self.name,
  };
}

/** What a guest sends waits in mailboxes, which count messages and not bytes. */
function misshapen(op: string, payload: Uint8Array): RuntimeError | undefined {
  if (op.length > OPERATION_NAME_MAX) return tooLarge('the operation', op.length, OPERATION_NAME_MAX);
  if (payload.length > PAYLOAD_BYTES_MAX) return tooLarge('the payload', payload.length, PAYLOAD_BYTES_MAX);
  return undefined;
}

function tooLarge(what: string, size: number, max: number): RuntimeError {
  return new RuntimeError(
    'MESSAGE_INVALID',
    `Cannot pass a message on: the size of ${what} is ${size}, and ${max} the most`,
  );
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
function replied(value: unknown): Outcome<Uint8Array> {
  if (value instanceof Uint8Array) {
    // The guest would have to make room for it, and trap if it cannot.
    const invalid = misshapen('', value);
    return invalid === undefined ? { tag: 'ok', val: value } : failed(invalid);
  }
  if (value === undefined) return { tag: 'ok', val: NO_BYTES };
  return failed(
    new RuntimeError('MESSAGE_INVALID', `Cannot hand over the reply: a component takes bytes, got ${typeof value}`),
  );
}
