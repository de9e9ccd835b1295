import type { ApplicationConfig } from '../config/index.ts';
import { openStore, type Store } from '../store/index.ts';
import type { StartOptions } from './port.ts';

/**
 * Opens the store of an application, if one of its components is granted buckets, has messages kept for it, or a state of its
 * own; no other leaves a file behind.
 *
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE` — as `openStore`.
 */
export async function openApplicationStore(
  { components, store }: ApplicationConfig,
  { onEvent }: StartOptions,
): Promise<Store | undefined> {
  const isNeeded = components.some(
    ({ grants, subscribe, keep }) =>
      keep !== undefined ||
      grants.keyvalue.length > 0 ||
      (grants.observe?.keyvalue?.length ?? 0) > 0 ||
      subscribe.some(({ delivery }) => delivery === 'at-least-once'),
  );
  if (!isNeeded) return undefined;
  return openStore({ ...store, onFailure: (error) => onEvent({ type: 'failed', error: error.toWire() }) });
}
