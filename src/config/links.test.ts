import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveLinks } from './links.ts';
import { describeProblem } from './problems.ts';
import { APPLICATION_SCHEMA } from './schemas.ts';
import { checkToml } from './toml.ts';

const ACTORS = new Map([
  ['front', ['front']],
  ['calc', ['calc']],
  ['pool', ['pool/1', 'pool/2']],
]);

function resolve(links: Parameters<typeof resolveLinks>[0]['links']) {
  const problems: string[] = [];
  const found = resolveLinks({
    component: 'front',
    links,
    actors: ACTORS,
    report: (path, { message, help }) => problems.push(`${path.join('|')} ${message}; ${help}`),
  });
  return { found, problems };
}

test('resolveLinks leads to all actors of a component, or to the one that is named', () => {
  const { found, problems } = resolve({
    'demo:calc/ops@1.0.0': 'calc',
    'demo:pool/all': { actor: 'pool', timeout: 2_000 },
    one: 'pool/2',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(found, [
    { import: 'demo:calc/ops@1.0.0', component: 'calc', actors: ['calc'], timeoutMs: undefined },
    { import: 'demo:pool/all', component: 'pool', actors: ['pool/1', 'pool/2'], timeoutMs: 2_000 },
    { import: 'one', component: 'pool', actors: ['pool/2'], timeoutMs: undefined },
  ]);
});

test('resolveLinks reports a link that leads nowhere, with the nearest name, and one that leads back', () => {
  const { found, problems } = resolve({ a: 'calk', b: { actor: 'pool/3', timeout: 1 }, c: 'front', d: 'xyzzy-xyzzy' });
  assert.deepEqual(found, []);
  assert.deepEqual(problems, [
    'a leads to no component or actor: "calk"; did you mean "calc"?',
    'b|actor leads to no component or actor: "pool/3"; did you mean "pool/1"?',
    'c leads back to its own component "front"; an actor that waits for itself waits for ever',
    'd leads to no component or actor: "xyzzy-xyzzy"; components are: front, calc, pool',
  ]);
});

test('checkToml takes both forms of a link and refuses others', () => {
  const toml = (link: string) =>
    `[application]\nname = "a"\n[components.front]\nsource = "f"\n[components.front.links]\n"demo:calc/ops@1.0.0" = ${link}`;
  const check = (link: string) => checkToml('/a/troupe.toml', toml(link), APPLICATION_SCHEMA);
  for (const [link, expected] of [
    ['"calc"', 'calc'],
    ['{ actor = "calc" }', { actor: 'calc', timeout: 5_000 }],
    ['{ actor = "calc", timeout = "250ms" }', { actor: 'calc', timeout: 250 }],
  ] as const) {
    const checked = check(link);
    assert.ok(checked.ok);
    assert.deepEqual(checked.value.components.front?.links, { 'demo:calc/ops@1.0.0': expected });
  }
  const refused = [
    ['1', ' expected the name of a component or actor, or { actor = "NAME", timeout = "5s" }, found 1'],
    ['""', ' expected the name of a component or actor, found ""'],
    ['{ actor = "calc", timout = "1s" }', '.timout is not a known key; did you mean "timeout"?'],
    [
      '{ actor = "calc", timeout = "2h" }',
      '.timeout expected a duration from "1ms" to "1h", such as "5s" or "250ms", found "2h"',
    ],
  ];
  for (const [link = '', says] of refused) {
    const checked = check(link);
    assert.ok(!checked.ok);
    const texts = checked.problems.map(describeProblem);
    assert.deepEqual(texts, [`line 6: components.front.links.demo:calc/ops@1.0.0${says}`]);
  }
});
