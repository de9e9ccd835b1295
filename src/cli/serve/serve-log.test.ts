import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '../../time/index.ts';
import type { CliContext } from '../context.ts';
import { ServeLog } from './serve-log.ts';

function logOf(format: 'table' | 'json', isTTY: boolean) {
  const clock = new ManualClock();
  const stream = () => Object.assign(new PassThrough({ highWaterMark: 10_000_000 }), { isTTY });
  const [stdout, stderr] = [stream(), stream()];
  const log = new ServeLog({ clock, stdout, stderr } as unknown as CliContext, format);
  const lines = (from: PassThrough): string[] => {
    let text = '';
    for (let chunk = from.read(); chunk !== null; chunk = from.read()) text += String(chunk);
    text = text.trim();
    return text === '' ? [] : text.split('\n');
  };
  return { log, clock, out: () => lines(stdout), err: () => lines(stderr) };
}

const request = (path: string, status = 200) => ({ method: 'GET', path, status, durationMs: 1.25, component: 'web' });

test('ServeLog shows requests on a terminal at a pace that can be read, and counts the rest', () => {
  const { log, clock, err } = logOf('table', true);
  for (let index = 0; index < 120; index++) log.request(request(`/${index}`));
  assert.equal(err().length, 50);
  log.release('due');
  assert.deepEqual(err(), []);
  clock.advance(1_000);
  log.release('due');
  assert.deepEqual(err(), ['… 70 more requests']);
  log.request(request('/next'));
  assert.equal(err().length, 1);
});

test('ServeLog makes what clients send harmless for a terminal', () => {
  const { log, err } = logOf('table', true);
  log.request(request(`/\u001b[2J${'x'.repeat(1_000)}`, 0));
  const [line = ''] = err();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
  assert.doesNotMatch(line.replace(/\u001b\[\d+m/g, ''), /\u001b/);
  assert.ok(line.length < 300);
});

test('ServeLog says nothing of requests where nobody watches', () => {
  const { log, err, out } = logOf('table', false);
  log.request(request('/'));
  log.release('end');
  assert.deepEqual([...err(), ...out()], []);
});

test('ServeLog writes each request as an object with json', () => {
  const { log, out } = logOf('json', false);
  log.listening('http://127.0.0.1:1');
  log.request(request('/a', 404));
  log.event({ type: 'denied', actor: 'web', text: 'no' });
  log.release('end');
  const types = out().map((line) => JSON.parse(line) as { type: string; status?: number });
  assert.deepEqual(
    types.map(({ type, status }) => [type, status]),
    [
      ['listening', undefined],
      ['request', 404],
      ['denied', undefined],
    ],
  );
});
