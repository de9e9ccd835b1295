/** The promises of docs/explanation/semantics.md to actors that run by a behavior: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behavior, gate, manualSystem, outcomeOf, scripted } from '../../test/kit/actors.ts';
import {
  type ActorRef,
  type Behavior,
  type BehaviorContext,
  contractOf,
  defineActorType,
  type Incoming,
  type Protocol,
  type Turn,
  type Type,
} from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0 } } as const;

/** Handles every message by `handle`, as a pump does. */
function pump(handle: (incoming: Incoming, turn: Turn) => void | Promise<void>): Behavior['run'] {
  return (turn) => {
    const goOn = (): void | Promise<void> => {
      for (let incoming = turn.take(); incoming !== undefined; incoming = turn.take()) {
        const waits = handle(incoming, turn);
        if (waits !== undefined) return waits.then(goOn);
      }
    };
    return goOn();
  };
}

const echoDefinition = {
  name: 'echo',
  operations: 'any',
  create: () => behavior({ run: pump(({ op, payload }, turn) => turn.reply([op, payload])) }),
} as const;
const echo = defineActorType(echoDefinition);

const CONTRACT = {};
type AnyOperation = {
  tell: Record<string, Type<string>>;
  ask: Record<string, { in: Type<string>; out: Type<unknown> }>;
};

test('S27: a behavior is started, run, stopped and disposed of in that order, once per incarnation', async () => {
  const { clock, system, close } = manualSystem();
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const type = defineActorType({
    name: 'noted',
    operations: { go: 'tell', fail: 'tell' },
    create: () =>
      behavior({
        start: note('start'),
        run: pump(({ op }) => {
          calls.push(op);
          if (op === 'fail') throw new Error('planted');
        }),
        stop: note('stop'),
        dispose: (reason) => void calls.push(`dispose ${reason?.code}`),
      }),
  });
  const ref = system.spawn(type, undefined, AT_ONCE);
  for (const op of ['go', 'fail', 'go']) ref.tellOp(op, undefined);
  await clock.settle();
  const stopped = ref.stop();
  await clock.settle();
  await stopped;
  assert.deepEqual(calls, ['start', 'go', 'fail', 'dispose ACTOR_FAILED', 'start', 'go', 'stop', 'dispose undefined']);
  await close();
});

test('S27: a behavior sees the kind, sender, deadline and topic of what it takes', async () => {
  const { clock, system, close } = manualSystem();
  const seen: unknown[] = [];
  const type = defineActorType({
    name: 'seer',
    operations: 'any',
    create: () =>
      behavior({
        run: pump(({ kind, op, payload, sender, deadlineMs, topic }, turn) => {
          seen.push([kind, op, payload, sender?.name, deadlineMs, topic]);
          turn.reply(undefined);
        }),
      }),
  });
  const ref = system.spawn(type, 'seer', { subscribe: ['lines.*'] });
  system.subscribe('words.*', ref, 'word');
  ref.tellOp('a', 1);
  system.spawn(scripted(), 'sender').tell.run((context) => {
    void context.ref(ref).askOp('b', 2, { timeoutMs: 500 });
    context.publish('lines.x', 3);
  });
  await clock.settle();
  system.publish('words.x', 4);
  await clock.settle();
  assert.deepEqual(seen, [
    ['tell', 'a', 1, undefined, 0, undefined],
    ['ask', 'b', 2, 'sender', 500, undefined],
    ['topic', 'lines.x', 3, 'sender', 0, 'lines.x'],
    ['topic', 'word', 4, undefined, 0, 'words.x'],
  ]);
  await close();
});

test('S27: a behavior that suspends takes nothing else meanwhile, and goes on with its turn', async () => {
  const { clock, system, close } = manualSystem();
  const open = gate();
  const type = defineActorType({
    name: 'slow',
    operations: 'any',
    create: () =>
      behavior({
        run: pump(async ({ op }, turn) => {
          if (op === 'wait') await open.promise;
          turn.reply(op);
        }),
      }),
  });
  const ref = system.spawn(type);
  const replies = ['wait', 'next', 'last'].map((op) => ref.askOp(op, undefined));
  await clock.settle();
  assert.equal(system.info(ref).queued, 2);
  assert.equal(system.info(ref).busy, true);
  open.resolve();
  await clock.settle();
  assert.deepEqual(await Promise.all(replies), ['wait', 'next', 'last']);
  assert.equal(system.info(ref).busy, false);
  await close();
});

test('S27: a failure, early or late, settles the ask in hand; other asks wait for the next incarnation', async () => {
  const { clock, system, letters, close } = manualSystem();
  let incarnations = 0;
  const type = defineActorType({
    name: 'fragile',
    operations: 'any',
    create: () => {
      incarnations++;
      return behavior({
        run: pump(({ op }, turn) => {
          if (op === 'throw') throw new RuntimeError('COMPONENT_TRAPPED', 'Planted');
          if (op === 'reject') return Promise.reject(new RuntimeError('COMPONENT_TRAPPED', 'Planted'));
          turn.reply(incarnations);
          return undefined;
        }),
      });
    },
  });
  const ref = system.spawn(type, 'fragile', AT_ONCE);
  const outcomes = ['throw', 'reject', 'fine'].map((op) => ref.askOp(op, undefined));
  outcomes[0]?.catch((error: RuntimeError) => assert.equal(error.details.cause, 'COMPONENT_TRAPPED'));
  const codes = outcomes.map(outcomeOf);
  ref.tellOp('reject', 'payload');
  await clock.settle();
  assert.deepEqual(await Promise.all(codes), ['ACTOR_FAILED', 'ACTOR_FAILED', 3]);
  assert.deepEqual(
    letters.map(({ reason, op, payload }) => [reason, op, payload]),
    [
      ['failed', 'throw', undefined],
      ['failed', 'reject', undefined],
      ['failed', 'reject', 'payload'],
    ],
  );
  await close();
});

test('S27: a behavior that does not settle an ask before it goes on has failed', async () => {
  const { clock, system, close } = manualSystem();
  for (const run of [pump(() => {}), pump(async () => {})]) {
    const type = defineActorType({ name: 'careless', operations: 'any', create: () => behavior({ run }) });
    const ref = system.spawn(type, undefined, AT_ONCE);
    const lost = outcomeOf(ref.askOp('a', undefined));
    await clock.settle();
    assert.equal(await lost, 'ACTOR_FAILED');
    assert.equal(system.info(ref).restarts, 1);
  }
  await close();
});

test('S27: an operation refused by a behavior is an answer; without an asker, a dead letter', async () => {
  const { clock, system, letters, close } = manualSystem();
  const error = new RuntimeError('MESSAGE_INVALID', 'Planted');
  const type = defineActorType({
    name: 'strict',
    operations: 'any',
    create: () => behavior({ run: pump((_, turn) => turn.refuse(error)) }),
  });
  const ref = system.spawn(type, undefined, { subscribe: ['a'] });
  const asked = outcomeOf(ref.askOp('a', 1));
  ref.tellOp('b', 2);
  system.publish('a', 3);
  await clock.settle();
  assert.equal(await asked, 'MESSAGE_INVALID');
  assert.deepEqual(
    letters.map(({ reason, kind, payload }) => [reason, kind, payload]),
    [
      ['refused', 'tell', 2],
      ['refused', 'topic', 3],
    ],
  );
  assert.equal(system.info(ref).failed, 0);
  await close();
});

test('S27: a kill disposes of a suspended behavior at once; what it still owes is ignored', async () => {
  const { clock, system, close } = manualSystem();
  const open = gate();
  const disposed: unknown[] = [];
  let context: BehaviorContext | undefined;
  const type = defineActorType({
    name: 'suspended',
    operations: 'any',
    create: () =>
      behavior({
        start: (given) => {
          context = given;
        },
        run: pump(async (_, turn) => {
          await open.promise;
          turn.reply('too late');
        }),
        dispose: (reason) => void disposed.push(reason?.code),
      }),
  });
  const ref = system.spawn(type, 'suspended');
  const asked = outcomeOf(ref.askOp('a', undefined));
  ref.tellOp('b', undefined);
  await clock.settle();
  ref.kill();
  assert.deepEqual(disposed, ['ACTOR_STOPPED']);
  assert.equal(await asked, 'ACTOR_STOPPED');
  open.resolve();
  await clock.settle();
  assert.deepEqual(disposed, ['ACTOR_STOPPED']);
  const late = context?.tell('suspended', 'a', 1);
  assert.ok(late !== undefined && !late.ok && late.error.code === 'ACTOR_NOT_FOUND');
  assert.equal(context?.publish('a', 1), 0);
  context?.stop();
  await close();
});

test('S27: a behavior that cannot be created, or rejects its start, has failed to start', async () => {
  const { clock, system, failures, close } = manualSystem();
  const once = { supervision: { restart: 'temporary' } } as const;
  const creators: (() => Behavior)[] = [
    () => {
      throw new Error('planted');
    },
    () => behavior({ start: async () => Promise.reject(new Error('planted')) }),
  ];
  for (const create of creators) {
    const ref = system.spawn(defineActorType({ name: 'broken', operations: 'any', create }), undefined, once);
    const ready = outcomeOf(ref.ready);
    await clock.settle();
    assert.equal(await ready, 'ACTOR_START_FAILED');
    assert.equal((await ref.terminated).kind, 'failed');
  }
  assert.deepEqual(
    failures.map(({ phase }) => phase),
    ['start', 'start'],
  );
  await close();
});

test('S27: sends of a behavior carry its name, its deadline and its place in a circle of asks', async () => {
  const { clock, system, close } = manualSystem();
  const relay = defineActorType({
    name: 'relay',
    operations: 'any',
    create: () => {
      let context: BehaviorContext;
      return behavior({
        start: (given) => {
          context = given;
        },
        run: pump(async ({ op }, turn) => {
          if (op === 'remaining') return turn.reply(context.remainingMs());
          turn.reply(await outcomeOf(context.ask(op, 'relay', undefined, 10_000)));
        }),
      });
    },
  });
  system.spawn(relay, 'relay');
  const other = system.spawn(scripted(), 'other');
  const ref = system.lookup('relay') as ActorRef;
  const replies = [
    ref.askOp('nobody', undefined),
    ref.askOp('relay', undefined),
    ref.askOp('other', undefined),
    ref.askOp('remaining', undefined, { timeoutMs: 700 }),
  ];
  await clock.settle();
  assert.deepEqual(await Promise.all(replies), ['ACTOR_NOT_FOUND', 'ASK_DEADLOCK', 'OPERATION_UNKNOWN', 700]);
  assert.equal(system.info(other).handled, 0);
  await close();
});

test('S27: a behavior that has finished ends its actor by its restart type', async () => {
  const { clock, system, close } = manualSystem();
  const task = defineActorType({
    name: 'task',
    operations: { run: 'tell' },
    create: () => {
      let context: BehaviorContext;
      return behavior({
        start: (given) => {
          context = given;
          given.self.tellOp('run', undefined);
        },
        run: pump(() => context.stop()),
      });
    },
  });
  const ref = system.spawn(task, 'task');
  await clock.settle();
  assert.deepEqual(await ref.terminated, { kind: 'stopped' });
  assert.equal(system.info(ref).handled, 1);
  await close();
});

test('S27: a turn ends after its throughput, or when the budget is used up', async () => {
  const { clock, system, close } = manualSystem();
  const turns: number[] = [];
  const type = defineActorType({
    name: 'counting',
    operations: 'any',
    create: () =>
      behavior({
        run: (turn) => {
          let taken = 0;
          for (let incoming = turn.take(); incoming !== undefined; incoming = turn.take()) {
            taken++;
            if (incoming.op === 'slow') clock.advanceOnly(0.2);
          }
          turns.push(taken);
        },
      }),
  });
  const ref = system.spawn(type);
  for (let i = 0; i < 500; i++) ref.tellOp('fast', i);
  await clock.settle();
  assert.equal(Math.max(...turns), 64);
  turns.length = 0;
  for (let i = 0; i < 20; i++) ref.tellOp('slow', i);
  await clock.settle();
  assert.equal(turns[0], 8, 'the clock is looked at after so many');
  assert.ok(turns.slice(1).every((taken) => taken <= 2));
  assert.equal(
    turns.reduce((sum, taken) => sum + taken, 0),
    20,
  );
  await close();
});

test('S28: an operation that an actor does not have is refused with the names that come close', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), 'a');
  const cases = [
    [ref.tellOp('runn', 1), /did you mean "run"/],
    [ref.tellOp('call', 1), /it is an ask/],
    [ref.tellOp('x'.repeat(10_000), 1), /it has "run"/],
  ] as const;
  for (const [sent, text] of cases) {
    assert.ok(!sent.ok && sent.error.code === 'OPERATION_UNKNOWN');
    assert.match(sent.error.message, text);
    assert.ok(sent.error.message.length < 300);
  }
  assert.equal(await outcomeOf(ref.askOp('cal', 1)), 'OPERATION_UNKNOWN');
  const open = system.spawn(echo, 'echo');
  const replies = Array.from({ length: 600 }, (_, i) => open.askOp(`op${i}`, i));
  for (let i = 0; i < 300; i++) assert.ok(open.tellOp(`op${i}`, i).ok);
  await clock.settle();
  assert.deepEqual((await Promise.all(replies))[599], ['op599', 599]);
  const reserved = Object.fromEntries([['then', 'ask' as const]]);
  assert.throws(
    () => defineActorType({ name: 'x', operations: reserved, create: () => behavior({}) }),
    (error) => RuntimeError.is(error, 'PROTOCOL_INVALID'),
  );
  await close();
});

test('S28: an actor that takes any operation has a method for every name that can be one', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(defineActorType<Protocol<AnyOperation>>({ ...echoDefinition, contract: CONTRACT }), 'echo');
  const replies = [ref.ask.hello?.('a'), ref.ask['demo:x/y#z']?.('b', { timeoutMs: 10 })];
  assert.deepEqual(ref.tell.hello?.('c'), { ok: true });
  await clock.settle();
  assert.deepEqual(await Promise.all(replies), [
    ['hello', 'a'],
    ['demo:x/y#z', 'b'],
  ]);
  assert.equal(ref.ask.then, undefined, 'or it could be awaited by mistake');
  assert.equal(String(ref.tell), '[object Object]');
  assert.equal(system.info(ref).handled, 3);
  assert.equal(contractOf(ref), CONTRACT);
  assert.equal(contractOf(system.spawn(scripted())), undefined);
  await close();
});
