import assert from 'node:assert/strict';
import { before, mock, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { systemClock } from '../../time/index.ts';
import { parseWat } from '../tooling/index.ts';
import { compileShared } from './compile-shared.ts';
import { compileInThread } from './in-thread.ts';
import { Slots } from './slots.ts';

/** Large enough for a thread; `answer` differs from component to component. */
function large(answer: number): Promise<Uint8Array> {
  return parseWat(`(component
    (core module $M (memory 16) (data (i32.const 0) "${'x'.repeat(600_000)}")
      (func (export "answer") (result i32) (i32.const ${answer})))
    (core instance $m (instantiate $M))
    (func (export "answer") (result u32) (canon lift (core func $m "answer"))))`);
}

/** A component of one core module, which has `count` functions that do nothing. */
function manyFunctions(count: number): Uint8Array {
  const number = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...number(value >> 7)]);
  const section = (id: number, content: Buffer) =>
    Buffer.concat([Buffer.from([id, ...number(content.length)]), content]);
  const vector = (item: readonly number[]) =>
    Buffer.concat([Buffer.from(number(count)), Buffer.from(Array.from({ length: count }, () => item).flat())]);
  const types = section(1, Buffer.from([1, 0x60, 0, 0]));
  const magic = [0x00, 0x61, 0x73, 0x6d];
  const core = Buffer.concat([
    Buffer.from([...magic, 1, 0, 0, 0]),
    types,
    section(3, vector([0])),
    section(10, vector([2, 0, 0x0b])),
  ]);
  // An instance of it, without arguments.
  const instance = section(2, Buffer.from([1, 0, 0, 0]));
  return Buffer.concat([Buffer.from([...magic, 0x0d, 0, 1, 0]), section(1, core), instance]);
}

let bytes: Uint8Array;

before(async () => {
  bytes = await large(1);
});

function isLimit(limit: string) {
  return (error: unknown): boolean => RuntimeError.is(error, 'COMPONENT_LIMIT') && error.details.limit === limit;
}

test('compileShared compiles a large component once, on another thread, for all who ask', async (t) => {
  const compile = t.mock.method(WebAssembly, 'compile');
  const [one, other] = await Promise.all([compileShared(bytes), compileShared(bytes)]);
  assert.equal(one.artifact, other.artifact);
  assert.notEqual(one, other);
  assert.equal((await compileShared(bytes)).artifact, one.artifact);
  assert.equal(compile.mock.callCount(), 0);
  const instance = await one.instantiate();
  assert.equal(await instance.call('answer', []), 1);
  const metered = await compileShared(bytes, { metered: true });
  assert.notEqual(metered.artifact.id, one.artifact.id);
});

test('compileShared compiles a small component where it is, and once', async (t) => {
  const small = await parseWat(`(component (core module $M (func (export "f"))) (core instance (instantiate $M)))`);
  const compile = t.mock.method(WebAssembly, 'compile');
  const one = await compileShared(small);
  const other = await compileShared(small);
  assert.equal(one.artifact, other.artifact);
  assert.equal(compile.mock.callCount(), 1);
});

test('compileShared gives up at its deadline, and is not the worse for it', async () => {
  const component = await large(2);
  await assert.rejects(compileShared(component, { deadlineMs: 1 }), isLimit('compile-time'));
  assert.equal((await compileShared(component)).artifact.modules.length, 1);
});

test('compileInThread names what needs too much memory', async () => {
  const { signal } = new AbortController();
  const patience = { clock: systemClock, deadlineMs: 60_000, signal, heapMb: 24 };
  const job = { bytes: manyFunctions(900_000), options: { metered: true } };
  await assert.rejects(compileInThread(job, patience), isLimit('compile-memory'));
});

test('compileShared names what is wrong as compileComponent does, each time', async () => {
  const broken = (await large(3)).subarray(0, -1);
  for (let round = 0; round < 2; round++) {
    await assert.rejects(compileShared(broken), (error) => RuntimeError.is(error, 'COMPONENT_INVALID'));
  }
});

test('compileShared: who gives up hurts nobody else who waits; when all have, the work ends', async () => {
  const component = await large(4);
  const reason = new Error('enough');
  const impatient = new AbortController();
  const [gone, kept] = [compileShared(component, { signal: impatient.signal }), compileShared(component)];
  impatient.abort(reason);
  await assert.rejects(gone, reason);
  assert.equal((await kept).artifact.modules.length, 1);
  const last = new AbortController();
  const alone = compileShared(await large(5), { signal: last.signal });
  last.abort(reason);
  await assert.rejects(alone, reason);
  await assert.rejects(compileShared(component, { signal: last.signal }), reason);
});

test('Slots lets so many work at a time, in the order in which they came', async () => {
  const slots = new Slots(2);
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const started: number[] = [];
  const { signal } = new AbortController();
  const impatient = new AbortController();
  const all = gates.map(({ promise }, index) =>
    slots.use(index === 2 ? impatient.signal : signal, () => {
      started.push(index);
      return promise;
    }),
  );
  const failed = mock.fn();
  all[2]?.catch(failed);
  await Promise.resolve();
  assert.deepEqual(started, [0, 1]);
  impatient.abort(new Error('enough'));
  await all[2]?.catch(() => undefined);
  assert.equal(failed.mock.callCount(), 1);
  gates[1]?.resolve();
  await all[1];
  await Promise.resolve();
  assert.deepEqual(started, [0, 1, 3]);
  for (const { resolve } of gates) resolve();
  await Promise.all([all[0], all[3]]);
});
