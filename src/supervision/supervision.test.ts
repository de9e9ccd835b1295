import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, type SupervisionEvent, type SupervisionState, UNHARMED } from './decide.ts';
import { affectedBy, decideInGroup, type MemberState, UNHARMED_GROUP, UNHARMED_MEMBER } from './group.ts';
import {
  type RestartType,
  type Strategy,
  type SupervisionOptions,
  toGroupPolicy,
  toSupervisionPolicy,
} from './options.ts';

const failedAt = (atMs: number): SupervisionEvent => ({ kind: 'failed', atMs, chance: 0 });

test('toSupervisionPolicy fills in the documented defaults, also for undefined', () => {
  const expected = {
    restart: 'transient',
    quarantineMs: 0,
    stuckAfterMs: 0,
    intensity: 5,
    periodMs: 10_000,
    backoff: { minMs: 50, maxMs: 5_000, factor: 2, jitter: 0.2 },
  };
  assert.deepEqual(toSupervisionPolicy(), expected);
  assert.deepEqual(toSupervisionPolicy({ intensity: undefined } as unknown as SupervisionOptions), expected);
});

test('toSupervisionPolicy refuses what is out of range by name', () => {
  const wrong: Record<string, unknown>[] = [
    { restart: 'always' },
    { intensity: -1 },
    { intensity: 1.5 },
    { intensity: 1_001 },
    { periodMs: 0 },
    { backoffMinMs: -1 },
    { backoffMinMs: 100, backoffMaxMs: 50 },
    { backoffFactor: 0.5 },
    { backoffJitter: 1.1 },
    { backoffJitter: '0' },
  ];
  for (const options of wrong) {
    assert.throws(() => toSupervisionPolicy(options as SupervisionOptions), RangeError, JSON.stringify(options));
  }
});

test('decide restarts by restart type', () => {
  const expected: Record<RestartType, Record<'failed' | 'ended', string>> = {
    permanent: { failed: 'restart', ended: 'restart' },
    transient: { failed: 'restart', ended: 'stop' },
    temporary: { failed: 'stop', ended: 'stop' },
  };
  for (const restart of ['permanent', 'transient', 'temporary'] as const) {
    for (const kind of ['failed', 'ended'] as const) {
      const { directive } = decide(toSupervisionPolicy({ restart }), UNHARMED, { kind, atMs: 0, chance: 0 });
      assert.equal(directive.kind, expected[restart][kind], `${restart} ${kind}`);
    }
  }
});

test('decide waits longer from restart to restart, then escalates', () => {
  const policy = toSupervisionPolicy({ intensity: 3, periodMs: 1_000 });
  let state: SupervisionState = UNHARMED;
  const seen: unknown[] = [];
  for (const atMs of [0, 60, 170, 400]) {
    const decision = decide(policy, state, failedAt(atMs));
    state = decision.state;
    seen.push(decision.directive);
  }
  assert.deepEqual(seen, [
    { kind: 'restart', delayMs: 50 },
    { kind: 'restart', delayMs: 100 },
    { kind: 'restart', delayMs: 200 },
    { kind: 'escalate', restarts: 3, periodMs: 1_000 },
  ]);
});

test('decide begins again with the smallest wait after a healthy period', () => {
  const policy = toSupervisionPolicy({ periodMs: 1_000, backoffJitter: 0 });
  let { state } = decide(policy, UNHARMED, failedAt(0));
  ({ state } = decide(policy, state, failedAt(100)));
  const { directive } = decide(policy, state, failedAt(1_200));
  assert.deepEqual(directive, { kind: 'restart', delayMs: 50 });
});

test('decide escalates at once when no restart is allowed', () => {
  const { directive } = decide(toSupervisionPolicy({ intensity: 0 }), UNHARMED, failedAt(5));
  assert.deepEqual(directive, { kind: 'escalate', restarts: 0, periodMs: 10_000 });
});

test('decide never allows more restarts than intensity in any period, and keeps waits within bounds', () => {
  const events = fc.array(
    fc.record({ waitMs: fc.nat(2_000), chance: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(fc.nat(6), fc.integer({ min: 1, max: 5_000 }), events, (intensity, periodMs, steps) => {
      const policy = toSupervisionPolicy({ intensity, periodMs, backoffMinMs: 10, backoffMaxMs: 300 });
      let state: SupervisionState = UNHARMED;
      let nowMs = 0;
      const restartsMs: number[] = [];
      for (const { waitMs, chance } of steps) {
        nowMs += waitMs;
        const decision = decide(policy, state, { kind: 'failed', atMs: nowMs, chance });
        state = decision.state;
        assert.ok(state.restartsMs.length <= intensity);
        if (decision.directive.kind !== 'restart') continue;
        const { delayMs } = decision.directive;
        assert.ok(delayMs >= 8 && delayMs <= 300, `${delayMs}`);
        nowMs += delayMs;
        restartsMs.push(nowMs);
        const within = restartsMs.filter((restartMs) => nowMs - restartMs < periodMs);
        assert.ok(within.length <= intensity, `${within.length} restarts in ${periodMs} ms`);
      }
    }),
  );
});

test('toGroupPolicy fills in one-for-one and refuses unknown strategies', () => {
  const { strategy, intensity, periodMs } = toGroupPolicy();
  assert.deepEqual({ strategy, intensity, periodMs }, { strategy: 'one-for-one', intensity: 5, periodMs: 10_000 });
  assert.throws(() => toGroupPolicy({ strategy: 'simple-one-for-one' as Strategy }), /"one-for-one", "one-for-all"/);
});

test('affectedBy names those that are started again with the one that failed', () => {
  const members = ['a', 'b', 'c', 'd'];
  const expected: Record<Strategy, string[]> = {
    'one-for-one': ['b'],
    'one-for-all': ['a', 'b', 'c', 'd'],
    'rest-for-one': ['b', 'c', 'd'],
  };
  for (const [strategy, affected] of Object.entries(expected)) {
    assert.deepEqual(affectedBy(strategy as Strategy, members, 'b'), affected, strategy);
  }
});

test('decideInGroup counts restarts over all members and lets each have waits of its own', () => {
  const policy = toGroupPolicy({ intensity: 3, periodMs: 1_000 });
  const members: Record<string, MemberState> = { a: UNHARMED_MEMBER, b: UNHARMED_MEMBER };
  let group = UNHARMED_GROUP;
  const seen: unknown[] = [];
  for (const [name, atMs] of [
    ['a', 0],
    ['a', 60],
    ['b', 170],
    ['b', 400],
  ] as const) {
    const member = members[name] as MemberState;
    const decision = decideInGroup(
      policy,
      { group, member },
      { kind: 'failed', restart: 'transient', atMs, chance: 0 },
    );
    group = decision.group;
    members[name] = decision.member;
    seen.push(decision.directive);
  }
  assert.deepEqual(seen, [
    { kind: 'restart', delayMs: 50 },
    { kind: 'restart', delayMs: 100 },
    { kind: 'restart', delayMs: 50 },
    { kind: 'escalate', restarts: 3, periodMs: 1_000 },
  ]);
});

test('decideInGroup never allows more restarts than intensity in any period, whoever fails', () => {
  const step = fc.record({ who: fc.nat(3), waitMs: fc.nat(500) });
  fc.assert(
    fc.property(
      fc.nat(6),
      fc.integer({ min: 1, max: 5_000 }),
      fc.array(step, { maxLength: 60 }),
      (intensity, periodMs, steps) => {
        const policy = toGroupPolicy({ intensity, periodMs, backoffMinMs: 0 });
        const members: MemberState[] = [0, 1, 2, 3].map(() => UNHARMED_MEMBER);
        let group = UNHARMED_GROUP;
        let nowMs = 0;
        const restartsMs: number[] = [];
        for (const { who, waitMs } of steps) {
          nowMs += waitMs;
          const member = members[who] as MemberState;
          const event = { kind: 'failed', restart: 'permanent', atMs: nowMs, chance: 0 } as const;
          const decision = decideInGroup(policy, { group, member }, event);
          group = decision.group;
          members[who] = decision.member;
          assert.ok(group.restartsMs.length <= intensity);
          if (decision.directive.kind === 'restart') restartsMs.push(nowMs);
          const within = restartsMs.filter((restartMs) => nowMs - restartMs < periodMs).length;
          assert.ok(within <= intensity);
          if (decision.directive.kind === 'escalate') assert.equal(within, intensity);
        }
      },
    ),
  );
});
