import { type ActorSystemOptions, ActorSystem as System } from '../actor/index.ts';
import type { AuditSink } from '../audit/index.ts';
import { Broker } from '../broker/index.ts';
import { Registry } from '../registry/index.ts';
import { auditedOptions } from './audited-system.ts';

/** One runtime of actors in one process. */
export type ActorSystem = System;

/** How an actor system is made. */
export interface SystemOptions extends ActorSystemOptions {
  /**
   * Where starts, failures and ends of its actors are put on record. Whoever opened the log closes it, after the system has
   * stopped. Default: nowhere. What components want and get is on record where `component` has the same option.
   */
  readonly audit?: AuditSink | undefined;
}

/** Makes an actor system with a registry and a broker of its own, at once. */
export function createActorSystem({ audit, ...options }: SystemOptions = {}): ActorSystem {
  return new System(audit === undefined ? options : auditedOptions(options, audit), {
    names: new Registry(),
    topics: new Broker(),
  });
}

/** Where systems come from. */
export const ActorSystem = Object.freeze({
  /**
   * Makes an actor system. It is `AsyncDisposable`: leaving its scope stops it.
   *
   * @throws {RangeError} (rejects) An option is out of range.
   * @throws {RuntimeError} (rejects) `OUTBOX_CORRUPT` — messages that are kept in the store are damaged; or as a read of it.
   *
   * @example
   * ```ts
   * await using system = await ActorSystem.create();
   * const ref = system.spawn(counter, 'counter');
   * ref.tell.add({ by: 2 });
   * ```
   */
  async create(options: SystemOptions = {}): Promise<ActorSystem> {
    const system = createActorSystem(options);
    try {
      await system.openOutbox();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  },
});
