import { Secrets } from '../capability/index.ts';
import { type ApplicationConfig, readSecrets } from '../config/index.ts';
import type { Store } from '../store/index.ts';
import { type ApplicationAudit, openApplicationAudit } from './application-audit.ts';
import { openApplicationStore } from './application-store.ts';
import type { StartOptions } from './port.ts';

/** What outlasts the process, and what nobody is shown. */
export interface Kept {
  readonly store: Store | undefined;
  readonly audit: ApplicationAudit | undefined;
  readonly secrets: Secrets;
}

/**
 * Opens the audit log, then the store: an application that may not be started leaves nothing else. Reads its secrets first, so that none
 * gets into either.
 */
export async function openKept(config: ApplicationConfig, options: StartOptions): Promise<Kept> {
  const reading = await Promise.allSettled([readSecrets(config)]);
  const [read] = reading;
  const secrets = read.status === 'fulfilled' ? read.value : new Secrets();
  const guarded = guard(options, secrets);
  const audit = await openApplicationAudit(config, { ...guarded, secrets });
  try {
    await audit?.start();
    if (read.status === 'rejected') throw read.reason;
    return { audit, secrets, store: await openApplicationStore(config, guarded) };
  } catch (error) {
    audit?.noteRefusal(error);
    await audit?.close();
    throw error;
  }
}

/** Options whose events hold no secret. */
export function guard(options: StartOptions, secrets: Secrets): StartOptions {
  return { ...options, onEvent: (event) => options.onEvent(secrets.redactAll(event)) };
}
