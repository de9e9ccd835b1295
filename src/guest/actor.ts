import type { Delivery, Failure as WireFailure, Message as WireMessage } from 'troupe:actor/types@0.1.0';
import { complain } from './console.ts';
import { decodeUtf8 } from './encoding.ts';
import { settle } from './event-loop.ts';
import { Failure, messageOf, toWire } from './failure.ts';
import { fromJson, type Payload, toBytes } from './payload.ts';

/** One message. */
export class Message {
  readonly delivery: Delivery;
  /** The operation, or, of a `topic` message, the topic. */
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Name of the sending actor, if an actor sent it. */
  readonly sender: string | undefined;
  /** Milliseconds until the sender stops waiting, on an `ask`. */
  readonly remainingMs: number | undefined;

  constructor({ delivery, subject, payload, sender, remainingMs }: WireMessage) {
    this.delivery = delivery;
    this.subject = subject;
    this.payload = payload;
    this.sender = sender ?? undefined;
    this.remainingMs = remainingMs ?? undefined;
  }

  /** The payload as UTF-8. */
  text(): string {
    return decodeUtf8(this.payload);
  }

  /** @throws {Failure} `PAYLOAD_INVALID` — it is not JSON. */
  json(): unknown {
    return fromJson(this.payload);
  }
}

/** Text, bytes, what JSON can say, or nothing; or a promise of it. */
export type Answer = Payload | PromiseLike<Payload>;
export type Handler = (message: Message) => Answer;

export type Health = 'healthy' | { readonly degraded: string } | { readonly unhealthy: string };

/** What an actor does. Everything may be async: the actor handles its next message when the promise is settled. */
export interface ActorDefinition {
  /** Handlers of `tell` and `ask`, by operation. */
  readonly operations?: Readonly<Record<string, Handler>>;
  /** Handles messages of topics. */
  readonly topic?: Handler;
  /** Handles what nothing above does. Left out: such a message is refused with `UNKNOWN_OPERATION`. */
  readonly handle?: Handler;
  /** Runs before the first message, with the `config` table of `troupe.toml`. What it throws fails the start. */
  start?(config: unknown): void | PromiseLike<void>;
  /** Runs after the last message of a stop. */
  stop?(): void | PromiseLike<void>;
  health?(): Health | PromiseLike<Health>;
  /** The whole state, for `restore`. */
  snapshot?(): Answer;
  /** Takes the place of `start` when there is a snapshot. */
  restore?(state: Uint8Array): void | PromiseLike<void>;
}

/** What a component exports to be an actor; `lifecycle` only if it is wanted. */
export interface ActorExports {
  readonly handler: { handle(message: WireMessage): Uint8Array | null };
  readonly lifecycle: {
    start(config: Uint8Array): void;
    stop(): void;
    health(): { readonly tag: string; readonly val?: string };
    snapshot(): Uint8Array;
    restore(state: Uint8Array): void;
  };
}

/**
 * Makes the exports of an actor. What a handler throws is an answer: a {@link Failure} as it is, anything else as
 * `internal`, with its stack on standard error; the actor goes on either way.
 *
 * @example
 * ```ts
 * export const { handler } = defineActor({
 *   operations: { greet: (message) => `Hello, ${message.text()}!` },
 * });
 * ```
 */
export function defineActor(definition: ActorDefinition): ActorExports {
  return {
    handler: {
      handle: (wire) => {
        try {
          const message = new Message(wire);
          return toBytes(settle(handlerOf(definition, message).call(definition, message)));
        } catch (thrown) {
          throw report(thrown);
        }
      },
    },
    lifecycle: {
      start: (config) => refusing(() => definition.start?.(fromJson(config))),
      stop: () => stopping(definition),
      health: () => healthOf(definition),
      snapshot: () => toBytes(refusing(() => definition.snapshot?.())) ?? new Uint8Array(0),
      restore: (state) => refusing(() => definition.restore?.(state)),
    },
  };
}

function handlerOf(definition: ActorDefinition, message: Message): Handler {
  const { operations = {}, topic, handle } = definition;
  const own =
    message.delivery === 'topic' ? topic : Object.hasOwn(operations, message.subject) && operations[message.subject];
  const handler = own || handle;
  if (handler !== undefined) return handler;
  const what = message.delivery === 'topic' ? 'handler of topics' : `operation "${message.subject}"`;
  throw new Failure('invalid', 'UNKNOWN_OPERATION', `There is no ${what}`);
}

/** A mistake is worth its stack on standard error; a failure is an answer. */
function report(thrown: unknown): WireFailure {
  const wire = toWire(thrown);
  if (wire.code === 'GUEST_ERROR') complain(thrown);
  return wire;
}

/** A stop cannot be refused: what goes wrong is said on standard error. */
function stopping(definition: ActorDefinition): void {
  try {
    settle(definition.stop?.());
  } catch (thrown) {
    complain(thrown);
  }
}

function healthOf(definition: ActorDefinition): { readonly tag: string; readonly val?: string } {
  try {
    const health = settle(definition.health?.()) ?? 'healthy';
    if (typeof health === 'string') return { tag: health };
    if ('degraded' in health) return { tag: 'degraded', val: health.degraded };
    return { tag: 'unhealthy', val: health.unhealthy };
  } catch (thrown) {
    return { tag: 'unhealthy', val: messageOf(thrown) };
  }
}

/** Runs a hook; what it throws becomes the text that the host is given. */
function refusing<T>(hook: () => T | PromiseLike<T>): T {
  try {
    return settle(hook());
  } catch (thrown) {
    throw thrown instanceof Failure ? thrown.message : messageOf(thrown);
  }
}
