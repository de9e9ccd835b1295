/** The decisions of a supervisor, step by step beside a model of OTP's rules that keeps everything and is told nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Directive, decide, UNHARMED } from './decide.ts';
import { affectedBy, decideInGroup, type MemberState, UNHARMED_GROUP, UNHARMED_MEMBER } from './group.ts';
import { type RestartOptions, type RestartType, type Strategy, toGroupPolicy, toSupervisionPolicy } from './options.ts';

const RESTARTS: readonly RestartType[] = ['permanent', 'transient', 'temporary'];
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one'];

interface Step {
  readonly who: number;
  readonly restart: RestartType;
  readonly kind: 'failed' | 'ended';
  readonly waitMs: number;
  readonly chance: number;
}

const steps = fc.array(
  fc.record({
    who: fc.nat(3),
    restart: fc.constantFrom(...RESTARTS),
    kind: fc.constantFrom('failed', 'ended'),
    waitMs: fc.oneof(fc.nat(50), fc.nat(3_000)),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }) as fc.Arbitrary<Step>,
  { maxLength: 80 },
);

const options: fc.Arbitrary<Required<RestartOptions>> = fc
  .record({
    intensity: fc.nat(8),
    periodMs: fc.integer({ min: 1, max: 5_000 }),
    backoffMinMs: fc.constantFrom(0, 1, 40),
    longer: fc.constantFrom(0, 10, 3_000),
    backoffFactor: fc.constantFrom(1, 1.5, 2, 100),
    backoffJitter: fc.constantFrom(0, 0.2, 1),
  })
  .map(({ longer, ...others }) => ({ ...others, backoffMaxMs: others.backoffMinMs + longer }));

/** Every return of every child there ever was. */
class Model {
  readonly #options: Required<RestartOptions>;
  readonly #returns: { readonly who: number; readonly atMs: number; readonly row: number }[] = [];

  constructor(restarts: Required<RestartOptions>) {
    this.#options = restarts;
  }

  /** What OTP's `supervisor` would do, but for the waits: how many times it was restarted "in a row" decides over these. */
  next({ who, restart, kind, chance }: Step, nowMs: number): Directive {
    const isOver = restart === 'temporary' || (restart === 'transient' && kind === 'ended');
    if (isOver) return { kind: 'stop' };
    const { intensity, periodMs, backoffMinMs, backoffMaxMs, backoffFactor, backoffJitter } = this.#options;
    const recent = this.#returns.filter(({ atMs }) => atMs > nowMs - periodMs);
    if (recent.length + 1 > intensity) return { kind: 'escalate', restarts: recent.length, periodMs };
    const last = this.#returns.findLast((one) => one.who === who);
    const row = last !== undefined && last.atMs > nowMs - periodMs ? last.row + 1 : 0;
    let waitMs = backoffMinMs;
    for (let i = 0; i < row && waitMs < backoffMaxMs; i++) waitMs *= backoffFactor;
    const delayMs = Math.min(waitMs, backoffMaxMs) * (1 - backoffJitter * chance);
    this.#returns.push({ who, atMs: nowMs + delayMs, row });
    return { kind: 'restart', delayMs };
  }
}

function assertSame(actual: Directive, expected: Directive): void {
  if (actual.kind !== 'restart' || expected.kind !== 'restart') {
    assert.deepEqual(actual, expected);
    return;
  }
  const off = Math.abs(actual.delayMs - expected.delayMs);
  assert.ok(off <= 1e-6 * Math.max(1, expected.delayMs), `${actual.delayMs} ms, not ${expected.delayMs} ms`);
}

test('decideInGroup does what a model of OTP does, whoever fails or ends, when and how often', () => {
  fc.assert(
    fc.property(options, steps, (restarts, all) => {
      const policy = toGroupPolicy(restarts);
      const model = new Model(restarts);
      const members: MemberState[] = [0, 1, 2, 3].map(() => UNHARMED_MEMBER);
      let group = UNHARMED_GROUP;
      let nowMs = 0;
      for (const step of all) {
        nowMs += step.waitMs;
        const expected = model.next(step, nowMs);
        const states = { group, member: members[step.who] as MemberState };
        const decision = decideInGroup(policy, states, { ...step, atMs: nowMs });
        assertSame(decision.directive, expected);
        assert.ok(decision.group.restartsMs.length <= restarts.intensity, 'V1');
        group = decision.group;
        members[step.who] = decision.member;
        if (decision.directive.kind === 'restart') nowMs += decision.directive.delayMs;
      }
    }),
    { numRuns: 500 },
  );
});

test('decide does what the model does over an actor that is alone', () => {
  fc.assert(
    fc.property(options, fc.constantFrom(...RESTARTS), steps, (restarts, restart, all) => {
      const policy = toSupervisionPolicy({ ...restarts, restart });
      const model = new Model(restarts);
      let state = UNHARMED;
      let nowMs = 0;
      for (const step of all) {
        nowMs += step.waitMs;
        const decision = decide(policy, state, { ...step, atMs: nowMs });
        assertSame(decision.directive, model.next({ ...step, who: 0, restart }, nowMs));
        assert.ok(decision.state.restartsMs.length <= restarts.intensity, 'V1');
        state = decision.state;
        if (decision.directive.kind === 'restart') nowMs += decision.directive.delayMs;
      }
    }),
    { numRuns: 500 },
  );
});

test('decide quarantines exactly when it would escalate, and begins anew after that', () => {
  fc.assert(
    fc.property(options, steps, (restarts, all) => {
      const plain = toSupervisionPolicy({ ...restarts, restart: 'permanent' });
      const lenient = toSupervisionPolicy({ ...restarts, restart: 'permanent', quarantineMs: 700 });
      let state = UNHARMED;
      let nowMs = 0;
      for (const step of all) {
        nowMs += step.waitMs;
        const event = { ...step, atMs: nowMs };
        const strict = decide(plain, state, event).directive;
        const { directive, state: next } = decide(lenient, state, event);
        if (strict.kind === 'escalate') {
          assert.deepEqual(directive, { ...strict, kind: 'quarantine', delayMs: 700 });
          assert.equal(next, UNHARMED);
        } else {
          assert.deepEqual(directive, strict);
        }
        state = next;
        nowMs += directive.kind === 'restart' || directive.kind === 'quarantine' ? directive.delayMs : 0;
      }
    }),
  );
});

test('decide and decideInGroup change nothing that they are given, and remember nothing of what is not restarted', () => {
  const policy = toGroupPolicy({ intensity: 1, periodMs: 1_000 });
  const group = Object.freeze({ restartsMs: Object.freeze([10]) });
  const member = Object.freeze({ attempt: 1, restartedMs: 10 });
  const event = { kind: 'ended', restart: 'transient', atMs: 20, chance: 0 } as const;
  assert.deepEqual(decideInGroup(policy, { group, member }, event), { group, member, directive: { kind: 'stop' } });
  const escalated = decideInGroup(policy, { group, member }, { ...event, kind: 'failed' });
  assert.deepEqual(escalated, { group, member, directive: { kind: 'escalate', restarts: 1, periodMs: 1_000 } });
  const late = decideInGroup(policy, { group, member }, { ...event, kind: 'failed', atMs: 1_010 });
  assert.deepEqual(late.directive, { kind: 'restart', delayMs: 50 });
});

test('affectedBy names the failed one, keeps the order, and takes along what each strategy says', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...STRATEGIES),
      fc.uniqueArray(fc.nat(), { minLength: 1 }),
      fc.nat(),
      (strategy, all, n) => {
        const failed = all[n % all.length] as number;
        const affected = affectedBy(strategy, all, failed);
        const goesAlong = (one: number): boolean =>
          one === failed ||
          strategy === 'one-for-all' ||
          (strategy === 'rest-for-one' && all.indexOf(one) > all.indexOf(failed));
        assert.deepEqual(affected, all.filter(goesAlong));
      },
    ),
  );
});
