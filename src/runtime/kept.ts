import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeptMessages, type KeptState, type KeptStates, keptMessages, keptStates } from '../actor/index.ts';
import {
  bytesPayload,
  type JsonValue,
  type OutboxList,
  type Payload,
  type StateInfo,
  type StateList,
  type StateReport,
} from '../api/index.ts';
import { type ApplicationConfig, nearest } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { recordOffline } from './application-audit.ts';

/** States that one list has. The largest application that a person looks through has fewer. */
const LISTED_MAX = 1_000;

/** What an application keeps of its actors, as its operator sees it. */
export interface KeptReader {
  list(): Promise<StateList>;
  /** @throws {RuntimeError} `STATE_NOT_FOUND`. */
  find(name: string): Promise<StateReport>;
  /** @throws {RuntimeError} `STATE_NOT_FOUND`; `STATE_IN_USE` — an actor of that name lives. */
  remove(name: string): Promise<void>;
}

/** Reads the states of a system; `undefined`: it has no store, so there is none. */
export function readKept(states: KeptStates | undefined): KeptReader {
  return {
    list: () => listStates(states),
    find: async (name) => {
      const found = await states?.find(name);
      if (found === undefined) throw await notFound(states, name);
      return { ...infoOf(found), state: found.content && payloadOf(found.content.state) };
    },
    remove: async (name) => {
      if ((await states?.remove(name)) !== true) throw await notFound(states, name);
    },
  };
}

/**
 * The states of an application that does not run. What was never made is not made for it.
 *
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE` — as `openStore`.
 */
export async function withKeptStates<T>(config: ApplicationConfig, use: (kept: KeptReader) => Promise<T>): Promise<T> {
  return withStore(config, (store) => {
    const kept = readKept(store && keptStates(store));
    const remove = async (actor: string): Promise<void> => {
      await recordOffline(config, { action: 'state.remove', actor });
      await kept.remove(actor);
    };
    return use({ ...kept, remove });
  });
}

/** The messages that an application keeps until they are handled, as its operator sees them. */
export interface OutboxReader {
  list(): Promise<OutboxList>;
  /** @throws {RuntimeError} `MESSAGES_NOT_FOUND`. */
  remove(name: string): Promise<number>;
}

/** Reads the outbox of a system; `undefined`: it has no store, so there is none. */
export function readOutbox(outbox: KeptMessages | undefined): OutboxReader {
  const list = async (): Promise<OutboxList> => {
    const queues = (await outbox?.list()) ?? [];
    const shown = queues.slice(0, LISTED_MAX).map(({ oldestMs, ...rest }) => ({
      ...rest,
      ...(oldestMs !== undefined && { oldestMs: Math.round(oldestMs) }),
    }));
    return { queues: shown, hasMore: queues.length > LISTED_MAX };
  };
  const remove = async (name: string): Promise<number> => {
    const { queues } = await list();
    const removed = (await outbox?.remove(name)) ?? 0;
    if (removed > 0) return removed;
    throw noMessages(name, queues);
  };
  return { list, remove };
}

/** As {@link withKeptStates}, for its messages. */
export async function withKeptMessages<T>(
  config: ApplicationConfig,
  use: (outbox: OutboxReader) => Promise<T>,
): Promise<T> {
  return withStore(config, (store) => {
    const kept = readOutbox(store && keptMessages(store));
    const remove = async (actor: string): Promise<number> => {
      await recordOffline(config, { action: 'messages.remove', actor });
      return kept.remove(actor);
    };
    return use({ ...kept, remove });
  });
}

function noMessages(name: string, queues: OutboxList['queues']): RuntimeError {
  const underWay = queues.find((queue) => queue.name === name)?.underWay ?? 0;
  const names = queues.map((queue) => queue.name);
  const near = underWay > 0 ? undefined : nearest(name, names);
  const known = names.length === 0 ? 'no messages are kept' : `messages are kept for: ${names.slice(0, 20).join(', ')}`;
  const why = underWay > 0 ? `the actor has all ${underWay} in hand; stop it first` : known;
  const help = [near === undefined ? why : `did you mean "${near}"?`];
  return new RuntimeError('MESSAGES_NOT_FOUND', `Cannot find messages for "${name}" to remove`, {
    details: { actor: name, help },
  });
}

/** Opens the store of an application that does not run; `undefined`: there is none. */
async function withStore<T>(
  { store: { directory, limits } }: ApplicationConfig,
  use: (store: Store | undefined) => Promise<T>,
): Promise<T> {
  const isThere = await stat(join(directory)).then(
    () => true,
    () => false,
  );
  if (!isThere) return use(undefined);
  await using store = await openStore({ directory, limits });
  return await use(store);
}

async function listStates(states: KeptStates | undefined): Promise<StateList> {
  const names: string[] = [];
  let after: number | undefined;
  do {
    const page = await states?.list(after);
    names.push(...(page?.names ?? []));
    after = page?.next;
  } while (after !== undefined && names.length <= LISTED_MAX);
  const found = await Promise.all(names.slice(0, LISTED_MAX).map((name) => states?.find(name)));
  return {
    states: found.flatMap((state) => (state === undefined ? [] : [infoOf(state)])),
    hasMore: names.length > LISTED_MAX || after !== undefined,
  };
}

function infoOf({ name, bytes, content }: KeptState): StateInfo {
  return content === undefined
    ? { name, bytes, isDamaged: true }
    : { name, bytes, type: content.type, version: content.version };
}

function payloadOf(state: unknown): Payload | undefined {
  if (state instanceof Uint8Array) return bytesPayload(state);
  try {
    return { form: 'json', value: JSON.parse(JSON.stringify(state)) as JsonValue };
  } catch {
    // What JSON cannot say is not shown.
    return undefined;
  }
}

async function notFound(states: KeptStates | undefined, name: string): Promise<RuntimeError> {
  const names = (await listStates(states)).states.map((state) => state.name);
  const near = nearest(name, names);
  const known = names.length === 0 ? 'nothing is kept' : `states are kept of: ${names.slice(0, 20).join(', ')}`;
  const help = [near === undefined ? known : `did you mean "${near}"?`];
  return new RuntimeError('STATE_NOT_FOUND', `Cannot find a state of "${name}"`, { details: { actor: name, help } });
}
