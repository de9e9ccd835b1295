import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_STATES } from '../../test/kit/states.ts';
import { routePath } from '../api/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { createControlApp } from './control-app.ts';
import type { ControlAsk, ControlPlane } from './control-plane.ts';
import { createToken, digestOfToken, holderOf } from './token.ts';

const TOKEN = 'right';
const HOLDERS = (['admin', 'operator', 'reader'] as const).map((role) => ({
  name: role,
  role,
  sha256: digestOfToken(role === 'admin' ? TOKEN : role),
}));
const PAYLOAD = { form: 'json', value: ['hi'] } as const;

/** A plane whose one actor answers with what it was asked. */
function createApp(parts: Partial<ControlPlane> = {}) {
  const asked: ControlAsk[] = [];
  const plane: ControlPlane = {
    application: () => ({ name: 'quakes', pid: 7, startedAtMs: 1 }),
    actors: () => [],
    look: () => Promise.resolve(),
    operations: (name) => {
      if (name === 'parse/1') return [{ name: 'echo', kind: 'function', wit: 'func(text: string) -> string' }];
      throw new RuntimeError('ACTOR_NOT_FOUND', `No actor is named "${name}"`);
    },
    ...NO_STATES,
    ask: async (request) => {
      asked.push(request);
      return request.payload;
    },
    tell: () => ({ ok: true }),
    stop: async () => undefined,
    ...parts,
  };
  const clock = new ManualClock();
  const app = createControlApp({ plane, holders: HOLDERS, clock });
  const send = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers };
    const response = await app.request(path, { ...init, headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: (await response.json()) as Answer,
    };
  };
  return { app, asked, clock, send };
}

type Answer = { code?: string; kind?: string; detail?: string; [key: string]: unknown };

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

test('createControlApp answers nothing but 401 without the right token', async () => {
  const { app, clock } = createApp();
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'bearer right',
    'Basic right',
    TOKEN,
  ]) {
    clock.advance(1_000);
    for (const path of ['/v1/actors', '/v1/nothing', '/v1/stop']) {
      const response = await app.request(path, authorization === undefined ? {} : { headers: { authorization } });
      const problem = (await response.json()) as Answer;
      assert.deepEqual([response.status, problem.code, problem.kind], [401, 'CONTROL_UNAUTHORIZED', 'denied']);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    }
  }
});

test('createControlApp hands an ask to the plane and its reply back', async () => {
  const { send, asked } = createApp();
  const answer = await send(routePath('ask', 'parse/1'), post({ op: 'echo', payload: PAYLOAD, timeoutMs: 50 }));
  assert.deepEqual([answer.status, answer.body], [200, { payload: PAYLOAD }]);
  assert.deepEqual([asked[0]?.actor, asked[0]?.op, asked[0]?.timeoutMs], ['parse/1', 'echo', 50]);
});

test('createControlApp reports every error as a problem document with code and kind', async () => {
  const { send } = createApp({
    tell: () => ({ ok: false, error: { code: 'MAILBOX_FULL', message: 'Full', details: { capacity: 1 } } }),
    actors: () => {
      throw new Error('a secret');
    },
  });
  const cases: readonly [string, RequestInit, number, string][] = [
    ['/v1/nothing', {}, 404, 'OPERATION_UNKNOWN'],
    ['/v1/actors', {}, 500, 'INTERNAL'],
    [routePath('operations', 'nobody'), {}, 404, 'ACTOR_NOT_FOUND'],
    [routePath('tell', 'a'), post({ op: 'x', payload: PAYLOAD }), 503, 'MAILBOX_FULL'],
    [routePath('tell', 'a'), post('{'), 400, 'MESSAGE_INVALID'],
    [routePath('tell', 'a'), post({ op: 1 }), 400, 'MESSAGE_INVALID'],
    [routePath('tell', 'a'), post('x'.repeat(1_048_577)), 400, 'MESSAGE_INVALID'],
  ];
  for (const [path, init, status, code] of cases) {
    const answer = await send(path, init);
    assert.deepEqual([answer.status, answer.type, answer.body.code], [status, 'application/problem+json', code], path);
    assert.ok(!JSON.stringify(answer.body).includes('secret'));
  }
});

test('createControlApp gives up on a plane that does not keep the deadline of an ask', async () => {
  const { send, clock } = createApp({ ask: () => new Promise(() => undefined) });
  const answer = send(routePath('ask', 'a'), post({ op: 'x', payload: PAYLOAD, timeoutMs: 10 }));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(2_000);
  assert.deepEqual([(await answer).status, (await answer).body.code], [504, 'ASK_TIMEOUT']);
});

test('createControlApp answers a stop before it begins', async () => {
  let stopped = 0;
  const { send, clock } = createApp({
    stop: async () => {
      stopped++;
    },
  });
  assert.equal((await send('/v1/stop', { method: 'POST' })).status, 202);
  assert.equal(stopped, 0);
  clock.advance(1);
  assert.equal(stopped, 1);
});

test('holderOf takes the whole token only; createToken makes a new one each time', () => {
  const token = createToken();
  const holders = [{ name: 'one', role: 'reader', sha256: digestOfToken(token) } as const];
  assert.equal(holderOf(`Bearer ${token}`, holders), holders[0]);
  for (const wrong of [`${token}x`, token.slice(1), '', holders[0]?.sha256])
    assert.equal(holderOf(`Bearer ${wrong}`, holders), undefined);
  assert.notEqual(token, createToken());
});

test('createControlApp lets a token do what its role allows, and puts on record whose it was', async () => {
  const permitted: unknown[] = [];
  const refused: unknown[] = [];
  const { app } = createApp({
    permit: async (action) => void permitted.push(action),
    noteIntrusion: (path, holder) => refused.push([path, holder]),
  });
  const status = async (token: string, path: string, init: RequestInit = {}) =>
    (await app.request(path, { ...init, headers: { authorization: `Bearer ${token}` } })).status;
  const answer = await app.request('/v1/stop', { method: 'POST', headers: { authorization: 'Bearer reader' } });
  assert.partialDeepStrictEqual(await answer.json(), { code: 'CONTROL_FORBIDDEN', kind: 'denied' });
  refused.length = 0;
  const tell = post({ op: 'x', payload: PAYLOAD });
  assert.deepEqual(
    [await status('reader', '/v1/actors'), await status('reader', '/metrics'), await status('reader', '/v1/nothing')],
    [200, 200, 404],
  );
  assert.equal(await status('reader', routePath('tell', 'a'), tell), 403);
  assert.equal(await status('reader', routePath('tell', 'a/b'), tell), 403);
  assert.equal(await status('operator', routePath('tell', 'a'), tell), 202);
  assert.equal(await status('operator', '/v1/stop', { method: 'POST' }), 403);
  assert.equal(await status(TOKEN, '/v1/stop', { method: 'POST' }), 202);
  assert.deepEqual(permitted, [
    { action: 'actor.tell', actor: 'a', op: 'x', principal: 'operator' },
    { action: 'application.stop', principal: 'admin' },
  ]);
  assert.deepEqual(refused, [
    ['/v1/actors/a/tell', 'reader'],
    ['/v1/actors/a%2Fb/tell', 'reader'],
    ['/v1/stop', 'operator'],
  ]);
});

test('createControlApp tells who guesses to wait, and never one who knows', async () => {
  const { app, clock } = createApp();
  const status = async (token: string) =>
    (await app.request('/v1/actors', { headers: { authorization: `Bearer ${token}` } })).status;
  const guesses: number[] = [];
  for (let guess = 0; guess < 8; guess++) guesses.push(await status(`guess ${guess}`));
  assert.deepEqual(guesses, [401, 401, 401, 401, 401, 503, 503, 503]);
  const answer = await app.request('/v1/actors', { headers: { authorization: 'Bearer guess' } });
  assert.partialDeepStrictEqual(await answer.json(), { code: 'CONTROL_THROTTLED', kind: 'overload' });
  assert.equal(await status(TOKEN), 200);
  clock.advance(1_000);
  assert.equal(await status('guess'), 401);
});

test('createControlApp lets no browser show, run, frame or keep what it answers', async () => {
  const { app } = createApp();
  for (const path of ['/v1/actors', '/metrics', '/v1/nothing']) {
    for (const authorization of [`Bearer ${TOKEN}`, 'Bearer wrong']) {
      const { headers } = await app.request(path, { headers: { authorization } });
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('access-control-allow-origin'), null);
    }
  }
});
