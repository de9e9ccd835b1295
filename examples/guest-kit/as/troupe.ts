/**
 * Troupe guest kit for AssemblyScript: what a component needs to be an actor, in one module.
 *
 *     import { Answer, Message, reply, serve } from '../../../guest-kit/as/troupe';
 *     export * from '../../../guest-kit/as/exports';
 *
 *     serve((message: Message): Answer => reply(message.payload));
 *
 * Guarantees
 *   G1  The layouts below are those that the canonical ABI prescribes for `troupe:actor@0.1.0`.
 *   G2  What a message brings is copied into garbage-collected values; what a handler gives back is kept alive until
 *       the host has read it.
 * Limits      One thread, 32-bit memory. An exception is a trap.
 * Build       asc --runtime incremental --use abort=…/guest-kit/as/troupe/troupe_abort; then give the exports of
 *             `exports.ts` the names that WIT prescribes, which the language cannot write (scripts/build-fixtures.ts).
 */

/** How a message came. */
export enum Delivery {
  Tell,
  Ask,
  Topic,
}

/** The nine kinds of failure. */
export enum Kind {
  Invalid,
  Denied,
  NotFound,
  Conflict,
  Overload,
  Timeout,
  Unavailable,
  Cancelled,
  Internal,
}

/** Why something did not happen. */
export class Failure {
  constructor(
    public kind: Kind,
    /** Stable upper-case code. */
    public code: string,
    /** One sentence for a human. */
    public message: string,
  ) {}
}

/** One message. */
export class Message {
  constructor(
    public delivery: Delivery,
    public subject: string,
    public payload: Uint8Array,
    /** `null`: no actor sent it. */
    public sender: string | null,
    /** Milliseconds until the sender stops waiting; -1: nobody waits. */
    public remainingMs: i64,
  ) {}
}

/** What a handler gives back. */
export class Answer {
  constructor(
    public payload: Uint8Array | null,
    public failure: Failure | null,
  ) {}
}

/** Answers an `ask` with `payload`. */
export function reply(payload: Uint8Array): Answer {
  return new Answer(payload, null);
}

/** Answers an `ask` with text in UTF-8. */
export function replyText(text: string): Answer {
  return new Answer(bytesOf(text), null);
}

/** Answers without a payload: what a `tell` or a topic needs. */
export function done(): Answer {
  return new Answer(null, null);
}

/** Refuses the message. The actor goes on; the sender of an `ask` gets the failure. */
export function refuse(kind: Kind, code: string, message: string): Answer {
  return new Answer(null, new Failure(kind, code, message));
}

/** Refuses a message whose operation the actor does not know. */
export function refuseUnknown(message: Message): Answer {
  return refuse(Kind.Invalid, 'UNKNOWN_OPERATION', `There is no operation "${message.subject}"`);
}

/** State of an actor's health; `reason` is read if it is not healthy. */
export class Health {
  constructor(
    public status: HealthStatus,
    public reason: string,
  ) {}
}

export enum HealthStatus {
  Healthy,
  Degraded,
  Unhealthy,
}

/** What an actor may do beside handling messages. `start` and `restore` give `null`, or why they refuse. */
export class Lifecycle {
  start: (config: string) => string | null = (_config: string): string | null => null;
  stop: () => void = (): void => {};
  health: () => Health = (): Health => new Health(HealthStatus.Healthy, '');
  snapshot: () => Uint8Array = (): Uint8Array => new Uint8Array(0);
  restore: (state: Uint8Array) => string | null = (_state: Uint8Array): string | null => null;
}

/** Says what handles messages. Call it once, at the top of the module. */
export function serve(onMessage: (message: Message) => Answer, hooks: Lifecycle = new Lifecycle()): void {
  handler = onMessage;
  lifecycle = hooks;
}

let handler: (message: Message) => Answer = (message: Message): Answer =>
  refuse(Kind.Internal, 'NO_HANDLER', 'The component did not call serve: ' + message.subject);
let lifecycle: Lifecycle = new Lifecycle();

// ---- Text and bytes ------------------------------------------------------------------------------------------------

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** UTF-8; `end` is exclusive. */
export function textOf(bytes: Uint8Array, start: i32 = 0, end: i32 = bytes.length): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart + start, end - start);
}

/** The value of `key` in a flat JSON object, without quotes; `null` if it is not there. Not a JSON parser. */
export function configValue(config: string, key: string): string | null {
  const name = '"' + key + '"';
  const at = config.indexOf(name);
  if (at < 0) return null;
  let begin = config.indexOf(':', at + name.length) + 1;
  while (config.charCodeAt(begin) == 32) begin++;
  const quoted = config.charCodeAt(begin) == 34;
  let end = quoted ? config.indexOf('"', begin + 1) : config.indexOf(',', begin);
  if (end < 0) end = config.indexOf('}', begin);
  return config.substring(quoted ? begin + 1 : begin, end);
}

// ---- Memory --------------------------------------------------------------------------------------------------------

/** How the host puts strings and lists into this memory. */
export function allocate(old: usize, oldSize: usize, align: usize, newSize: usize): usize {
  // Never read and never freed: any aligned address will do.
  if (newSize == 0) return align;
  return oldSize == 0 ? heap.alloc(newSize) : heap.realloc(old, newSize);
}

/** Takes over what the host allocated. */
function takeBytes(ptr: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length);
  if (length > 0) {
    memory.copy(bytes.dataStart, ptr, length);
    heap.free(ptr);
  }
  return bytes;
}

function takeText(ptr: usize, length: usize): string {
  if (length == 0) return '';
  const text = String.UTF8.decodeUnsafe(ptr, length);
  heap.free(ptr);
  return text;
}

/** Where results are laid out; the largest is 24 bytes, aligned to 4. */
const RESULT = memory.data(24, 8);

/** What the host is going to read: kept from the collector until it has. */
const kept: Array<Uint8Array> = [];

function layBytes(at: usize, bytes: Uint8Array): void {
  kept.push(bytes);
  store<usize>(at, bytes.dataStart);
  store<usize>(at + 4, <usize>bytes.length);
}

function layText(at: usize, text: string): void {
  layBytes(at, bytesOf(text));
}

/** `result<_, string>` */
function layOutcome(problem: string | null): usize {
  store<u8>(RESULT, problem === null ? 0 : 1);
  if (problem !== null) layText(RESULT + 4, problem);
  return RESULT;
}

/** The host has read the result of the last call. */
export function release(): void {
  kept.length = 0;
}

/** For `--use abort=…`: without it the compiler would import one from its own host. */
function troupe_abort(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}

// ---- What the exports do -------------------------------------------------------------------------------------------

/** `handle`, with the words of its parameters. */
export function onHandle(
  delivery: u32,
  subject: usize,
  subjectLength: usize,
  payload: usize,
  payloadLength: usize,
  hasSender: u32,
  sender: usize,
  senderLength: usize,
  hasRemaining: u32,
  remainingMs: u32,
): usize {
  const message = new Message(
    <Delivery>delivery,
    takeText(subject, subjectLength),
    takeBytes(payload, payloadLength),
    hasSender != 0 ? takeText(sender, senderLength) : null,
    hasRemaining != 0 ? <i64>remainingMs : -1,
  );
  const answer = handler(message);
  const failure = answer.failure;
  if (failure !== null) {
    store<u8>(RESULT, 1);
    store<u8>(RESULT + 4, <u8>failure.kind);
    layText(RESULT + 8, failure.code);
    layText(RESULT + 16, failure.message);
    return RESULT;
  }
  store<u8>(RESULT, 0);
  const bytes = answer.payload;
  store<u8>(RESULT + 4, bytes === null ? 0 : 1);
  if (bytes !== null) layBytes(RESULT + 8, bytes);
  return RESULT;
}

export function onStart(config: usize, length: usize): usize {
  return layOutcome(lifecycle.start(takeText(config, length)));
}

export function onStop(): void {
  lifecycle.stop();
}

export function onHealth(): usize {
  const health = lifecycle.health();
  store<u8>(RESULT, <u8>health.status);
  if (health.status != HealthStatus.Healthy) layText(RESULT + 4, health.reason);
  return RESULT;
}

export function onSnapshot(): usize {
  layBytes(RESULT, lifecycle.snapshot());
  return RESULT;
}

export function onRestore(state: usize, length: usize): usize {
  return layOutcome(lifecycle.restore(takeBytes(state, length)));
}

// ---- Messaging (`troupe:actor/messaging`, needs a `messaging` grant) -------------------------------------------------

// @ts-ignore: decorator
@external('troupe:actor/messaging@0.1.0', 'tell')
declare function importTell(
  to: usize,
  toLength: usize,
  op: usize,
  opLength: usize,
  payload: usize,
  payloadLength: usize,
  result: usize,
): void;

// @ts-ignore: decorator
@external('troupe:actor/messaging@0.1.0', 'ask')
declare function importAsk(
  to: usize,
  toLength: usize,
  op: usize,
  opLength: usize,
  payload: usize,
  payloadLength: usize,
  timeoutMs: u32,
  result: usize,
): void;

// @ts-ignore: decorator
@external('troupe:actor/messaging@0.1.0', 'publish')
declare function importPublish(
  topic: usize,
  topicLength: usize,
  payload: usize,
  payloadLength: usize,
  result: usize,
): void;

/** Where the host lays out what a call of it gave; apart from RESULT, which a handler may be filling. */
const REPLY = memory.data(24, 8);

function takeFailure(): Failure | null {
  if (load<u8>(REPLY) == 0) return null;
  return new Failure(
    <Kind>load<u8>(REPLY + 4),
    takeText(load<usize>(REPLY + 8), load<usize>(REPLY + 12)),
    takeText(load<usize>(REPLY + 16), load<usize>(REPLY + 20)),
  );
}

/** Puts a message into the mailbox of `to`; `null`, or why not. */
export function tell(to: string, op: string, payload: Uint8Array): Failure | null {
  const target = bytesOf(to);
  const name = bytesOf(op);
  importTell(target.dataStart, target.length, name.dataStart, name.length, payload.dataStart, payload.length, REPLY);
  return takeFailure();
}

/** Sends and waits for the answer; `timeoutMs` is 1 to 3,600,000. */
export function ask(to: string, op: string, payload: Uint8Array, timeoutMs: u32): Answer {
  const target = bytesOf(to);
  const name = bytesOf(op);
  const data = payload.dataStart;
  importAsk(target.dataStart, target.length, name.dataStart, name.length, data, payload.length, timeoutMs, REPLY);
  const failure = takeFailure();
  if (failure !== null) return new Answer(null, failure);
  return new Answer(takeBytes(load<usize>(REPLY + 4), load<usize>(REPLY + 8)), null);
}

/** How many mailboxes took the message, or why none could. */
export class Published {
  constructor(
    public takenBy: u32,
    public failure: Failure | null,
  ) {}
}

/** Hands a message to every subscriber of `topic`. */
export function publish(topic: string, payload: Uint8Array): Published {
  const name = bytesOf(topic);
  importPublish(name.dataStart, name.length, payload.dataStart, payload.length, REPLY);
  const failure = takeFailure();
  return failure === null ? new Published(load<u32>(REPLY + 4), null) : new Published(0, failure);
}
