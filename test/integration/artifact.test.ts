/** What a component was compiled to is used by other threads as it is. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type CompiledComponent, type CompileOptions, compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { failsWith } from '../kit/fails-with.ts';

let bytes: Uint8Array;
let compiled: CompiledComponent;

const wat = (answer: number): string => `(component
  (core module $M (func (export "answer") (result i32) (i32.const ${answer})))
  (core module $N (import "m" "answer" (func $answer (result i32))) (func (export "twice") (result i32) (i32.add (call $answer) (call $answer))))
  (core instance $m (instantiate $M))
  (core instance $n (instantiate $N (with "m" (instance $m))))
  (func (export "answer") (result u32) (canon lift (core func $m "answer")))
  (func (export "twice") (result u32) (canon lift (core func $n "twice"))))`;

/** Runs in the worker, which may not compile anything. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  WebAssembly.compile = () => Promise.reject(new Error('compiled again'));
  (async () => {
    const { compileComponent } = await import(workerData.url);
    const { bytes, options } = workerData;
    const instance = await (await compileComponent(bytes, options)).instantiate();
    parentPort.postMessage([await instance.call('answer', []), await instance.call('twice', [])]);
  })();`;

before(async () => {
  bytes = await parseWat(wat(21));
  compiled = await compileComponent(bytes, { metered: true });
});

async function inWorker(options: CompileOptions): Promise<unknown> {
  const url = new URL('../../src/component/index.ts', import.meta.url).href;
  const worker = new Worker(WORKER, { eval: true, workerData: { url, bytes, options } });
  try {
    const [answer] = await once(worker, 'message');
    return answer;
  } finally {
    await worker.terminate();
  }
}

test('compileComponent takes an artifact over from another thread, and compiles nothing', async () => {
  assert.deepEqual(await inWorker({ metered: true, artifact: compiled.artifact }), [21, 42]);
});

test('compileComponent needs the artifact to get on without compiling', async () => {
  await assert.rejects(inWorker({ metered: true }), /compiled again/);
});

test('compileComponent refuses an artifact of other bytes or of other options', async () => {
  const { artifact } = compiled;
  const invalid = failsWith('COMPONENT_INVALID', /Cannot use the artifact: .* compile without it/);
  await assert.rejects(compileComponent(await parseWat(wat(22)), { metered: true, artifact }), invalid);
  await assert.rejects(compileComponent(bytes, { artifact }), invalid);
  await assert.rejects(compileComponent(bytes, { metered: true, limits: { tableElements: 7 }, artifact }), invalid);
  const again = await compileComponent(bytes, { metered: true, artifact });
  assert.equal(again.artifact.id, artifact.id);
});
