import { userInfo } from 'node:os';
import type { ActorSystemOptions } from '../actor/index.ts';
import type { OperatorAction } from '../admin/index.ts';
import type { HealthTrouble } from '../api/index.ts';
import { type AuditEvent, AuditLog, type AuditSink, AuditTally } from '../audit/index.ts';
import { decide, namesOfRequest, type Secrets } from '../capability/index.ts';
import type { ApplicationConfig, AuditConfig, ComponentConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { AuditShipping } from './audit-shipping.ts';
import { type AboutActor, auditedOptions } from './audited-system.ts';
import { DiskWatch } from './disk-watch.ts';
import type { StartOptions } from './port.ts';

/** Who holds the token of the control port. */
const TOKEN_HOLDER = 'control token';

interface AuditParts {
  readonly config: AuditConfig;
  readonly application: string;
  readonly secrets: Secrets;
}

/** A log that no secret gets into: what guests ask for may hold what they were handed. */
class RedactedSink implements AuditSink {
  readonly #log: AuditLog;
  readonly #secrets: Secrets;

  constructor(log: AuditLog, secrets: Secrets) {
    this.#log = log;
    this.#secrets = secrets;
  }

  get failure(): RuntimeError | undefined {
    return this.#log.failure;
  }

  get counting(): AuditSink['counting'] {
    return this.#log.counting;
  }

  watch(listener: (failure: RuntimeError | undefined) => void): () => void {
    return this.#log.watch(listener);
  }

  note(event: AuditEvent): void {
    this.#log.note(this.#secrets.redactAll(event));
  }
}

/** The audit log of an application. */
export class ApplicationAudit {
  /** Where components and actors are put on record. */
  readonly sink: AuditSink;
  readonly log: AuditLog;
  readonly #application: string;
  readonly #shipping: AuditShipping;
  readonly #disk: DiskWatch;
  /** Of what strangers try. */
  readonly #refused: AuditTally;

  constructor(log: AuditLog, { config, application, secrets }: AuditParts) {
    this.log = log;
    this.sink = new RedactedSink(log, secrets);
    this.#application = application;
    this.#refused = new AuditTally(this.sink, systemClock);
    this.#shipping = new AuditShipping(config, log);
    this.#shipping.start();
    this.#disk = new DiskWatch(config.directory);
  }

  /** Options of a system whose actors are put on record. */
  over(options: ActorSystemOptions, about: AboutActor): ActorSystemOptions {
    return auditedOptions(options, this.sink, about);
  }

  /** @throws {RuntimeError} `AUDIT_UNAVAILABLE` — it must not be started. */
  async start(): Promise<void> {
    await this.log.append(this.#life('application.started', { principal: thisUser() }));
  }

  /** Rejects with `AUDIT_UNAVAILABLE` unless everything so far is on record. */
  async settle(): Promise<void> {
    await this.log.flush();
    if (this.log.failure !== undefined) throw this.log.failure;
  }

  /** That a component is handed secrets, as variables of its environment. */
  noteHandOver({ name: component, secretEnv }: Pick<ComponentConfig, 'name' | 'secretEnv'>): void {
    for (const name of new Set(Object.values(secretEnv))) {
      const names = namesOfRequest({ kind: 'secret', name });
      const { rule } = decide({ secrets: [name] }, { kind: 'secret', name });
      this.sink.note({ kind: 'capability', ...names, outcome: 'allow', rule, component });
    }
  }

  /** That the application did not start. */
  noteRefusal(error: unknown): void {
    const { code: rule, message: reason } = RuntimeError.from(error);
    this.sink.note({ ...this.#life('application.refused'), outcome: 'failed', rule, reason });
  }

  /**
   * Puts on record what an operator is about to do.
   *
   * @throws {RuntimeError} `AUDIT_UNAVAILABLE` — it must not be done, unless it is to stop.
   */
  async permit(action: OperatorAction): Promise<void> {
    const event = operatorEvent(action, action.principal ?? TOKEN_HOLDER);
    if (action.action === 'application.stop') this.log.note(event);
    else await this.log.append(event);
  }

  /** That somebody asked for something without a token that allows it. */
  noteIntrusion(path: string, principal?: string): void {
    const who = principal === undefined ? {} : { principal };
    this.#refused.note({ kind: 'operator', action: 'control.refused', outcome: 'deny', resource: path, ...who });
  }

  /** Bytes that may still be written where it is; `undefined`: not known. */
  get freeBytes(): number | undefined {
    return this.#disk.freeBytes;
  }

  /** What is wrong with the log, and with where it is sent. */
  health(): HealthTrouble[] {
    const { failure } = this.log.status;
    const troubles = [...this.#disk.troubles(), ...this.#shipping.health()];
    if (failure === undefined) return troubles;
    const ms = Math.round(systemClock.nowMs() - failure.sinceMs);
    return [{ kind: 'audit', ms, text: `${failure.text}; what must be on record is refused` }, ...troubles];
  }

  async close(): Promise<void> {
    this.log.settleCounts();
    this.log.note(this.#life('application.stopped'));
    await this.log.flush();
    this.#disk.close();
    await this.#shipping.close();
    await this.log.close();
  }

  #life(action: string, more: Partial<AuditEvent> = {}): AuditEvent {
    return { kind: 'lifecycle', action, outcome: 'done', resource: this.#application, ...more };
  }
}

/**
 * Opens the audit log of an application, if it is to have one.
 *
 * @throws {RuntimeError} `AUDIT_LOCKED`, `AUDIT_CORRUPT`, `AUDIT_UNAVAILABLE` — as {@link AuditLog.open}.
 */
export async function openApplicationAudit(
  { audit, name }: ApplicationConfig,
  { onEvent, secrets }: Pick<StartOptions, 'onEvent'> & { readonly secrets: Secrets },
): Promise<ApplicationAudit | undefined> {
  if (audit === undefined) return undefined;
  const onFailure = (error: RuntimeError): void => onEvent({ type: 'failed', error: error.toWire() });
  const log = await AuditLog.open({ ...audit, onFailure });
  try {
    return new ApplicationAudit(log, { config: audit, application: name, secrets });
  } catch (error) {
    await log.close();
    throw error;
  }
}

/**
 * Puts on record what an operator is about to do with what an application keeps, while it does not run.
 *
 * @throws {RuntimeError} as {@link openApplicationAudit}: then it must not be done.
 */
export async function recordOffline({ audit }: ApplicationConfig, action: OperatorAction): Promise<void> {
  if (audit === undefined) return;
  await using log = await AuditLog.open(audit);
  await log.append(operatorEvent(action, thisUser()));
}

function operatorEvent({ action, actor, op }: OperatorAction, principal: string): AuditEvent {
  const details = op === undefined ? undefined : { op };
  return { kind: 'operator', action, outcome: 'allow', principal, resource: actor, details };
}

/** Who runs this process. */
function thisUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without a name, as containers have.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
