/** The promises of docs/explanation/semantics.md, kept against names, hooks and observers that make trouble. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { behavior, gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import {
  type ActorRef,
  type ActorSystemOptions,
  type BehaviorContext,
  type Context,
  type DeadLetter,
  defineActorType,
  implement,
  protocol,
  type StandardSchema,
  type TerminatedEvent,
  type,
} from '../actor/index.ts';
import { ManualClock } from '../time/index.ts';
import { createActorSystem } from './actor-system.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0 } } as const;
const fail = (): never => {
  throw new Error('planted');
};
const failLate = async (): Promise<void> => {
  await undefined;
  fail();
};

/** A system with observers of its own, and an actor beside the one under test, which must notice nothing. */
function observedSystem(options: ActorSystemOptions) {
  const clock = new ManualClock();
  const system = createActorSystem({ ...options, clock });
  const witness = system.spawn(scripted(), 'witness');
  /** Checks that `ref` has ended, once and for good, and that nothing else has. */
  const assertEnded = async (ref: ActorRef, kind: string): Promise<void> => {
    await clock.elapse(30_000);
    assert.equal(system.info(ref).state, 'stopped');
    assert.deepEqual(await ref.terminated.then((termination) => termination.kind), kind);
    assert.deepEqual(
      [...system.actors()].map(({ name }) => name),
      ['witness'],
    );
    assert.equal(system.info(witness).state, 'running');
    assert.equal(system.pendingTimers, 0);
    const stopped = system.stop();
    await clock.settle();
    await stopped;
  };
  return { clock, system, assertEnded };
}

/** Rejections that nobody handles, from now to the end of the test: by default, each ends the process. */
function noteRejections(context: TestContext): readonly unknown[] {
  const rejections: unknown[] = [];
  const note = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', note);
  context.after(() => process.off('unhandledRejection', note));
  return rejections;
}

/** Names that plain objects, or our own, might have a use for. */
const AWKWARD_NAMES = [
  'cell',
  'sender',
  'headers',
  'target',
  'bind',
  'request',
  'listen',
  'toString',
  'hasOwnProperty',
];

test('S1: operations and events may have any name that is not reserved', async () => {
  const { clock, system, close } = manualSystem();
  for (const name of AWKWARD_NAMES) {
    const Awkward = protocol('test:awkward', { tell: { [name]: type<string>() }, event: { [name]: type<string>() } });
    const Question = protocol('test:question', { ask: { [name]: { in: type<string>(), out: type<string>() } } });
    const ref = system.spawn(
      implement(Awkward, {
        init: () => undefined,
        tell: { [name]: (context: Context<typeof Awkward>, payload: string) => context.emit[name]?.(payload) },
      }),
    );
    const asked = system.spawn(
      implement(Question, { init: () => undefined, ask: { [name]: (_: unknown, payload: string) => payload } }),
    );
    const events = ref.on[name]?.();
    const relay = system.spawn(scripted());
    ref.tell[name]?.('first');
    relay.tell.run((context) => void context.ref(ref as ActorRef<typeof Awkward>).tell[name]?.('second'));
    const reply = asked.ask[name]?.('third');
    await clock.settle();
    assert.deepEqual(
      [await events?.next(), await events?.next()].map((event) => event?.value),
      ['first', 'second'],
    );
    assert.equal(await reply, 'third');
  }
  await close();
});

test('S1: the message in hand of an actor that is killed is a dead letter, payload and all', async () => {
  const { clock, system, letters, close } = manualSystem();
  const open = defineActorType({
    name: 'open',
    operations: 'any',
    create: () => behavior({ run: (turn) => (turn.take() === undefined ? undefined : new Promise(() => {})) }),
  });
  const [suspended, own, ofBehavior] = [system.spawn(scripted()), system.spawn(scripted()), system.spawn(open)];
  const forEver = (): Promise<void> => new Promise(() => {});
  const killSelf = (context: ScriptContext): Promise<void> => {
    context.self.kill();
    return forEver();
  };
  suspended.tell.run(forEver);
  own.tell.run(killSelf);
  ofBehavior.tellOp('work', 'payload');
  await clock.settle();
  suspended.kill();
  ofBehavior.kill();
  assert.deepEqual(
    letters.map(({ reason, payload }) => [reason, payload]),
    [
      ['stopped', killSelf],
      ['stopped', forEver],
      ['stopped', 'payload'],
    ],
  );
  await close();
});

test('S6: the time of an ask counts from the end of the turn that asked at the latest, wherever it waits', async () => {
  const { clock, system, close } = manualSystem();
  const [asker, busy] = [system.spawn(scripted()), system.spawn(scripted())];
  busy.tell.run(() => new Promise(() => {}));
  await clock.settle();
  const settledMs: number[] = [];
  const ask = (ref: { readonly ask: typeof busy.ask }): Promise<unknown> =>
    outcomeOf(ref.ask.call(() => 1, { timeoutMs: 50 })).then(() => settledMs.push(clock.nowMs()));
  void ask(busy);
  asker.tell.run((context) => {
    void ask(context.ref(busy));
    clock.advanceOnly(1_000);
  });
  await clock.elapse(2_000);
  const [fromOutside, fromWithin] = settledMs as [number, number];
  assert.ok(fromOutside >= 50 && fromWithin >= 1_000 && fromWithin <= 1_054, `${settledMs}`);
  await close();
});

test('S8: an ask that was given up before its time counts is dropped unread too', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(scripted());
  const abort = new AbortController();
  let read = 0;
  const outcome = outcomeOf(ref.ask.call(() => read++, { signal: abort.signal }));
  abort.abort();
  await clock.settle();
  assert.deepEqual([await outcome, read, letters.map(({ reason }) => reason)], ['ASK_CANCELLED', 0, ['expired']]);
  await close();
});

test('S9: an ask of init, of a notice or of a stop hook that would wait in a circle is refused too', async () => {
  const { clock, system, close } = manualSystem();
  const Self = protocol('test:self', { ask: { name: { in: type<void>(), out: type<string>() } } });
  const outcomes: unknown[] = [];
  const askSelf = async (context: Context<typeof Self>): Promise<void> => {
    outcomes.push(await outcomeOf(context.ref(context.self).ask.name()));
  };
  const watched = system.spawn(scripted());
  const ref = system.spawn(
    implement(Self, {
      init: async (context) => {
        context.watch(watched);
        await askSelf(context);
      },
      ask: { name: (context) => context.self.name },
      terminated: askSelf,
      stop: askSelf,
    }),
    'self',
  );
  await clock.settle();
  watched.kill();
  await clock.settle();
  const reply = ref.ask.name();
  await clock.settle();
  assert.equal(await reply, 'self');
  await close();
  assert.deepEqual(outcomes, ['ASK_DEADLOCK', 'ASK_DEADLOCK', 'ASK_DEADLOCK']);
});

test('S9: what init asks and does not await is in no circle afterwards', async () => {
  const { clock, system, close } = manualSystem();
  const Eager = protocol('test:eager', { ask: { name: { in: type<void>(), out: type<string>() } } });
  const other = system.spawn(scripted());
  const eager = system.spawn(
    implement(Eager, {
      init: (context) => void context.ref(other).ask.call(() => 'later'),
      ask: { name: () => 'eager' },
    }),
  );
  const opened = gate();
  const reply = other.ask.call(async (context) => {
    await opened.promise;
    return context.ref(eager).ask.name();
  });
  await clock.settle();
  opened.resolve();
  await clock.settle();
  assert.equal(await reply, 'eager');
  await close();
});

test('S11: a schema that answers nonsense, or at length, refuses the message', () => {
  const { system } = manualSystem();
  const trap = (): never => {
    throw new Error('planted');
  };
  const answers: readonly unknown[] = [
    undefined,
    null,
    5,
    { issues: 5 },
    { issues: [null] },
    { issues: [{ message: 'wrong', path: [null] }] },
    { issues: [{ message: 'x'.repeat(1_000_000) }] },
    Object.defineProperty({}, 'issues', { get: trap }),
    Object.defineProperty({}, 'then', { get: trap }),
  ];
  for (const answer of answers) {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => answer } } as unknown as StandardSchema;
    const Checked = protocol('test:checked', { tell: { take: schema } });
    const ref = system.spawn(implement(Checked, { init: () => undefined, tell: { take: () => {} } }));
    const told = ref.tell.take('payload');
    assert.ok(!told.ok && told.error.code === 'MESSAGE_INVALID');
    assert.ok(told.error.message.length < 300);
  }
});

test('S12: a subscription ends with its actor, by whatever reference it was made', async () => {
  const { clock, system, close } = manualSystem();
  const child = scripted();
  const parent = system.spawn(scripted());
  let ref: ActorRef | undefined;
  parent.tell.run((context) => {
    ref = context.spawn(child);
    system.subscribe('topic', ref, 'run');
  });
  await clock.settle();
  assert.equal(
    system.publish('topic', () => {}),
    1,
  );
  ref?.kill();
  system.publish('topic', () => {});
  assert.equal(system.info(ref as ActorRef).refused, 0, 'nobody sends to what has ended');
  await close();
});

test('S12: only actors of a system subscribe to its topics', async () => {
  const { system, close } = manualSystem();
  const other = manualSystem();
  const ref = other.system.spawn(scripted());
  assert.throws(() => system.subscribe('topic', ref, 'run'), TypeError);
  await Promise.all([close(), other.close()]);
});

test('S13: an incarnation that is over emits nothing', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), undefined, AT_ONCE);
  const events = ref.on.happened();
  let ghost: ScriptContext | undefined;
  ref.tell.run((context) => {
    ghost = context;
    fail();
  });
  await clock.settle();
  ghost?.emit.happened('ghost');
  ref.tell.run((context) => context.emit.happened('present'));
  await clock.settle();
  assert.equal((await events.next()).value, 'present');
  await close();
});

test('S14: what is thrown may be a proxy that refuses to be looked at', async () => {
  const { clock, system, failures, close } = manualSystem();
  const trap = (): never => {
    throw new Error('trap');
  };
  const thrown = new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap });
  const ref = system.spawn(scripted(), undefined, AT_ONCE);
  ref.tell.run(() => {
    throw thrown;
  });
  ref.tell.run(() => Promise.reject(thrown));
  const asked = outcomeOf(
    ref.ask.call(() => {
      throw thrown;
    }),
  );
  await clock.settle();
  assert.equal(await asked, 'ACTOR_FAILED');
  assert.deepEqual(
    failures.map(({ error }) => error.code),
    ['ACTOR_FAILED', 'ACTOR_FAILED', 'ACTOR_FAILED'],
  );
  await close();
});

test('S14: a thenable that calls back at once, twice or by throwing is a promise like any other', async () => {
  const { clock, system, failures, close } = manualSystem();
  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    then: (done: (value: unknown) => void, failed: (error: unknown) => void) => {
      done('reply');
      failed(new Error('planted'));
      throw new Error('planted');
    },
  };
  const Odd = protocol('test:odd', { ask: { state: { in: type<void>(), out: type<unknown>() } } });
  const odd = system.spawn(implement(Odd, { init: () => twice as never, ask: { state: (context) => context.state } }));
  const ref = system.spawn(scripted());
  const reply = ref.ask.call(() => twice);
  const state = odd.ask.state();
  await clock.elapse(20_000);
  assert.deepEqual([await reply, await state, failures], ['reply', 'reply', []]);
  await close();
});

test('S14: asks that an incarnation leaves behind, and had not awaited yet, harm nobody', async (context) => {
  const rejections = noteRejections(context);
  const { clock, system, close } = manualSystem();
  const silent = system.spawn(scripted());
  const opened = gate();
  const script = async (inActor: ScriptContext): Promise<void> => {
    const reply = inActor.ref(silent).ask.call(() => new Promise(() => {}));
    await opened.promise;
    if (inActor.self.name === 'fails') fail();
    await new Promise(() => {});
    await reply;
  };
  const [fails, killed] = [system.spawn(scripted(), 'fails', AT_ONCE), system.spawn(scripted(), 'killed')];
  for (const ref of [fails, killed]) ref.tell.run(script);
  await clock.settle();
  opened.resolve();
  await clock.settle();
  killed.kill();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rejections, []);
  await close();
});

test('S15: an observer of a failure may stop or kill the actor, which is stronger than a restart', async () => {
  for (const [how, kind] of [
    ['stop', 'stopped'],
    ['kill', 'killed'],
  ] as const) {
    for (const script of [fail, failLate]) {
      const { clock, system, assertEnded } = observedSystem({ onFailure: ({ actor }) => void actor[how]() });
      const ref = system.spawn(scripted(), 'worker', AT_ONCE);
      ref.tell.run(script);
      await clock.settle();
      await assertEnded(ref, kind);
    }
  }
});

test('S15: an observer of a start may stop or kill the actor', async () => {
  for (const [how, kind] of [
    ['stop', 'stopped'],
    ['kill', 'killed'],
  ] as const) {
    for (const init of [() => {}, async () => {}]) {
      const { clock, system, assertEnded } = observedSystem({
        onStarted: (actor) => void (actor.name === 'worker' && actor[how]()),
      });
      const ref = system.spawn(scripted({ init }), 'worker');
      await clock.settle();
      await assertEnded(ref, kind);
    }
  }
});

test('S15: an observer of dead letters may stop or kill the actor, whatever it is doing', async () => {
  const scripts = {
    fail,
    failLate,
    refuseLate: async (context: ScriptContext) => context.refuse(new Error() as never),
  };
  for (const [how, kind] of [
    ['stop', 'stopped'],
    ['kill', 'killed'],
  ] as const) {
    for (const [name, script] of Object.entries(scripts)) {
      for (const restart of ['permanent', 'temporary'] as const) {
        const { clock, system, assertEnded } = observedSystem({ onDeadLetter: ({ to }) => void to?.[how]() });
        const ref = system.spawn(scripted(), `${name.toLowerCase()}-${how}-${restart}`, { supervision: { restart } });
        for (let i = 0; i < 3; i++) ref.tell.run(script);
        await clock.settle();
        await assertEnded(ref, kind);
      }
    }
  }
});

test('S20: a stop hook may kill its actor', async () => {
  for (const stop of [
    (context: ScriptContext) => context.self.kill(),
    async (context: ScriptContext) => context.self.kill(),
    (context: ScriptContext) => {
      context.self.kill();
      return new Promise<void>(() => {});
    },
  ]) {
    const { clock, system, assertEnded } = observedSystem({});
    const ref = system.spawn(scripted({ stop }));
    await clock.settle();
    await Promise.race([ref.stop(), clock.settle()]);
    await assertEnded(ref, 'killed');
  }
});

test('S20: a stop hook that spawns a child which ends at once still restarts its actor once', async () => {
  const { clock, system, close } = manualSystem();
  const child = scripted();
  let isFirst = true;
  const stop = (context: ScriptContext): void => {
    if (isFirst) context.spawn(child).kill();
    isFirst = false;
  };
  const ref = system.spawn(scripted({ stop }), 'worker', { supervision: { restart: 'permanent', backoffMinMs: 0 } });
  ref.tell.run((context) => context.stop());
  let busy = 0;
  let busiest = 0;
  for (let i = 0; i < 3; i++) {
    ref.tell.run(async () => {
      busiest = Math.max(busiest, ++busy);
      await undefined;
      busy--;
    });
  }
  await clock.settle();
  assert.deepEqual([busiest, system.info(ref).restarts], [1, 1]);
  await close();
});

test('S21: an actor that kills itself in init has ended at once, however long init takes', async () => {
  const { clock, system, assertEnded } = observedSystem({});
  const Hasty = protocol('test:hasty', {});
  const ref = system.spawn(
    implement(Hasty, {
      init: (context) => {
        context.self.kill();
        return new Promise<void>(() => {});
      },
    }),
  );
  await clock.settle();
  assert.equal(system.info(ref).state, 'stopped');
  await assertEnded(ref, 'killed');
});

test('S21: a handler that has killed its actor has no voice for the rest of it', async () => {
  const { clock, system, close } = manualSystem();
  const other = system.spawn(scripted());
  const ref = system.spawn(scripted());
  const outcomes: unknown[] = [];
  ref.tell.run(async (context) => {
    const bound = context.ref(other);
    context.self.kill();
    outcomes.push(bound.tell.run(() => {}).ok, await outcomeOf(bound.ask.call(() => 'reply')));
    outcomes.push(context.publish('topic', 'payload'));
    outcomes.push(await outcomeOf(Promise.resolve().then(() => context.spawn(scripted()))));
  });
  await clock.settle();
  assert.deepEqual(outcomes, [false, 'ACTOR_STOPPED', 0, 'ACTOR_STOPPED']);
  await close();
});

test('S22: a notice that is on its way can be called off, and comes once however often one watches', async () => {
  const { clock, system, close } = manualSystem();
  const [watcher, forgotten, watched] = [system.spawn(scripted()), system.spawn(scripted()), system.spawn(scripted())];
  await clock.settle();
  watcher.tell.run((context) => {
    context.watch(forgotten);
    forgotten.kill();
    context.unwatch(forgotten);
    context.watch(watched);
    watched.kill();
    context.watch(watched);
    context.unwatch(watched);
    context.watch(watched);
  });
  const notices = watcher.ask.call(({ state }) => (state.log as TerminatedEvent[]).map(({ ref }) => ref.name));
  await clock.settle();
  assert.deepEqual(await notices, [watched.name]);
  await close();
});

test('S22: a refusal where there is no message to refuse is a failure, at once or late', async () => {
  const { clock, system, failures, close } = manualSystem();
  const Watcher = protocol('test:watcher', { tell: { watch: type<ActorRef>() } });
  const watched = system.spawn(scripted());
  const refuse = (context: { refuse(error: never): never }): never => context.refuse(new Error('planted') as never);
  for (const terminated of [refuse, async (context: { refuse(error: never): never }) => refuse(context)]) {
    const watcher = implement(Watcher, {
      init: () => undefined,
      tell: { watch: (context, ref) => context.watch(ref) },
      terminated,
    });
    system.spawn(watcher).tell.watch(watched);
  }
  await clock.settle();
  watched.kill();
  await clock.settle();
  assert.equal(failures.length, 2);
  await close();
});

test('S23: the name of a child begins with its parent, named or not, at any depth', async () => {
  const { clock, system, close } = manualSystem();
  const type = scripted();
  const names: string[] = [];
  const root = system.spawn(type);
  root.tell.run((context) => {
    context.spawn(type, 'child').tell.run((inChild) => {
      names.push(inChild.spawn(type, 'grandchild').name);
      assert.throws(() => inChild.spawn(type, 'x'.repeat(250)), { code: 'NAME_INVALID' });
    });
  });
  await clock.settle();
  assert.deepEqual(names, [`${root.name}/child/grandchild`]);
  assert.equal(system.lookup(`${root.name}/child/grandchild`)?.type, 'test:scripted@1.0.0');
  await close();
});

test('S23: a name is free for whoever hears of the dead letters of its actor', async () => {
  const type = scripted();
  let successor: ActorRef | undefined;
  const { clock, system, assertEnded } = observedSystem({
    onDeadLetter: () => {
      successor = system.spawn(type, 'worker');
    },
  });
  const ref = system.spawn(type, 'worker');
  ref.tell.run(() => {});
  ref.kill();
  await clock.settle();
  assert.equal(system.lookup('worker'), successor);
  successor?.kill();
  await assertEnded(ref, 'killed');
});

test('S24: a turn is at most 64 messages, death notices included', async () => {
  const { clock, system, close } = manualSystem();
  const seen: string[] = [];
  const Watcher = protocol('test:watcher', { tell: { watch: type<readonly ActorRef[]>() } });
  const watcher = system.spawn(
    implement(Watcher, {
      init: () => undefined,
      tell: {
        watch: (context, refs) => {
          for (const ref of refs) context.watch(ref);
        },
      },
      terminated: () => void seen.push('notice'),
    }),
  );
  const other = system.spawn(scripted());
  const doomed = scripted();
  for (let round = 0; round < 2; round++) {
    const refs = Array.from({ length: 500 }, () => system.spawn(doomed));
    watcher.tell.watch(refs);
    await clock.settle();
    seen.length = 0;
    for (const ref of refs) ref.kill();
    other.tell.run(() => void seen.push('other'));
    await clock.settle();
    assert.equal(seen.length, 501);
    assert.ok(seen.indexOf('other') <= 64);
  }
  await close();
});

test('S24: slow actors do not hold up I/O for longer than a handler takes, however quick the others are', async () => {
  const { clock, system, close } = manualSystem();
  let sinceIoMs = 0;
  let longestMs = 0;
  let left = 200;
  const io = (): void => {
    longestMs = Math.max(longestMs, sinceIoMs);
    sinceIoMs = 0;
    if (left > 0) clock.soon(io);
  };
  clock.soon(io);
  const [quick, slow] = [scripted(), scripted()];
  const quicks = Array.from({ length: 20 }, () => system.spawn(quick));
  const slows = Array.from({ length: 20 }, () => system.spawn(slow));
  for (let i = 0; i < 200; i++) for (const ref of quicks) ref.tell.run(() => {});
  for (let i = 0; i < 10; i++) {
    for (const ref of slows) {
      ref.tell.run(() => {
        clock.advanceOnly(5);
        sinceIoMs += 5;
        left--;
      });
    }
  }
  await clock.settle();
  assert.deepEqual([left, longestMs], [0, 5]);
  await close();
});

test('S25: a tree of any width is killed at once', async () => {
  const { clock, system, close } = manualSystem();
  const parent = system.spawn(scripted());
  const child = scripted();
  parent.tell.run((context) => {
    for (let i = 0; i < 150_000; i++) context.spawn(child);
  });
  await clock.settle();
  parent.kill();
  assert.equal(system.size, 0);
  await close();
});

test('S26: what observers reject with harms nothing', async (context) => {
  const rejections = noteRejections(context);
  const reject = () => failLate();
  const { clock, system, assertEnded } = observedSystem({ onFailure: reject, onDeadLetter: reject, onStarted: reject });
  const ref = system.spawn(scripted(), 'worker', AT_ONCE);
  ref.tell.run(fail);
  await clock.settle();
  ref.kill();
  await assertEnded(ref, 'killed');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rejections, []);
});

test('S26: what a listener makes of a dead letter is counted, and does not feed the listener', async () => {
  const letters: DeadLetter[] = [];
  let sink: ActorRef | undefined;
  const { clock, system } = observedSystem({
    onDeadLetter: (letter) => {
      letters.push(letter);
      sink?.tellOp('run', () => {});
    },
  });
  const Sink = scripted();
  sink = system.spawn(Sink, 'sink', { mailbox: { capacity: 1, overflow: 'drop-oldest' } });
  const ref = system.spawn(scripted());
  for (let i = 0; i < 3; i++) ref.tell.run(() => {});
  ref.kill();
  assert.deepEqual([letters.length, system.deadLetters.total], [3, 5]);
  const stopped = system.stop();
  await clock.settle();
  await stopped;
});

test('S26: a protocol, an implementation or an option of the wrong kind is refused when it is declared', () => {
  const Empty = protocol('test:empty', {});
  const invalid = { code: 'PROTOCOL_INVALID' };
  assert.throws(() => implement(Empty, {} as never), invalid);
  assert.throws(() => implement(Empty, { init: () => {}, stop: 'now' } as never), invalid);
  for (const spec of [{ tell: { op: undefined } }, { ask: { op: undefined } }, { ask: { op: { in: type<void>() } } }]) {
    assert.throws(() => protocol('test:wrong', spec as never), invalid);
  }
  const { system } = manualSystem();
  assert.throws(() => system.spawn(scripted(), 'a', { startTimeoutMs: '5' as never }), RangeError);
  assert.throws(() => createActorSystem({ budgetMs: '0.5' as never }), RangeError);
});

test('S27: a behavior whose dispose throws, or that owes an ask when its late turn ends, is ended as any other', async () => {
  const { clock, system, failures, close } = manualSystem();
  const type = defineActorType({
    name: 'careless',
    operations: 'any',
    create: () =>
      behavior({
        run: async (turn) => {
          await undefined;
          turn.take();
        },
        dispose: () => {
          throw new Error('planted');
        },
      }),
  });
  const ref = system.spawn(type, 'careless', { supervision: { restart: 'temporary' } });
  const asked = outcomeOf(ref.askOp('work', 'payload'));
  await clock.settle();
  assert.equal(await asked, 'ACTOR_FAILED');
  assert.deepEqual(
    failures.map(({ phase }) => phase),
    ['stop', 'message'],
  );
  assert.equal(system.info(ref).state, 'stopped');
  await close();
});

test('S27: a behavior does not see what has expired, and has no voice when it is over', async () => {
  const { clock, system, letters, close } = manualSystem();
  const seen: unknown[] = [];
  const opened = gate();
  let ghost: BehaviorContext | undefined;
  const type = defineActorType({
    name: 'slow',
    operations: 'any',
    create: () =>
      behavior({
        start: (context) => {
          ghost = context;
        },
        run: async (turn) => {
          for (let incoming = turn.take(); incoming !== undefined; incoming = turn.take()) {
            seen.push(incoming.op);
            if (incoming.op === 'wait') await opened.promise;
          }
        },
      }),
  });
  const ref = system.spawn(type, 'slow');
  ref.tellOp('wait', undefined);
  const asked = outcomeOf(ref.askOp('late', undefined, { timeoutMs: 10 }));
  await clock.elapse(20);
  opened.resolve();
  await clock.settle();
  assert.deepEqual([await asked, seen, letters.map(({ reason }) => reason)], ['ASK_TIMEOUT', ['wait'], ['expired']]);
  assert.equal(ghost?.tell('slow', 'work', undefined).ok, true);
  ref.kill();
  system.spawn(scripted(), 'other');
  assert.deepEqual([ghost?.publish('topic', 'payload'), ghost?.tell('other', 'run', undefined).ok], [0, false]);
  await close();
});
