import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { TestSystem } from './index.ts';

const Mailer = protocol('test:mailer@1.0.0', {
  tell: { send: type<{ to: string }>() },
  ask: { count: { in: type<void>(), out: type<number>() } },
  stream: { sent: { in: type<void>(), out: type<string>() } },
});

/** The same probe twice: of a protocol, and of none. */
function probes(system: TestSystem) {
  const loose = system.probe();
  return [system.probe(Mailer), { probe: loose, ref: loose.ref as unknown as ActorRef<typeof Mailer> }] as const;
}

test('Probe receives tells and asks in order, and answers', async () => {
  await using system = TestSystem.create();
  const [strict, { probe: loose, ref }] = probes(system);
  for (const [probe, target] of [[strict, strict.ref] as const, [loose, ref] as const]) {
    (target as unknown as ActorRef).tellOp('send', { to: 'ann' });
    const asked = (target as unknown as ActorRef).askOp('count', undefined);
    (target as unknown as ActorRef).tellOp('send', { to: 'bob' });
    await probe.expectTell('send', { to: 'ann' });
    await probe.expectAsk('count');
    await probe.expectNothing();
    probe.reply(3);
    assert.equal(await system.until(asked), 3);
    assert.deepEqual((await probe.expectTell('send')).payload, { to: 'bob' });
    assert.throws(() => probe.reply(3), TypeError);
  }
});

test('Probe refuses, and goes on when an asker gives up', async () => {
  await using system = TestSystem.create();
  const [strict, { probe: loose, ref }] = probes(system);
  for (const [probe, target] of [[strict, strict.ref] as const, [loose, ref] as const]) {
    const ask = (): Promise<unknown> => (target as unknown as ActorRef).askOp('count', undefined, { timeoutMs: 100 });
    const refused = ask();
    (await probe.expectAsk('count')).refuse(new RuntimeError('CONFIG_INVALID', 'Planted'));
    await assert.rejects(system.until(refused), { code: 'CONFIG_INVALID' });
    const late = ask();
    await probe.expectAsk('count');
    await assert.rejects(system.until(late), { code: 'ASK_TIMEOUT' });
    await system.elapse(20);
    const next = ask();
    await probe.expectAsk('count');
    probe.reply(1);
    assert.equal(await system.until(next), 1);
  }
});

test('Probe answers by itself what it is told to', async () => {
  await using system = TestSystem.create();
  const answers = { count: () => 7, sent: () => ['a', 'b'] };
  const probe = system.probe(Mailer, { name: 'mailer', answers });
  assert.equal(await system.until(probe.ref.ask.count()), 7);
  const stream = probe.ref.stream.sent();
  assert.deepEqual(await system.until(stream.next()), { done: false, value: 'a' });
  await system.until(Promise.resolve(stream.return?.()));
  await probe.expectAsk('count');
  assert.equal(system.lookup('mailer', Mailer)?.name, 'mailer');
});

test('Probe shows what came instead', async () => {
  await using system = TestSystem.create();
  const probe = system.probe(Mailer, { name: 'mailer' });
  await assert.rejects(probe.expectTell('send'), {
    name: 'AssertionError',
    message: 'Probe "mailer" expected tell "send", but at 0 ms got\n  nothing',
  });
  probe.ref.tell.send({ to: 'bob' });
  await assert.rejects(probe.expectTell('send', { to: 'ann' }), {
    message: 'Probe "mailer" expected tell "send" { to: \'ann\' }, but at 0 ms got\n  tell "send" { to: \'bob\' }',
  });
  probe.ref.tell.send({ to: 'cat' });
  await assert.rejects(probe.expectNothing(), /expected nothing, but at 0 ms got\n {2}tell "send" \{ to: 'cat' \}/);
  await assert.rejects(probe.expectAsk('count'), /expected ask "count", but at 0 ms got\n {2}tell "send"/);
});

test('Probe passes over what is not looked for, and answers an ask that is', async () => {
  await using system = TestSystem.create({ seed: 9 });
  const probe = system.probe(Mailer, { name: 'mailer' });
  for (const to of ['ann', 'bob']) probe.ref.tell.send({ to });
  const asked = probe.ref.ask.count();
  const isAsk = ({ kind }: { kind: string }): boolean => kind === 'ask';
  assert.deepEqual(
    (await probe.receiveUntil(isAsk)).map(({ kind }) => kind),
    ['tell', 'tell', 'ask'],
  );
  probe.reply(2);
  assert.equal(await system.until(asked), 2);
  probe.ref.tell.send({ to: 'cat' });
  await assert.rejects(probe.receiveUntil(isAsk, { withinMs: 100 }), {
    message:
      'Probe "mailer" expected what was looked for, but at 100 ms with seed 9 got\n  tell "send" { to: \'cat\' }',
  });
  assert.equal(probe.pending.length, 1);
});

test('Probe waits as long as it should, and no longer', async () => {
  await using system = TestSystem.create();
  const probe = system.probe();
  system.clock.after(500, () => void probe.tell('late'));
  await probe.expectNothing({ forMs: 499 });
  await probe.expectTell('late', undefined, { withinMs: 10 });
  assert.equal(system.clock.nowMs(), 500);
  await assert.rejects(probe.receive({ withinMs: 100 }), /expected a message, but at 600 ms got\n {2}nothing/);
  assert.equal(system.clock.nowMs(), 600);
});

test('Probe receives topics, senders, and the end of what it watches', async () => {
  await using system = TestSystem.create();
  const probe = system.probe();
  system.subscribe('news.*', probe.ref, 'heard');
  system.publish('news.today', 1);
  const received = await probe.expectTell('heard', 1);
  assert.deepEqual([received.kind, received.topic], ['topic', 'news.today']);
  const Poke = protocol('test:poke@1.0.0', { tell: { poke: type<ActorRef>() } });
  const poker = implement(Poke, {
    init: () => ({}),
    tell: { poke: (ctx, target) => void ctx.ref(target).tellOp('poked', undefined) },
  });
  const ref = system.spawn(poker, 'poker');
  probe.watch(ref);
  ref.tell.poke(probe.ref as unknown as ActorRef);
  assert.equal((await probe.expectTell('poked')).sender?.name, 'poker');
  await probe.expectNothing();
  ref.kill();
  assert.equal((await probe.expectTerminated(ref)).kind, 'killed');
  const stopped = system.spawn(poker);
  await system.until(stopped.stop());
  probe.watch(stopped);
  await assert.rejects(
    probe.expectTerminated(ref),
    /expected the end of "poker", but at 0 ms got\n {2}the end of "~\d+": stopped/,
  );
});
