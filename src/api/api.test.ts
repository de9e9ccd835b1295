import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERROR_CODES, type ErrorCode, RuntimeError } from '../errors/index.ts';
import { bytesPayload, jsonDepth, payloadBytes } from './payload.ts';
import { fromProblem, toProblem } from './problem.ts';
import { parseAskRequest, parseTellRequest } from './requests.ts';
import { routePath } from './routes.ts';

const PAYLOAD = { form: 'json', value: [1] };

test('bytesPayload and payloadBytes are inverse for all bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
      const payload = bytesPayload(bytes);
      assert.ok(payload.form === 'bytes');
      assert.deepEqual(payloadBytes(payload), new Uint8Array(bytes));
    }),
    { numRuns: 50 },
  );
});

test('payloadBytes refuses what is not padded base64', () => {
  for (const base64 of ['a', 'aaa', 'a===', 'a b=', '====', 'YQ==YQ==', 'Y-Q_']) {
    assert.throws(() => payloadBytes({ form: 'bytes', base64 }), { code: 'MESSAGE_INVALID' }, base64);
  }
});

test('jsonDepth counts levels and ends early on values that nest too deep', () => {
  assert.equal(jsonDepth(1), 1);
  assert.equal(jsonDepth([[1]]), 2);
  assert.equal(jsonDepth({ a: [{ b: 1 }] }), 3);
  const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  assert.equal(jsonDepth(deep), 129);
});

test('parseAskRequest names the field that is wrong', () => {
  const cases: readonly [unknown, RegExp][] = [
    [null, /must be a JSON object/],
    [[], /must be a JSON object/],
    [{ op: 'a', payload: PAYLOAD, timeoutMs: 1, extra: 1 }, /"extra" is not known/],
    [{ payload: PAYLOAD, timeoutMs: 1 }, /"op" must be/],
    [{ op: '', payload: PAYLOAD, timeoutMs: 1 }, /"op" must be/],
    [{ op: 'a', payload: PAYLOAD }, /"timeoutMs" must be an integer from 1 to 3600000/],
    [{ op: 'a', payload: PAYLOAD, timeoutMs: 0.5 }, /"timeoutMs"/],
    [{ op: 'a', payload: PAYLOAD, timeoutMs: 3_600_001 }, /"timeoutMs"/],
    [{ op: 'a', timeoutMs: 1 }, /"payload" must be/],
    [{ op: 'a', payload: { form: 'json' }, timeoutMs: 1 }, /"payload" must be/],
    [{ op: 'a', payload: { form: 'bytes', base64: '!' }, timeoutMs: 1 }, /base64/],
  ];
  for (const [body, text] of cases) {
    assert.throws(
      () => parseAskRequest(body),
      (error) => RuntimeError.is(error, 'MESSAGE_INVALID') && text.test(error.message),
    );
  }
  assert.deepEqual(parseAskRequest({ op: 'a', payload: PAYLOAD, timeoutMs: 7 }), {
    op: 'a',
    payload: PAYLOAD,
    timeoutMs: 7,
  });
});

test('parseAskRequest and parseTellRequest never throw anything but MESSAGE_INVALID', () => {
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({
      op: fc.jsonValue(),
      payload: fc.record({
        form: fc.constantFrom('json', 'bytes', 'x'),
        value: fc.jsonValue(),
        base64: fc.jsonValue(),
      }),
      timeoutMs: fc.jsonValue(),
    }),
  );
  const refused = (parse: () => unknown) => {
    try {
      parse();
    } catch (error) {
      assert.ok(RuntimeError.is(error, 'MESSAGE_INVALID'));
    }
  };
  fc.assert(
    fc.property(body, (value) => {
      refused(() => parseAskRequest(value));
      refused(() => parseTellRequest(value));
    }),
    { numRuns: 500 },
  );
});

test('toProblem and fromProblem keep code, message and details of every error', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const problem = toProblem(
      new RuntimeError(code, 'Text', { details: { capacity: 3 }, cause: new Error('private') }),
    );
    assert.ok(!JSON.stringify(problem).includes('private'));
    const back = fromProblem(JSON.parse(JSON.stringify(problem)), problem.status);
    assert.deepEqual([back.code, back.message, back.details], [code, 'Text', { capacity: 3 }]);
  }
});

test('fromProblem makes INTERNAL_REMOTE of what is no problem document', () => {
  for (const body of [undefined, null, 'x', {}, { code: 1, detail: 2 }]) {
    const error = fromProblem(body, 502);
    assert.deepEqual([error.code, error.details], ['INTERNAL_REMOTE', { status: 502 }]);
  }
});

test('routePath encodes a name as one segment', () => {
  assert.equal(routePath('ask', 'parse/1'), '/v1/actors/parse%2F1/ask');
  assert.equal(routePath('tell', '$&'), '/v1/actors/%24%26/tell');
  assert.equal(routePath('actors'), '/v1/actors');
});
