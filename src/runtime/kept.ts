import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeptState, type KeptStates, keptStates } from '../actor/index.ts';
import {
  bytesPayload,
  type JsonValue,
  type Payload,
  type StateInfo,
  type StateList,
  type StateReport,
} from '../api/index.ts';
import { type ApplicationConfig, nearest } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { openStore } from '../store/index.ts';

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
export async function withKeptStates<T>(
  { store: { directory, limits } }: ApplicationConfig,
  use: (kept: KeptReader) => Promise<T>,
): Promise<T> {
  const isThere = await stat(join(directory)).then(
    () => true,
    () => false,
  );
  if (!isThere) return use(readKept(undefined));
  await using store = await openStore({ directory, limits });
  return await use(readKept(keptStates(store)));
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
