/** The promises of docs/explanation/semantics.md about failure, life and fairness: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, type ScriptContext, Scripted, scripted } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { createActorSystem } from './actor-system.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0 } } as const;
const fail = (): never => {
  throw new Error('planted');
};
const incarnationOf = (context: ScriptContext): number => context.state.incarnation;

test('S14: a failure drops the message, reports it, starts again from init, and keeps the mailbox', async () => {
  const { clock, system, letters, failures, started, close } = manualSystem();
  const ref = system.spawn(scripted(), 'worker', AT_ONCE);
  ref.tell.run((context) => void context.state.log.push('forgotten'));
  const asked = ref.ask.call(() => {
    throw new RuntimeError('MESSAGE_INVALID', 'Planted');
  });
  ref.tell.run(fail);
  const after = ref.ask.call((context) => [context.state.incarnation, context.state.log]);
  asked.catch(() => {});
  await clock.settle();
  await assert.rejects(asked, (error) => {
    assert.ok(RuntimeError.is(error, 'ACTOR_FAILED'));
    assert.deepEqual(error.details, { actor: 'worker', cause: 'MESSAGE_INVALID' });
    return true;
  });
  assert.deepEqual(await after, [3, []]);
  assert.deepEqual(
    letters.map(({ reason, kind }) => [reason, kind]),
    [
      ['failed', 'ask'],
      ['failed', 'tell'],
    ],
  );
  assert.deepEqual(
    failures.map(({ phase, directive }) => [phase, directive?.kind]),
    [
      ['message', 'restart'],
      ['message', 'restart'],
    ],
  );
  assert.deepEqual(started, ['worker', 'worker', 'worker']);
  const { failed, restarts, state, handled } = system.info(ref);
  assert.deepEqual({ failed, restarts, state, handled }, { failed: 2, restarts: 2, state: 'running', handled: 4 });
  await close();
});

test('S14: a handler that rejects after an await fails as one that throws', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), undefined, AT_ONCE);
  const asked = outcomeOf(
    ref.ask.call(async () => {
      await undefined;
      fail();
    }),
  );
  const after = ref.ask.call(incarnationOf);
  await clock.settle();
  assert.deepEqual([await asked, await after], ['ACTOR_FAILED', 2]);
  await close();
});

test('S14: siblings and senders notice nothing of a failure', async () => {
  const { clock, system, close } = manualSystem();
  const [bad, good] = [system.spawn(scripted()), system.spawn(scripted())];
  bad.tell.run((context) => {
    context.ref(good).tell.run(() => {});
    fail();
  });
  const answer = good.ask.call(incarnationOf);
  await clock.settle();
  assert.equal(await answer, 1);
  assert.equal(system.info(good).failed, 0);
  await close();
});

test('S15: restarts wait longer and longer; one more than the intensity allows ends the actor', async () => {
  const { clock, system, failures, close } = manualSystem();
  const options = { supervision: { intensity: 3, periodMs: 60_000, backoffMinMs: 100, backoffJitter: 0 } };
  const ref = system.spawn(scripted(), 'looping', options);
  const startsMs: number[] = [];
  for (let i = 0; i < 4; i++) {
    const seen = ref.ask.call(() => void startsMs.push(clock.nowMs()));
    assert.deepEqual(ref.tell.run(fail), { ok: true });
    await clock.elapse(0);
    await seen;
    assert.equal(system.info(ref).state, i < 3 ? 'restarting' : 'stopped');
    await clock.elapse(1_000);
  }
  assert.deepEqual(startsMs, [0, 1_000, 2_000, 3_000]);
  assert.deepEqual(
    failures.map(({ directive }) => directive),
    [
      { kind: 'restart', delayMs: 100 },
      { kind: 'restart', delayMs: 200 },
      { kind: 'restart', delayMs: 400 },
      { kind: 'escalate', restarts: 3, periodMs: 60_000 },
    ],
  );
  const termination = await ref.terminated;
  assert.equal(termination.kind, 'escalated');
  assert.equal(termination.error?.code, 'ACTOR_FAILED');
  assert.equal(system.lookup('looping'), undefined);
  await close();
});

test('S15: messages wait for an actor that backs off', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), undefined, { supervision: { backoffMinMs: 500, backoffJitter: 0 } });
  ref.tell.run(fail);
  await clock.settle();
  const waiting = ref.ask.call(() => clock.nowMs());
  await clock.elapse(1_000);
  assert.equal(await waiting, 500);
  await close();
});

test('S15: a permanent actor is started again when it ended itself; a temporary one never', async () => {
  const { clock, system, close } = manualSystem();
  let stops = 0;
  const type = scripted({ stop: () => void stops++ });
  const permanent = system.spawn(type, undefined, { supervision: { restart: 'permanent', backoffMinMs: 0 } });
  permanent.tell.run((context) => context.stop());
  const after = permanent.ask.call(incarnationOf);
  await clock.settle();
  assert.equal(await after, 2);
  assert.equal(stops, 1);
  const temporary = system.spawn(type, undefined, { supervision: { restart: 'temporary' } });
  temporary.tell.run(fail);
  await clock.settle();
  assert.equal((await temporary.terminated).kind, 'failed');
  await close();
});

test('S16: a child that escalates fails its parent, unless the parent watches it', async () => {
  const { clock, system, failures, close } = manualSystem();
  const once = { supervision: { intensity: 0 } };
  for (const watches of [false, true]) {
    const parent = system.spawn(scripted(), watches ? 'watching' : 'plain', AT_ONCE);
    parent.tell.run((context) => {
      const child = context.spawn(scripted(), 'child', once);
      if (watches) context.watch(child);
      child.tell.run(fail);
    });
    await clock.settle();
    const seen = parent.ask.call((context) => [context.state.incarnation, context.state.log.length]);
    await clock.settle();
    assert.deepEqual(await seen, watches ? [1, 1] : [2, 0]);
  }
  assert.deepEqual(
    failures.map(({ actor, phase }) => [actor.name, phase]),
    [
      ['plain/child', 'message'],
      ['plain', 'child'],
      ['watching/child', 'message'],
    ],
  );
  await close();
});

test('S17: what an incarnation that is over still sends is refused', async () => {
  const { clock, system, close } = manualSystem();
  const [sender, target] = [system.spawn(scripted()), system.spawn(scripted())];
  const open = gate();
  let seen: unknown[] = [];
  sender.tell.run(async (context) => {
    const bound = context.ref(target);
    await open.promise;
    const told = bound.tell.run(() => {});
    const toldOp = bound.tellOp('run', () => {});
    seen = [told, toldOp].map((result) => !result.ok && result.error.code);
    seen.push(await outcomeOf(bound.ask.call(() => 1)), context.publish('a', 1));
    assert.throws(
      () => context.spawn(scripted()),
      (error) => RuntimeError.is(error, 'ACTOR_STOPPED'),
    );
    context.stop();
    seen.push('to the end');
  });
  await clock.settle();
  sender.kill();
  open.resolve();
  await clock.settle();
  assert.deepEqual(seen, ['ACTOR_STOPPED', 'ACTOR_STOPPED', 'ACTOR_STOPPED', 0, 'to the end']);
  assert.equal(system.info(target).handled, 0);
  await close();
});

test('S18: a refusal is an answer, not a failure', async () => {
  const { clock, system, letters, failures, close } = manualSystem();
  const ref = system.spawn(scripted());
  const error = new RuntimeError('CAPABILITY_DENIED', 'Not for you');
  const asked = [
    ref.ask.call((context) => context.refuse(error)),
    ref.ask.call(async (context) => {
      await undefined;
      context.refuse(error);
    }),
    ref.ask.call((context) => context.refuse('Cannot charge: the limit is reached', { limit: 5 })),
  ].map(outcomeOf);
  ref.tell.run((context) => context.refuse(error));
  const after = ref.ask.call(incarnationOf);
  await clock.settle();
  assert.deepEqual(await Promise.all(asked), ['CAPABILITY_DENIED', 'CAPABILITY_DENIED', 'MESSAGE_REFUSED']);
  assert.equal(await after, 1);
  assert.deepEqual(
    letters.map(({ reason, error }) => [reason, error?.code]),
    [['refused', 'CAPABILITY_DENIED']],
  );
  assert.equal(failures.length, 0);
  await close();
});

test('S19: spawn gives a reference at once; what is sent waits until init is done', async () => {
  const { clock, system, close } = manualSystem();
  const open = gate();
  const ref = system.spawn(scripted({ init: () => open.promise }), 'slow');
  const reply = ref.ask.call(incarnationOf);
  let isReady = false;
  const ready = ref.ready.then(() => {
    isReady = true;
  });
  await clock.settle();
  assert.equal(isReady, false);
  assert.equal(system.info(ref).state, 'starting');
  open.resolve();
  await clock.settle();
  assert.equal(await reply, 1);
  await ready;
  await ref.ready;
  await close();
});

test('S19: a start that fails or takes too long rejects ready, and the supervisor decides', async () => {
  const { clock, system, failures, close } = manualSystem();
  const failing = system.spawn(scripted({ init: fail }), 'failing', { supervision: { intensity: 0 } });
  assert.equal(await settled(clock, failing.ready), 'ACTOR_START_FAILED');
  assert.equal((await failing.terminated).kind, 'escalated');
  assert.equal(await outcomeOf(failing.ready), 'ACTOR_STOPPED');

  let starts = 0;
  const open = gate();
  const init = () => (starts++ === 0 ? open.promise : undefined);
  const hanging = system.spawn(scripted({ init }), 'hanging', { startTimeoutMs: 1_000, ...AT_ONCE });
  const ready = outcomeOf(hanging.ready);
  const reply = hanging.ask.call(incarnationOf);
  await clock.elapse(1_010);
  assert.equal(await ready, 'ACTOR_START_FAILED');
  assert.equal(await reply, 2);
  // The first start comes to its end after all: nobody listens any more.
  open.resolve();
  await clock.settle();
  assert.equal(system.info(hanging).restarts, 1);
  assert.deepEqual(
    failures.map(({ phase }) => phase),
    ['start', 'start'],
  );
  await close();
});

async function settled(clock: { settle(): Promise<void> }, promise: Promise<unknown>): Promise<unknown> {
  const outcome = outcomeOf(promise);
  await clock.settle();
  return outcome;
}

test('S20: stop finishes the current message, stops the children, runs the hook, and buries the rest', async () => {
  const { clock, system, letters, close } = manualSystem();
  const seen: string[] = [];
  const open = gate();
  const child = scripted({ stop: () => void seen.push('child') });
  const ref = system.spawn(
    scripted({
      stop: async () => {
        await undefined;
        seen.push('parent');
      },
    }),
    'parent',
  );
  ref.tell.run(async (context) => {
    context.spawn(child, 'one');
    context.spawn(child, 'two');
    await open.promise;
    seen.push('message');
  });
  await clock.settle();
  ref.tell.run(() => void seen.push('never'));
  const stopped = ref.stop();
  const late = ref.tell.run(() => {});
  assert.ok(!late.ok && late.error.code === 'ACTOR_STOPPED');
  await clock.settle();
  assert.deepEqual(seen, []);
  assert.equal(system.lookup('parent/one')?.name, 'parent/one');
  open.resolve();
  await clock.settle();
  await stopped;
  assert.deepEqual(seen, ['message', 'child', 'child', 'parent']);
  assert.deepEqual(
    letters.map(({ reason }) => reason),
    ['stopped'],
  );
  assert.deepEqual(await ref.terminated, { kind: 'stopped' });
  assert.equal(system.size, 0);
  await ref.stop();
  await close();
});

test('S20: what does not stop within its deadline is killed, hooks that hang included', async () => {
  const { clock, system, close } = manualSystem();
  const busy = system.spawn(scripted(), 'busy');
  busy.tell.run(() => gate().promise);
  const hook = system.spawn(scripted({ stop: () => gate().promise }), 'hook');
  const starting = system.spawn(scripted({ init: () => gate().promise }), 'starting');
  await clock.settle();
  for (const ref of [busy, hook, starting]) {
    const stopped = ref.stop({ deadlineMs: 300 });
    void ref.stop({ deadlineMs: 60_000 });
    await clock.elapse(310);
    await stopped;
    const { kind, error } = await ref.terminated;
    assert.equal(kind, 'killed');
    assert.match(error?.message ?? '', /did not stop within 300 ms/);
  }
  await assert.rejects(busy.stop({ deadlineMs: 0 }), RangeError);
  await close();
});

test('S20: a stop hook that throws is reported and changes nothing', async () => {
  const { clock, system, failures, close } = manualSystem();
  for (const stop of [fail, async () => fail()]) {
    const ref = system.spawn(scripted({ stop }));
    await clock.settle();
    assert.equal(await settled(clock, ref.stop()), undefined);
    assert.deepEqual(await ref.terminated, { kind: 'stopped' });
  }
  assert.deepEqual(
    failures.map(({ phase, directive }) => [phase, directive]),
    [
      ['stop', undefined],
      ['stop', undefined],
    ],
  );
  await close();
});

test('S20: stopping an actor that backs off or has not started yet ends it at once, without its hook', async () => {
  const { clock, system, close } = manualSystem();
  let hooks = 0;
  const type = scripted({ stop: () => void hooks++ });
  const fresh = system.spawn(type);
  assert.equal(await settled(clock, fresh.stop()), undefined);
  const failed = system.spawn(type, undefined, { supervision: { backoffMinMs: 1_000 } });
  failed.tell.run(fail);
  await clock.settle();
  assert.equal(await settled(clock, failed.stop()), undefined);
  assert.equal(hooks, 0);
  assert.equal(system.pendingTimers, 0);
  await close();
});

test('S21: a kill ends an actor and all below it at once; its handler can do no more', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(scripted(), 'a');
  ref.tell.run((context) => {
    context.spawn(scripted(), 'b').tell.run((inB) => void inB.spawn(scripted(), 'c'));
  });
  await clock.settle();
  ref.tell.run(() => gate().promise);
  ref.tell.run(() => {});
  await clock.settle();
  assert.deepEqual([...system.actors()].map(({ name }) => name).sort(), ['a', 'a/b', 'a/b/c']);
  ref.kill();
  assert.equal(system.size, 0);
  assert.equal(letters.length, 2, 'the message in hand and the one that waits');
  assert.deepEqual(await ref.terminated, { kind: 'killed' });
  await close();
});

test('S21: an actor that kills itself, or its parent, from within ends when its handler returns', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), 'a');
  let after = 0;
  ref.tell.run((context) => {
    context.self.kill();
    after++;
  });
  ref.tell.run(() => void after++);
  await clock.settle();
  assert.equal(after, 1);
  assert.equal((await ref.terminated).kind, 'killed');

  const parent = system.spawn(scripted(), 'parent');
  parent.tell.run((context) => void context.spawn(scripted()).tell.run(async () => parent.kill()));
  await clock.settle();
  assert.equal(system.size, 0);
  await close();
});

test('S22: watchers are told once how an actor ended, also when it has ended before', async () => {
  const { clock, system, close } = manualSystem();
  const watcher = system.spawn(scripted(), 'watcher');
  const [killed, failing, stopped, ignored] = ['killed', 'failing', 'stopped', 'ignored'].map((name) =>
    system.spawn(scripted(), name, { supervision: { restart: 'temporary' } }),
  ) as ActorRef<typeof Scripted>[];
  watcher.tell.run((context) => {
    for (const ref of [killed, failing, stopped, ignored]) context.watch(ref as ActorRef);
    context.watch(killed as ActorRef);
    context.unwatch(ignored as ActorRef);
  });
  await clock.settle();
  failing?.tell.run(fail);
  stopped?.tell.run((context) => context.stop());
  killed?.kill();
  ignored?.kill();
  await clock.settle();
  watcher.tell.run((context) => context.watch(killed as ActorRef));
  await clock.settle();
  const log = watcher.ask.call((context) => context.state.log);
  await clock.settle();
  const told = (await log) as { ref: ActorRef; termination: { kind: string } }[];
  assert.deepEqual(told.map(({ ref, termination }) => [ref.name, termination.kind]).sort(), [
    ['failing', 'failed'],
    ['killed', 'killed'],
    ['killed', 'killed'],
    ['stopped', 'stopped'],
  ]);
  await close();
});

test('S22: a restart forgets what was watched, and is not an end for those who watch', async () => {
  const { clock, system, close } = manualSystem();
  const [watcher, watched] = [
    system.spawn(scripted(), 'watcher', AT_ONCE),
    system.spawn(scripted(), 'watched', AT_ONCE),
  ];
  watcher.tell.run((context) => context.watch(watched));
  watched.tell.run(fail);
  await clock.settle();
  const before = watcher.ask.call((context) => context.state.log.length);
  watcher.tell.run(fail);
  await clock.settle();
  watched.kill();
  const after = watcher.ask.call((context) => [context.state.incarnation, context.state.log.length]);
  await clock.settle();
  assert.deepEqual([await before, await after], [0, [2, 0]]);
  await close();
});

test('S22: a terminated handler may await, and may fail, as any other', async () => {
  const { clock, system, close } = manualSystem();
  const Watching = protocol('test:watching', {
    tell: { watch: type<ActorRef>() },
    ask: { seen: { in: type<void>(), out: type<string[]>() } },
  });
  const seen: string[] = [];
  const watching = implement(Watching, {
    init: () => undefined,
    tell: { watch: (context, ref) => context.watch(ref) },
    ask: { seen: () => seen },
    terminated: (context, { ref }) => {
      seen.push(ref.name);
      if (ref.name === 'sync') context.refuse(new RuntimeError('MESSAGE_INVALID', 'Not a message'));
      return Promise.resolve().then(() => (ref.name === 'async' ? fail() : undefined));
    },
  });
  const watcher = system.spawn(watching, 'watcher', AT_ONCE);
  for (const [i, name] of ['fine', 'async', 'sync'].entries()) {
    const ref = system.spawn(scripted(), name);
    watcher.tell.watch(ref);
    await clock.settle();
    ref.kill();
    const reply = watcher.ask.seen();
    await clock.settle();
    assert.equal((await reply).length, i + 1);
  }
  assert.equal(system.info(watcher).restarts, 2);
  await close();
});

test('S22: a stop or kill that comes with a death notice comes first', async () => {
  const { clock, system, close } = manualSystem();
  for (const end of [(ref: ActorRef) => void ref.stop(), (ref: ActorRef) => ref.kill()]) {
    const watcher = system.spawn(scripted());
    const watched = [system.spawn(scripted()), system.spawn(scripted())];
    const open = gate();
    watcher.tell.run((context) => {
      for (const ref of watched) context.watch(ref);
    });
    await clock.settle();
    watcher.tell.run(async (context) => {
      await open.promise;
      for (const ref of watched) ref.kill();
      end(context.self);
    });
    await clock.settle();
    open.resolve();
    await clock.settle();
    assert.notEqual(system.info(watcher).state, 'running');
  }
  await close();
});

test('S22: an actor without a terminated handler cannot watch', async () => {
  const { clock, system, close } = manualSystem();
  const Plain = protocol('test:plain', { tell: { watch: type<ActorRef>() } });
  const thrown: unknown[] = [];
  const plain = implement(Plain, {
    init: () => undefined,
    tell: {
      watch: (context, ref) => {
        try {
          context.watch(ref);
        } catch (error) {
          thrown.push(error);
        }
      },
    },
  });
  system.spawn(plain).tell.watch(system.spawn(scripted()));
  await clock.settle();
  assert.ok(thrown[0] instanceof TypeError);
  await close();
});

test('S23: a name belongs to one living actor, is well-formed, and is free after its end', async () => {
  const { clock, system, close } = manualSystem();
  const first = system.spawn(scripted(), 'orders/7');
  assert.throws(
    () => system.spawn(scripted(), 'orders/7'),
    (error) => RuntimeError.is(error, 'NAME_TAKEN'),
  );
  for (const name of ['', 'A', 'a//b', '/a', 'a/', '..', '.a', 'a b', '~1', 'ü', `a${'a'.repeat(255)}`]) {
    assert.throws(
      () => system.spawn(scripted(), name),
      (error) => RuntimeError.is(error, 'NAME_INVALID'),
      name,
    );
  }
  assert.equal(system.size, 1);
  assert.equal(system.lookup('orders/7'), first);
  assert.equal(system.lookup('orders/7', Scripted), first);
  const Other = protocol('test:other', {});
  assert.throws(
    () => system.lookup('orders/7', Other),
    (error) => RuntimeError.is(error, 'PROTOCOL_INVALID'),
  );
  first.kill();
  assert.equal(system.lookup('orders/7'), undefined);
  const second = system.spawn(scripted(), 'orders/7');
  assert.notEqual(second, first);
  assert.match(system.spawn(scripted()).name, /^~\d+$/);
  await clock.settle();
  await close();
});

test('S23: a stopping actor has no more children', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), 'parent');
  const open = gate();
  const outcome = ref.ask.call(async (context) => {
    await open.promise;
    return outcomeOf((async () => context.spawn(scripted()))());
  });
  await clock.settle();
  void ref.stop();
  open.resolve();
  await clock.settle();
  assert.equal(await outcome, 'ACTOR_STOPPED');
  assert.equal(system.size, 0);
  await close();
});

test('S23: an actor that could not be spawned leaves nothing behind', async () => {
  const { system, close } = manualSystem();
  const wrong = [
    { mailbox: { capacity: 0 } },
    { supervision: { intensity: -1 } },
    { startTimeoutMs: 0 },
    { subscribe: { 'a..b': 'run' } },
    { subscribe: { a: 'rum' } },
    { subscribe: ['a'] },
  ];
  for (const options of wrong) assert.throws(() => system.spawn(scripted(), 'x', options), JSON.stringify(options));
  assert.equal(system.size, 0);
  assert.equal(system.lookup('x'), undefined);
  assert.equal(
    system.publish('a', () => {}),
    0,
  );
  await close();
});

test('S24: a busy actor does not hold up the others', async () => {
  const { clock, system, close } = manualSystem();
  const [flooded, other] = [system.spawn(scripted()), system.spawn(scripted())];
  const seen: string[] = [];
  // What is not known to be quick gets shorter turns.
  for (let i = 0; i < 1_000; i++) flooded.tell.run(() => {});
  await clock.settle();
  for (let i = 0; i < 1_000; i++) flooded.tell.run(() => void seen.push('flooded'));
  other.tell.run(() => void seen.push('other'));
  await clock.settle();
  assert.equal(seen.indexOf('other'), 64);
  await close();
});

test('S24: actors that never stop sending do not keep I/O from its turn', async () => {
  await using system = createActorSystem();
  const [ping, pong] = [system.spawn(scripted()), system.spawn(scripted())];
  let rounds = 0;
  let isOver = false;
  const play = (partner: ActorRef<typeof Scripted>, back: ActorRef<typeof Scripted>) => (context: ScriptContext) => {
    rounds++;
    if (!isOver) context.ref(partner).tell.run(play(back, partner));
  };
  // One endless pair in turns, one actor that asks for ever in microtasks.
  ping.tell.run(play(pong, ping));
  const asker = system.spawn(scripted());
  const asked = system.spawn(scripted());
  asker.tell.run(async (context) => {
    const ref = context.ref(asked);
    while (!isOver) await ref.ask.call(() => 1);
  });
  const startMs = performance.now();
  let longestMs = 0;
  for (let pass = 0; pass < 30; pass++) {
    const passMs = performance.now();
    await new Promise<void>((resolve) => setImmediate(resolve));
    longestMs = Math.max(longestMs, performance.now() - passMs);
  }
  isOver = true;
  assert.ok(rounds > 100, `${rounds} rounds`);
  assert.ok(performance.now() - startMs < 5_000 && longestMs < 1_000, `${longestMs} ms in one pass`);
});

test('S25: a system that has stopped has nothing left: actors, timers, waits', async () => {
  const { clock, system, close } = manualSystem();
  const refs = Array.from({ length: 50 }, (_, i) => system.spawn(scripted(), `a${i}`));
  const outcomes: Promise<unknown>[] = [];
  for (const [i, ref] of refs.entries()) {
    if (i % 4 === 0) ref.tell.run(fail);
    if (i % 4 === 1) ref.tell.run((context) => void context.spawn(scripted(), 'child'));
    outcomes.push(
      outcomeOf(
        ref.ask.call(async (context) =>
          context.ref(refs[(i + 1) % 50] as ActorRef<typeof Scripted>).ask.call(() => gate().promise),
        ),
      ),
    );
    ref.on.happened();
  }
  await clock.settle();
  assert.ok(system.pendingTimers > 50);
  const stopped = system.stop({ deadlineMs: 1_000 });
  assert.equal(system.stop(), stopped);
  assert.throws(
    () => system.spawn(scripted()),
    (error) => RuntimeError.is(error, 'SYSTEM_STOPPED'),
  );
  await clock.elapse(1_010);
  await stopped;
  assert.equal(system.size, 0);
  assert.equal(system.pendingTimers, 0);
  assert.equal(clock.pendingTimers, 0);
  for (const outcome of await Promise.all(outcomes)) assert.match(String(outcome), /^(ACTOR_STOPPED|ACTOR_FAILED)$/);
  await close();
});

test('S25: a deep tree and a wide one stop without exhausting the call stack', async () => {
  const { clock, system, close } = manualSystem();
  const member = scripted();
  const grow = (depth: number) => (context: ScriptContext) => {
    if (depth > 0) context.spawn(member).tell.run(grow(depth - 1));
  };
  system.spawn(member).tell.run(grow(20_000));
  system.spawn(member).tell.run((context) => {
    for (let i = 0; i < 20_000; i++) context.spawn(member);
  });
  await clock.settle();
  assert.equal(system.size, 40_002);
  await close();
});

test('S25: leaving the scope of a system stops it', async () => {
  let stops = 0;
  {
    await using system = createActorSystem();
    const ref = system.spawn(scripted({ stop: () => void stops++ }));
    await ref.ready;
  }
  assert.equal(stops, 1);
});

test('S26: observers that throw harm nothing', async () => {
  const { clock, system, close } = manualSystem();
  const unsubscribe = system.deadLetters.subscribe(fail);
  const noisy = createActorSystem({ clock, onFailure: fail, onStarted: fail, onDeadLetter: fail });
  for (const each of [system, noisy]) {
    const ref = each.spawn(scripted(), undefined, AT_ONCE);
    ref.tell.run(fail);
    const after = ref.ask.call(incarnationOf);
    await clock.settle();
    assert.equal(await after, 2);
  }
  unsubscribe();
  await settled(clock, noisy.stop());
  await close();
});

test('S26: implement refuses what does not fit its protocol, with the name that comes close', () => {
  const Protocol = protocol('test:p', { tell: { add: type<number>() } });
  const wrong = { init: () => 0, tell: { ad: () => {} } } as unknown as {
    init: () => number;
    tell: { add: () => void };
  };
  assert.throws(() => implement(Protocol, wrong), /tell "add" has no handler/);
  const spare = { init: () => 0, tell: { add: () => {}, addd: () => {} } };
  assert.throws(() => implement(Protocol, spare), /no tell "addd"; did you mean "add"/);
  for (const name of ['', 'a b', '-a', 'a'.repeat(256)]) {
    assert.throws(
      () => protocol(name, {}),
      (error) => RuntimeError.is(error, 'PROTOCOL_INVALID'),
    );
  }
  for (const name of ['then', 'constructor', '__proto__', '', 'a'.repeat(256)]) {
    const tell = Object.fromEntries([[name, type<void>()]]);
    assert.throws(
      () => protocol('test:q', { tell }),
      (error) => RuntimeError.is(error, 'PROTOCOL_INVALID'),
      name,
    );
  }
});
