import * as host from 'troupe:actor/messaging@0.1.0';
import { decodeUtf8 } from './encoding.ts';
import { calling } from './failure.ts';
import { fromJson, type Payload, toBytes } from './payload.ts';

const NOTHING = new Uint8Array(0);

/** What another actor answered. */
export class Reply {
  readonly payload: Uint8Array;

  constructor(payload: Uint8Array) {
    this.payload = payload;
  }

  text(): string {
    return decodeUtf8(this.payload);
  }

  /** @throws {Failure} `PAYLOAD_INVALID` — it is not JSON. */
  json(): unknown {
    return fromJson(this.payload);
  }
}

export interface AskOptions {
  /** 1 to 3,600,000; shortened to what is left for the message being handled. Default 5,000. */
  readonly timeoutMs?: number;
}

/** Another actor, by its name. Every call needs a `messaging` grant. */
export class ActorHandle {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Puts a message into the actor's mailbox, without waiting.
   *
   * @throws {Failure} `MAILBOX_FULL`, `CAPABILITY_DENIED` and others: nothing was sent.
   */
  tell(op: string, payload?: Payload): void {
    calling(() => host.tell(this.name, op, toBytes(payload) ?? NOTHING));
  }

  /**
   * Sends and waits for the answer; this actor handles nothing else meanwhile.
   *
   * @throws {Failure} the other actor's, or `ASK_TIMEOUT`, `CAPABILITY_DENIED` and others.
   */
  ask(op: string, payload?: Payload, { timeoutMs = 5_000 }: AskOptions = {}): Reply {
    return new Reply(calling(() => host.ask(this.name, op, toBytes(payload) ?? NOTHING, timeoutMs)));
  }
}

/** The actor called `name`; whether it is there shows when it is used. */
export function actor(name: string): ActorHandle {
  return new ActorHandle(name);
}

/** Hands a message to every subscriber of `topic`; says how many mailboxes took it. */
export function publish(topic: string, payload?: Payload): number {
  return calling(() => host.publish(topic, toBytes(payload) ?? NOTHING));
}

/** Name of this actor. */
export function self(): string {
  return host.self();
}
