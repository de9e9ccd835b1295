import type { RuntimeError } from '../errors/index.ts';
import type { AuditEvent } from './record.ts';

/** Where events go: a log, or what leads to one that is kept elsewhere. */
export interface AuditSink {
  /** Why nothing can be put on record now: what has to be must not be done. `undefined`: it can be. */
  readonly failure: RuntimeError | undefined;
  /** Calls `listener` with {@link failure} at once, and each time it changes; until what is returned is called. */
  watch(listener: (failure: RuntimeError | undefined) => void): () => void;
  /** Puts an event on record soon. What cannot be is counted. */
  note(event: AuditEvent): void;
  /** What holds counts that are not on record yet: they are flushed before the log is closed. */
  readonly counting: Set<{ flush(): void }>;
}
