import type { ActorRef, AskOptions, Context } from '../actor/index.ts';
import { type AuditSink, AuditTally } from '../audit/index.ts';
import {
  Authority,
  type CapabilityRequest,
  type Decision,
  denialsOf,
  type Grants,
  namesOfRequest,
  parseAuthority,
  rulesOf,
} from '../capability/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Clock, systemClock } from '../time/index.ts';

/** What actors in TypeScript are held to. */
export interface AuthorityOptions {
  /** Who is granted it, in records: as the name of a component. */
  readonly name: string;
  /** What they may do; as of a component. What is absent is denied. */
  readonly grants: Grants;
  /** Variables that they may be given, as far as granted. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where every decision is put on record. What cannot be is denied. Whoever opened the log closes it. Default: nowhere. */
  readonly audit?: AuditSink | undefined;
  /** Hears of denials. Default: nobody. */
  readonly onDenied?: (actor: string, decision: Decision) => void;
  readonly clock?: Clock;
}

/** The part of a context that an authority acts through. */
type Acting = Pick<Context, 'self' | 'lookup' | 'publish'>;

/**
 * Holds trusted code to grants: decides as for a component, by the same rules, and puts it on the same record. It holds whoever acts
 * through it; code of this process can always go another way.
 *
 * @example
 * ```ts
 * const clerk = actorAuthority({ name: 'clerk', grants: { messaging: { tell: ['report'] } }, audit });
 * const type = implement(Clerk, {
 *   init: (ctx) => ({ held: clerk.of(ctx) }),
 *   tell: { file: ({ state: { held } }, page) => void held.tell('report', 'add', page) },
 * });
 * ```
 */
export interface ActorAuthority {
  /** What one actor acts through. */
  of(context: Acting): HeldActor;
}

/** What an actor may do, in its name. A denial is the operation's own error, `CAPABILITY_DENIED`, which says the line that would allow it. */
export interface HeldActor {
  /** Decides, and puts on record what was decided. */
  decide(request: CapabilityRequest): Decision;
  /** @throws {RuntimeError} `CAPABILITY_DENIED`. */
  require(request: CapabilityRequest): void;
  /** Never throws; the result may be `CAPABILITY_DENIED`, `ACTOR_NOT_FOUND`, or as of any tell. */
  tell(actor: string, op: string, payload?: unknown): ReturnType<ActorRef['tellOp']>;
  /** Rejects with `CAPABILITY_DENIED`, `ACTOR_NOT_FOUND`, and as any ask. */
  ask(actor: string, op: string, more?: AskOptions & { readonly payload?: unknown }): Promise<unknown>;
  /** As of the context. @throws {RuntimeError} `CAPABILITY_DENIED`. */
  publish(topic: string, payload: unknown): number;
  /** A variable; undefined if there is none. @throws {RuntimeError} `CAPABILITY_DENIED`. */
  env(name: string): string | undefined;
  /**
   * An address to send a request to, by whatever client; its redirects are new requests. What a name leads to is the client's to look at.
   *
   * @throws {RuntimeError} `CAPABILITY_DENIED`, also of what is no address of HTTP.
   */
  request(url: string | URL): URL;
}

/** Makes what actors in TypeScript can be held to. */
export function actorAuthority(options: AuthorityOptions): ActorAuthority {
  const { name: component, grants, audit, clock = systemClock } = options;
  const authority = new Authority(grants, clock);
  const tally = audit && new AuditTally(audit, clock);
  for (const { action, rule } of rulesOf(grants))
    audit?.note({ component, kind: 'grant', action, outcome: 'done', rule });
  for (const { action, rule } of denialsOf(grants))
    audit?.note({ component, kind: 'grant', action, outcome: 'deny', rule });
  const decide = (actor: string, request: CapabilityRequest): Decision => {
    const decided = authority.decide(request);
    const decision = decided.effect === 'allow' && audit?.failure !== undefined ? unrecorded(audit.failure) : decided;
    const { effect, rule, reason, observed } = decision;
    const names = namesOfRequest(request);
    const outcome = observed ? 'would-deny' : effect;
    tally?.count(`${outcome}\n${actor}\n${names.action}\n${names.resource ?? ''}`, () => {
      const event = { component, kind: 'capability', outcome, actor, rule, ...names } as const;
      return outcome === 'allow' ? event : { ...event, reason };
    });
    if (outcome !== 'allow') options.onDenied?.(actor, decision);
    return decision;
  };
  return { of: (context) => new Held(context, { decide, env: options.env ?? {} }) };
}

function unrecorded(failure: RuntimeError): Decision {
  return { effect: 'deny', rule: 'audit', reason: `What cannot be put on record is not done: ${failure.message}` };
}

interface HeldParts {
  readonly decide: (actor: string, request: CapabilityRequest) => Decision;
  readonly env: Readonly<Record<string, string | undefined>>;
}

class Held implements HeldActor {
  readonly #context: Acting;
  readonly #parts: HeldParts;

  constructor(context: Acting, parts: HeldParts) {
    this.#context = context;
    this.#parts = parts;
  }

  decide(request: CapabilityRequest): Decision {
    return this.#parts.decide(this.#context.self.name, request);
  }

  require(request: CapabilityRequest): void {
    const { effect, reason } = this.decide(request);
    if (effect === 'deny')
      throw new RuntimeError('CAPABILITY_DENIED', reason, { details: { ...namesOfRequest(request) } });
  }

  tell(actor: string, op: string, payload?: unknown): ReturnType<ActorRef['tellOp']> {
    try {
      return this.#reach('tell', actor).tellOp(op, payload);
    } catch (error) {
      return { ok: false, error: RuntimeError.from(error) };
    }
  }

  async ask(
    actor: string,
    op: string,
    { payload, ...options }: AskOptions & { readonly payload?: unknown } = {},
  ): Promise<unknown> {
    return this.#reach('ask', actor).askOp(op, payload, options);
  }

  /** Decided before it is looked for: who may not send does not learn who is there. */
  #reach(action: 'tell' | 'ask', target: string): ActorRef {
    this.require({ kind: 'messaging', action, target });
    const ref = this.#context.lookup(target);
    if (ref !== undefined) return ref;
    throw new RuntimeError('ACTOR_NOT_FOUND', `Cannot ${action} "${target.slice(0, 200)}": no actor has that name`);
  }

  publish(topic: string, payload: unknown): number {
    this.require({ kind: 'messaging', action: 'publish', target: topic });
    return this.#context.publish(topic, payload);
  }

  env(name: string): string | undefined {
    this.require({ kind: 'env', name });
    return Object.hasOwn(this.#parts.env, name) ? this.#parts.env[name] : undefined;
  }

  request(address: string | URL): URL {
    const url = URL.parse(address);
    const scheme = url?.protocol === 'http:' ? 'http' : 'https';
    const endpoint =
      url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
        ? parseAuthority(scheme, url.host)
        : undefined;
    if (url === null || endpoint === undefined)
      throw new RuntimeError(
        'CAPABILITY_DENIED',
        'Cannot send a request there: it is no address of HTTP without a user',
      );
    this.require({ kind: 'http', ...endpoint, scheme });
    return url;
  }
}
