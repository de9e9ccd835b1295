/** Secrets of an application: used and handed out by reference, and shown to nobody. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { withApplicationFolder } from '../kit/application.ts';
import { troupe, until } from '../kit/process.ts';

const API_KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';
const PASSWORD = 'correct "horse" battery\\staple';

/** A server that notes the heads of requests, and sends everybody elsewhere. */
class Peer implements AsyncDisposable {
  readonly heads: IncomingHttpHeaders[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(location?: string): Promise<Peer> {
    const server = createServer();
    const peer = new Peer(server);
    server.on('request', ({ headers }, response) => {
      peer.heads.push(headers);
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end('done');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return peer;
  }

  get authority(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

const tomlOf = (peers: { readonly trusted: string; readonly other: string }) => `
[secrets]
api = { file = "./api.key" }
db = { file = "./db.key" }
[components.web]
source = "./tour.wasm"
grants = { http = ["http://${peers.trusted}", "http://${peers.other}"], secrets = ["api"] }
[[components.web.inject]]
secret = "api"
to = ["http://${peers.trusted}"]
[components.task]
source = "./wasi-tour.wasm"
args = ["env", "DB_PASSWORD"]
env = { DB_PASSWORD = { secret = "db" } }
grants = { stdio = ["stdout"], clock = true, random = true, secrets = ["db"] }
[audit]
[ingress]
listen = "127.0.0.1:0"
[[http]]
route = "/*"
component = "web"
`;

/** Every text that an application has written below its folder, but for the files of the secrets themselves. */
function writtenIn(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.endsWith('.key') && !name.endsWith('.wasm') && statSync(join(folder, name)).isFile())
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');
}

test('S110: a secret goes into a header where its patterns say, and is in nothing that anybody can read', async () => {
  await using other = await Peer.open();
  await using trusted = await Peer.open(`http://${other.authority}/`);
  const toml = tomlOf({ trusted: trusted.authority, other: other.authority });
  await withApplicationFolder({ fixtures: ['http/tour', 'wasi-tour'], toml }, async ({ folder, up, call }) => {
    writeFileSync(join(folder, 'api.key'), `${API_KEY}\n`);
    writeFileSync(join(folder, 'db.key'), PASSWORD);
    const running = await up('--output', 'json');
    const { application } = JSON.parse(await call('ps', '--output', 'json'));
    for (const authority of [trusted.authority, other.authority]) {
      const headers = { 'x-authority': authority, 'x-path': '/', authorization: 'Bearer guessed' };
      const answer = await fetch(`${application.ingress.address}/fetch`, { headers, redirect: 'manual' });
      await answer.arrayBuffer();
    }
    assert.equal(trusted.heads[0]?.authorization, `Bearer ${API_KEY}`, 'whatever the guest sets');
    assert.equal(other.heads.length, 1, 'no redirect is followed');
    assert.equal(other.heads[0]?.authorization, 'Bearer guessed');
    assert.ok(!JSON.stringify(other.heads).includes(API_KEY));
    // A denial whose text holds it: what a guest was handed, it may put anywhere.
    const stolen = {
      headers: { 'x-authority': `${API_KEY}.example`.toLowerCase().replaceAll('_', '-'), 'x-path': '/' },
    };
    await (await fetch(`${application.ingress.address}/fetch`, stolen)).arrayBuffer();
    await until(
      () => running.stdout().includes('[secret db]'),
      () => `the output of the task: ${running.stdout()}`,
    );
    const uses = (await call('audit', 'query', '--action', 'secret.use', '--output', 'json')).trim().split('\n');
    const seen = uses.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'capability');
    assert.deepEqual(seen.map(({ component, resource, rule }) => [component, resource, rule]).sort(), [
      ['task', 'db', 'secrets = ["db"]'],
      ['web', `api to http://${trusted.authority}`, 'secrets = ["api"]'],
    ]);
    const shown = [
      running.stdout(),
      running.stderr(),
      await call('ps', '--output', 'json'),
      await call('health', '--output', 'json'),
      (await troupe(['inspect', 'web', '--app', folder])).stdout,
      (await troupe(['inspect', 'task', '--app', folder, '--output', 'json'])).stdout,
      await call('audit', 'report'),
      writtenIn(folder),
    ];
    running.child.kill('SIGTERM');
    await running.ended;
    for (const text of shown) {
      assert.ok(!text.includes(API_KEY), text.slice(0, 2_000));
      for (const form of [PASSWORD, JSON.stringify(PASSWORD).slice(1, -1)]) assert.ok(!text.includes(form));
    }
  });
});

for (const [what, line, says] of [
  ['is not there', '', /SECRET_UNAVAILABLE.*"api".*api\.key" cannot be read: the system says ENOENT/],
  ['is too short to be hidden', 'abc', /SECRET_UNAVAILABLE.*it has 3 characters/],
] as const) {
  test(`S110: troupe up starts nothing when a secret ${what}`, async () => {
    const toml = '[secrets]\napi = { file = "./api.key" }\n[components.echo]\nsource = "./echo.wasm"\n';
    await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ folder }) => {
      if (line !== '') writeFileSync(join(folder, 'api.key'), line);
      const { code, stderr } = await troupe(['up', folder]);
      assert.equal(code, 64);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /abc/);
    });
  });
}

test('S110: troupe up refuses a secret that is unknown, or not granted by both sides, with the lines to add', async () => {
  const toml = `[secrets]
api = { env = "API" }
[components.echo]
source = "./echo.wasm"
env = { KEY = { secret = "api" }, OTHER = { secret = "nobody" } }
grants = { secrets = ["nobody"] }
[[components.echo.inject]]
secret = "api"
to = ["https://api.example.com"]
header = "content-length"
`;
  await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ folder }) => {
    const { code, stderr } = await troupe(['up', folder]);
    assert.equal(code, 64);
    assert.match(
      stderr,
      /inject\.0\.header expected the name of a header of a request, no framing, found "content-length"/,
    );
    writeFileSync(
      join(folder, 'troupe.toml'),
      `[application]\nname = "demo"\n${toml.replace('content-length', 'x-key')}`,
    );
    const again = await troupe(['up', folder]);
    assert.match(again.stderr, /3 mistakes/);
    assert.match(again.stderr, /grants\.secrets names no secret: "nobody"/);
    assert.match(again.stderr, /env\.KEY uses the secret "api", which "echo" is not granted/);
    assert.match(
      again.stderr,
      /inject\.0\.secret uses the secret "api"[\s\S]*secrets = \["api"\] in \[components\.echo\.grants\]/,
    );
  });
});
