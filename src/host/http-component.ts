import { type ActorType, type Behavior, type BehaviorContext, defineActorType, type Turn } from '../actor/index.ts';
import type { CompiledComponent, ExportedFunction } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { SystemRandom } from '../time/index.ts';
import type { HttpPolicy } from './http-options.ts';
import { type HttpJob, HttpPool } from './http-pool.ts';
import type { ComponentLimits } from './limits.ts';
import { ComponentContract, type ComponentShape } from './shape.ts';
import type { ComponentSurroundings } from './surroundings.ts';

/** Hears of what happens to requests of an HTTP component. It should be quick. */
export interface HttpObserver {
  /** A request was not answered by the component. */
  onFailed?(actor: string, request: Pick<HttpJob, 'method' | 'pathWithQuery'>, error: RuntimeError): void;
  /** The component is given no requests for `forMs`; `Infinity`: ever again. */
  onQuarantined?(actor: string, error: RuntimeError, forMs: number): void;
}

/** Everything that the pools of one HTTP component have in common. */
export interface HttpComponentPlan {
  readonly name: string;
  readonly component: CompiledComponent;
  readonly shape: ComponentShape;
  /** JSON text for `lifecycle.start` of each instance. */
  readonly config: Uint8Array;
  readonly deadlineMs: number;
  readonly policy: HttpPolicy;
  readonly limits: ComponentLimits;
  readonly surroundings: ComponentSurroundings;
  readonly observer: HttpObserver;
}

/** An actor type whose actors are pools; `pools` has those that live, by the names of their actors. */
export interface HttpActorType extends ActorType {
  readonly pools: ReadonlyMap<string, HttpPool>;
}

/**
 * Makes the actor type of an HTTP component. An actor of it is the pool: it starts, stops and is watched like any other,
 * but requests reach it beside its mailbox, and a message is refused.
 */
export function httpActorType(plan: HttpComponentPlan): HttpActorType {
  const pools = new Map<string, HttpPool>();
  const type = defineActorType({
    name: plan.name,
    // Not none: then the refusal of a message could not say what to do.
    operations: 'any',
    create: () => new HttpBehavior(plan, pools),
    contract: new ComponentContract(plan.shape),
  });
  return Object.assign(type, { pools });
}

class HttpBehavior implements Behavior {
  readonly #plan: HttpComponentPlan;
  readonly #pools: Map<string, HttpPool>;
  #pool: HttpPool | undefined;
  #name = '';

  constructor(plan: HttpComponentPlan, pools: Map<string, HttpPool>) {
    this.#plan = plan;
    this.#pools = pools;
  }

  start(context: BehaviorContext): void {
    const { component, shape, config, surroundings, policy, deadlineMs, limits, observer } = this.#plan;
    const { name } = context.self;
    this.#name = name;
    this.#pool = new HttpPool({
      name,
      policy,
      deadlineMs,
      clock: context.clock,
      random: new SystemRandom(),
      instances: {
        component,
        clock: context.clock,
        handle: shape.main as ExportedFunction,
        start: shape.lifecycle.start,
        config,
        limits,
        surround: (deadline) => surroundings.of(context, deadline),
      },
      onFailed: (job, error) => {
        surroundings.noteFailure(context, error);
        observer.onFailed?.(name, job, error);
      },
      onQuarantined: (error, forMs) => observer.onQuarantined?.(name, error, forMs),
    });
    this.#pools.set(name, this.#pool);
  }

  run(turn: Turn): void {
    for (let incoming = turn.take(); incoming !== undefined; incoming = turn.take()) {
      turn.refuse(
        new RuntimeError(
          'OPERATION_UNKNOWN',
          `Cannot ${incoming.kind === 'ask' ? 'ask' : 'tell'} "${incoming.op.slice(0, 60)}" to "${this.#name}": it handles HTTP requests and no messages; send a request to one of its routes`,
        ),
      );
    }
  }

  /** Requests under way may end. */
  stop(): Promise<void> | undefined {
    return this.#pool?.drain();
  }

  dispose(reason: RuntimeError | undefined): void {
    this.#pool?.close(reason);
    if (this.#pools.get(this.#name) === this.#pool) this.#pools.delete(this.#name);
  }
}
