import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IngressConfig } from './application.ts';
import { parseListen, resolveIngress } from './ingress-section.ts';
import { describeProblem, problemAt } from './problems.ts';
import { APPLICATION_SCHEMA } from './schemas.ts';
import { checkToml } from './toml.ts';

/** Six lines, so that what a case says begins at line 7. */
const HEAD = `[application]
name = "shop"
[components.web]
source = "./web.wasm"
[components.report]
source = "./report.wasm"
`;

/** What the routes of a file come to, or what is wrong with them. */
function resolved(text: string): { ingress: IngressConfig | undefined; problems: string[] } {
  const checked = checkToml('/app/troupe.toml', HEAD + text, APPLICATION_SCHEMA);
  if (!checked.ok) return { ingress: undefined, problems: checked.problems.map(describeProblem) };
  const { value, document } = checked;
  const problems: string[] = [];
  const ingress = resolveIngress({
    ingress: value.ingress,
    routes: value.http ?? [],
    components: Object.keys(value.components),
    report: (path, problem) => problems.push(describeProblem(problemAt(document, path, problem))),
    placeOf: (path) => document.positions.find(path),
  });
  return { ingress, problems };
}

const route = (lines: string): string => `[[http]]\n${lines}\n`;

describe('[[http]]', () => {
  test('[[http]] comes to routes with places, and [ingress] to limits with defaults', () => {
    const { ingress, problems } = resolved(
      `[ingress]\nlisten = "[::1]:0"\nbody = "1MiB"\n${route('route = "/a/*"\ncomponent = "web"')}${route('route = "/b"\nhost = "*.example"\nmethods = ["GET", "GET"]\ncomponent = "report"')}`,
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(ingress?.listen, { host: '::1', port: 0 });
    assert.equal(ingress?.limits.bodyBytesMax, 1_048_576);
    assert.equal(ingress?.limits.keepAliveTimeoutMs, 65_000);
    assert.deepEqual(ingress?.routes, [
      {
        path: { kind: 'prefix', path: '/a' },
        host: { kind: 'any', host: '' },
        methods: [],
        component: 'web',
        place: { line: 12, column: 1 },
      },
      {
        path: { kind: 'exact', path: '/b' },
        host: { kind: 'suffix', host: 'example' },
        methods: ['GET'],
        component: 'report',
        place: { line: 17, column: 1 },
      },
    ]);
  });

  test('[[http]] that is not there means that nothing listens', () => {
    assert.deepEqual(resolved('[ingress]\nlisten = "127.0.0.1:80"\n'), { ingress: undefined, problems: [] });
  });

  const BAD: Readonly<Record<string, readonly [string, string]>> = {
    'a path of another product': [
      route('route = "/a/..."\ncomponent = "web"'),
      'line 8: http.0.route ends with "...": "/a/..."; did you mean "/a/*"?',
    ],
    'a path without a slash': [
      route('route = "a"\ncomponent = "web"'),
      'line 8: http.0.route must begin with "/": "a"; did you mean "/a"?',
    ],
    'a path that no request has': [
      route('route = "/a?b"\ncomponent = "web"'),
      'line 8: http.0.route can match no request: "?" ends a path: "/a?b"; did you mean "/a"?',
    ],
    'a host with a port': [
      route('route = "/a"\nhost = "a.example:80"\ncomponent = "web"'),
      'line 9: http.0.host names a port: a route is for a host: "a.example:80"; did you mean "a.example"?',
    ],
    'a component that is not there': [
      route('route = "/a"\ncomponent = "reprot"'),
      'line 9: http.0.component names no component: "reprot"; did you mean "report"?',
    ],
    'a method in lower case': [
      route('route = "/a"\nmethods = ["get"]\ncomponent = "web"'),
      'line 9: http.0.methods.0 expected a method in upper case, such as "GET", found "get"',
    ],
    'no method': [
      route('route = "/a"\nmethods = []\ncomponent = "web"'),
      'line 9: http.0.methods expected at least one method, found []',
    ],
    'a key that is missing, at its own table': [
      `${route('route = "/a"\ncomponent = "web"')}${route('component = "web"')}`,
      'line 10: http.1.route is missing: expected a path, such as "/orders" or "/orders/*"',
    ],
    'an unknown key': [
      route('rute = "/a"\nroute = "/b"\ncomponent = "web"'),
      'line 8: http.0.rute is not a known key; did you mean "route"?',
    ],
    'two routes that no request can tell apart': [
      `${route('route = "/a"\ncomponent = "web"')}${route('route = "/%61"\ncomponent = "report"')}`,
      'line 11: http.1.route is a route already: "/a" leads to "web" (http.0); take one of them out, or give them different hosts or methods',
    ],
    'two routes for one method': [
      `${route('route = "/a"\nmethods = ["GET", "PUT"]\ncomponent = "web"')}${route('route = "/a"\nhost = "*"\nmethods = ["PUT"]\ncomponent = "report"')}`,
      'line 12: http.1.route is a route already for PUT: "/a" leads to "web" (http.0); take one of them out, or give them different hosts or methods',
    ],
    'an address without a port': [
      '[ingress]\nlisten = "localhost"\n',
      'line 8: ingress.listen is no address: "localhost"; did you mean "localhost:8080"?',
    ],
    'a body of no size': [
      '[ingress]\nbody = "much"\n',
      'line 8: ingress.body expected a size from "0B" to "1024GiB", such as "64MiB", found "much"',
    ],
    'instances of a component out of range': [
      '[components.web.http]\ninstances = 0\n',
      'line 8: components.web.http.instances expected an integer from 1 to 4,096, found 0',
    ],
  };
  for (const [what, [text, problem]] of Object.entries(BAD)) {
    test(`[[http]] refuses ${what}, once and with its place`, () => {
      assert.deepEqual(resolved(text).problems, [problem]);
    });
  }
});

describe('parseListen', () => {
  test('parseListen reads addresses', () => {
    assert.deepEqual(parseListen('127.0.0.1:8080'), { host: '127.0.0.1', port: 8_080 });
    assert.deepEqual(parseListen('[::]:0'), { host: '::', port: 0 });
    assert.deepEqual(parseListen('a-b.example:65535'), { host: 'a-b.example', port: 65_535 });
  });

  for (const [text, hint] of Object.entries({
    '8080': '127.0.0.1:8080',
    ':80': '127.0.0.1:80',
    localhost: 'localhost:8080',
    'http://localhost:80/x': 'localhost:80',
    '127.0.0.1:65536': '[::1]:8080',
    '::1:80': '[::1]:8080',
    '': '[::1]:8080',
  })) {
    test(`parseListen refuses ${JSON.stringify(text)} and says what may be meant`, () => {
      assert.match(String(parseListen(text)), new RegExp(hint.replace(/[[\]]/g, '\\$&')));
    });
  }
});
