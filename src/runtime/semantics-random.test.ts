/** The promises that must hold whatever happens, under random work, failures, stops, schedules and passing time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { manualSystem, outcomeOf, type ScriptContext, type Scripted, scripted } from '../../test/kit/actors.ts';
import type { ActorRef } from '../actor/index.ts';

const ACTIONS = [
  'tell',
  'tell-async',
  'fail',
  'fail-async',
  'refuse',
  'ask',
  'ask-never',
  'relay',
  'stop',
  'kill',
  'end',
  'respawn',
  'child',
  'pass',
] as const;

const MEDDLING = ['nothing', 'kill', 'stop', 'tell', 'throw'] as const;

const step = fc.record({
  action: fc.constantFrom(...ACTIONS),
  actor: fc.nat(3),
  ms: fc.oneof(fc.nat(20), fc.nat(3_000)),
});

const options = {
  mailbox: { capacity: 5 },
  supervision: { restart: 'permanent', intensity: 3, periodMs: 1_000, backoffMinMs: 10 },
} as const;

/** Random work on four actors, which come and go. */
class World {
  readonly kit: ReturnType<typeof manualSystem>;
  readonly type = scripted({ stop: async () => this.sleep(5) });
  /** What observers do to what they observe, one after the other. */
  readonly meddling: (typeof MEDDLING)[number][];
  readonly refs: ActorRef<typeof Scripted>[] = [];
  readonly outcomes: Promise<unknown>[] = [];
  accepted = 0;
  completed = 0;

  /** @param seed Decides whose turn it is. */
  constructor(seed: number, meddling: readonly (typeof MEDDLING)[number][] = []) {
    this.kit = manualSystem((actor) => this.meddle(actor), seed);
    this.meddling = [...meddling];
    for (let i = 0; i < 4; i++) this.respawn(i);
  }

  meddle(actor: ActorRef): void {
    const what = this.meddling.pop();
    if (what === 'kill') actor.kill();
    else if (what === 'stop') void actor.stop({ deadlineMs: 20 });
    else if (what === 'tell') actor.tellOp('run', () => {});
    else if (what === 'throw') throw new Error('planted');
  }

  async act(action: (typeof ACTIONS)[number], actor: number, ms: number): Promise<void> {
    const ref = this.refs[actor] as ActorRef<typeof Scripted>;
    if (action === 'pass') await this.kit.clock.elapse(ms);
    else if (action === 'stop') void ref.stop({ deadlineMs: Math.max(1, ms) });
    else if (action === 'kill') ref.kill();
    else if (action === 'respawn') this.respawn(actor);
    else if (action.startsWith('ask') || action === 'relay') this.ask(ref, action, Math.max(1, ms));
    else this.tell(ref, action, ms);
  }

  respawn(actor: number): void {
    if (this.kit.system.lookup(`a${actor}`) !== undefined) return;
    this.refs[actor] = this.kit.system.spawn(this.type, `a${actor}`, options);
  }

  tell(ref: ActorRef<typeof Scripted>, action: string, ms: number): void {
    const fail = (): never => {
      throw new Error('planted');
    };
    const scripts: Record<string, (context: ScriptContext) => void | Promise<void>> = {
      tell: () => void this.completed++,
      'tell-async': async () => {
        await this.sleep(ms);
        this.completed++;
      },
      fail,
      'fail-async': () => this.sleep(ms).then(fail),
      refuse: (context) => context.refuse(new Error('planted') as never),
      end: (context) => {
        this.completed++;
        context.stop();
      },
      child: (context) => {
        this.completed++;
        context.spawn(this.type, undefined, options).tell.run(() => this.sleep(ms));
      },
    };
    if (ref.tell.run(scripts[action] as (context: ScriptContext) => void).ok) this.accepted++;
  }

  ask(ref: ActorRef<typeof Scripted>, action: string, timeoutMs: number): void {
    const scripts: Record<string, (context: ScriptContext) => unknown> = {
      ask: () => 'reply',
      'ask-never': () => new Promise(() => {}),
      relay: (context) => context.ref(this.refs[timeoutMs % 4] as ActorRef<typeof Scripted>).ask.call(() => 'relayed'),
    };
    this.outcomes.push(outcomeOf(ref.ask.call(scripts[action] as (context: ScriptContext) => unknown, { timeoutMs })));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.kit.clock.after(ms, resolve));
  }
}

test('S1, S6, S25: whatever happens, tells are handled or counted, asks settle, and a stop leaves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 50 }), fc.nat(), async (steps, seed) => {
      const world = new World(seed);
      for (const { action, actor, ms } of steps) await world.act(action, actor, ms);
      await world.kit.close();
      const parents = world.kit.letters.filter(({ kind, name }) => kind === 'tell' && /^a\d$/.test(name));
      // A handler that was killed while it waited goes on without a voice, and may complete: it was counted already.
      assert.ok(
        world.completed + parents.length >= world.accepted,
        `${world.completed} + ${parents.length} of ${world.accepted}`,
      );
      for (const outcome of await Promise.all(world.outcomes)) {
        assert.match(
          String(outcome),
          /^(reply|relayed|ASK_TIMEOUT|ASK_DEADLOCK|MAILBOX_FULL|ACTOR_STOPPED|ACTOR_FAILED)$/,
        );
      }
    }),
    { numRuns: 150, seed: 20_261_123 },
  );
});

test('S15, S25, S26: whatever observers do to what they observe, an actor ends once, and a stop leaves nothing', async () => {
  const meddling = fc.array(fc.constantFrom(...MEDDLING), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 50 }),
      fc.nat(),
      meddling,
      async (steps, seed, meddlings) => {
        const world = new World(seed, meddlings);
        for (const { action, actor, ms } of steps) {
          await world.act(action, actor, ms);
          const living = [...world.kit.system.actors()].map(({ name }) => name);
          assert.equal(new Set(living).size, world.kit.system.size, 'every actor is listed once');
        }
        await world.kit.close();
        for (const ref of world.refs) assert.equal(world.kit.system.info(ref).state, 'stopped');
        for (const outcome of await Promise.all(world.outcomes))
          assert.match(String(outcome), /^(reply|relayed|[A-Z_]+)$/);
      },
    ),
    { numRuns: 150, seed: 20_261_124 },
  );
});
