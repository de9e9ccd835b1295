/** The grammar of patterns: that reading, printing, matching and covering agree, whatever the pattern. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from './addresses.ts';
import {
  Authority,
  coversEndpoint,
  decide,
  type Granted,
  type Grants,
  namesOfRequest,
  neededLine,
  parseEndpointPattern,
  parseHost,
  printAddress,
  rulesOf,
  withConditions,
} from './index.ts';
import { matchesTopic } from './patterns.ts';

const RUNS = { numRuns: 300 };
const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z]$/).filter((text) => !text.startsWith('xn--'));
const hostName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const token = fc.stringMatching(/^[a-z0-9_-]{0,3}$/);
const topicPattern = fc.array(fc.oneof(token, fc.constantFrom('*', '>')), { minLength: 1, maxLength: 4 });

/** What a topic pattern stands for, by the book. */
function matchesByTokens(pattern: string, topic: string): boolean {
  const [wanted, tokens] = [pattern.split('.'), topic.split('.')];
  for (const [at, want] of wanted.entries()) {
    const found = tokens[at];
    if (found === undefined || found === '') return false;
    if (want === '>') return at === wanted.length - 1;
    if (want !== '*' && want !== found) return false;
  }
  return wanted.length === tokens.length;
}

test('matchesTopic agrees with its description on every pattern and topic', () => {
  const text = topicPattern.map((tokens) => tokens.join('.'));
  fc.assert(
    fc.property(text, text, (pattern, topic) => matchesTopic(pattern, topic) === matchesByTokens(pattern, topic)),
    { numRuns: 3_000 },
  );
});

test('a name is the same in any case, with a final dot, and in Unicode or Punycode', () => {
  fc.assert(
    fc.property(hostName, (name) => {
      for (const spelling of [name, name.toUpperCase(), `${name}.`]) {
        assert.deepEqual(parseHost(spelling), { kind: 'name', name });
      }
    }),
    RUNS,
  );
  assert.deepEqual(parseHost('BÜCHER.example'), parseHost('xn--bcher-kva.example'));
  assert.deepEqual(parseHost('bu\u0308cher.example'), parseHost('bücher.example'), 'whatever its normal form');
  assert.deepEqual(parseHost('ｇｏｏｄ．example'), parseHost('good.example'), 'full width');
});

test('an address is the same in every form that a resolver takes, and in IPv6', () => {
  fc.assert(
    fc.property(ipv4, (bytes) => {
      const [a, b, c, d] = bytes;
      const value = ((a * 256 + b) * 256 + c) * 256 + d;
      const hex = value.toString(16).padStart(8, '0');
      const forms = [
        bytes.join('.'),
        String(value),
        `0x${value.toString(16)}`,
        `0${value.toString(8)}`,
        `${a}.${(b * 256 + c) * 256 + d}`,
        bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
        bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
        `${bytes.join('.')}.`,
        `::ffff:${bytes.join('.')}`,
        `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]`,
      ];
      for (const form of forms) assert.equal(printAddress(parseAddress(form) as number[]), bytes.join('.'), form);
    }),
    RUNS,
  );
});

test('what is read without a URL parser is what one reads', () => {
  const text = fc.oneof(
    fc.stringMatching(/^[a-z0-9.-]{1,12}$/),
    hostName,
    fc.array(fc.nat(400), { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.')),
    fc.array(fc.stringMatching(/^0?[0-9]{1,3}$/), { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.')),
  );
  fc.assert(
    fc.property(text, (host) => {
      const found = parseHost(host);
      const url = URL.parse(`http://${host}/`);
      if (found === undefined || url === null) return found === undefined;
      const printed = found.kind === 'name' ? found.name : printAddress(found.address);
      return url.hostname.replace(/\.$/, '') === printed;
    }),
    { numRuns: 3_000 },
  );
});

const hostPattern = fc.oneof(
  fc.constant('*'),
  hostName,
  hostName.map((name) => `*.${name}`),
  fc.tuple(ipv4, fc.nat(32)).map(([bytes, bits]) => `${bytes.join('.')}/${bits}`),
  fc.constantFrom('localhost', '*.example.com', 'a.example.com', '10.0.0.0/8', '127.0.0.1', '[::1]', '[fd00::]/8'),
);
const httpPattern = fc
  .tuple(fc.constantFrom('http', 'https'), hostPattern, fc.constantFrom('', ':443', ':80', ':*'))
  .map(([scheme, at, port]) => `${scheme}://${at}${port}`);
const httpRequest = fc.record(
  {
    kind: fc.constant('http' as const),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    host: fc.oneof(
      hostName,
      ipv4.map((bytes) => bytes.join('.')),
      fc.constantFrom('a.example.com', 'localhost', '10.1.2.3', '127.0.0.1', '1.1.1.1', '::1', 'fd00::1'),
    ),
    port: fc.constantFrom(80, 443, 8_080),
    address: fc.constantFrom('1.1.1.1', '10.1.2.3', '127.0.0.1', '::1', 'fd00::1'),
  },
  { requiredKeys: ['kind', 'scheme', 'host', 'port'] },
);

test('a denial beats the grant of the same pattern, whatever is asked', () => {
  fc.assert(
    fc.property(httpPattern, httpPattern, httpRequest, (granted, denied, request) => {
      const alone = decide({ http: [granted] }, request).effect;
      const both = decide({ http: [granted], deny: [{ http: [denied] }] }, request).effect;
      if (alone === 'deny') return both === 'deny';
      // What a grant of the denied pattern would allow is refused.
      return decide({ http: [denied] }, request).effect === 'deny' || both === 'deny';
    }),
    { numRuns: 5_000 },
  );
});

test('a pattern that covers another one grants all that the other grants', () => {
  fc.assert(
    fc.property(httpPattern, httpPattern, httpRequest, (outer, inner, asked) => {
      const [wide, narrow] = [parseEndpointPattern(outer), parseEndpointPattern(inner)];
      assert.ok(wide !== undefined && narrow !== undefined, `${outer} ${inner}`);
      if (!coversEndpoint(wide, narrow)) return true;
      const effect = (granted: string) => decide({ http: [granted] }, asked).effect;
      return effect(inner) === 'deny' || effect(outer) === 'allow';
    }),
    { numRuns: 3_000 },
  );
});

test('what neededLine names is enough, and no more than was decided', () => {
  const request = fc.oneof(
    fc.record({ kind: fc.constant('keyvalue' as const), bucket: fc.stringMatching(/^[a-z][a-z0-9/:-]{0,9}$/) }),
    fc.record({
      kind: fc.constant('messaging' as const),
      action: fc.constantFrom('tell' as const, 'ask' as const),
      target: fc.stringMatching(/^[a-z][a-z0-9-]{0,9}(?:\/[1-9])?$/),
    }),
    fc.record({
      kind: fc.constant('http' as const),
      scheme: fc.constant('https' as const),
      host: hostName,
      port: fc.constantFrom(443, 8_443),
    }),
  );
  fc.assert(
    fc.property(request, (asked) => {
      const line = neededLine(asked, decide({}, asked)) as string;
      const [, pattern = ''] = /\["(.*)"\]/.exec(line) ?? [];
      const grants: Grants =
        asked.kind === 'messaging' ? { messaging: { [asked.action]: [pattern] } } : { [asked.kind]: [pattern] };
      const decision = decide(grants, asked);
      return decision.effect === 'allow' && decision.rule === line;
    }),
    RUNS,
  );
});

test('a grant with conditions holds under them alone, and names them as its rule', () => {
  const http: readonly Granted[] = [
    { pattern: 'https://api.example', methods: ['GET', 'HEAD'], untilMs: 1_000_000_000_000 },
    'https://www.example',
  ];
  const request = { kind: 'http', scheme: 'https', host: 'api.example', port: 443 } as const;
  const effect = (method: string, wallMs: number) => decide({ http }, { ...request, method }, wallMs).effect;
  assert.deepEqual([effect('GET', 0), effect('POST', 0), effect('GET', 1_000_000_000_000)], ['allow', 'deny', 'deny']);
  assert.equal(
    decide({ http }, { ...request, method: 'HEAD' }).rule,
    'http = [{ pattern = "https://api.example", methods = ["GET", "HEAD"], until = 2001-09-09T01:46:40.000Z }]',
  );
  assert.equal(decide({ http }, request).effect, 'allow', 'a connection has no method');
  const messaging = { tell: [{ pattern: 'report', sizeBytes: 10 }] };
  const tell = (sizeBytes: number) =>
    decide({ messaging }, { kind: 'messaging', action: 'tell', target: 'report', sizeBytes });
  assert.deepEqual([tell(10).effect, tell(11).effect], ['allow', 'deny']);
  assert.match(tell(11).reason, /"report" of 11 bytes/);
});

test('withConditions is under both sides, whichever way round', () => {
  const a = { pattern: 'p', methods: ['GET', 'PUT'], untilMs: 5 };
  const b = { pattern: 'p', methods: ['PUT', 'DELETE'], untilMs: 3, sizeBytes: 7 };
  const both = { pattern: 'q', methods: ['PUT'], sizeBytes: 7, untilMs: 3 };
  assert.deepEqual([withConditions('q', a, b), withConditions('q', b, a)], [both, both]);
  assert.equal(withConditions('q', 'p', 'p'), 'q');
  assert.equal(withConditions('q', a, { pattern: 'p', methods: ['POST'] }), undefined);
});

test('Authority decides as decide does, whatever it decided before, and until a grant ends', () => {
  const clock = { now: 0, wallMs: () => clock.now };
  const grants: Grants = {
    keyvalue: [{ pattern: 'a', untilMs: 10 }, 'b'],
    http: [{ pattern: 'https://a', methods: ['GET'] }],
    messaging: {
      tell: [
        { pattern: 'x', sizeBytes: 3 },
        { pattern: 'y', untilMs: 10 },
      ],
    },
    deny: [{ keyvalue: ['c'] }],
  };
  const authority = new Authority(grants, clock);
  const request = fc.oneof(
    fc.record({ kind: fc.constant('keyvalue' as const), bucket: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({
      kind: fc.constant('http' as const),
      scheme: fc.constantFrom('http' as const, 'https' as const),
      host: fc.constantFrom('a', 'b'),
      port: fc.constantFrom(80, 443),
      method: fc.constantFrom('GET', 'POST'),
    }),
    fc.record({
      kind: fc.constant('messaging' as const),
      action: fc.constantFrom('tell' as const, 'ask' as const),
      target: fc.constantFrom('x', 'y', 'z'),
      sizeBytes: fc.constantFrom(3, 4),
    }),
  );
  for (const now of [0, 9, 10, 11]) {
    clock.now = now;
    fc.assert(
      fc.property(request, (asked) => {
        assert.deepEqual(authority.decide(asked), decide(grants, asked, now));
      }),
      RUNS,
    );
  }
});

test('Authority lets through what is observed under the conditions of that, whatever was decided before', () => {
  const clock = { now: 0, wallMs: () => clock.now };
  const observe: Grants = {
    keyvalue: [{ pattern: 'a', untilMs: 10 }],
    messaging: { tell: [{ pattern: 'x', sizeBytes: 3 }] },
  };
  const authority = new Authority({ observe }, clock);
  const open = () => authority.decide({ kind: 'keyvalue', bucket: 'a' }).effect;
  const tell = (sizeBytes: number) =>
    authority.decide({ kind: 'messaging', action: 'tell', target: 'x', sizeBytes }).effect;
  assert.deepEqual([open(), tell(3), tell(4)], ['allow', 'allow', 'deny']);
  clock.now = 10;
  assert.equal(open(), 'deny');
});

test('what is granted is listed by the very rules that its decisions name', () => {
  const grants: Grants = {
    clock: true,
    stdio: { stdin: false, stdout: true, stderr: false },
    env: ['HOME'],
    secrets: ['key'],
    filesystem: [{ hostPath: '/srv', guestPath: '/data', rights: ['read'], only: ['*.csv'] }],
    messaging: { tell: [{ pattern: 'x', sizeBytes: 3 }], publish: ['a.*'] },
    keyvalue: [{ pattern: 'a', untilMs: 10 }],
    http: [{ pattern: 'https://a', methods: ['GET'] }],
    network: { connect: ['tcp://*:1'], listen: ['tcp://*:2'], resolve: ['b'] },
  };
  const decided = (
    [
      { kind: 'clock' },
      { kind: 'stdio', stream: 'stdout' },
      { kind: 'env', name: 'HOME' },
      { kind: 'secret', name: 'key' },
      { kind: 'filesystem', path: '/data/x.csv', right: 'read' },
      { kind: 'messaging', action: 'tell', target: 'x', sizeBytes: 1 },
      { kind: 'messaging', action: 'publish', target: 'a.b' },
      { kind: 'keyvalue', bucket: 'a' },
      { kind: 'http', scheme: 'https', host: 'a', port: 443, method: 'GET' },
      { kind: 'network', action: 'connect', transport: 'tcp', address: '1.1.1.1', port: 1 },
      { kind: 'network', action: 'listen', transport: 'tcp', address: '127.0.0.1', port: 2 },
      { kind: 'network', action: 'resolve', name: 'b' },
    ] as const
  ).map((request) => ({ action: namesOfRequest(request).action, rule: decide(grants, request).rule }));
  const byRule = (one: { rule: string }, other: { rule: string }) => (one.rule < other.rule ? -1 : 1);
  assert.deepEqual(rulesOf(grants).toSorted(byRule), decided.toSorted(byRule));
});

test('Authority keeps what it was given: who changes the grants afterwards changes nothing', () => {
  const buckets = ['a'];
  const authority = new Authority({ keyvalue: buckets }, { wallMs: () => 0 });
  buckets.push('*');
  assert.equal(authority.decide({ kind: 'keyvalue', bucket: 'b' }).effect, 'deny');
  assert.throws(() => (authority.grants.keyvalue as string[]).push('*'), TypeError);
});

test('Authority bounds what it keeps: names that a guest makes up do not pile up, and stay right', () => {
  const authority = new Authority({ messaging: { tell: ['actor-7', 'actor-9/*'] } }, { wallMs: () => 0 });
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 1_000; at++) {
      const { effect } = authority.decide({ kind: 'messaging', action: 'tell', target: `actor-${at}` });
      assert.equal(effect, at === 7 ? 'allow' : 'deny');
    }
  }
});
