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
