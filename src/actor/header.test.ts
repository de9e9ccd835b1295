import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskTarget, findAskCycle, type Header } from './header.ts';

/** An actor of the waits-for graph, which waits for `targets`. */
function waiting(name: string, ...targets: AskTarget[]): AskTarget & { readonly openAsks: Header[] } {
  return { name, openAsks: targets.map((askedActor) => ({ askedActor }) as Header) };
}

test('findAskCycle gives the path of a circle, and nothing where there is none', () => {
  const asker = waiting('asker');
  const last = waiting('last', asker);
  const dead = waiting('dead end');
  const first = waiting('first', dead, last, dead);
  assert.deepEqual(findAskCycle(asker, first), ['asker', 'first', 'last', 'asker']);
  assert.deepEqual(findAskCycle(asker, asker), ['asker', 'asker']);
  assert.equal(findAskCycle(asker, waiting('other', dead, waiting('another', dead))), undefined);
});

test('findAskCycle ends in a graph that has circles of its own', () => {
  const left = waiting('left');
  const right = waiting('right', left);
  left.openAsks.push(...waiting('', right).openAsks);
  assert.equal(findAskCycle(waiting('asker'), left), undefined);
});

test('findAskCycle copes with more open asks than a call takes arguments, and longer chains than a stack', () => {
  const asker = waiting('asker');
  const target = waiting('target', ...new Array<AskTarget>(1_000).fill(waiting('other')));
  for (let i = 0; i < 8; i++) target.openAsks.push(...target.openAsks.slice(0, 100_000));
  assert.ok(target.openAsks.length > 200_000);
  let chain: AskTarget = target;
  for (let i = 0; i < 100_000; i++) chain = waiting('link', chain);
  assert.equal(findAskCycle(asker, chain), undefined);
  target.openAsks.push(...waiting('', asker).openAsks);
  assert.equal(findAskCycle(asker, chain)?.length, 100_003);
});
