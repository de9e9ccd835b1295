import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CapabilityRequest, decide } from '../capability/index.ts';
import { intersectGrants } from './grants.ts';
import type { AsksSection, GrantsSection } from './grants-section.ts';
import { mergeLimits } from './limits-section.ts';
import { nearest } from './nearest.ts';
import {
  coversName,
  coversTopic,
  isConnectPattern,
  isHttpPattern,
  isListenPattern,
  isNamePattern,
  isResolvePattern,
  isTopicPattern,
} from './patterns.ts';
import { formatSize, parseSizeBytes } from './units.ts';

function intersect(given: GrantsSection, asked: AsksSection | undefined) {
  const { grants, notices } = intersectGrants({ component: 'parse', directory: '/app', given, asked });
  return {
    grants,
    notices: notices.map(({ message, help }) => (help === undefined ? message : `${message}; ${help}`)),
  };
}

const ADD = 'to grant it, add to [components.parse.grants]:';

test('intersectGrants gives what the operator gives when the author says nothing', () => {
  const given: GrantsSection = {
    filesystem: [{ path: './data', mount: '/data', rights: ['read', 'read'] }],
    clock: true,
    stdio: ['stdout'],
    env: ['LANG'],
    messaging: { publish: ['lines.*'] },
  };
  const { grants, notices } = intersect(given, undefined);
  assert.deepEqual(grants, {
    filesystem: [{ hostPath: '/app/data', guestPath: '/data', rights: ['read'] }],
    clock: true,
    random: false,
    stdio: { stdin: false, stdout: true, stderr: false },
    env: ['LANG'],
    messaging: { tell: [], ask: [], publish: ['lines.*'] },
    http: [],
    network: { connect: [], listen: [], resolve: [] },
    keyvalue: [],
    secrets: [],
  });
  assert.deepEqual(notices, []);
});

test('intersectGrants gives nothing that the author does not ask for, and says so', () => {
  const { grants, notices } = intersect({ clock: true, random: true, stdio: true, env: ['HOME'] }, {});
  assert.deepEqual(grants.clock || grants.random || Object.values(grants.stdio).some(Boolean), false);
  assert.deepEqual(grants.env, []);
  assert.deepEqual(notices, [
    'is granted clock, which its Component.toml does not ask for; it does not get it',
    'is granted random, which its Component.toml does not ask for; it does not get it',
    'is granted stdin, stdout, stderr, which its Component.toml does not ask for; it does not get it',
    'is granted the environment variable "HOME", which its Component.toml does not ask for; it does not get it',
  ]);
});

test('intersectGrants says what is asked for and not granted, with the line to add', () => {
  const { notices } = intersect(
    {},
    { clock: true, stdio: ['stderr'], filesystem: [{ path: '/data', rights: ['read'] }], messaging: { ask: ['db'] } },
  );
  assert.deepEqual(notices, [
    `asks for read on "/data", which is not granted; ${ADD} filesystem = [{ path = "./data", mount = "/data", rights = ["read"] }]`,
    `asks for clock, which is not granted; ${ADD} clock = true`,
    `asks for stderr, which is not granted; ${ADD} stdio = ["stderr"]`,
    `asks for ask "db", which is not granted; ${ADD} messaging = { ask = ["db"] }`,
  ]);
});

test('intersectGrants takes the rights that both sides name, on folders at or below what is asked', () => {
  const given: GrantsSection = {
    filesystem: [
      { path: 'in', mount: '/data/in', rights: ['read', 'write'] },
      { path: 'all', mount: '/', rights: ['read'] },
      { path: 'other', mount: '/database', rights: ['read'] },
    ],
  };
  const { grants } = intersect(given, { filesystem: [{ path: '/data', rights: ['read'] }] });
  assert.deepEqual(grants.filesystem, [{ hostPath: '/app/in', guestPath: '/data/in', rights: ['read'] }]);
});

test('intersectGrants takes the patterns of both sides on a folder, and reading alone where there is one', () => {
  const given: GrantsSection = {
    filesystem: [
      { path: './in/*.csv', mount: '/data', rights: ['read'] },
      { path: './all', mount: '/all', rights: ['read', 'write', 'list'] },
      { path: '/srv/x/**', mount: '/deep/x', rights: ['list'] },
    ],
  };
  const filesystem = [
    { path: '/data/2026*', rights: ['read' as const] },
    { path: '/all/**/*.csv', rights: ['read' as const, 'write' as const] },
    { path: '/deep', rights: ['list' as const] },
  ];
  assert.deepEqual(intersect(given, { filesystem }).grants.filesystem, [
    { hostPath: '/app/in', guestPath: '/data', rights: ['read'], only: ['*.csv', '2026*'] },
    { hostPath: '/app/all', guestPath: '/all', rights: ['read'], only: ['**/*.csv'] },
    { hostPath: '/srv/x', guestPath: '/deep/x', rights: ['list'], only: ['**'] },
  ]);
  const inner = { filesystem: [{ path: '/*.csv', rights: ['read' as const] }] };
  assert.deepEqual(
    intersect(given, inner).grants.filesystem,
    [],
    'what a pattern means in a part of its folder is not guessed',
  );
});

test('intersectGrants keeps of two patterns the narrower one', () => {
  const { grants, notices } = intersect(
    { messaging: { publish: ['lines.>', 'other.x'], tell: ['*'] } },
    { messaging: { publish: ['lines.*', 'quakes.new'], tell: ['report', 'store/*'] } },
  );
  assert.deepEqual(grants.messaging, { tell: ['report', 'store/*'], ask: [], publish: ['lines.*'] });
  assert.deepEqual(notices, [
    `asks for publish "quakes.new", which is not granted; ${ADD} messaging = { publish = ["quakes.new"] }`,
    'is granted publish "other.x", which its Component.toml does not ask for; it does not get it',
  ]);
});

test('intersectGrants narrows HTTP and network to what both sides cover', () => {
  const { grants, notices } = intersect(
    {
      http: ['https://*.example.com', 'http://10.0.0.0/8:*'],
      network: { connect: ['tcp://*:443'], listen: ['tcp://*:8080'], resolve: ['*'] },
    },
    {
      http: ['https://api.example.com', 'http://10.1.0.0/16:80', 'https://other.example'],
      network: {
        connect: ['tcp://db.example:443', 'udp://*:*'],
        listen: ['tcp://127.0.0.1:8080'],
        resolve: ['localhost'],
      },
    },
  );
  assert.deepEqual(grants.http, ['https://api.example.com', 'http://10.1.0.0/16:80']);
  assert.deepEqual(grants.network, {
    connect: ['tcp://db.example:443'],
    listen: ['tcp://127.0.0.1:8080'],
    resolve: ['localhost'],
  });
  assert.deepEqual(notices, [
    `asks for HTTP requests to "https://other.example", which is not granted; ${ADD} http = ["https://other.example"]`,
    `asks for network connect "udp://*:*", which is not granted; ${ADD} network = { connect = ["udp://*:*"] }`,
  ]);
});

test('intersectGrants narrows buckets to what both sides cover', () => {
  const { grants, notices } = intersect(
    { keyvalue: ['sessions', 'team-*', 'all*', 'other'] },
    { keyvalue: ['sessions', 'team-a*', 'all*', 'mine'] },
  );
  assert.deepEqual(grants.keyvalue, ['sessions', 'all*', 'team-a*']);
  assert.deepEqual(notices, [
    `asks for the bucket "mine", which is not granted; ${ADD} keyvalue = ["mine"]`,
    'is granted the bucket "other", which its Component.toml does not ask for; it does not get it',
  ]);
});

test('intersectGrants keeps the conditions of what the operator gives', () => {
  const given: GrantsSection = {
    http: [{ pattern: 'https://*.example.com', methods: ['GET'], untilMs: 7 }],
    keyvalue: [{ pattern: 'a', untilMs: 7 }, 'b'],
  };
  const { grants, notices } = intersect(given, { http: ['https://api.example.com'], keyvalue: ['*'] });
  assert.deepEqual(grants.http, [{ pattern: 'https://api.example.com', methods: ['GET'], untilMs: 7 }]);
  assert.deepEqual(grants.keyvalue, [{ pattern: 'a', untilMs: 7 }, 'b']);
  assert.deepEqual(notices, []);
});

test('intersectGrants allows nothing that one of the sides does not allow', () => {
  const http = fc
    .tuple(
      fc.constantFrom('http', 'https'),
      fc.constantFrom('*', '*.example.com', 'a.example.com', 'localhost', '10.0.0.0/8', '10.1.0.0/16', '127.0.0.1'),
      fc.constantFrom('', ':*', ':8080'),
    )
    .map((parts) => `${parts[0]}://${parts[1]}${parts[2]}`);
  const topic = fc
    .array(fc.constantFrom('a', 'b', '*', '>'), { minLength: 1, maxLength: 3 })
    .map((tokens) => tokens.join('.'))
    .filter(isTopicPattern);
  const name = fc.constantFrom('*', 'parse', 'parse/*', 'parse/1', 'report');
  const bucket = fc.constantFrom('*', 'a*', 'a', 'ab', 'b');
  const side = fc.record({
    http: fc.array(http, { maxLength: 3 }),
    keyvalue: fc.array(bucket, { maxLength: 3 }),
    messaging: fc.record({ tell: fc.array(name, { maxLength: 3 }), publish: fc.array(topic, { maxLength: 3 }) }),
  });
  const request: fc.Arbitrary<CapabilityRequest> = fc.oneof(
    fc.record({
      kind: fc.constant('http' as const),
      scheme: fc.constantFrom('http' as const, 'https' as const),
      host: fc.constantFrom('a.example.com', 'b.c', 'localhost', '10.1.2.3', '10.2.3.4', '127.0.0.1', '1.1.1.1'),
      port: fc.constantFrom(80, 443, 8_080),
    }),
    fc.record({ kind: fc.constant('keyvalue' as const), bucket: fc.constantFrom('a', 'ab', 'abc', 'b', 'c') }),
    fc.record({
      kind: fc.constant('messaging' as const),
      action: fc.constant('tell' as const),
      target: fc.constantFrom('parse', 'parse/1', 'parse/2', 'report', 'other'),
    }),
    fc.record({
      kind: fc.constant('messaging' as const),
      action: fc.constant('publish' as const),
      target: fc.constantFrom('a', 'a.b', 'b.a', 'a.b.a', 'c'),
    }),
  );
  fc.assert(
    fc.property(side, side, request, (given, asked, wanted) => {
      const { grants } = intersect(given, asked);
      if (decide(grants, wanted).effect === 'deny') return true;
      return decide(given, wanted).effect === 'allow' && decide(asked, wanted).effect === 'allow';
    }),
    { numRuns: 3_000 },
  );
});

test('patterns of HTTP and network know their schemes and what a host may be', () => {
  for (const good of ['https://a.example', 'http://*:8080', 'http://[::1]:80']) assert.ok(isHttpPattern(good), good);
  for (const bad of ['tcp://a:1', 'a.example', 'http://a:0', 'ftp://a']) assert.ok(!isHttpPattern(bad), bad);
  for (const good of ['tcp://a.example:1', 'udp://10.0.0.0/8:*']) assert.ok(isConnectPattern(good), good);
  for (const bad of ['http://a', 'tcp://a', 'tcp://a:0']) assert.ok(!isConnectPattern(bad), bad);
  for (const good of ['tcp://127.0.0.1:0', 'udp://*:53', 'tcp://localhost:*']) assert.ok(isListenPattern(good), good);
  for (const bad of ['tcp://a.example:1', 'tcp://*.a:1', 'http://127.0.0.1']) assert.ok(!isListenPattern(bad), bad);
  for (const good of ['*', '*.example', 'a.example']) assert.ok(isResolvePattern(good), good);
  for (const bad of ['10.0.0.0/8', '::1', 'a b', '']) assert.ok(!isResolvePattern(bad), bad);
});

test('mergeLimits takes the smaller of both sides, then the default', () => {
  const merged = mergeLimits({ memory: 10, deadline: Number.POSITIVE_INFINITY }, { memory: 20, deadline: 5 });
  assert.deepEqual(merged, { memoryBytes: 10, tableElements: 100_000, deadlineMs: 5, component: {} });
  assert.deepEqual(mergeLimits(), {
    memoryBytes: 67_108_864,
    tableElements: 100_000,
    deadlineMs: undefined,
    component: {},
  });
});

test('isTopicPattern and isNamePattern know their forms', () => {
  for (const good of ['a', 'a.b', '*.b', 'a.>', '>', 'Quakes.new_1']) assert.ok(isTopicPattern(good), good);
  for (const bad of ['', '.', 'a.', '>.a', 'a b', 'a*', 'x'.repeat(256)]) assert.ok(!isTopicPattern(bad), bad);
  for (const good of ['*', 'parse', 'parse/1', 'parse/*']) assert.ok(isNamePattern(good), good);
  for (const bad of ['', 'Parse', 'parse/0', 'parse/1/2', '*/1', 'p*']) assert.ok(!isNamePattern(bad), bad);
});

test('coversTopic and coversName hold only when every match of the one is a match of the other', () => {
  const topics: readonly [string, string, boolean][] = [
    ['a.*', 'a.b', true],
    ['a.*', 'a.*', true],
    ['a.*', 'a.>', false],
    ['a.>', 'a.*.c', true],
    ['a.>', 'a', false],
    ['a.b', 'a.*', false],
    ['*', 'a.b', false],
  ];
  for (const [outer, inner, expected] of topics) assert.equal(coversTopic(outer, inner), expected, `${outer} ${inner}`);
  assert.ok(coversName('parse/*', 'parse/1') && coversName('*', 'x/*') && !coversName('parse/*', 'parse'));
});

test('nearest finds the word that was meant, and nothing when none is near', () => {
  assert.equal(nearest('capactiy', ['overflow', 'capacity']), 'capacity');
  assert.equal(nearest('CLOCK', ['clock']), 'clock');
  assert.equal(nearest('zzz', ['overflow', 'capacity']), undefined);
  assert.equal(nearest('x'.repeat(100_000), ['y']), undefined);
});

test('parseSizeBytes reads binary and decimal units, formatSize writes the shortest exact form', () => {
  const sizes: readonly [string, number | undefined][] = [
    ['64MiB', 67_108_864],
    ['1.5KiB', 1_536],
    ['2MB', 2_000_000],
    ['7B', 7],
    ['64', undefined],
    ['-1B', undefined],
    ['1 KiB', undefined],
    ['1kib', undefined],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseSizeBytes(text), bytes, text);
  assert.deepEqual([formatSize(65_536), formatSize(1_000), formatSize(0)], ['64KiB', '1000B', '0B']);
});
