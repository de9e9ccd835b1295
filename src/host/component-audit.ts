import { type AuditEvent, type AuditSink, AuditTally } from '../audit/index.ts';
import {
  type CapabilityRequest,
  type Decision,
  denialsOf,
  type GrantedRule,
  type Grants,
  namesOfRequest,
  rulesOf,
} from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { systemClock } from '../time/index.ts';
import type { LimitBreach } from './limit-watch.ts';
import { revisionOf } from './load.ts';

/** Of which component something is put on record. */
export interface AuditedComponent {
  readonly component: string;
  /** Digest of its file. */
  readonly revision: string | undefined;
}

/** Interfaces whose import is the use of a grant: whether they are called is not asked for at each call. */
const USED_BY_IMPORT: readonly (readonly [prefix: string, rule: RegExp])[] = [
  ['wasi:clocks/', /^clock/],
  ['wasi:random/', /^random/],
  ['wasi:cli/environment', /^env/],
  ['wasi:cli/stdin', /^stdio = \["stdin/],
  ['wasi:cli/stdout', /^stdio = \["stdout/],
  ['wasi:cli/stderr', /^stdio = \["stderr/],
];

function isUsedByImport(rule: string, needs: readonly string[]): boolean {
  return USED_BY_IMPORT.some(
    ([prefix, pattern]) => pattern.test(rule) && needs.some((name) => name.startsWith(prefix)),
  );
}

/** What is not granted, and imported all the same, for it is observed. */
function observedImports({ clock, random, observe = {} }: Grants, needs: readonly string[]): readonly GrantedRule[] {
  const missing = { clock: clock !== true && observe.clock, random: random !== true && observe.random };
  return rulesOf(missing).filter(({ rule }) => isUsedByImport(rule, needs));
}

/** Grants that a component uses by importing an interface, or lacks for that: of those, single calls are not decided. */
export function neededByImport(grants: Grants, needs: readonly string[]): readonly string[] {
  const rules = rulesOf({ clock: true, random: true, stdio: grants.stdio, env: grants.env });
  return rules.map(({ rule }) => rule).filter((rule) => isUsedByImport(rule, needs));
}

/**
 * Puts on record what the actors of one component want and get: of what is alike the first at once, and then how often. What
 * cannot be put on record is denied.
 */
export class ComponentAudit {
  readonly #sink: AuditSink;
  readonly #about: AuditedComponent;
  readonly #tally: AuditTally;

  constructor(sink: AuditSink, about: AuditedComponent) {
    this.#sink = sink;
    this.#about = about;
    this.#tally = new AuditTally(sink, systemClock);
  }

  /** That the component is there, what it is granted, and which of it its imports use. */
  noteStart(grants: Grants, needs: readonly string[]): void {
    this.#sink.note({ ...this.#about, kind: 'lifecycle', action: 'component.up', outcome: 'done' });
    const about = this.#about;
    for (const { action, rule } of rulesOf(grants)) {
      this.#sink.note({ ...about, kind: 'grant', action, outcome: 'done', rule });
      if (isUsedByImport(rule, needs))
        this.#sink.note({ ...about, kind: 'capability', action, outcome: 'allow', rule });
    }
    for (const { action, rule: reason } of observedImports(grants, needs))
      this.#sink.note({ ...about, kind: 'capability', action, outcome: 'would-deny', rule: 'observe', reason });
    for (const { action, rule } of denialsOf(grants))
      this.#sink.note({ ...this.#about, kind: 'grant', action, outcome: 'deny', rule });
  }

  /** Puts a decision on record, and returns what holds. */
  decide(actor: string, request: CapabilityRequest, decision: Decision): Decision {
    const held = this.#hold(decision);
    const { action, resource } = namesOfRequest(request);
    const key = `${held.rule === 'observe' ? 'would-deny' : held.effect}\n${actor}\n${action}\n${resource ?? ''}`;
    this.#tally.count(key, () => this.#eventOf({ actor, action, resource, ...held }));
    return held;
  }

  /** Puts on record that an actor ran into a limit. */
  noteLimit(actor: string, { limit, limitValue, used, times }: LimitBreach): void {
    const details = { limitValue, ...(used !== undefined && { used }) };
    const about = { ...this.#about, actor, rule: limit, details };
    this.#tally.note({ ...about, kind: 'limit', action: 'limit.reached', outcome: 'deny', count: times });
  }

  #hold(decision: Decision): Decision {
    const { failure } = this.#sink;
    if (failure === undefined || decision.effect === 'deny') return decision;
    return { effect: 'deny', rule: 'audit', reason: `What cannot be put on record is not done: ${failure.message}` };
  }

  #eventOf({ actor, action, resource, effect, rule, reason, observed }: Decided): AuditEvent {
    const outcome = observed ? 'would-deny' : effect;
    const event = { ...this.#about, kind: 'capability', action, outcome, actor, resource, rule } as const;
    return outcome === 'allow' ? event : { ...event, reason };
  }
}

interface AuditOptions {
  readonly audit?: AuditSink | undefined;
  readonly name?: string;
  readonly grants: Grants;
}

/** What puts a component on record, if there is where; its grants are at once. */
export function auditOf(
  compiled: CompiledComponent,
  { audit, name = 'component', grants }: AuditOptions,
): ComponentAudit | undefined {
  if (audit === undefined) return undefined;
  const record = new ComponentAudit(audit, { component: name, revision: revisionOf(compiled) });
  record.noteStart(grants, compiled.needs);
  return record;
}

type Decided = Pick<Decision, 'effect' | 'rule' | 'reason' | 'observed'> & {
  readonly actor: string;
  readonly action: string;
  readonly resource: string | undefined;
};
