import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ActorSystem, defineActorType } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { Registry } from '../registry/index.ts';
import { ManualClock } from '../time/index.ts';
import { Broker } from './broker.ts';
import { PatternTrie } from './pattern-trie.ts';
import { parsePattern, parseTopic } from './topic.ts';

const sink = defineActorType({
  name: 'sink',
  operations: 'any',
  create: () => ({
    start() {},
    run(turn) {
      while (turn.take() !== undefined);
    },
    stop() {},
    dispose() {},
  }),
});

function setUp() {
  const broker = new Broker();
  const clock = new ManualClock();
  const system = new ActorSystem({ clock }, { names: new Registry(), topics: broker });
  return { broker, clock, system };
}

test('parseTopic and parsePattern take well-formed texts only', () => {
  for (const topic of ['a', 'lines.a-1_B', Array(16).fill('a').join('.')]) {
    assert.deepEqual(parseTopic(topic), topic.split('.'));
    parsePattern(topic);
  }
  for (const pattern of ['*', '>', 'a.*', '*.b', 'a.*.c.>']) parsePattern(pattern);
  const neither = [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a b',
    'ä',
    'a.>.b',
    '>.a',
    'a*',
    '**',
    'a'.repeat(256),
    Array(17).fill('a').join('.'),
  ];
  for (const text of neither) {
    assert.throws(
      () => parsePattern(text),
      (error) => RuntimeError.is(error, 'TOPIC_INVALID'),
      text,
    );
    assert.throws(
      () => parseTopic(text),
      (error) => RuntimeError.is(error, 'TOPIC_INVALID'),
      text,
    );
  }
  for (const pattern of ['*', 'a.*', '>']) assert.throws(() => parseTopic(pattern), pattern);
});

const word = fc.constantFrom('a', 'b', 'c');
const pattern = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, rest]) => (rest ? [...segments, '>'] : segments));

function matches(pattern: readonly string[], topic: readonly string[]): boolean {
  for (const [i, segment] of pattern.entries()) {
    if (segment === '>') return topic.length > i;
    if (i >= topic.length || (segment !== '*' && segment !== topic[i])) return false;
  }
  return pattern.length === topic.length;
}

test('PatternTrie finds exactly the patterns that match, under random adds and removes', () => {
  const step = fc.record({ add: fc.boolean(), pattern, pick: fc.nat() });
  const topics = fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), topics, (steps, probes) => {
      const trie = new PatternTrie<{ segments: readonly string[]; place: number }>();
      const model: { segments: readonly string[]; place: number }[] = [];
      for (const { add, pattern, pick } of steps) {
        if (add || model.length === 0) {
          const entry = { segments: pattern, place: -1 };
          trie.add(entry);
          model.push(entry);
        } else {
          const [entry] = model.splice(pick % model.length, 1);
          trie.remove(entry as (typeof model)[number]);
        }
        for (const topic of probes) {
          const found = new Set(trie.match(topic));
          const expected = new Set(model.filter(({ segments }) => matches(segments, topic)));
          assert.deepEqual(found, expected);
        }
      }
      for (const entry of model) trie.remove(entry);
      assert.ok(trie.isEmpty);
    }),
  );
});

test('Broker keeps the subscribers of a bounded number of topics at hand', async () => {
  const { broker, clock, system } = setUp();
  const ref = system.spawn(sink);
  const subscription = system.subscribe('>', ref);
  for (let i = 0; i < 5_000; i++) {
    assert.equal(system.publish(`topic-${i}`, i), 1);
    if (i % 500 === 0) clock.run();
  }
  assert.equal(broker.keptTopics, 1_024);
  subscription.cancel();
  subscription.cancel();
  assert.equal(broker.keptTopics, 0);
  assert.equal(broker.subscriptions, 0);
});

test('Broker lets subscriptions come and go, and gives each actor and operation a message once', () => {
  const { broker, clock, system } = setUp();
  const [first, second] = [system.spawn(sink), system.spawn(sink)];
  const exact = system.subscribe('a.b', first);
  system.subscribe('a.*', first);
  system.subscribe('a.*', second);
  system.subscribe('a.>', second, 'other');
  assert.equal(system.publish('a.b', 1), 3);
  exact.cancel();
  assert.equal(system.publish('a.b', 1), 3);
  assert.equal(broker.subscriptions, 3);
  clock.run();
  second.kill();
  assert.equal(broker.subscriptions, 1);
  assert.equal(system.publish('a.b', 1), 1);
  first.kill();
  assert.equal(system.publish('a.b', 1), 0);
  assert.throws(
    () => system.subscribe('a', first),
    (error) => RuntimeError.is(error, 'ACTOR_STOPPED'),
  );
  assert.throws(
    () => system.publish('a.*', 1),
    (error) => RuntimeError.is(error, 'TOPIC_INVALID'),
  );
});

test('PatternTrie.match finds more entries of a pattern than a call takes arguments', () => {
  const trie = new PatternTrie<{ segments: readonly string[]; place: number }>();
  for (const pattern of ['a', '>']) {
    for (let i = 0; i < 150_000; i++) trie.add({ segments: parsePattern(pattern), place: -1 });
  }
  assert.equal(trie.match(parseTopic('a')).length, 300_000);
});

test('S59: a subscription without wildcards that comes or goes leaves the lists of other topics alone', () => {
  const { broker, system } = setUp();
  const ref = system.spawn(sink);
  system.subscribe('a', ref);
  for (const topic of ['a', 'b', 'c']) system.publish(topic, 1);
  assert.equal(broker.keptTopics, 3);
  const handle = system.subscribe('b', ref);
  assert.equal(broker.keptTopics, 2);
  assert.equal(system.publish('b', 1), 1);
  handle.cancel();
  assert.equal(broker.keptTopics, 2);
  assert.equal(system.publish('b', 1), 0);
  system.subscribe('*', ref);
  assert.equal(broker.keptTopics, 0);
});

test('S59: patterns that share nothing but wildcards are found by looking at no more nodes than there are', () => {
  const trie = new PatternTrie<{ segments: readonly string[]; place: number }>();
  // Every mixture of "a" and "*" in fifteen places, and an end that no topic has.
  for (let mask = 0; mask < 2 ** 15; mask++) {
    const segments = Array.from({ length: 15 }, (_, i) => ((mask >> i) & 1 ? 'a' : '*'));
    trie.add({ segments: [...segments, 'end'], place: -1 });
  }
  const topic = Array(16).fill('a');
  let looks = 0;
  const counted = new Proxy(topic, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
      return Reflect.get(target, key, receiver);
    },
  });
  assert.equal(trie.match(counted).length, 0);
  assert.ok(looks > 2 ** 15 && looks <= 2 ** 17, `${looks} looks`);
});

test('S59: topics and patterns that are absurd are refused at once, whatever they are', () => {
  const { system } = setUp();
  const ref = system.spawn(sink);
  const absurd = ['a.'.repeat(10_000), Array(10_000).fill('*').join('.'), 'x'.repeat(1e6), null, 7, {}, Symbol('a')];
  for (const topic of absurd as string[]) {
    for (const act of [() => system.publish(topic, 1), () => system.subscribe(topic, ref)]) {
      assert.throws(act, (error) => RuntimeError.is(error, 'TOPIC_INVALID'));
    }
  }
  for (const topic of ['a.*', '>', '*']) assert.throws(() => system.publish(topic, 1), { code: 'TOPIC_INVALID' });
});

test('S59: nothing is left of 100,000 subscriptions that have come and gone', () => {
  const { broker, system } = setUp();
  const refs = Array.from({ length: 100 }, () => system.spawn(sink));
  for (let round = 0; round < 2; round++) {
    const handles = refs.flatMap((ref, i) =>
      Array.from({ length: 1_000 }, (_, n) =>
        system.subscribe(`t${n}.${i}.${n % 2 ? '*' : '>'}`, ref, { group: `g${n}` }),
      ),
    );
    assert.equal(broker.subscriptions, 100_000);
    assert.equal(system.publish('t7.3.x', 1), 1);
    if (round === 0) for (const handle of handles) handle.cancel();
    else for (const ref of refs) ref.kill();
    assert.deepEqual([broker.subscriptions, broker.groups, broker.keptTopics], [0, 0, 0]);
    assert.ok(broker.isEmpty);
  }
});

test('B2: a subscription that comes or goes in the middle of a publication changes nothing for it', () => {
  const { clock, system } = setUp();
  const [first, second, third] = [system.spawn(sink), system.spawn(sink), system.spawn(sink)];
  const full = system.spawn(sink, undefined, { mailbox: { capacity: 1 } });
  clock.run();
  full.tellOp('x', 1);
  const handles: { cancel(): void }[] = [];
  for (const ref of [first, full, second]) handles.push(system.subscribe('a', ref));
  let inner: number | undefined;
  system.deadLetters.subscribe(({ topic }) => {
    if (inner !== undefined || topic !== 'a') return;
    inner = 0;
    handles[2]?.cancel();
    system.subscribe('a', third);
    inner = system.publish('a', 'inner');
  });
  assert.equal(system.publish('a', 'outer'), 2);
  assert.equal(inner, 2, 'first and third: full has no room still');
  const queued = (ref: typeof first): number => system.info(ref).queued;
  assert.deepEqual([first, second, third].map(queued), [2, 1, 1]);
});
