/** `troupe serve`, and the routes of `troupe up`, as processes of their own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { httpGuestBytes } from '../kit/http-guest.ts';
import { startTroupe, type TroupeProcess, troupe } from '../kit/process.ts';
import { openRaw, requestText } from '../kit/raw-http.ts';

let folder: string;
let web: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-serve-'));
  web = join(folder, 'web.wasm');
  await writeFile(web, await httpGuestBytes());
});

after(() => rm(folder, { recursive: true, force: true }));

async function addressOf(process: TroupeProcess): Promise<string> {
  const pattern = /http:\/\/127\.0\.0\.1:\d+/;
  await process.writes(pattern);
  return pattern.exec(`${process.stderr()}${process.stdout()}`)?.[0] ?? '';
}

describe('serve', () => {
  test('serve answers requests until it is told to stop, and says what went wrong', async () => {
    const serving = startTroupe(['serve', '--addr', '127.0.0.1:0', web]);
    const address = await addressOf(serving);
    const response = await fetch(`${address}/shop/any?path`);
    assert.equal(await response.text(), 'hello 1\n');
    assert.equal((await fetch(`${address}/t`)).status, 500);
    serving.child.kill('SIGTERM');
    await serving.writes(/Stopping/);
    const { code, stdout, stderr } = await serving.ended;
    assert.equal(code, 143);
    assert.equal(stdout, '');
    assert.match(stderr, /web did not answer a request: COMPONENT_TRAPPED: .*GET \/t/);
  });

  test('serve ends at once on a second interrupt', async () => {
    const serving = startTroupe(['serve', '--addr', '127.0.0.1:0', web]);
    const waiting = openRaw(await addressOf(serving), requestText('/flood'));
    await waiting.gets(/200 OK/);
    waiting.socket.pause();
    serving.child.kill('SIGINT');
    await serving.writes(/Stopping/);
    // Sooner, it would pass for an echo of the first.
    const again = setInterval(() => serving.child.kill('SIGINT'), 100);
    const { code } = await serving.ended;
    clearInterval(again);
    assert.equal(code, 130);
    waiting.socket.destroy();
  });

  test('serve --output json says everything in lines of JSON', async () => {
    const serving = startTroupe(['serve', '--addr', '127.0.0.1:0', '--output', 'json', web]);
    const address = await addressOf(serving);
    await (await fetch(`${address}/x?secret=1`)).text();
    await (await fetch(`${address}/`)).text();
    await serving.writes(/"path":"\/"/);
    serving.child.kill('SIGINT');
    const { stdout } = await serving.ended;
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(events[0]?.type, 'listening');
    assert.equal(events[0]?.address, address);
    const requests = events.filter(({ type }) => type === 'request');
    assert.deepEqual(
      requests.map(({ method, path, status }) => [method, path, status]),
      [
        ['GET', '/x', 200],
        ['GET', '/', 200],
      ],
    );
    assert.doesNotMatch(stdout, /secret/);
    assert.equal(events.at(-1)?.type, 'stopping');
  });

  test('serve uses instances again if it may, has them wait in line, and ends what takes too long', async () => {
    const options = ['--max-invocations', '2', '--instances', '1', '--timeout', '300ms'];
    const serving = startTroupe(['serve', '--addr', '127.0.0.1:0', ...options, web]);
    const address = await addressOf(serving);
    const answers: string[] = [];
    for (let index = 0; index < 3; index++) answers.push(await (await fetch(address)).text());
    assert.deepEqual(answers, ['hello 1\n', 'hello 2\n', 'hello 1\n']);
    const [late, behind] = await Promise.all([fetch(`${address}/w`), fetch(`${address}/s`)]);
    assert.deepEqual([late.status, behind.status], [504, 200]);
    serving.child.kill('SIGKILL');
    await serving.ended;
  });

  test('serve says what to do about a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.on('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await troupe(['serve', '--addr', `127.0.0.1:${port}`, web]);
    other.close();
    assert.equal(code, 73);
    assert.match(
      stderr,
      /error\[PORT_IN_USE\]: Cannot listen at http:\/\/127\.0\.0\.1:\d+: another process listens there/,
    );
    assert.match(stderr, /help: .*--addr 127\.0\.0\.1:\d+/);
  });

  test('serve refuses what handles no requests, and says what it is for', async () => {
    const hello = await troupe(['serve', 'fixtures/components/hello/hello.wasm']);
    assert.equal(hello.code, 64);
    assert.match(hello.stderr, /does not export wasi:http\/incoming-handler; it is a program: use "troupe run"/);
    const echo = await troupe(['serve', 'fixtures/components/echo/echo.wasm']);
    assert.match(echo.stderr, /it handles messages: give it a place in troupe\.toml/);
    const run = await troupe(['run', web]);
    assert.match(run.stderr, /it handles HTTP requests: use "troupe serve"/);
  });

  for (const [args, problem] of [
    [['--addr', '8080'], /--addr "8080".*\n.*did you mean "127\.0\.0\.1:8080"/],
    [['--addr', 'localhost:99999'], /--addr/],
    [['--instances', '0'], /--instances.*1 to 4,096/],
    [['--max-invocations', 'many'], /--max-invocations/],
    [['--allow-http', 'example.com/*'], /--allow-http/],
  ] as const) {
    test(`serve ${args.join(' ')} is wrong usage`, async () => {
      const { code, stderr } = await troupe(['serve', ...args, web]);
      assert.equal(code, 64);
      assert.match(stderr, problem);
    });
  }
});

describe('up with routes', () => {
  const write = (text: string) => writeFile(join(folder, 'troupe.toml'), text);
  const HEAD = `[application]\nname = "shop"\n[components.web]\nsource = "./web.wasm"\ngrants = { clock = true }\n`;

  test('up serves the routes of its application, ps shows them, and a stop waits for requests', async (t) => {
    await write(`${HEAD}http = { max-invocations = 10 }
      [ingress]
      listen = "127.0.0.1:0"
      [[http]]
      route = "/shop/*"
      component = "web"
      [[http]]
      route = "/only"
      host = "a.example"
      methods = ["GET"]
      component = "web"`);
    const up = startTroupe(['up', folder]);
    t.after(() => up.child.kill('SIGKILL'));
    await up.writes(/requests at/);
    const address = await addressOf(up);
    await up.writes(/web started/);
    await up.writes(/ {2}\/shop\/\* → web\n {2}GET a\.example\/only → web/);
    assert.equal(await (await fetch(`${address}/shop`)).text(), 'hello 1\n');
    assert.equal(await (await fetch(`${address}/shop/x/y`)).text(), 'hello 2\n');
    assert.equal((await fetch(`${address}/only`)).status, 404);
    const ps = await troupe(['ps', '--app', folder, '--output', 'json']);
    const { application, actors } = JSON.parse(ps.stdout);
    assert.deepEqual(application.ingress, {
      address,
      routes: [
        { route: '/shop/*', component: 'web' },
        { route: '/only', host: 'a.example', methods: ['GET'], component: 'web' },
      ],
    });
    assert.equal(actors[0].type, 'http');
    assert.deepEqual(actors[0].http, { inFlight: 0, served: 2, failed: 0, shed: 0, cancelled: 0 });
    const table = await troupe(['ps', '--app', folder]);
    assert.match(table.stdout, /\/shop\/\* +web +0 +0 +2 +0 +0 +0/);
    const asked = await troupe(['ask', '--app', folder, 'web', 'anything']);
    assert.match(
      asked.stderr,
      /error\[OPERATION_UNKNOWN\]: "web" handles HTTP requests and no messages\nhelp: .*\/shop\/\*/,
    );
    up.child.kill('SIGTERM');
    assert.equal((await up.ended).code, 143);
  });

  test('up starts nothing when the port of its routes is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.on('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await write(`${HEAD}[ingress]\nlisten = "127.0.0.1:${port}"\n[[http]]\nroute = "/*"\ncomponent = "web"`);
    const { code, stderr } = await troupe(['up', folder]);
    other.close();
    assert.equal(code, 73);
    assert.match(stderr, /PORT_IN_USE[\s\S]*help: .*\[ingress\] listen/);
    assert.doesNotMatch(stderr, /web started/);
  });

  test('up names every route that leads to no HTTP component, and HTTP settings of others, with their places', async () => {
    const echo = join(import.meta.dirname, '../../fixtures/components/echo/echo.wasm');
    await write(`${HEAD}instances = 2
[components.echo]
source = "${echo}"
http = { instances = 3 }
[[http]]
route = "/echo"
component = "echo"`);
    const { code, stderr } = await troupe(['up', folder]);
    assert.equal(code, 64);
    assert.match(stderr, /CONFIG_INVALID.*3 mistakes/);
    assert.match(stderr, /troupe\.toml:12:1: http\.0\.component leads to "echo".*it takes messages/);
    assert.match(stderr, /components\.echo\.http stands at a component/);
    assert.match(stderr, /components\.web\.instances is for actors.*\n.*\[components\.web\.http\] instances = 2/);
  });
});
