import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { configError, describeProblem, quote } from './problems.ts';
import { APPLICATION_SCHEMA, MANIFEST_SCHEMA } from './schemas.ts';
import { checkToml } from './toml.ts';

/** The head of a document that is right, so that each case shows its one mistake. */
const HEAD = '[application]\nname = "quakes"\n';
const ONE = `${HEAD}[components.parse]\nsource = "./parse.wasm"\n`;

function mistakes(
  toml: string,
  schema: typeof APPLICATION_SCHEMA | typeof MANIFEST_SCHEMA = APPLICATION_SCHEMA,
): string[] {
  const checked = checkToml('/app/troupe.toml', toml, schema);
  return checked.ok ? [] : checked.problems.map(describeProblem);
}

const CAPACITY = 'expected an integer from 1 to 1,048,576';

const BAD: readonly { title: string; toml: string; says: string }[] = [
  { title: 'a syntax error', toml: '[application\nname = "x"', says: 'line 1: is not valid TOML: ' },
  { title: 'a key that stands twice', toml: `${ONE}source = "b"`, says: 'line 5: is not valid TOML: ' },
  { title: 'a key that could reach a prototype', toml: '__proto__ = 1', says: 'line 1: is not valid TOML: ' },
  {
    title: 'an unknown key with a near one',
    toml: `${ONE}instancse = 2`,
    says: 'line 5: components.parse.instancse is not a known key; did you mean "instances"?',
  },
  {
    title: 'an unknown key with none near',
    toml: `${ONE}mailbox = { xyz = 2 }`,
    says: 'line 5: components.parse.mailbox.xyz is not a known key; known here: capacity, overflow',
  },
  { title: 'an unknown section', toml: `${ONE}[vew]`, says: 'line 5: vew is not a known key; did you mean "view"?' },
  {
    title: 'a misspelt key of what is kept',
    toml: `${ONE}keep = { every-message = 1 }`,
    says: 'line 5: components.parse.keep.every-message is not a known key; did you mean "every-messages"?',
  },
  {
    title: 'a snapshot of no size',
    toml: `${ONE}keep = { size = "0B" }`,
    says: 'line 5: components.parse.keep.size expected a size from "1KiB" to "7MiB", such as "64MiB", found "0B"',
  },
  {
    title: 'a state that is kept without saying how',
    toml: `${ONE}keep = true`,
    says: 'line 5: components.parse.keep expected a table, found true',
  },
  {
    title: 'a question after health without a unit',
    toml: `${ONE}health = { every = 10 }`,
    says: 'line 5: components.parse.health.every expected a duration from "100ms" to "1h", such as "5s" or "250ms", found 10',
  },
  {
    title: 'a misspelt key of supervision',
    toml: `${ONE}supervise = { stuck-afer = "5s" }`,
    says: 'line 5: components.parse.supervise.stuck-afer is not a known key; did you mean "stuck-after"?',
  },
  {
    title: 'a drain that takes too long',
    toml: '[application]\nname = "quakes"\ndrain = "2h"\n[components.parse]\nsource = "./parse.wasm"\n',
    says: 'line 3: application.drain expected a duration from "0ms" to "1h", such as "5s" or "250ms", found "2h"',
  },
  {
    title: 'a value of another type',
    toml: `${ONE}instances = "2"`,
    says: 'line 5: components.parse.instances expected an integer from 1 to 4,096, found "2"',
  },
  {
    title: 'a number out of range',
    toml: `${ONE}mailbox = { capacity = 0 }`,
    says: `line 5: components.parse.mailbox.capacity ${CAPACITY}, found 0`,
  },
  {
    title: 'a number that is not whole',
    toml: `${ONE}mailbox = { capacity = 1.5 }`,
    says: `line 5: components.parse.mailbox.capacity ${CAPACITY}, found 1.5`,
  },
  {
    title: 'a word that is none of the choices',
    toml: `${ONE}mailbox = { overflow = "drop-old" }`,
    says: 'line 5: components.parse.mailbox.overflow expected one of "reject", "drop-oldest", "drop-newest", found "drop-old"; did you mean "drop-oldest"?',
  },
  {
    title: 'an endpoint of another scheme',
    toml: `${ONE}[components.parse.grants]\nhttp = ["https://a.example", "ftp://a.example"]`,
    says: 'line 6: components.parse.grants.http.1 expected scheme://host[:port], such as "https://api.example.com", "http://*.example.com:8080" or "http://10.0.0.0/8", found "ftp://a.example"',
  },
  {
    title: 'a bucket with a wildcard in the middle',
    toml: `${ONE}[components.parse.grants]\nkeyvalue = ["a", "b*c"]`,
    says: 'line 6: components.parse.grants.keyvalue.1 expected the name of a bucket, "PREFIX*" or "*", found "b*c"',
  },
  {
    title: 'an endpoint without a port',
    toml: `${ONE}[components.parse.grants.network]\nconnect = [\n  "tcp://a.example",\n]`,
    says: 'line 7: components.parse.grants.network.connect.0 expected scheme://host:port, such as "tcp://db.example.com:5432", "udp://*.example.com:53" or "tcp://10.0.0.0/8:*", found "tcp://a.example"',
  },
  {
    title: 'a name to listen at',
    toml: `${ONE}[components.parse.grants]\nnetwork = { listen = ["tcp://a.example:80"] }`,
    says: 'line 6: components.parse.grants.network.listen.0 expected scheme://address:port, such as "tcp://127.0.0.1:8080", "tcp://localhost:*" or "udp://*:5353", found "tcp://a.example:80"',
  },
  {
    title: 'an unknown use of the network',
    toml: `${ONE}[components.parse.grants]\nnetwork = { conect = [] }`,
    says: 'line 6: components.parse.grants.network.conect is not a known key; did you mean "connect"?',
  },
  {
    title: 'a duration without a unit',
    toml: `${ONE}supervise = { period = 10 }`,
    says: 'line 5: components.parse.supervise.period expected a duration from "1ms" to "1d", such as "5s" or "250ms", found 10',
  },
  {
    title: 'a duration out of range',
    toml: `${ONE}limits = { deadline = "2h" }`,
    says: 'line 5: components.parse.limits.deadline expected a duration from "1ms" to "1h", such as "5s", or "unbounded", found "2h"',
  },
  {
    title: 'a size without a unit',
    toml: `${ONE}limits = { memory = "64" }`,
    says: 'line 5: components.parse.limits.memory expected a size from "64KiB" to "4GiB", such as "64MiB", found "64"',
  },
  {
    title: 'a name that is not one',
    toml: `${HEAD}[components."Parse it"]\nsource = "a"`,
    says: 'line 3: components.Parse it expected a name of lower-case letters, digits and "-" that begins with a letter, at most 63 characters, found "Parse it"',
  },
  {
    title: 'a topic pattern that is not one',
    toml: `${ONE}subscribe = ["ok", "a..b"]`,
    says: 'line 5: components.parse.subscribe.1 expected a topic pattern, such as "orders.created" or "orders.*", found "a..b"',
  },
  {
    title: 'a subscription with a wrong pattern',
    toml: `${ONE}[[components.parse.subscribe]]\ntopic = "a"\n[[components.parse.subscribe]]\ntopic = "a..b"`,
    says: 'line 8: components.parse.subscribe.1.topic expected a topic pattern, such as "orders.created" or "orders.*", found "a..b"',
  },
  {
    title: 'a subscription with a key that is not known',
    toml: `${ONE}subscribe = [{ topic = "a", gruop = "b" }]`,
    says: 'line 5: components.parse.subscribe.0.gruop is not a known key; did you mean "group"?',
  },
  {
    title: 'a subscription with an overflow policy that is not known',
    toml: `${ONE}subscribe = ["a", { topic = "a", overflow = "wait" }]`,
    says: 'line 5: components.parse.subscribe.1.overflow expected one of "reject", "drop-oldest", "drop-newest", found "wait"',
  },
  {
    title: 'a subscription with a guarantee that is not known',
    toml: `${ONE}subscribe = [{ topic = "a", delivery = "exactly-once" }]`,
    says: 'line 5: components.parse.subscribe.0.delivery expected one of "at-most-once", "at-least-once", found "exactly-once"',
  },
  {
    title: 'a subscription that is kept and dropped',
    toml: `${ONE}subscribe = [{ topic = "a", delivery = "at-least-once", overflow = "drop-oldest" }]`,
    says: 'line 5: components.parse.subscribe.0.overflow expected "reject" with delivery = "at-least-once": what is kept is not dropped, found "drop-oldest"',
  },
  {
    title: 'a subscription that is neither a pattern nor a table',
    toml: `${ONE}subscribe = [1]`,
    says: 'line 5: components.parse.subscribe.0 expected a topic pattern, such as "orders.created" or "orders.*", or { topic = "orders.*", group = "NAME" }, found 1',
  },
  {
    title: 'a guest path that climbs',
    toml: `${ONE}grants = { filesystem = [{ path = "d", mount = "/a/../b", rights = ["read"] }] }`,
    says: 'line 5: components.parse.grants.filesystem.0.mount expected an absolute path of the guest without wildcards, "." or "..", such as "/data", found "/a/../b"',
  },
  {
    title: 'a folder with a pattern that is none',
    toml: `${ONE}grants = { filesystem = [{ path = "d/**.csv", mount = "/a", rights = ["read"] }] }`,
    says: 'line 5: components.parse.grants.filesystem.0.path expected the path of a folder, perhaps with a pattern behind: "./data", "./data/*.csv", "./data/**/*.csv", found "d/**.csv"',
  },
  {
    title: 'a missing key',
    toml: `${ONE}[view]\ncomponent = "parse"`,
    says: 'line 5: view.op is missing: expected the name of an operation',
  },
  { title: 'a missing section', toml: '[components]', says: 'application is missing: expected a table' },
  {
    title: 'a digest that is too short',
    toml: `${ONE}sha256 = "abc"`,
    says: 'line 5: components.parse.sha256 expected a SHA-256 digest of 64 hexadecimal digits, found "abc"',
  },
  {
    title: 'an environment variable that cannot be one',
    toml: `${ONE}env = { "A=B" = "c" }`,
    says: 'line 5: components.parse.env.A=B expected the name of an environment variable: letters, digits and "_", found "A=B"',
  },
];

for (const { title, toml, says } of BAD) {
  test(`checkToml reports ${title}`, () => {
    const [first = '', ...rest] = mistakes(toml);
    assert.equal(rest.length, 0, rest.join('\n'));
    assert.equal(says.endsWith(': ') ? first.slice(0, says.length) : first, says);
  });
}

test('checkToml reports all mistakes of a file at once', () => {
  assert.equal(mistakes(`${ONE}instances = 0\nbad = 1\nmailbox = { capacity = -1 }\n[nope]`).length, 4);
});

test('checkToml fills in defaults and turns durations and sizes into numbers', () => {
  const checked = checkToml(
    '/app/troupe.toml',
    `${ONE}limits = { memory = "2MiB", deadline = "1.5s" }`,
    APPLICATION_SCHEMA,
  );
  assert.ok(checked.ok);
  const { parse } = checked.value.components;
  assert.deepEqual(parse?.mailbox, { capacity: 1_024, overflow: 'reject' });
  assert.deepEqual(parse?.limits, { memory: 2_097_152, deadline: 1_500 });
  assert.equal(parse?.supervise.backoff.max, 5_000);
});

test('checkToml turns dates into text and keeps the rest of the config table', () => {
  const checked = checkToml(
    '/app/troupe.toml',
    `${ONE}config = { when = 2026-01-02T03:04:05Z, n = [1, { x = true }] }`,
    APPLICATION_SCHEMA,
  );
  assert.ok(checked.ok);
  assert.deepEqual(checked.value.components.parse?.config, { when: '2026-01-02T03:04:05.000Z', n: [1, { x: true }] });
});

test('checkToml refuses nesting that no configuration needs', () => {
  const deep = `${ONE}config = { a = ${'['.repeat(100)}${']'.repeat(100)} }`;
  assert.match(mistakes(deep).join(), /is not valid TOML/);
});

test('checkToml checks a manifest', () => {
  const toml = '[component]\nname = "parse"\nsource = "p.wasm"\n[asks]\nclok = true\n[limits]\nfuel = 1';
  const [asks, limits, ...more] = mistakes(toml, MANIFEST_SCHEMA);
  assert.equal(asks, 'line 5: asks.clok is not a known key; did you mean "clock"?');
  assert.match(
    limits ?? '',
    /^line 7: limits\.fuel is not a known key; known here: memory, table, deadline, fuel-per-/,
  );
  assert.deepEqual(more, []);
});

test('configError lists a bounded number of problems in the order of the file, and counts the rest', () => {
  const problems = Array.from({ length: 50 }, (_, index) => ({
    file: '/f',
    line: 50 - index,
    key: `k${index}`,
    message: 'is bad',
  }));
  const error = configError('Cannot use "/f"', problems);
  assert.equal(error.message, 'Cannot use "/f": line 1: k49 is bad (and 49 more)');
  assert.equal((error.details.problems as unknown[]).length, 20);
  assert.equal(error.details.problemCount, 50);
});

test('configError is FILE_NOT_FOUND when missing files are all that is wrong', () => {
  const absent = { file: '/f', key: 'a', message: 'names a file that is not there', absent: true };
  assert.ok(RuntimeError.is(configError('x', [absent]), 'FILE_NOT_FOUND'));
  assert.ok(RuntimeError.is(configError('x', [absent, { file: '/f', key: 'b', message: 'is bad' }]), 'CONFIG_INVALID'));
});

test('quote shows any value on one short line without control characters', () => {
  assert.equal(quote('a\u001b[31m\u009b\u2028'), '"a\\u001b[31m  "');
  assert.equal(quote('x'.repeat(1_000)).length, 61);
  assert.equal(quote(undefined), 'undefined');
});

/** Every key that there is, with values that are right: what mutations start from. */
const EVERYTHING = `${ONE}sha256 = "${'a'.repeat(64)}"
instances = 2
args = ["a"]
env = { A = "b" }
mailbox = { capacity = 5, overflow = "reject" }
supervise = { restart = "permanent", intensity = 5, period = "10s", backoff = { min = "50ms", max = "5s", factor = 2 } }
subscribe = ["a.*", { topic = "b", group = "g", overflow = "drop-oldest", capacity = 4 }, { topic = "c", delivery = "at-least-once" }]
limits = { memory = "1MiB", table = 5, deadline = "5s" }
[components.parse.config]
x = [1, { y = 2.5, z = 2026-01-01 }]
[components.parse.grants]
filesystem = [{ path = "d", mount = "/d", rights = ["read"] }]
stdio = ["stdin"]
messaging = { tell = ["a/*"], publish = ["b.>"] }
http = ["https://*.example:*"]
network = { connect = ["tcp://10.0.0.0/8:1"], listen = ["udp://*:*"], resolve = ["*.example"] }
[view]
component = "parse"
op = "show"
`;

test('checkToml never throws, and explains every refusal, whatever is done to a document', () => {
  assert.deepEqual(mistakes(EVERYTHING), []);
  const piece = fc.constantFrom(
    ...'[]{}="\'.,\n#-x0',
    '[[a]]',
    '"""',
    'nan',
    'true',
    '-1',
    '9'.repeat(30),
    '\u0000',
    '\ud800',
    '__proto__ = 1\n',
  );
  const edit = fc.record({
    at: fc.nat(EVERYTHING.length),
    remove: fc.nat(8),
    insert: fc.array(piece, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let toml = EVERYTHING;
      for (const { at, remove, insert } of edits) toml = toml.slice(0, at) + insert.join('') + toml.slice(at + remove);
      const checked = checkToml('/app/troupe.toml', toml, APPLICATION_SCHEMA);
      if (!checked.ok)
        assert.ok(checked.problems.length > 0 && checked.problems.every(({ message }) => message !== ''));
    }),
    { numRuns: 1_000 },
  );
});
