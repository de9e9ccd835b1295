import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isInRange, isPrivateAddress, parseAddress, parseHost, parseRange } from './addresses.ts';
import { coversHost, printEndpointPattern } from './endpoints.ts';
import {
  coversEndpoint,
  decide,
  type NetworkGrant,
  parseAuthority,
  parseEndpointPattern,
  parseHostPattern,
  printAddress,
} from './index.ts';

/** Every way to write 127.0.0.1 or this machine that some resolver or other takes. */
const LOOPBACK_SPELLINGS = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '0x7f.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
  ],
  ...['[::ffff:127.0.0.1]', '::ffff:7f00:1', '[0:0:0:0:0:FFFF:7F00:0001]', '[::1]', '0:0:0:0:0:0:0:1'],
  ...['１２７.０.０.１', '127。0。0。1', '①27.1'],
];

const LOOPBACK_NAMES = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'LocalHost.',
  'a.localhost',
  'ｌｏｃａｌｈｏｓｔ',
  'loca\u00adlhost',
];

const NO_HOSTS = [
  ...[
    '',
    '.',
    '..',
    'a..b',
    'user@host',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    'a b',
    ' a',
    'a\n',
    'a\tb',
    '%31',
    'a%2eb',
    'a:80',
  ],
  ...[
    '[::1',
    '::1]',
    '[::1]:80',
    '[fe80::1%eth0]',
    'fe80::1%1',
    '1.2.3.4.5',
    '256.1.1.1',
    '*',
    'a*',
    `${'a'.repeat(64)}.b`,
  ],
  ...[`${'a.'.repeat(127)}aa`, 'x'.repeat(2_000), 'a,b', 'a!b', "a'b", 'a"b', 'a;b', '1.0x.1.1.1', '[::]x'],
];

function http(patterns: readonly string[], authority: string, address?: string) {
  const endpoint = parseAuthority('http', authority);
  if (endpoint === undefined) return 'no authority';
  const request = { kind: 'http', ...endpoint, scheme: 'http' } as const;
  return decide({ http: patterns }, address === undefined ? request : { ...request, address }).effect;
}

function connect(patterns: readonly string[], address: string, names: readonly string[] = []) {
  const request = { kind: 'network', action: 'connect', transport: 'tcp', address, port: 80, names } as const;
  return decide({ network: { connect: patterns } }, request).effect;
}

test('parseHost gives a host back in its one spelling, whatever it is written like', () => {
  const spellings: readonly [string, string][] = [
    ['EXAMPLE.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER。example', 'xn--bcher-kva.example'],
    ['_srv.a-b.example', '_srv.a-b.example'],
    ['010.1', '8.0.0.1'],
    ['0x', '0.0.0.0'],
    ['[FD00:0:0::1]', 'fd00::1'],
    ['2001:db8::', '2001:db8::'],
    ['[::ffff:10.0.0.1]', '10.0.0.1'],
  ];
  for (const [text, expected] of spellings) {
    const host = parseHost(text);
    assert.equal(host?.kind === 'name' ? host.name : host && printAddress(host.address), expected, text);
  }
  for (const text of NO_HOSTS) assert.equal(parseHost(text), undefined, JSON.stringify(text));
});

test('P4: decide lets no spelling of this machine pass for a public host', () => {
  for (const host of [...LOOPBACK_SPELLINGS, ...LOOPBACK_NAMES]) {
    const authority = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    assert.equal(http(['http://*', 'http://*:*'], authority), 'deny', host);
    assert.equal(http(['http://localhost'], authority), host === 'a.localhost' ? 'deny' : 'allow', host);
  }
  for (const address of LOOPBACK_SPELLINGS) {
    assert.equal(connect(['tcp://*:*', 'tcp://*.example:*'], address, ['a.example']), 'deny', address);
    assert.equal(connect(['tcp://localhost:*'], address), 'allow', address);
  }
});

test('P4: decide knows no user information, no escape and no second port', () => {
  const tricks = ['good.example@evil.example', 'good.example:80@evil.example', 'good.example:80:90', 'good%2eexample'];
  for (const authority of [
    ...tricks,
    'good.example/',
    'good.example:',
    ':80',
    'good.example:99999',
    'good.example:0',
  ]) {
    const answer = http(['http://good.example'], authority);
    assert.equal(answer, authority === 'good.example:' ? 'allow' : 'no authority', authority);
  }
  assert.equal(
    decide({ http: ['http://good.example'] }, { kind: 'http', scheme: 'http', host: 'a@b', port: 80 }).effect,
    'deny',
  );
});

test('P5: decide refuses a name that leads into a private network', () => {
  const patterns = ['http://*.example', 'http://*', 'http://localhost'];
  for (const address of [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
  ])
    assert.equal(http(patterns, 'a.example', address), 'deny', address);
  assert.equal(http(patterns, 'a.example', '93.184.216.34'), 'allow');
  assert.equal(http(patterns, 'localhost', '127.0.0.1'), 'allow');
  assert.equal(http(patterns, 'localhost', '10.0.0.1'), 'deny');
  assert.equal(http([...patterns, 'http://10.0.0.0/8'], 'a.example', '10.0.0.1'), 'allow');
  assert.equal(http(['http://10.0.0.0/8'], 'a.example', '10.0.0.1'), 'deny');
  assert.equal(http([...patterns, 'http://10.0.0.0/8:81'], 'a.example', '10.0.0.1'), 'deny');
  assert.equal(http(['http://1.1.1.1'], '1.1.1.1', '10.0.0.1'), 'deny');
  assert.equal(http(['http://1.1.1.1'], '1.1.1.1', 'nonsense'), 'deny');
  assert.equal(connect(['tcp://a.example:80'], '10.0.0.1', ['a.example']), 'deny');
  assert.equal(connect(['tcp://a.example:80'], '1.1.1.1', ['a.example']), 'allow');
  assert.equal(connect(['tcp://a.example:80'], '1.1.1.1', ['b.example']), 'deny');
  assert.equal(connect(['tcp://a.example:80'], '1.1.1.1'), 'deny');
  assert.equal(connect(['tcp://10.0.0.0/8:*'], '::ffff:10.0.0.1'), 'allow');
});

test('decide compares scheme and port, with the defaults of the scheme', () => {
  const allowed = (pattern: string, scheme: 'http' | 'https', authority: string) => {
    const endpoint = parseAuthority(scheme, authority);
    assert.ok(endpoint !== undefined);
    return decide({ http: [pattern] }, { kind: 'http', ...endpoint, scheme }).effect === 'allow';
  };
  assert.ok(allowed('https://a.example', 'https', 'A.example.:443'));
  assert.ok(!allowed('https://a.example', 'https', 'a.example:444'));
  assert.ok(!allowed('https://a.example', 'http', 'a.example:443'));
  assert.ok(allowed('HTTP://a.example:*', 'http', 'a.example:8080'));
  assert.ok(allowed('http://*.a.example', 'http', 'b.c.a.example'));
  assert.ok(!allowed('http://*.a.example', 'http', 'a.example'));
  assert.ok(!allowed('http://*.a.example', 'http', 'ba.example'));
  assert.ok(!allowed('nonsense', 'http', 'a.example'));
});

test('decide says the exact lines of HTTP and network', () => {
  const lines = (
    [
      { kind: 'http', scheme: 'https', host: 'A.example', port: 443 },
      { kind: 'http', scheme: 'http', host: '::1', port: 8080 },
      { kind: 'network', action: 'connect', transport: 'tcp', address: '::ffff:1.2.3.4', port: 5 },
      { kind: 'network', action: 'listen', transport: 'udp', address: '::', port: 0 },
      { kind: 'network', action: 'resolve', name: 'A.example' },
      { kind: 'network', action: 'resolve', name: 'a b' },
      { kind: 'network', action: 'connect', transport: 'tcp', address: 'a.example', port: 5 },
      { kind: 'network', action: 'listen', transport: 'tcp', address: 'localhost', port: 5 },
    ] as const
  ).map((request) => decide({}, request).line);
  assert.deepEqual(lines, [
    'http = ["https://a.example"]',
    'http = ["http://[::1]:8080"]',
    'network = { connect = ["tcp://1.2.3.4:5"] }',
    'network = { listen = ["udp://[::]:0"] }',
    'network = { resolve = ["a.example"] }',
    undefined,
    undefined,
    undefined,
  ]);
  const rebound = { kind: 'http', scheme: 'http', host: 'a.example', port: 80, address: '10.0.0.1' } as const;
  assert.equal(
    decide({ http: ['http://*'] }, rebound).reason,
    'No grant covers "a.example" at the private address 10.0.0.1; to allow it, add http = ["http://10.0.0.1"]',
  );
});

test('decide lets a guest listen where it is granted, and look up what it may resolve or connect to', () => {
  const network: NetworkGrant = {
    connect: ['tcp://db.example:5432', 'udp://*.dns.example:53'],
    listen: ['tcp://127.0.0.1:8080', 'udp://*:*', 'tcp://[::1]:0'],
    resolve: ['*.example.org', 'www.example'],
  };
  const listen = (transport: 'tcp' | 'udp', address: string, port: number) =>
    decide({ network }, { kind: 'network', action: 'listen', transport, address, port }).effect;
  assert.equal(listen('tcp', '127.0.0.1', 8080), 'allow');
  assert.equal(listen('tcp', '127.0.0.1', 8081), 'deny');
  assert.equal(listen('tcp', '0.0.0.0', 8080), 'deny');
  assert.equal(listen('tcp', '::1', 0), 'allow');
  assert.equal(listen('udp', '0.0.0.0', 53), 'allow');
  assert.equal(listen('udp', '::', 0), 'allow');
  const resolve = (name: string) => decide({ network }, { kind: 'network', action: 'resolve', name }).effect;
  for (const name of ['DB.example', 'a.dns.example', 'a.example.org', 'www.example.', '127.1', '::1'])
    assert.equal(resolve(name), 'allow', name);
  for (const name of ['dns.example', 'example.org', 'example', 'b.www.example', 'localhost'])
    assert.equal(resolve(name), 'deny', name);
  assert.equal(
    decide({ network: { resolve: ['*'] } }, { kind: 'network', action: 'resolve', name: 'localhost' }).effect,
    'allow',
  );
  assert.equal(
    decide({ network: { resolve: ['?'] } }, { kind: 'network', action: 'resolve', name: 'a' }).effect,
    'deny',
  );
});

test('isPrivateAddress knows what is not the public internet', () => {
  const all = [
    '0.0.0.0',
    '10.255.255.255',
    '100.64.0.1',
    '127.255.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
  ];
  const more = [
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fc00::1',
    'fdff::',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ];
  const translated = [
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::1',
    '2002:a00:1::',
    '2001:0:1::',
    '[::ffff:0:127.0.0.1]',
  ];
  for (const text of [...all, ...more, ...translated, 'localhost', 'nonsense', ''])
    assert.ok(isPrivateAddress(text), text);
  const open = [
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.0',
    '223.255.255.255',
  ];
  for (const text of [...open, '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1', '2002:101:101::', '2001:1::'])
    assert.ok(!isPrivateAddress(text), text);
});

const bytes = (length: number) => fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length });
const address = fc.oneof(
  bytes(4),
  bytes(16),
  bytes(4).map((tail) => [...new Array(10).fill(0), 255, 255, ...tail]),
);
const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));

test('printAddress and parseAddress undo each other', () => {
  fc.assert(
    fc.property(address, (given) => {
      const parsed = parseAddress(printAddress(given));
      assert.ok(parsed !== undefined);
      assert.deepEqual(parseAddress(printAddress(parsed)), parsed);
      // The IPv6 form of an IPv4 address is the only one that comes back as something else.
      assert.deepEqual(parsed, given.length - parsed.length === 12 ? given.slice(12) : given);
    }),
  );
});

test('isInRange agrees with a comparison of bits', () => {
  const bits = (value: readonly number[]) => value.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  fc.assert(
    fc.property(bytes(4), bytes(4), fc.integer({ min: 0, max: 32 }), (base, other, length) => {
      const range = parseRange(`${base.join('.')}/${length}`);
      assert.ok(range !== undefined);
      assert.equal(isInRange(range, other), bits(base).slice(0, length) === bits(other).slice(0, length));
      assert.ok(isInRange(range, base) && isInRange({ address: base, bits: length }, range.address));
    }),
  );
});

const pattern = fc
  .record({
    scheme: fc.constantFrom('http', 'https', 'tcp', 'udp'),
    host: fc.oneof(
      fc.constant('*'),
      name,
      name.map((text) => `*.${text}`),
      bytes(4).map((four) => four.join('.')),
      fc.tuple(bytes(4), fc.integer({ min: 0, max: 32 })).map(([four, length]) => `${four.join('.')}/${length}`),
      fc.tuple(bytes(16), fc.integer({ min: 0, max: 128 })).map(([all, length]) => `[${printAddress(all)}]/${length}`),
    ),
    port: fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: 65_535 }).map(String)),
  })
  .map(({ scheme, host, port }) => `${scheme}://${host}:${port}`);

test('printEndpointPattern and parseEndpointPattern undo each other, and a pattern covers itself', () => {
  fc.assert(
    fc.property(pattern, (text) => {
      const read = parseEndpointPattern(text);
      // A short IPv6 prefix of what prints like an IPv4 address is none of that family.
      if (read === undefined) return text.includes('[::ffff:');
      assert.deepEqual(parseEndpointPattern(printEndpointPattern(read)), read);
      return coversEndpoint(read, read);
    }),
  );
});

test('coversEndpoint lets through no host that the outer pattern would refuse', () => {
  fc.assert(
    fc.property(pattern, pattern, fc.tuple(name, bytes(4)), (one, two, [text, four]) => {
      const [outer, inner] = [parseEndpointPattern(one), parseEndpointPattern(two)];
      if (outer === undefined || inner === undefined || !coversHost(outer.host, inner.host)) return;
      for (const host of [text, four.join('.')]) {
        const allows = (http: string) =>
          decide({ http: [http] }, { kind: 'http', scheme: 'http', host, port: 80 }).effect;
        const as = (read: typeof outer) => printEndpointPattern({ ...read, scheme: 'http', port: 80 });
        assert.ok(allows(as(inner)) === 'deny' || allows(as(outer)) === 'allow');
      }
    }),
    { numRuns: 500 },
  );
  const covers = (outer: string, inner: string) => {
    const hosts = [parseHostPattern(outer), parseHostPattern(inner)] as const;
    assert.ok(hosts[0] !== undefined && hosts[1] !== undefined);
    return coversHost(hosts[0], hosts[1]);
  };
  assert.ok(
    covers('*', '*.a') && covers('*.a', '*.b.a') && covers('*.a', 'b.a') && covers('10.0.0.0/8', '10.1.0.0/16'),
  );
  assert.ok(covers('*', '1.1.1.1') && covers('localhost', '127.0.0.1') && covers('*.a', '*.a'));
  assert.ok(!covers('*.a', '*') && !covers('a', '*.a') && !covers('*', '10.0.0.1') && !covers('*', '0.0.0.0/0'));
  assert.ok(!covers('10.0.0.0/16', '10.0.0.0/8') && !covers('*', 'localhost') && !covers('*', '*.localhost'));
});

test('parseEndpointPattern refuses what is none', () => {
  const wrong = [
    '',
    'a.example',
    'ftp://a',
    'tcp://a',
    'tcp://*',
    'http://',
    'http://a/',
    'http://a:',
    'http://a:65536',
    'http://a:+1',
  ];
  const hosts = [
    'http://a.*',
    'http://**',
    'http://*.*',
    'http://*a',
    'http://*.1.2.3.4',
    'http://*.1',
    'http://a b',
    'http://::1',
    'http://[::1',
  ];
  const ranges = [
    'tcp://10.0.0.0/33:1',
    'tcp://10.0.0.0/-1:1',
    'tcp://10.0.0.0/:1',
    'tcp://a/8:1',
    'tcp://[::]/129:1',
    'tcp://[::ffff:1.2.3.4]/95:1',
  ];
  for (const text of [
    ...wrong,
    ...hosts,
    ...ranges,
    'http://u@a',
    'http://a:80:80',
    ' http://a',
    'http://a#',
    'http://[a]:80',
  ])
    assert.equal(parseEndpointPattern(text), undefined, text);
});
