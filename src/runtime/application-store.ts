import type { ApplicationConfig } from '../config/index.ts';
import { openStore, type Store } from '../store/index.ts';
import type { StartOptions } from './port.ts';

/**
 * Opens the store of an application, if any of its components is granted buckets; no other leaves a file behind.
 *
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE` — as `openStore`.
 */
export async function openApplicationStore(
  { components, store }: ApplicationConfig,
  { onEvent }: StartOptions,
): Promise<Store | undefined> {
  if (components.every(({ grants }) => grants.keyvalue.length === 0)) return undefined;
  return openStore({ ...store, onFailure: (error) => onEvent({ type: 'failed', error: error.toWire() }) });
}
