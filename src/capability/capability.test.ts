import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CapabilityRequest, decide, type Grants, isBucketPattern, isWithinFolder, NO_GRANTS } from './index.ts';
import { matchesName, matchesTopic } from './patterns.ts';

const REQUESTS: readonly CapabilityRequest[] = [
  { kind: 'clock' },
  { kind: 'random' },
  { kind: 'stdio', stream: 'stdout' },
  { kind: 'env', name: 'HOME' },
  { kind: 'filesystem', path: '/data/a', right: 'read' },
  { kind: 'messaging', action: 'tell', target: 'report' },
  { kind: 'messaging', action: 'publish', target: 'lines.new' },
  { kind: 'keyvalue', bucket: 'team-a' },
];

const ALL: Grants = {
  clock: true,
  random: true,
  stdio: { stdin: true, stdout: true, stderr: true },
  env: ['HOME'],
  filesystem: [{ hostPath: '/srv/data', guestPath: '/data', rights: ['read'] }],
  messaging: { tell: ['report'], publish: ['lines.*'] },
  keyvalue: ['other', 'team-*'],
};

test('decide denies everything without grants and names the line to add', () => {
  for (const request of REQUESTS) {
    const decision = decide(NO_GRANTS, request);
    assert.equal(decision.effect, 'deny');
    assert.equal(decision.rule, 'default');
    assert.ok(decision.line !== undefined && decision.reason.endsWith(decision.line));
  }
});

test('decide allows what a grant covers and names the grant', () => {
  for (const request of REQUESTS) {
    const decision = decide(ALL, request);
    assert.equal(decision.effect, 'allow');
    assert.notEqual(decision.rule, 'default');
  }
});

test('decide asks for the missing right of a folder that is granted', () => {
  const decision = decide(ALL, { kind: 'filesystem', path: '/data/a', right: 'write' });
  assert.equal(decision.line, 'filesystem = [{ path = "/srv/data", mount = "/data", rights = ["read", "write"] }]');
});

test('decide says the exact lines of each kind', () => {
  const lines = REQUESTS.map((request) => decide(NO_GRANTS, request).line);
  assert.deepEqual(lines, [
    'clock = true',
    'random = true',
    'stdio = ["stdout"]',
    'env = ["HOME"]',
    'filesystem = [{ path = ".", mount = "/data/a", rights = ["read"] }]',
    'messaging = { tell = ["report"] }',
    'messaging = { publish = ["lines.new"] }',
    'keyvalue = ["team-a"]',
  ]);
});

test('decide shortens what a guest chose', () => {
  const { reason } = decide(NO_GRANTS, { kind: 'messaging', action: 'ask', target: 'x'.repeat(1_000_000) });
  assert.ok(reason.length < 1_000);
});

test('decide escapes what would end a string of the line', () => {
  const { line } = decide(NO_GRANTS, { kind: 'env', name: 'A"]\nclock = true' });
  assert.equal(line, 'env = ["A\\"]\\nclock = true"]');
});

test('matchesBucket knows a name, a prefix and all, and decide no name that no bucket can have', () => {
  const allows = (pattern: string, bucket: string) =>
    decide({ keyvalue: [pattern] }, { kind: 'keyvalue', bucket }).effect === 'allow';
  assert.ok(
    allows('default', 'default') && allows('team-*', 'team-') && allows('team-*', 'team-a/b') && allows('*', 'x'),
  );
  assert.ok(!allows('default', 'default2') && !allows('team-*', 'team') && !allows('default', 'DEFAULT'));
  for (const name of ['', '*', 'team-*', '../x', 'a b', 'a\0', 'é', 'x'.repeat(129)]) {
    assert.ok(!allows('*', name), name);
    assert.equal(decide({ keyvalue: [name] }, { kind: 'keyvalue', bucket: name }).line, undefined);
  }
  assert.ok(isBucketPattern('*') && isBucketPattern('team-*') && isBucketPattern('sessions/eu'));
  for (const pattern of ['', '**', 'a*b', '*a', ' ', 'x'.repeat(129)]) assert.ok(!isBucketPattern(pattern), pattern);
});

test('matchesName knows a name, its numbered actors and all', () => {
  assert.ok(matchesName('parse', 'parse'));
  assert.ok(!matchesName('parse', 'parse/1'));
  assert.ok(matchesName('parse/*', 'parse/1'));
  assert.ok(!matchesName('parse/*', 'parse'));
  assert.ok(!matchesName('parse/*', 'parser/1'));
  assert.ok(!matchesName('parse/*', 'parse/'));
  assert.ok(matchesName('*', 'a/b'));
});

test('matchesTopic takes * as one token and > as the rest', () => {
  assert.ok(matchesTopic('lines.*', 'lines.new'));
  assert.ok(!matchesTopic('lines.*', 'lines'));
  assert.ok(!matchesTopic('lines.*', 'lines.new.today'));
  assert.ok(matchesTopic('lines.>', 'lines.new.today'));
  assert.ok(!matchesTopic('lines.>', 'lines'));
  assert.ok(!matchesTopic('lines.*', 'lines.'));
  assert.ok(matchesTopic('*.new', 'lines.new'));
  assert.ok(!matchesTopic('lines', 'line'));
});

test('matchesTopic lets every topic match itself and the rest wildcard', () => {
  const topic = fc
    .array(fc.stringMatching(/^[a-z0-9_-]{1,5}$/), { minLength: 1, maxLength: 5 })
    .map((tokens) => tokens.join('.'));
  fc.assert(
    fc.property(topic, (text) => matchesTopic(text, text) && matchesTopic('>', text)),
    { numRuns: 200 },
  );
});

test('isWithinFolder does not take a prefix of a name for a folder', () => {
  assert.ok(isWithinFolder('/data', '/data'));
  assert.ok(isWithinFolder('/data', '/data/a'));
  assert.ok(!isWithinFolder('/data', '/database'));
  assert.ok(isWithinFolder('/', '/x'));
  assert.ok(!isWithinFolder('/', 'x'));
});
