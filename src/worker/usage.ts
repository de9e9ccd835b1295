import type { HttpStats, LimitUse } from '../host/index.ts';
import type { HttpUsage, Usage } from './component-messages.ts';

/** What the actors of one component use on workers, as was told last. An actor can be on several. */
export class UsageElsewhere {
  /** By name, then by who told it. */
  readonly #told = new Map<string, Map<object, Usage>>();
  /** What was counted on workers that are lost: counters only grow. */
  readonly #past = new Map<string, Usage>();

  /** @param usage `undefined`: the actor does not run there. */
  set(where: object, { actor, usage }: { readonly actor: string; readonly usage: Usage | undefined }): void {
    const told = this.#told.get(actor) ?? new Map<object, Usage>();
    if (usage === undefined) told.delete(where);
    else told.set(where, usage);
    if (told.size > 0) this.#told.set(actor, told);
    else this.#told.delete(actor);
  }

  /** That worker is lost. */
  lose(where: object): void {
    for (const [actor, told] of this.#told) {
      const usage = told.get(where);
      if (usage === undefined) continue;
      const past = this.#past.get(actor);
      this.#past.set(actor, past === undefined ? countedOf(usage) : sum(past, countedOf(usage)));
      this.set(where, { actor, usage: undefined });
    }
  }

  /** What all actors use. */
  *all(): IterableIterator<Usage> {
    for (const actor of this.#told.keys()) yield this.of(actor) as Usage;
  }

  /** All that an actor uses; `undefined`: it runs on no worker. */
  of(actor: string): Usage | undefined {
    const told = this.#told.get(actor);
    if (told === undefined) return undefined;
    const past = this.#past.get(actor);
    return [...told.values(), ...(past === undefined ? [] : [past])].reduce(sum);
  }
}

function sum(one: Usage, other: Usage): Usage {
  const http = one.http && other.http ? sumHttp(one.http, other.http) : (one.http ?? other.http);
  return {
    memoryBytes: one.memoryBytes + other.memoryBytes,
    limits: one.limits.map((use, nth) => sumLimit(use, other.limits[nth] as LimitUse)),
    ...(http !== undefined && { http }),
  };
}

/** Of all but instances, the most that any uses: the limits are of one instance, or of all together. */
function sumLimit(one: LimitUse, other: LimitUse): LimitUse {
  const used = [one.used, other.used].filter((value) => value !== undefined);
  const all = one.limit === 'instances' ? used.reduce((total, value) => total + value, 0) : Math.max(...used);
  return { ...one, ...(used.length > 0 && { used: all }), breaches: one.breaches + other.breaches };
}

function sumHttp(one: HttpUsage, other: HttpUsage): HttpUsage {
  const stats = Object.fromEntries(
    Object.entries(one.stats).map(([name, count]) => [name, count + other.stats[name as keyof HttpStats]]),
  ) as unknown as HttpStats;
  return {
    stats,
    queueMax: one.queueMax + other.queueMax,
    // As long as one of them takes requests, they are taken.
    quarantinedForMs: Math.min(one.quarantinedForMs, other.quarantinedForMs),
  };
}

/** Of what was used only what is counted. */
function countedOf({ limits, http }: Usage): Usage {
  return {
    memoryBytes: 0,
    limits: limits.map(({ used: _, ...rest }) => rest),
    ...(http && {
      http: {
        stats: { ...http.stats, inFlight: 0, waiting: 0 },
        queueMax: 0,
        quarantinedForMs: Number.POSITIVE_INFINITY,
      },
    }),
  };
}
