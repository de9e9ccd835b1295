import { Pace } from '../dispatch/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type MailboxPolicy, toMailboxPolicy } from '../mailbox/index.ts';
import { type SupervisionPolicy, toSupervisionPolicy } from '../supervision/index.ts';
import { type ActorType, INTERNALS, type TypeInternals } from './actor-type.ts';
import { Cell, type Profile, type Services } from './cell.ts';
import { enter } from './family.ts';
import { LocalRef, Stubs } from './local-ref.ts';
import { assertActorName, assertNameLength } from './name.ts';
import { assertKnownOptions, checkTimeoutMs, type SpawnOptions, START_TIMEOUT_MS, STOP_TIMEOUT_MS } from './options.ts';
import { subscribe } from './subscribe.ts';
import type { TopicSpec } from './subscription.ts';

/** What to spawn, and as what. */
export interface SpawnRequest {
  readonly type: ActorType;
  readonly name: string | undefined;
  readonly options: SpawnOptions | undefined;
  /** Whether it is not put into the run queue: its supervisor starts it. */
  readonly isHeld?: boolean;
}

/** Prebuilt stubs of each type; they die with the type. */
const STUBS = new WeakMap<TypeInternals, Stubs>();

/** For each system, the profile of actors that were spawned without options. */
const PLAIN_PROFILES = new WeakMap<Services, WeakMap<TypeInternals, Profile>>();

const PLAIN_MAILBOX: MailboxPolicy = toMailboxPolicy();
const PLAIN_SUPERVISION: SupervisionPolicy = toSupervisionPolicy();

/**
 * Makes an actor and, unless it is to be held, puts it into the run queue, where it starts.
 *
 * @throws {RuntimeError} `SYSTEM_STOPPED`, `NAME_INVALID`, `NAME_TAKEN`, `TOPIC_INVALID`, `OPERATION_UNKNOWN`,
 *   `CONFIG_INVALID`, `DELIVERY_UNAVAILABLE`; then nothing was made.
 * @throws {RangeError} An option is out of range.
 */
export function spawn(services: Services, parent: Cell | null, request: SpawnRequest): LocalRef {
  const { meter } = services;
  return meter === null ? make(services, parent, request) : meter.spawn(() => make(services, parent, request));
}

function make(services: Services, parent: Cell | null, request: SpawnRequest): LocalRef {
  const { name, options, isHeld = false } = request;
  const type = services.place === undefined ? request.type : services.place(request.type);
  const internals = type[INTERNALS];
  const plain = plainProfile(services, type.name, internals);
  const profile = options === undefined ? plain : adjustProfile(plain, options);
  assertAccepting(services, parent);
  internals.admit?.();
  const fullName = name === undefined ? undefined : qualify(parent, name);
  const { createCell } = internals;
  const cell = createCell === undefined ? new Cell(profile, parent, fullName) : createCell(profile, parent, fullName);
  const ref = new LocalRef(cell, null);
  cell.ref = ref;
  try {
    if (fullName !== undefined) claim(services, fullName, ref);
    if (options?.subscribe !== undefined) subscribeTo(cell, options.subscribe);
  } catch (error) {
    discard(services, cell);
    throw error;
  }
  enter(cell);
  if (services.isDraining) cell.mailbox.closeGate();
  if (isHeld) cell.status = 'held';
  else if (parent === null) services.dispatcher.schedule(cell);
  else services.dispatcher.scheduleNew(cell);
  return ref;
}

function assertAccepting(services: Services, parent: Cell | null): void {
  if (!services.isAccepting && !(services.isDraining && parent !== null)) {
    throw new RuntimeError('SYSTEM_STOPPED', 'Cannot spawn an actor: the system has stopped, or is stopping');
  }
  if (parent?.mailbox.isClosed === true) {
    throw new RuntimeError('ACTOR_STOPPED', `Cannot spawn a child of "${parent.name}": it has stopped, or is stopping`);
  }
}

/** A child's name begins with its parent's. */
function qualify(parent: Cell | null, name: string): string {
  assertActorName(name);
  if (parent === null) return name;
  const qualified = `${parent.name}/${name}`;
  assertNameLength(qualified);
  return qualified;
}

function claim(services: Services, name: string, ref: LocalRef): void {
  if (services.names.claim(name, ref)) return;
  throw new RuntimeError('NAME_TAKEN', `Cannot name an actor "${name}": another actor has that name`, {
    details: { name },
  });
}

function subscribeTo(cell: Cell, topics: NonNullable<SpawnOptions['subscribe']>): void {
  if (typeof topics !== 'object') {
    throw new RuntimeError(
      'CONFIG_INVALID',
      `Cannot subscribe to ${JSON.stringify(topics)}: expected a list, or topic → operation`,
    );
  }
  const specs: readonly (string | TopicSpec)[] = Array.isArray(topics)
    ? topics
    : Object.entries(topics).map(([topic, op]) => ({ topic, op }));
  if (specs.length === 0) return;
  subscribe(
    cell,
    specs.map((spec) => (typeof spec === 'string' ? { topic: spec } : spec)),
  );
}

/** Undoes what was done for a cell that nobody has seen. */
function discard(services: Services, cell: Cell): void {
  if (cell.givenName !== undefined) services.names.release(cell.givenName, cell.ref);
  if (cell.extras?.isSubscribed === true) services.topics.forget(cell.name);
  cell.status = 'stopped';
}

function stubsOf(internals: TypeInternals): Stubs {
  const known = STUBS.get(internals);
  if (known !== undefined) return known;
  const stubs = new Stubs(internals);
  STUBS.set(internals, stubs);
  return stubs;
}

function plainProfile(services: Services, typeName: string, internals: TypeInternals): Profile {
  let profiles = PLAIN_PROFILES.get(services);
  if (profiles === undefined) {
    profiles = new WeakMap();
    PLAIN_PROFILES.set(services, profiles);
  }
  let profile = profiles.get(internals);
  if (profile === undefined) {
    profile = {
      services,
      typeName,
      stubs: stubsOf(internals),
      runner: internals.runner,
      mailbox: PLAIN_MAILBOX,
      supervision: PLAIN_SUPERVISION,
      startTimeoutMs: internals.startTimeoutMs ?? START_TIMEOUT_MS,
      startPace: new Pace(),
      pace: new Pace(),
      tally: services.tallies.of(typeName),
      stopTimeoutMs: internals.stopTimeoutMs ?? STOP_TIMEOUT_MS,
    };
    profiles.set(internals, profile);
  }
  return profile;
}

/** The profile of actors that are spawned with `options`. What is known of the type's pace holds for them too. */
function adjustProfile(plain: Profile, options: SpawnOptions): Profile {
  assertKnownOptions(options);
  const { mailbox, supervision, startTimeoutMs, stopTimeoutMs } = options;
  return {
    services: plain.services,
    typeName: plain.typeName,
    stubs: plain.stubs,
    runner: plain.runner,
    mailbox: mailbox === undefined ? plain.mailbox : toMailboxPolicy(mailbox),
    supervision: supervision === undefined ? plain.supervision : toSupervisionPolicy(supervision),
    startTimeoutMs:
      startTimeoutMs === undefined ? plain.startTimeoutMs : checkTimeoutMs('startTimeoutMs', startTimeoutMs),
    startPace: plain.startPace,
    pace: plain.pace,
    tally: plain.tally,
    stopTimeoutMs: stopTimeoutMs === undefined ? plain.stopTimeoutMs : checkTimeoutMs('stopTimeoutMs', stopTimeoutMs),
  };
}
