/**
 * Components that others built and published on npm. Each package also ships the JavaScript that jco generated for the
 * same component, which serves as an independent oracle: same input, same output.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { initializeWasm as initializeAnalyze } from '@arcjet/analyze-wasm';
import { initializeWasm as initializeRedact } from '@arcjet/redact-wasm';
import fc from 'fast-check';
import { compileComponent, decodeComponent } from '../../src/component/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';

async function bytesOf(packageName: string, file: string): Promise<Uint8Array> {
  return readFile(new URL(file, new URL('.', import.meta.resolve(packageName))));
}

const redactBytes = await bytesOf('@arcjet/redact-wasm', 'wasm/arcjet_analyze_bindings_redact.component.wasm');
const analyzeBytes = await bytesOf('@arcjet/analyze-wasm', 'wasm/arcjet_analyze_js_req.component.wasm');

const custom = (token: string) => (token.startsWith('secret') ? { tag: 'custom', val: 'secret' } : undefined);
const replacement = (entity: { tag: string }) => (entity.tag === 'custom' ? '***' : undefined);

test('compileComponent runs the redaction component of npm as its generated JavaScript does, traps included', async () => {
  const component = await compileComponent(redactBytes);
  const makeOracle = () =>
    initializeRedact(
      (tokens) => tokens.map((token) => custom(token) as never),
      (entity) => replacement(entity),
    );
  const makeInstance = () =>
    component.instantiate({
      'arcjet:redact/custom-redact': {
        'detect-sensitive-info': (tokens: string[]) => tokens.map(custom),
        'redact-sensitive-info': replacement,
      },
    });
  let oracle = await makeOracle();
  let instance = await makeInstance();
  const known = ['joe@example.com', '10.0.0.1', '555-555-5555', '4242424242424242', 'secret-plan', 'caffè', '🙂', '𝐀'];
  const word = fc.oneof(fc.constantFrom(...known), fc.string({ unit: 'grapheme', maxLength: 8 }));
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
  const options = fc.record({
    entities: fc.option(fc.subarray([{ tag: 'email' as const }, { tag: 'ip-address' as const }]), { nil: undefined }),
    contextWindowSize: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    skipCustomDetect: fc.boolean(),
    skipCustomRedact: fc.boolean(),
  });
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(text, options, async (content, config) => {
      let expected: unknown;
      try {
        expected = oracle?.redact(content, config as never);
      } catch {
        // The component has a fault of its own with some characters; the engine must stop where the oracle does.
        await assert.rejects(instance.call('redact', [content, config]), (error) =>
          RuntimeError.is(error, 'COMPONENT_TRAPPED'),
        );
        oracle = await makeOracle();
        instance = await makeInstance();
        return;
      }
      assert.deepEqual(plain(await instance.call('redact', [content, config])), plain(expected));
    }),
    { numRuns: 150 },
  );
});

test('compileComponent runs the analysis component of npm, three megabytes of it, as its generated JavaScript does', async () => {
  const answers = {
    isFreeEmail: () => 'unknown',
    isDisposableEmail: () => 'no',
    hasMxRecords: () => 'yes',
    hasGravatar: () => 'unknown',
  };
  const oracle = await initializeAnalyze({
    'arcjet:js-req/bot-identifier': { detect: () => [] },
    'arcjet:js-req/verify-bot': { verify: () => 'unverifiable' },
    'arcjet:js-req/filter-overrides': { ipLookup: () => undefined },
    'arcjet:js-req/sensitive-information-identifier': { detect: () => [] },
    'arcjet:js-req/email-validator-overrides': answers,
  } as never);
  assert.ok(oracle);
  const instance = await (await compileComponent(analyzeBytes)).instantiate({
    'arcjet:js-req/bot-identifier': { detect: () => [] },
    'arcjet:js-req/verify-bot': { verify: () => 'unverifiable' },
    'arcjet:js-req/filter-overrides': { 'ip-lookup': () => undefined },
    'arcjet:js-req/sensitive-information-identifier': { detect: () => [] },
    'arcjet:js-req/email-validator-overrides': {
      'is-free-email': answers.isFreeEmail,
      'is-disposable-email': answers.isDisposableEmail,
      'has-mx-records': answers.hasMxRecords,
      'has-gravatar': answers.hasGravatar,
    },
  });
  for (const address of ['ada@example.com', 'no-at-sign', 'two@@example.com', 'ünï@exämple.com', '']) {
    const config = {
      tag: 'deny-email-validation-config',
      val: { requireTopLevelDomain: true, allowDomainLiteral: false, deny: ['INVALID'] },
    } as const;
    let expected: unknown;
    try {
      expected = { tag: 'ok', val: oracle.isValidEmail(address, config as never) };
    } catch (error) {
      expected = { tag: 'err', val: (error as { payload?: unknown }).payload ?? String(error) };
    }
    assert.deepEqual(await instance.call('is-valid-email', [address, config]), expected, address);
  }
  const request = JSON.stringify({ ip: '192.0.2.1', method: 'GET', host: 'example.com', headers: {} });
  const print = await instance.call('generate-fingerprint', [request, ['ip.src']]);
  assert.deepEqual(print, { tag: 'ok', val: oracle.generateFingerprint(request, ['ip.src']) });
});

test('CompiledComponent.instantiate names everything that a component of others imports and was not given', async () => {
  const component = await compileComponent(redactBytes);
  await assert.rejects(component.instantiate(), (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_IMPORT_MISSING'));
    return (
      error.message.includes('arcjet:redact/custom-redact#detect-sensitive-info') &&
      error.message.includes('redact-sensitive-info')
    );
  });
});

test('decodeComponent refuses every truncation of a component of others with one named error', () => {
  for (let length = 0; length < redactBytes.length; length += 997) {
    assert.throws(
      () => decodeComponent(redactBytes.subarray(0, length)),
      (error) => RuntimeError.is(error, 'COMPONENT_INVALID') || RuntimeError.is(error, 'NOT_A_COMPONENT'),
      `cut at ${length}`,
    );
  }
});
