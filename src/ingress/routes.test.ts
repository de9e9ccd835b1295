import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalPath, hostOf, parseTarget } from './request-target.ts';
import { formatHost, formatPath, parseHostPattern, parsePathPattern } from './route-pattern.ts';
import { findConflicts, type Route, RouteTable } from './route-table.ts';

interface Written {
  readonly route: string;
  readonly host?: string;
  readonly methods?: readonly string[];
}

function route({ route: path, host = '*', methods = [] }: Written): Route<string> {
  const parsedPath = parsePathPattern(path);
  const parsedHost = parseHostPattern(host);
  assert.ok(parsedPath.ok && parsedHost.ok, `${host} ${path}`);
  const target = `${host} ${path} ${methods.join()}`;
  return { path: parsedPath.pattern, host: parsedHost.pattern, methods, target };
}

/** Where a request goes: the target, `405` with the methods, or `404`. */
function where(routes: readonly Written[], request: string): string {
  const [method = '', url = '', authority] = request.split(' ');
  const path = canonicalPath(url);
  if (path === undefined) return '400';
  const match = new RouteTable(routes.map(route)).match({ method, authority, path });
  if (match.kind === 'method') return `405 ${match.allow.join()}`;
  return match.kind === 'none' ? '404' : match.route.target.replace('* /', '/').trim();
}

describe('RouteTable', () => {
  const PATHS = [{ route: '/a' }, { route: '/a/*' }, { route: '/a/b/*' }, { route: '/a/b/c' }];
  for (const [path, target] of Object.entries({
    '/a': '/a',
    '/a/': '/a/*',
    '/a/x': '/a/*',
    '/a/b': '/a/b/*',
    '/a/b/': '/a/b/*',
    '/a/b/c': '/a/b/c',
    '/a/b/c/': '/a/b/*',
    '/a/b/c/d': '/a/b/*',
    '/ab': '404',
    '/A': '404',
    '/': '404',
    '//a': '404',
    '/a//b': '/a/*',
  })) {
    test(`RouteTable takes ${path} to ${target}: paths that are named first, then the longest prefix`, () => {
      assert.equal(where(PATHS, `GET ${path}`), target);
    });
  }

  test('RouteTable takes everything to "/*", the root too', () => {
    for (const path of ['/', '/a', '/a/b/c', '//']) assert.equal(where([{ route: '/*' }], `GET ${path}`), '/*');
    assert.equal(where([{ route: '/' }], 'GET /a'), '404');
  });

  test('RouteTable prefers named hosts to suffixes, long suffixes to short ones, and both to none', () => {
    const routes = [
      { route: '/*', host: 'a.shop.example' },
      { route: '/*', host: '*.shop.example' },
      { route: '/*', host: '*.example' },
      { route: '/x' },
    ];
    assert.equal(where(routes, 'GET /x a.shop.example'), 'a.shop.example /*');
    assert.equal(where(routes, 'GET /x A.Shop.Example.:8080'), 'a.shop.example /*');
    assert.equal(where(routes, 'GET /x b.shop.example'), '*.shop.example /*');
    assert.equal(where(routes, 'GET /x c.b.shop.example:80'), '*.shop.example /*');
    assert.equal(where(routes, 'GET /x shop.example'), '*.example /*');
    assert.equal(where(routes, 'GET /x example'), '/x');
    assert.equal(where(routes, 'GET /y example'), '404');
    assert.equal(where(routes, 'GET /x'), '/x');
  });

  test('RouteTable goes on to less specific routes when those of the host do not fit', () => {
    const routes = [{ route: '/admin', host: 'a.example' }, { route: '/*' }];
    assert.equal(where(routes, 'GET /other a.example'), '/*');
  });

  test('RouteTable looks at methods last, passes over routes that do not take one, and gives HEAD to GET', () => {
    const routes = [
      { route: '/a', methods: ['GET'] },
      { route: '/a', methods: ['PUT'] },
      { route: '/a/*', methods: ['DELETE'] },
      { route: '/b', methods: ['POST'] },
      { route: '/b' },
    ];
    assert.equal(where(routes, 'HEAD /a'), '/a GET');
    assert.equal(where(routes, 'PUT /a'), '/a PUT');
    assert.equal(where(routes, 'DELETE /a'), '/a/* DELETE');
    assert.equal(where(routes, 'POST /a'), '405 DELETE,GET,HEAD,PUT');
    assert.equal(where(routes, 'GET /a/b'), '405 DELETE');
    assert.equal(where(routes, 'POST /b'), '/b POST');
    assert.equal(where(routes, 'PATCH /b'), '/b');
  });

  test('RouteTable decides as a search through all routes in order of precedence does', () => {
    const segment = fc.constantFrom('a', 'b', '');
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const written = fc.record({
      route: fc
        .array(fc.constantFrom('a', 'b'), { maxLength: 3 })
        .chain((parts) => fc.constantFrom(`/${parts.join('/')}`, parts.length === 0 ? '/*' : `/${parts.join('/')}/*`)),
      host: fc.constantFrom('*', 'x.y', '*.y', '*.x.y', 'y'),
      methods: fc.constantFrom<string[][]>([], ['GET'], ['PUT', 'POST']),
    });
    const request = fc.record({
      url: path,
      host: fc.constantFrom('x.y', 'y', 'z.x.y', 'w.y', 'q'),
      method: fc.constantFrom('GET', 'HEAD', 'PUT', 'OPTIONS'),
    });
    fc.assert(
      fc.property(fc.array(written, { maxLength: 8 }), request, (all, { url, host, method }) => {
        const routes = withoutConflicts(all.map(route));
        const match = new RouteTable(routes).match({ method, authority: host, path: url });
        const expected = search(routes, { url, host, method });
        assert.equal(match.kind === 'route' ? match.route.target : match.kind, expected);
      }),
    );
  });
});

function withoutConflicts(routes: readonly Route<string>[]): Route<string>[] {
  const taken = new Set(findConflicts(routes).map(({ index }) => index));
  return routes.filter((_, index) => !taken.has(index));
}

/** What the table does, as slowly and plainly as can be. */
function search(
  routes: readonly Route<string>[],
  { url, host, method }: { url: string; host: string; method: string },
): string {
  const fitting = routes.filter(
    (item) =>
      (item.host.kind === 'any' ||
        item.host.host === host ||
        (item.host.kind === 'suffix' && host.endsWith(`.${item.host.host}`))) &&
      !(item.host.kind === 'suffix' && item.host.host === host) &&
      (item.path.path === url || (item.path.kind === 'prefix' && url.startsWith(`${item.path.path}/`))),
  );
  const taking = fitting.filter(
    ({ methods }) => methods.length === 0 || methods.includes(method) || (method === 'HEAD' && methods.includes('GET')),
  );
  if (taking.length === 0) return fitting.length === 0 ? 'none' : 'method';
  const rank = ({ host: { kind, host: name }, path, methods }: Route<string>): number[] => [
    { exact: 2, suffix: 1, any: 0 }[kind],
    name.length,
    path.kind === 'exact' ? 1 : 0,
    path.path.length,
    methods.length === 0 ? 0 : 1,
  ];
  const [best] = taking.toSorted((one, other) => compare(rank(other), rank(one)));
  return best?.target ?? '';
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [at, value] of one.entries()) if (value !== other[at]) return value - (other[at] ?? 0);
  return 0;
}

describe('canonicalPath', () => {
  for (const [path, canonical] of Object.entries({
    '/a/b': '/a/b',
    '/%61/%7Eb': '/a/~b',
    '/a%2fb': '/a%2Fb',
    '/caf%c3%a9': '/caf%C3%A9',
    '/a%20b': '/a%20b',
    '/a|b': '/a%7Cb',
    '/100%25': '/100%25',
    '/%2561': '/%2561',
    '/..a/.b/c.': '/..a/.b/c.',
    '/a;b=1,2': '/a;b=1,2',
  })) {
    test(`canonicalPath makes ${canonical} of ${path}`, () => assert.equal(canonicalPath(path), canonical));
  }

  for (const path of [
    '',
    'a',
    '/a/../b',
    '/..',
    '/.',
    '/a/.',
    '/./a',
    '/%2e%2E/a',
    '/a%2f..%2fb',
    '/a%5c..%5cb',
    '/100%',
    '/%zz',
    '/%c3',
    '/%ff',
    '/%00',
    '/a%0d%0ab',
    '/a b',
    '/a#b',
    '/caf\u00e9',
    '/a\u0001',
  ]) {
    test(`canonicalPath refuses ${JSON.stringify(path)}`, () => assert.equal(canonicalPath(path), undefined));
  }

  test('canonicalPath is its own fixed point, and never lets a dot-segment or a foreign character through', () => {
    const piece = fc.constantFrom(
      'a',
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5c',
      '%c3%a9',
      '%25',
      '%00',
      '%',
      '\u00e9',
      '|',
      '~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const canonical = canonicalPath(`/${pieces.join('')}`);
        if (canonical === undefined) return;
        assert.equal(canonicalPath(canonical), canonical);
        assert.match(canonical, /^\/(?:[\w\-.~!$&'()*+,;=:@/]|%[0-9A-F]{2})*$/);
        const decoded = decodeURIComponent(canonical).split(/[/\\]/);
        assert.ok(!decoded.includes('..') && !decoded.includes('.'));
      }),
    );
  });

  test('canonicalPath takes a path of many escapes in time', () => {
    assert.equal(canonicalPath(`/${'%61'.repeat(5_000)}`)?.length, 5_001);
    assert.equal(canonicalPath(`/${'/.'.repeat(8_000)}`), undefined);
  });
});

describe('parseTarget', () => {
  test('parseTarget leaves path and query as they were sent', () => {
    assert.deepEqual(parseTarget('/%61?q=/../%zz'), {
      path: '/a',
      pathWithQuery: '/%61?q=/../%zz',
      authority: undefined,
      scheme: undefined,
    });
  });

  test('parseTarget takes a target with scheme and authority apart', () => {
    const target = parseTarget('HTTP://Example.com:81/a?b');
    assert.deepEqual(target, { path: '/a', pathWithQuery: '/a?b', authority: 'Example.com:81', scheme: 'http' });
    assert.equal(parseTarget('https://example.com')?.pathWithQuery, '/');
    assert.equal(parseTarget('http://example.com?q')?.pathWithQuery, '/?q');
  });

  for (const target of [
    '*',
    'example.com:443',
    'ftp://a/b',
    'http://',
    'http://user@host/',
    '',
    '/a?\u00e9',
    '/a?b#c',
  ]) {
    test(`parseTarget refuses ${JSON.stringify(target)}`, () => assert.equal(parseTarget(target), undefined));
  }
});

test('hostOf strips port and final dot, and gives up on what is no host', () => {
  assert.equal(hostOf('Example.COM:80'), 'example.com');
  assert.equal(hostOf('example.com.'), 'example.com');
  assert.equal(hostOf('[::1]:80'), '[::1]');
  assert.equal(hostOf('a'.repeat(300)), '');
  assert.equal(hostOf(undefined), '');
});

describe('parsePathPattern', () => {
  for (const [text, written] of Object.entries({
    '/': '/',
    '/*': '/*',
    '/a/': '/a/',
    '/a/*': '/a/*',
    '/%61': '/a',
    '/café/*': '/caf%C3%A9/*',
  })) {
    test(`parsePathPattern reads ${text}`, () => {
      const parsed = parsePathPattern(text);
      assert.equal(parsed.ok && formatPath(parsed.pattern), written);
    });
  }

  for (const [text, hint] of Object.entries({
    'quakes/*': /mean "\/quakes\/\*"/,
    '/...': /mean "\/\*"/,
    '/quakes/...': /mean "\/quakes\/\*"/,
    '/a*': /mean "\/\*"/,
    '/a/*/b': /mean "\/a\/\*"/,
    '/a/b*': /mean "\/a\/\*"/,
    '/a?x=1': /mean "\/a"/,
    '/a#b': /mean "\/a"/,
    '/users/:id': /mean "\/users\/\*"/,
    '/users/{id}': /mean "\/users\/\*"/,
    '/a//b': /mean "\/a\/b"/,
    '//*': /mean "\/\*"/,
    '/a/../b': /"\.\."/,
    '/a b': /spaces/,
    '/%': /escape/,
    '/\ud800': /control/,
    [`${'/a'.repeat(33)}`]: /end with/,
  })) {
    test(`parsePathPattern refuses ${JSON.stringify(text.slice(0, 20))} and says what may be meant`, () => {
      const parsed = parsePathPattern(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.help ?? '', hint);
    });
  }
});

describe('parseHostPattern', () => {
  for (const [text, written] of Object.entries({
    '*': '*',
    'Quakes.Example': 'quakes.example',
    '*.example.': '*.example',
    localhost: 'localhost',
    '127.0.0.1': '127.0.0.1',
    '[::1]': '[::1]',
  })) {
    test(`parseHostPattern reads ${text}`, () => {
      const parsed = parseHostPattern(text);
      assert.equal(parsed.ok && formatHost(parsed.pattern), written);
    });
  }

  for (const [text, hint] of Object.entries({
    'a.example:8080': /mean "a\.example"/,
    'https://a.example/x': /mean "a\.example"/,
    'a.*.example': /write/,
    '*.*.example': /write/,
    '*.[::1]': /write/,
    'a b': /write/,
    '': /write/,
    'a..b': /write/,
  })) {
    test(`parseHostPattern refuses ${JSON.stringify(text)}`, () => {
      const parsed = parseHostPattern(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.help ?? '', hint);
    });
  }
});

test('findConflicts names routes that no request can tell from an earlier one, and no others', () => {
  const routes = [
    { route: '/a' },
    { route: '/%61' },
    { route: '/a', methods: ['GET'] },
    { route: '/a', methods: ['PUT', 'GET'] },
    { route: '/a', host: 'x' },
    { route: '/a', host: 'X.' },
    { route: '/a/*' },
  ].map(route);
  assert.deepEqual(findConflicts(routes), [
    { index: 1, earlier: 0, methods: [] },
    { index: 3, earlier: 2, methods: ['GET'] },
    { index: 5, earlier: 4, methods: [] },
  ]);
});
