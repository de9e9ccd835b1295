import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { parseWat } from '../tooling/index.ts';
import { compileComponent } from './index.ts';

const times = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => write(index)).join('\n');

const CORE = `(core module $M (func (export "f"))) (core instance $m (instantiate $M))
  (func $f (canon lift (core func $m "f")))`;
const LIMIT = 10_001;

/** Components that ask for more of something than one may have, by the name of the limit. */
const TOO_MUCH: Readonly<Record<string, string>> = {
  'exported-functions': `${CORE} ${times(LIMIT, (n) => `(export "f${n}" (func $f))`)}`,
  'host-functions': `(import "f" (func $f)) ${times(LIMIT, () => '(core func (canon lower (func $f)))')}`,
  'resource-types': times(LIMIT, () => '(type (resource (rep i32)))'),
  'core-imports': `(core module $N (func (export "f"))) (core instance $n (instantiate $N))
    (core module $M ${times(101, (n) => `(import "" "${n}" (func))`)})
    (core instance $args ${times(101, (n) => `(export "${n}" (func $n "f"))`)})
    ${times(100, () => '(core instance (instantiate $M (with "" (instance $args))))')}`,
  'core-instances': `(core module $M) ${times(500, () => '(core instance (instantiate $M))')}
    (component $C (core module $M) ${times(501, () => '(core instance (instantiate $M))')}) (instance (instantiate $C))`,
  instances: `(component $A) (component $B ${times(99, () => '(instance (instantiate $A))')})
    ${times(10, () => '(instance (instantiate $B))')}`.replace('(component $B ', '(component $B (component $A) '),
  definitions: `(component $C (import "f" (func $f)) (instance ${times(5_000, (n) => `(export "f${n}" (func $f))`)}))
    ${CORE} ${times(250, () => '(instance (instantiate $C (with "f" (func $f))))')}`,
};

for (const [limit, text] of Object.entries(TOO_MUCH)) {
  test(`planComponent refuses a component that asks for too much: ${limit}`, async () => {
    const bytes = await parseWat(`(component ${text})`);
    await assert.rejects(compileComponent(bytes), (error) => {
      assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'), String(error));
      assert.equal(error.details.limit, limit);
      assert.match(error.message, /^Cannot link the component: it has more than \d+ [a-z]/);
      return true;
    });
  });
}

test('shareOut says what all memories and tables claim together, and what the limit is', async () => {
  const twice = (field: string): string =>
    `(component (core module $M ${field}) (core instance (instantiate $M)) (core instance (instantiate $M)))`;
  const limits = { memoryBytes: 10 * 65_536, tableElements: 100 };
  const memories = compileComponent(await parseWat(twice('(memory 6)')), { limits });
  await assert.rejects(memories, (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'));
    assert.deepEqual(error.details, { limit: 'memory', limitBytes: 655_360, claimedBytes: 786_432 });
    return true;
  });
  const tables = compileComponent(await parseWat(twice('(table 51 funcref)')), { limits });
  await assert.rejects(tables, (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'));
    assert.deepEqual(error.details, { limit: 'table', limitElements: 100, claimedElements: 102 });
    return true;
  });
});

test('compileComponent gives other work its turn between functions', async () => {
  const bytes = await parseWat(`(component ${CORE} ${times(300, (n) => `(export "f${n}" (func $f))`)})`);
  const clock = new ManualClock();
  const compiling = compileComponent(bytes, { clock });
  const turns: number[] = [];
  const done = compiling.then((component) => component.exports.length);
  for (let waiting = true; waiting; ) {
    turns.push(await nextTurn(clock));
    waiting = await Promise.race([done.then(() => false), immediate().then(() => true)]);
  }
  assert.equal(await done, 300);
  assert.ok(turns.filter((ran) => ran > 0).length >= 4);
});

test('compileComponent gives other work its turn between definitions, in nested components too', async () => {
  const types = times(2_000, () => '(type (tuple u8 string))');
  const bytes = await parseWat(`(component (component ${types}))`);
  const clock = new ManualClock();
  const compiling = compileComponent(bytes, { clock });
  let turns = 0;
  for (let waiting = true; waiting; ) {
    if ((await nextTurn(clock)) > 0) turns++;
    waiting = await Promise.race([compiling.then(() => false), immediate().then(() => true)]);
  }
  assert.ok(turns >= 2, `${turns} turns`);
});

async function nextTurn(clock: ManualClock): Promise<number> {
  await immediate();
  return clock.run();
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('compileComponent is given up between two functions', async () => {
  const bytes = await parseWat(`(component ${CORE} ${times(300, (n) => `(export "f${n}" (func $f))`)})`);
  const reason = new Error('not wanted any more');
  const controller = new AbortController();
  const clock = new ManualClock();
  const compiling = assert.rejects(compileComponent(bytes, { clock, signal: controller.signal }), reason);
  while (clock.pendingCallbacks === 0) await immediate();
  controller.abort(reason);
  clock.run();
  await compiling;
});

test('CompiledComponent.needs names functions that code can call and resources that it can hold, nothing else', async () => {
  const bytes = await parseWat(`(component
    (import "used" (instance $i (export "r" (type (sub resource))) (export "s" (type (sub resource)))
      (export "f" (func)) (export "g" (func))))
    (import "unused" (instance (export "f" (func))))
    (alias export $i "r" (type $r))
    (core func $drop (canon resource.drop $r)) (core func $f (canon lower (func $i "f")))
    (core module $M (import "" "drop" (func (param i32))) (import "" "f" (func)))
    (core instance (instantiate $M (with "" (instance (export "drop" (func $drop)) (export "f" (func $f)))))))`);
  assert.deepEqual((await compileComponent(bytes)).needs, ['used#f', 'used#r']);
});
