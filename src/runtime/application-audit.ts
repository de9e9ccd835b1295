import { userInfo } from 'node:os';
import type { ActorSystemOptions } from '../actor/index.ts';
import type { OperatorAction } from '../admin/index.ts';
import type { HealthTrouble } from '../api/index.ts';
import { type AuditEvent, AuditLog, AuditTally } from '../audit/index.ts';
import type { ApplicationConfig, AuditConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { AuditShipping } from './audit-shipping.ts';
import { type AboutActor, auditedOptions } from './audited-system.ts';
import type { StartOptions } from './port.ts';

/** Who holds the token of the control port. */
const TOKEN_HOLDER = 'control token';

/** The audit log of an application. */
export class ApplicationAudit {
  readonly log: AuditLog;
  readonly #application: string;
  readonly #shipping: AuditShipping;
  /** Of what strangers try. */
  readonly #refused: AuditTally;

  constructor(log: AuditLog, config: AuditConfig, application: string) {
    this.log = log;
    this.#application = application;
    this.#refused = new AuditTally(log, systemClock);
    this.#shipping = new AuditShipping(config, log);
    this.#shipping.start();
  }

  /** Options of a system whose actors are put on record. */
  over(options: ActorSystemOptions, about: AboutActor): ActorSystemOptions {
    return auditedOptions(options, this.log, about);
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

  /** That the application did not start. */
  noteRefusal(error: unknown): void {
    const { code: rule, message: reason } = RuntimeError.from(error);
    this.log.note({ ...this.#life('application.refused'), outcome: 'failed', rule, reason });
  }

  /**
   * Puts on record what an operator is about to do.
   *
   * @throws {RuntimeError} `AUDIT_UNAVAILABLE` — it must not be done, unless it is to stop.
   */
  async permit(action: OperatorAction): Promise<void> {
    const event = operatorEvent(action, TOKEN_HOLDER);
    if (action.action === 'application.stop') this.log.note(event);
    else await this.log.append(event);
  }

  /** That somebody without the token asked for something. */
  noteIntrusion(path: string): void {
    this.#refused.note({ kind: 'operator', action: 'control.refused', outcome: 'deny', resource: path });
  }

  /** What is wrong with the log, and with where it is sent. */
  health(): HealthTrouble[] {
    const { failure } = this.log.status;
    const troubles = this.#shipping.health();
    if (failure === undefined) return troubles;
    const ms = Math.round(systemClock.nowMs() - failure.sinceMs);
    return [{ kind: 'audit', ms, text: `${failure.text}; what must be on record is refused` }, ...troubles];
  }

  async close(): Promise<void> {
    this.log.settleCounts();
    this.log.note(this.#life('application.stopped'));
    await this.log.flush();
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
  { onEvent }: Pick<StartOptions, 'onEvent'>,
): Promise<ApplicationAudit | undefined> {
  if (audit === undefined) return undefined;
  const onFailure = (error: RuntimeError): void => onEvent({ type: 'failed', error: error.toWire() });
  const log = await AuditLog.open({ ...audit, onFailure });
  try {
    return new ApplicationAudit(log, audit, name);
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
