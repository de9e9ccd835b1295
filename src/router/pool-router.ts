import type { Patience, Routee, Router, Team } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { RoutingOptions } from './options.ts';
import { createStrategy, type Member, type Strategy } from './strategy.ts';

/** Those who wait for a lease at one pool; then the next is refused at once. */
const WAITING_MAX = 1_024;

/** Checked options of a pool. */
export interface PoolSetting extends RoutingOptions {
  readonly min: number;
  readonly max: number;
  readonly growAt: number;
  readonly idleMs: number;
}

/** A member, and how much it had handled when the pool last looked. */
interface PoolMember extends Member {
  handledBefore: number;
  isLeased: boolean;
}

interface Waiter {
  granted(member: PoolMember): void;
  failed(error: RuntimeError): void;
}

/** The routees of one incarnation of a pool. */
export class PoolRouter implements Router {
  readonly #team: Team;
  readonly #setting: PoolSetting;
  readonly #strategy: Strategy;
  #members: readonly PoolMember[] = [];
  readonly #waiters = new Set<Waiter>();
  #stopShrinking: (() => void) | null = null;
  /** Whether nothing is given out any more. */
  #isEnding = false;
  everyone: readonly Routee[] | null = null;

  constructor(team: Team, setting: PoolSetting) {
    this.#team = team;
    this.#setting = setting;
    this.#strategy = createStrategy(setting, team.random);
    for (let i = 0; i < setting.min; i++) this.#hire();
  }

  get isEmpty(): boolean {
    return this.#members.every(({ isLeased }) => isLeased);
  }

  pick(op: string, payload: unknown): Routee | undefined {
    const routee = this.#strategy.pick(op, payload);
    const { max, growAt } = this.#setting;
    if (this.#members.length < max && (routee === undefined || routee.load >= growAt))
      return this.#growFor(routee, op, payload);
    return routee;
  }

  onGone(gone: Routee): void {
    this.#change(this.#members.filter(({ routee }) => routee !== gone));
    while (this.#members.length < this.#setting.min) this.#hire();
    this.#serve();
  }

  drain(): void {
    this.#isEnding = true;
    for (const waiter of [...this.#waiters]) waiter.failed(this.#stopped());
  }

  dispose(): void {
    this.#isEnding = true;
    this.#members = [];
    for (const waiter of [...this.#waiters]) waiter.failed(this.#stopped());
  }

  /** Takes a routee out of what is shared; waits until there is one. */
  lease({ timeoutMs, signal }: Patience): Promise<PoolMember> {
    if (this.#isEnding) return Promise.reject(this.#stopped());
    if (signal?.aborted === true) return Promise.reject(this.#cancelled());
    if (this.#waiters.size >= WAITING_MAX) return Promise.reject(this.#exhausted(`${WAITING_MAX} wait already`));
    const { promise, resolve, reject } = Promise.withResolvers<PoolMember>();
    const end = (): void => {
      this.#waiters.delete(waiter);
      stopTimer();
      signal?.removeEventListener('abort', cancel);
    };
    const waiter: Waiter = {
      granted(member) {
        end();
        resolve(member);
      },
      failed(error) {
        end();
        reject(error);
      },
    };
    const cancel = (): void => waiter.failed(this.#cancelled());
    const stopTimer = this.#team.after(timeoutMs, () =>
      waiter.failed(this.#exhausted(`none became free in ${timeoutMs} ms`)),
    );
    signal?.addEventListener('abort', cancel, { once: true });
    this.#waiters.add(waiter);
    this.#serve();
    return promise;
  }

  /** Puts a leased routee back. Once. */
  release(member: PoolMember): void {
    member.isLeased = false;
    if (this.#isEnding || !this.#members.includes(member)) return;
    this.#serve();
    if (member.isLeased) return;
    this.#change(this.#members);
    this.#team.admit();
  }

  /** Gives those who wait what is free, first come, first served. */
  #serve(): void {
    for (const waiter of this.#waiters) {
      const member = this.#free();
      if (member === undefined) return;
      member.isLeased = true;
      this.#change(this.#members);
      waiter.granted(member);
    }
  }

  /** The one with the least to do; a new one, if all have something to do and there may be one more. */
  #free(): PoolMember | undefined {
    let best: PoolMember | undefined;
    for (const member of this.#members) {
      if (member.isLeased || !member.routee.isOpen) continue;
      if (best === undefined || weight(member) < weight(best)) best = member;
    }
    if (best?.routee.isReady && best.routee.load === 0) return best;
    return this.#members.length < this.#setting.max ? (this.#grow() ?? best) : best;
  }

  /** One more, if each has enough to do; one that has not even started has not. */
  #growFor(routee: Routee | undefined, op: string, payload: unknown): Routee | undefined {
    const isNeeded = this.#members.every((member) => member.isLeased || member.routee.load >= this.#setting.growAt);
    if (!isNeeded) return routee;
    return this.#grow() === undefined || routee?.hasRoom === true ? routee : this.#strategy.pick(op, payload);
  }

  #grow(): PoolMember | undefined {
    try {
      const member = this.#hire();
      this.#stopShrinking ??= this.#team.after(this.#setting.idleMs, this.#shrink);
      return member;
    } catch {
      // The system is stopping, or somebody has the name: the pool goes on with what it has, as if it were at its largest.
      return undefined;
    }
  }

  /** Dismisses those that had nothing to do since it last looked, newest first. */
  readonly #shrink = (): void => {
    this.#stopShrinking = null;
    if (this.#isEnding) return;
    for (const member of [...this.#members].reverse()) {
      const { routee, isLeased, handledBefore } = member;
      const isIdle = !isLeased && routee.isReady && routee.load === 0 && routee.handled === handledBefore;
      if (isIdle && this.#members.length > this.#setting.min) {
        this.#change(this.#members.filter((other) => other !== member));
        this.#team.dismiss(routee);
      }
      member.handledBefore = routee.handled;
    }
    if (this.#members.length > this.#setting.min) {
      this.#stopShrinking = this.#team.after(this.#setting.idleMs, this.#shrink);
    }
  };

  #hire(): PoolMember {
    const taken = new Set(this.#members.map(({ name }) => name));
    let number = 1;
    while (taken.has(`${number}`) || this.#team.isTaken(`${number}`)) number++;
    const name = `${number}`;
    const member: PoolMember = { name, routee: this.#team.hire(name), handledBefore: -1, isLeased: false };
    this.#change([...this.#members, member]);
    return member;
  }

  #change(members: readonly PoolMember[]): void {
    this.#members = members;
    const shared = members.filter(({ isLeased }) => !isLeased);
    this.#strategy.change(shared);
    if (this.#setting.strategy === 'broadcast') this.everyone = shared.map(({ routee }) => routee);
  }

  #exhausted(why: string): RuntimeError {
    return exhausted(this.#team.self.name, `all ${this.#members.length} are leased, and ${why}`);
  }

  #cancelled(): RuntimeError {
    return cancelled(this.#team.self.name);
  }

  #stopped(): RuntimeError {
    const { name } = this.#team.self;
    return new RuntimeError('ACTOR_STOPPED', `Cannot lease a routee of "${name}": it has stopped, or is started again`);
  }
}

export function exhausted(pool: string, why: string): RuntimeError {
  return new RuntimeError('POOL_EXHAUSTED', `Cannot lease a routee of "${pool}": ${why}`, { details: { actor: pool } });
}

export function cancelled(pool: string): RuntimeError {
  return new RuntimeError('ASK_CANCELLED', `Gave up waiting for a routee of "${pool}"`);
}

/** One that is ready before all that are not; then the one with less to do. */
function weight({ routee }: PoolMember): number {
  return routee.isReady ? routee.load : Number.MAX_SAFE_INTEGER;
}
