import { assert, RuntimeError } from '../errors/index.ts';
import {
  affectedBy,
  type Directive,
  decideInGroup,
  type GroupPolicy,
  type GroupState,
  type RestartType,
  UNHARMED_GROUP,
  UNHARMED_MEMBER,
} from '../supervision/index.ts';
import type { TimerNode } from '../time/index.ts';
import type { Termination } from './actor-ref.ts';
import type { Cell, Member, Siblings } from './cell.ts';
import { release, requestHold, requestStop } from './lifecycle.ts';

/**
 * Children that are started again together, in the order of their start.
 *
 * ```
 *   ending: last to first, one after another ──► waiting: the backoff ──► starting: first to last, one after another
 *      ▲                                                                        │
 *      └───────────────── one of them fails meanwhile: more may be affected ◄───┘
 * ```
 */
interface Round {
  phase: 'ending' | 'waiting' | 'starting';
  /** Members that are to be started again; a subset of the group's, in its order. */
  affected: readonly Cell[];
  delayMs: number;
  /** The wait. */
  timer: TimerNode | null;
  /** The member whose end or start is awaited. */
  current: Cell | null;
}

interface Starting {
  resolve(): void;
  reject(error: RuntimeError): void;
}

/** The children of one incarnation of a supervisor, and what is being done to bring them back. */
export class Group implements Siblings {
  readonly policy: GroupPolicy;
  readonly #owner: Cell;
  /** Living members, in the order of their start. */
  readonly #members: Cell[] = [];
  #state: GroupState = UNHARMED_GROUP;
  #round: Round | null = null;
  #starting: Starting | null = null;
  #isClosed = false;

  constructor(owner: Cell, policy: GroupPolicy) {
    this.#owner = owner;
    this.policy = policy;
  }

  /** In the order of their start. */
  get members(): readonly Cell[] {
    return this.#members;
  }

  /** Takes a cell that is held, and that will be started in its turn. */
  add(cell: Cell, restart: RestartType): void {
    cell.rare.member = { group: this, restart, state: UNHARMED_MEMBER, isOnTrial: false };
    this.#members.push(cell);
  }

  /** As {@link add}; if it cannot be started, it ends, and that is no failure that anybody else has to do with. */
  tryOut(cell: Cell, restart: RestartType): void {
    this.add(cell, restart);
    (cell.rare.member as Member).isOnTrial = true;
  }

  /**
   * Starts the members, one after another.
   *
   * @returns Rejects when they failed more often than the policy allows.
   */
  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#starting = { resolve, reject };
    this.startHeld();
    return promise;
  }

  /** Starts the members that were added meanwhile; if others are being started, after these. */
  startHeld(): void {
    if (this.#isClosed) return;
    if (this.#round !== null) {
      const affected = new Set(this.#round.affected);
      this.#round.affected = this.#members.filter((cell) => affected.has(cell) || cell.status === 'held');
      return;
    }
    const held = this.#members.filter(({ status }) => status === 'held');
    this.#round = { phase: 'starting', affected: held, delayMs: 0, timer: null, current: null };
    this.#step();
  }

  /** What is to be done about a member that failed or ended. Those of its siblings that are affected are taken care of. */
  decide(cell: Cell, kind: 'failed' | 'ended'): Directive {
    const member = cell.rare.member as Member;
    const { clock, random } = this.#owner.profile.services;
    if (this.#isClosed || (member.isOnTrial && kind === 'failed')) return { kind: 'stop' };
    // While it is being ended for a sibling's sake anyway, its own failure changes nothing.
    if (this.#round?.phase === 'ending' && this.#round.affected.includes(cell)) {
      return member.restart === 'temporary' ? { kind: 'stop' } : { kind: 'restart', delayMs: 0 };
    }
    const states = { group: this.#state, member: member.state };
    const event = { kind, restart: member.restart, atMs: clock.nowMs(), chance: random.next() };
    const { group, member: state, directive } = decideInGroup(this.policy, states, event);
    this.#state = group;
    member.state = state;
    return directive;
  }

  /** Whether a restart of `cell` is a matter of the group: also of its first start, which others may wait for. */
  restartsTogether(cell: Cell): boolean {
    return this.policy.strategy !== 'one-for-one' || this.#round?.current === cell;
  }

  /** Begins to start `failed` again, with all that are affected; it is at its end, or will be held soon. */
  restart(failed: Cell, delayMs: number): void {
    if (this.#isClosed) return;
    const before = this.#round;
    const affected = new Set(affectedBy(this.policy.strategy, this.#members, failed));
    // Those that are back from the present round are not taken along once more, unless the strategy does.
    for (const cell of before?.affected ?? [])
      if (before?.phase === 'ending' || cell.status === 'held') affected.add(cell);
    this.#clearTimer();
    this.#round = {
      phase: 'ending',
      affected: this.#members.filter((cell) => affected.has(cell)),
      delayMs: before?.phase === 'starting' ? delayMs : Math.max(delayMs, before?.delayMs ?? 0),
      timer: null,
      current: null,
    };
    // The last to be started is the first to be ended: it must not begin while one that it needs is at its end.
    const last = before?.phase === 'starting' ? before.current : null;
    if (last !== null && last !== failed && affected.has(last)) endMember(last);
  }

  /** An incarnation of a member is over; the cell waits for its turn. */
  onHeld(cell: Cell): void {
    if (this.#isClosed) {
      this.#dismiss(cell);
      return;
    }
    assert(this.#round !== null, `"${cell.name}" is held for a reason`);
    this.#step(cell);
  }

  /** A member takes messages. */
  onStarted(cell: Cell): void {
    (cell.rare.member as Member).isOnTrial = false;
    if (this.#round?.phase === 'starting') this.#step(cell);
  }

  /** A member is no more. */
  onGone(cell: Cell, { kind, error }: Termination): void {
    const index = this.#members.indexOf(cell);
    if (index >= 0) this.#members.splice(index, 1);
    if (kind === 'escalated') this.#giveUp(cell, error);
    if (this.#round === null) return;
    this.#round.affected = this.#round.affected.filter((member) => member !== cell);
    this.#step(cell);
  }

  /** `cell` failed too often: so has the supervisor, and what needs `cell` is not started without it. */
  #giveUp(cell: Cell, error: RuntimeError | undefined): void {
    this.close();
    const text = `its child "${cell.name}" could not be started: ${error?.message ?? 'it has ended'}`;
    this.#starting?.reject(new RuntimeError('ACTOR_START_FAILED', text, { cause: error }));
    this.#starting = null;
    for (const member of [...this.#members]) this.#dismiss(member);
  }

  /** Lets go of a member that will not be started, if the supervisor waits for that before it can do anything else. */
  #dismiss(cell: Cell): void {
    if (cell.extras?.member?.isOnTrial === true && cell.status === 'held')
      requestStop(cell, cell.profile.stopTimeoutMs);
  }

  /** The supervisor is ending, or will when a member has that failed too often: nothing is started any more. */
  close(): void {
    this.#isClosed = true;
    this.#clearTimer();
    const current = this.#round?.phase === 'starting' ? this.#round.current : null;
    this.#round = null;
    // It is about to begin.
    if (current?.status === 'queued' && current.context === null) requestHold(current);
  }

  /** Goes on with the round, as far as it can without waiting. @param done The member that is where it should be. */
  #step(done?: Cell): void {
    const round = this.#round;
    if (round === null) return;
    if (round.current !== null) {
      if (round.current !== done) return;
      round.current = null;
    }
    const next = round.affected.findLast(({ status }) => status !== 'held');
    if (round.phase === 'starting') this.#startNext(round);
    else if (round.phase === 'ending' && next !== undefined) this.#end(round, next);
    else if (round.phase === 'ending' && round.delayMs > 0) this.#wait(round);
    else if (round.phase === 'ending') this.#startNext(round);
  }

  #end(round: Round, cell: Cell): void {
    round.current = cell;
    endMember(cell);
  }

  #wait(round: Round): void {
    round.phase = 'waiting';
    round.timer = this.#owner.profile.services.wheel.after(round.delayMs, () => {
      round.timer = null;
      this.#startNext(round);
    });
  }

  #startNext(round: Round): void {
    round.phase = 'starting';
    const next = round.affected.find(({ status }) => status === 'held');
    if (next !== undefined) {
      round.current = next;
      release(next);
      return;
    }
    this.#round = null;
    this.#starting?.resolve();
    this.#starting = null;
  }

  #clearTimer(): void {
    const timer = this.#round?.timer ?? null;
    if (timer === null) return;
    this.#owner.profile.services.wheel.cancel(timer);
    (this.#round as Round).timer = null;
  }
}

/** Ends the incarnation of a member, to be started again if that may be: a `temporary` one is started once. */
function endMember(cell: Cell): void {
  if (cell.extras?.member?.restart === 'temporary' && cell.hasStarted) requestStop(cell, cell.profile.stopTimeoutMs);
  else requestHold(cell);
}
