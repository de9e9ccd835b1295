import type { ActorRef, ActorSystemOptions, FailureReport, Termination } from '../actor/index.ts';
import { type AuditEvent, type AuditSink, AuditTally } from '../audit/index.ts';
import { systemClock } from '../time/index.ts';

/** Starts and failures of one actor that are on record one by one in half a minute; an actor that crash-loops has more. */
const SINGLY = 16;

/** What is known of an actor besides its name. */
export type AboutActor = (name: string) => Pick<AuditEvent, 'component' | 'revision'>;

/** Options of a system whose actors' starts, failures and ends are put on record. */
export function auditedOptions(
  options: ActorSystemOptions,
  sink: AuditSink,
  about: AboutActor = () => ({}),
): ActorSystemOptions {
  const { clock = systemClock, onStarted, onFailure } = options;
  const lives = new LifeRecord(new AuditTally(sink, clock), about);
  return {
    ...options,
    onStarted: (actor) => {
      lives.noteStart(actor);
      onStarted?.(actor);
    },
    onFailure: (report) => {
      lives.noteFailure(report);
      onFailure?.(report);
    },
  };
}

class LifeRecord {
  readonly #tally: AuditTally;
  readonly #about: AboutActor;
  readonly #started = new WeakSet<ActorRef>();

  constructor(tally: AuditTally, about: AboutActor) {
    this.#tally = tally;
    this.#about = about;
  }

  noteStart(actor: ActorRef): void {
    const isFirst = !this.#started.has(actor);
    this.#note(actor, { action: isFirst ? 'actor.started' : 'actor.restarted', outcome: 'done' });
    if (!isFirst) return;
    this.#started.add(actor);
    void actor.terminated.then((termination) => this.#noteEnd(actor, termination));
  }

  noteFailure({ actor, error, directive }: FailureReport): void {
    const next = directive?.kind;
    const details = next === undefined ? undefined : { next };
    this.#note(actor, { action: 'actor.failed', outcome: 'failed', rule: error.code, reason: error.message, details });
  }

  #noteEnd(actor: ActorRef, { kind, error }: Termination): void {
    const why = error && { rule: error.code, reason: error.message };
    const isFailure = kind === 'failed' || kind === 'escalated';
    this.#note(actor, { action: 'actor.ended', outcome: isFailure ? 'failed' : 'done', details: { kind }, ...why });
  }

  #note({ name }: ActorRef, event: Omit<AuditEvent, 'kind' | 'actor'>): void {
    this.#tally.note({ kind: 'lifecycle', actor: name, ...this.#about(name), ...event }, SINGLY);
  }
}
