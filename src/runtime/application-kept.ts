import type { ApplicationConfig } from '../config/index.ts';
import type { Store } from '../store/index.ts';
import { type ApplicationAudit, openApplicationAudit } from './application-audit.ts';
import { openApplicationStore } from './application-store.ts';
import type { StartOptions } from './port.ts';

/** What outlasts the process. */
export interface Kept {
  readonly store: Store | undefined;
  readonly audit: ApplicationAudit | undefined;
}

/** Opens the audit log, then the store: an application that may not be started leaves nothing else. */
export async function openKept(config: ApplicationConfig, options: StartOptions): Promise<Kept> {
  const audit = await openApplicationAudit(config, options);
  try {
    await audit?.start();
    return { audit, store: await openApplicationStore(config, options) };
  } catch (error) {
    audit?.noteRefusal(error);
    await audit?.close();
    throw error;
  }
}
