import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Denies } from './grants.ts';
import { type CapabilityRequest, decide, denialsOf, type Grants, neededLine } from './index.ts';

const ALL: Grants = {
  messaging: { tell: ['*'], ask: ['*'], publish: ['>'] },
  http: ['https://*:*', 'http://*:*', 'http://0.0.0.0/0:*', 'http://[::]/0:*', 'http://localhost:*'],
  network: {
    connect: ['tcp://*:*', 'tcp://0.0.0.0/0:*', 'tcp://[::]/0:*'],
    listen: ['tcp://*:*'],
    resolve: ['*'],
  },
  keyvalue: ['*'],
};

function isAllowed(deny: Denies, request: CapabilityRequest): boolean {
  const granted = decide(ALL, request);
  assert.equal(granted.effect, 'allow', 'it would be allowed without the denial');
  return decide({ ...ALL, deny: [deny] }, request).effect === 'allow';
}

const http = (host: string, address?: string): CapabilityRequest => {
  const endpoint = { kind: 'http', scheme: 'http', host, port: 80 } as const;
  return address === undefined ? endpoint : { ...endpoint, address };
};
const connect = (address: string, names?: readonly string[]): CapabilityRequest => {
  const request = { kind: 'network', action: 'connect', transport: 'tcp', address, port: 443 } as const;
  return names === undefined ? request : { ...request, names };
};

test('decide refuses what a denial stands for, whatever is granted, and names the denial as the rule', () => {
  const grants: Grants = {
    ...ALL,
    deny: [{ keyvalue: ['team-*'] }, { origin: '/etc/policy.toml', http: ['http://a.b'] }],
  };
  const bucket = decide(grants, { kind: 'keyvalue', bucket: 'team-a' });
  assert.deepEqual(bucket, {
    effect: 'deny',
    rule: 'deny = { keyvalue = ["team-*"] }',
    reason: 'Refused by deny = { keyvalue = ["team-*"] }',
  });
  const request = decide(grants, http('A.b.'));
  assert.equal(request.rule, '/etc/policy.toml: deny = { http = ["http://a.b"] }');
  assert.equal(decide(grants, http('c.b')).effect, 'allow');
  assert.deepEqual(
    denialsOf(grants).map(({ rule }) => rule),
    [bucket.rule, request.rule],
  );
});

test('decide names no line to add where a denial stands: no grant would help', () => {
  const decision = decide({ deny: [{ keyvalue: ['*'] }] }, { kind: 'keyvalue', bucket: 'a' });
  assert.deepEqual([decision.rule, decision.line], ['deny = { keyvalue = ["*"] }', undefined]);
});

test('decide lets through what is observed, says that it would be denied, and the line to add; denials hold', () => {
  const grants: Grants = { keyvalue: ['mine'], observe: { keyvalue: ['*'] }, deny: [{ keyvalue: ['secrets'] }] };
  const open = (bucket: string) => decide(grants, { kind: 'keyvalue', bucket });
  assert.deepEqual([open('mine').effect, open('mine').observed], ['allow', undefined]);
  assert.partialDeepStrictEqual(open('other'), {
    effect: 'allow',
    observed: true,
    rule: 'observe',
    line: 'keyvalue = ["other"]',
  });
  assert.equal(open('secrets').effect, 'deny');
  assert.equal(decide(grants, { kind: 'clock' }).effect, 'deny');
});

test('neededLine is the narrowest grant: what was used of a wider one, or what is missing', () => {
  const lines = (grants: Grants, requests: readonly CapabilityRequest[]) =>
    requests.map((request) => neededLine(request, decide(grants, request)));
  const folder = { hostPath: '/srv/data', guestPath: '/data', rights: ['read', 'write'] } as const;
  assert.deepEqual(
    lines({ ...ALL, filesystem: [folder] }, [
      { kind: 'messaging', action: 'tell', target: 'report' },
      { kind: 'filesystem', path: '/data/a/b', right: 'read' },
      http('API.example'),
      http('api.example', '1.1.1.1'),
      connect('1.1.1.1', ['db.example']),
      connect('1.1.1.1'),
    ]),
    [
      'messaging = { tell = ["report"] }',
      'filesystem = [{ path = "/srv/data", mount = "/data", rights = ["read"] }]',
      'http = ["http://api.example"]',
      'http = ["http://api.example"]',
      'network = { connect = ["tcp://db.example:443"] }',
      'network = { connect = ["tcp://1.1.1.1:443"] }',
    ],
  );
  assert.equal(neededLine(http('a'), decide({ deny: [{ http: ['http://a'] }] }, http('a'))), undefined);
});

test('a denial of messages takes names and topics as grants do', () => {
  const deny: Denies = { messaging: { tell: ['secret', 'vault/*'], publish: ['audit.>'] } };
  const tell = (target: string) => isAllowed(deny, { kind: 'messaging', action: 'tell', target });
  assert.deepEqual(['secret', 'vault/1', 'secrets', 'vault'].map(tell), [false, false, true, true]);
  assert.ok(isAllowed(deny, { kind: 'messaging', action: 'ask', target: 'secret' }));
  assert.ok(!isAllowed(deny, { kind: 'messaging', action: 'publish', target: 'audit.a.b' }));
});

test('a denial of * is one of every host, local and private ones too', () => {
  const deny: Denies = { http: ['http://*:*'], network: { connect: ['tcp://*:*'] } };
  for (const host of ['a.example', 'localhost', '127.0.0.1', '10.0.0.1', '::1'])
    assert.ok(!isAllowed(deny, http(host)), host);
  for (const address of ['1.1.1.1', '127.0.0.1', '169.254.169.254'])
    assert.ok(!isAllowed(deny, connect(address)), address);
});

test('a denied range is refused by whatever name, form or translation it is reached', () => {
  const deny: Denies = {
    http: ['http://169.254.0.0/16:*', 'http://1.1.1.1'],
    network: { connect: ['tcp://10.0.0.0/8:443'] },
  };
  for (const host of [
    '169.254.169.254',
    '2852039166',
    '0xa9.254.43518',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
  ])
    assert.ok(!isAllowed(deny, http(host)), host);
  assert.ok(!isAllowed(deny, http('rebound.example', '1.1.1.1')), 'a name that leads there');
  assert.ok(isAllowed(deny, http('rebound.example', '1.1.1.2')));
  for (const address of ['10.1.2.3', '::ffff:a01:203', '2002:a01:203::1'])
    assert.ok(!isAllowed(deny, connect(address)), address);
  assert.ok(isAllowed(deny, connect('11.1.2.3')));
});

test('a denied name is refused wherever it leads, and an address that it led to', () => {
  const deny: Denies = {
    http: ['http://*.evil.example'],
    network: { connect: ['tcp://evil.example:*'], resolve: ['*.evil.example'] },
  };
  assert.ok(!isAllowed(deny, http('a.EVIL.example', '1.1.1.1')));
  assert.ok(isAllowed(deny, http('evil.example')));
  assert.ok(!isAllowed(deny, connect('1.1.1.1', ['other.example', 'evil.example'])));
  assert.ok(isAllowed(deny, connect('1.1.1.1', ['other.example'])));
  assert.ok(!isAllowed(deny, { kind: 'network', action: 'resolve', name: 'a.evil.example' }));
  assert.ok(isAllowed(deny, { kind: 'network', action: 'resolve', name: 'evil.example' }));
});

test('a denied address to listen at is refused to who listens at every address', () => {
  const deny: Denies = { network: { listen: ['tcp://203.0.113.7:22', 'tcp://localhost:80'] } };
  const listen = (address: string, port: number) =>
    isAllowed(deny, { kind: 'network', action: 'listen', transport: 'tcp', address, port });
  assert.ok(!listen('203.0.113.7', 22) && !listen('0.0.0.0', 22) && !listen('::', 22) && !listen('127.0.0.1', 80));
  assert.ok(listen('203.0.113.7', 23) && listen('0.0.0.0', 8_080));
});
