/** Components in TypeScript: built by `troupe build`, run by QuickJS, answering as actors and over HTTP. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { validateComponent } from '../../src/component/tooling/index.ts';
import { ActorSystem, component } from '../../src/index.ts';
import { buildComponent } from '../../src/project/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { startTroupe } from '../kit/process.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-javascript-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Builds one of `guests/`; the path of the component. */
async function build(name: string): Promise<string> {
  const directory = join(FOLDER, name);
  mkdirSync(directory, { recursive: true });
  cpSync(join(import.meta.dirname, 'guests', `${name}.ts`), join(directory, 'index.ts'));
  const section = '[build]\nlanguage = "typescript"\nentry = "index.ts"\n';
  const what = `[component]\nname = "${name}"\nsource = "./${name}.wasm"\n`;
  writeFileSync(join(directory, 'Component.toml'), `${what}\n${section}`);
  return (await buildComponent(directory)).file;
}

let actorFile: string;
before(async () => {
  actorFile = await build('actor');
});

/** One actor in a system of its own, and what it prints. */
async function start(options: { readonly config?: unknown; readonly messaging?: object } = {}) {
  const system = await ActorSystem.create();
  const printed = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (bytes: Uint8Array) => {
      printed[name] += Buffer.from(bytes).toString('utf8');
    },
  });
  const type = await component(actorFile, {
    grants: {
      clock: true,
      random: true,
      stdio: { stdin: false, stdout: true, stderr: true },
      messaging: { tell: [], ask: ['echo'], publish: ['news'] },
    },
    stdio: () => ({ stdout: sink('stdout'), stderr: sink('stderr') }),
    ...('config' in options && { config: options.config }),
  });
  const ref = system.spawn(type, 'script');
  const ask = async (op: string, payload = ''): Promise<string> =>
    Buffer.from((await ref.askOp(op, Buffer.from(payload))) as Uint8Array).toString('utf8');
  return { system, ref, ask, printed, [Symbol.asyncDispose]: () => system[Symbol.asyncDispose]() };
}

test('A component in TypeScript is valid for other tools, and imports nothing but WASI and the actor contract', async () => {
  assert.equal(await validateComponent(readFileSync(actorFile)), undefined);
  const type = await component(actorFile, { grants: { clock: true, random: true } });
  const names = [...type.component.type.imports.keys()];
  assert.deepEqual(
    names.filter((name) => !/^(wasi:(io|cli|clocks|filesystem|random)|troupe:actor)\//.test(name)),
    [],
  );
});

test('defineActor answers text, bytes, JSON and nothing', async () => {
  await using guest = await start({ config: { limit: 3 } });
  assert.equal(await guest.ask('upper', 'straße ä€😀'), 'STRASSE Ä€😀');
  assert.equal(await guest.ask('echo', 'as it is'), 'as it is');
  assert.equal(await guest.ask('sum', '[1, 2, 39]'), '42');
  assert.equal(await guest.ask('started'), '{"limit":3}');
  assert.equal((await guest.ref.askOp('nothing', Buffer.from('')))?.toString() ?? '', '');
  assert.deepEqual(JSON.parse(await guest.ask('describe')), { delivery: 'ask', subject: 'describe', waits: true });
});

test('defineActor keeps its state from one message to the next', async () => {
  await using guest = await start();
  assert.deepEqual([await guest.ask('count'), await guest.ask('count')], ['1', '2']);
});

test('G2: async handlers, timers, jobs and generators run to their end within the call', async () => {
  await using guest = await start();
  assert.deepEqual(JSON.parse(await guest.ask('later')), ['now', 'job', 'timer', '1', '2', '3']);
  assert.deepEqual(JSON.parse(await guest.ask('promises')), {
    settled: ['fulfilled', 'rejected', 'fulfilled'],
    first: 'fast',
    any: 'yes',
    caught: 'all',
    cleaned: true,
  });
});

test('G2: a promise that can never settle is an error, not a wait', async () => {
  await using guest = await start();
  await assert.rejects(guest.ask('never'), failsWith('ANSWER_INTERNAL', /can never settle/));
});

test('G1: what a handler throws is an answer with name and place, and the instance goes on', async () => {
  await using guest = await start();
  await guest.ask('count');
  await assert.rejects(guest.ask('rejects'), failsWith('ANSWER_CONFLICT', /^It is too late$/));
  await assert.rejects(
    guest.ask('mistake'),
    failsWith('ANSWER_INTERNAL', /^TypeError: cannot read property 'text' of undefined \(at /),
  );
  await assert.rejects(guest.ask('wrong'), failsWith('ANSWER_INTERNAL', /A symbol cannot be sent/));
  await assert.rejects(guest.ask('sum', 'no JSON'), failsWith('ANSWER_INVALID', /The payload is not JSON/));
  await assert.rejects(guest.ask('toString'), failsWith('ANSWER_INVALID', /There is no operation "toString"/));
  assert.match(guest.printed.stderr, /TypeError: cannot read property 'text' of undefined\n {4}at /);
  const { length } = guest.printed.stderr;
  await assert.rejects(guest.ask('denied'), failsWith('ANSWER_INTERNAL', /It is not for you/));
  assert.match(guest.printed.stderr.slice(length), /^Error: It is not for you \(at .*\)\n$/, 'an outcome is one line');
  assert.equal(await guest.ask('count'), '2');
});

test("G3: randomness is the host's: no two instances have the same", async () => {
  await using one = await start();
  await using other = await start();
  const [first, second] = [await one.ask('random'), await other.ask('random')];
  const [a, b, uuid] = JSON.parse(first) as [number, number, string];
  assert.notEqual(a, b);
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const value of JSON.parse(first) as unknown[]) assert.ok(!second.includes(JSON.stringify(value)));
});

test('The globals are those that the guide promises', async () => {
  await using guest = await start();
  assert.deepEqual(JSON.parse(await guest.ask('globals')), {
    URL: false,
    fetch: false,
    process: false,
    TextEncoder: true,
  });
});

test('lifecycle hooks start, stop and refuse', async () => {
  {
    await using guest = await start();
    await guest.ref.ready;
    await guest.system[Symbol.asyncDispose]();
    assert.equal(guest.printed.stdout, 'stopped\n');
  }
  await using refused = await start({ config: { refuse: 'not today' } });
  await assert.rejects(refused.ref.ready, failsWith('ACTOR_START_FAILED', /not today/));
});

test('actor, publish and self reach others as far as granted', async () => {
  await using guest = await start();
  const echo = await component(join(ROOT, 'fixtures/components/echo/echo.wasm'), {});
  guest.system.spawn(echo, 'echo');
  assert.equal(await guest.ask('relay', 'round'), 'round');
  assert.deepEqual(JSON.parse(await guest.ask('refused')), { kind: 'denied', code: 'CAPABILITY_DENIED' });
  assert.equal(await guest.ask('shout', 'anybody?'), '0');
  assert.equal(await guest.ask('whoami'), 'script');
});

test('troupe/guest is typed for its users, and so are the bindings below it', () => {
  const directory = join(FOLDER, 'types');
  mkdirSync(directory, { recursive: true });
  const options = {
    target: 'es2023',
    lib: ['es2023'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    paths: { 'troupe/guest': [join(ROOT, 'src/guest/index.ts')] },
  };
  cpSync(join(import.meta.dirname, 'guests'), directory, { recursive: true });
  writeFileSync(
    join(directory, 'wrong.ts'),
    [
      "import { tell } from 'troupe:actor/messaging@0.1.0';",
      "import { defineActor, Failure } from 'troupe/guest';",
      '// @ts-expect-error a payload is bytes',
      "tell('a', 'b', 'c');",
      '// @ts-expect-error there is no such kind',
      "throw new Failure('wrong', 'CODE', 'text');",
      '// @ts-expect-error a handler takes a message',
      'defineActor({ handle: (message: number) => message });',
    ].join('\n'),
  );
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.ts', join(ROOT, 'wit/globals.d.ts')] }),
  );
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('G4: serve answers requests, with bodies both ways that are ended properly, and calls out', async () => {
  const file = await build('pages');
  const upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = `${request.method} ${request.headers['x-from']} ${Buffer.concat(chunks).toString('utf8')}`;
      response.writeHead(418, { 'content-type': 'text/x-tea' }).end(text);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const away = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/tea`;
  const server = startTroupe([
    'serve',
    '--addr',
    '127.0.0.1:0',
    '--max-invocations',
    '100',
    '--allow-http',
    'http://127.0.0.1:*',
    file,
  ]);
  try {
    await server.writes(/Serving HTTP at http:\S+/);
    const [, base = ''] = /Serving HTTP at (http:\/\/[^;\s]+)/.exec(server.stdout() + server.stderr()) ?? [];
    await checkPages(base, away);
  } finally {
    server.child.kill();
    await server.ended;
    upstream.close();
  }
});

async function checkPages(base: string, away: string): Promise<void> {
  const text = await fetch(`${base}/text?name=Ada+L%20%C3%A4`);
  assert.deepEqual([text.status, text.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
  assert.equal(await text.text(), 'Hello, Ada L ä!');
  const json = await fetch(`${base}/json`, { method: 'PUT' });
  assert.deepEqual([json.status, await json.json()], [201, { method: 'PUT' }]);

  const big = 'x'.repeat(300_000);
  const echo = await fetch(`${base}/echo`, { method: 'POST', body: big, headers: { 'content-type': 'text/x-big' } });
  assert.deepEqual([echo.headers.get('x-type'), echo.headers.getSetCookie()], ['text/x-big', ['a=1', 'b=2']]);
  assert.equal(await echo.text(), big);
  const counted = await fetch(`${base}/count`, { method: 'POST', body: big });
  assert.deepEqual(await counted.json(), { bytes: big.length });
  const lines = await fetch(`${base}/lines?count=300`);
  assert.equal((await lines.text()).split('\n').length, 301);

  assert.equal((await fetch(`${base}/nothing`)).status, 204);
  const number = await fetch(`${base}/number`, { method: 'POST', body: '{"number": 7}' });
  assert.equal(await number.text(), '7');
  const invalid = await fetch(`${base}/number`, { method: 'POST', body: 'seven' });
  assert.deepEqual([invalid.status, /not JSON/.test(await invalid.text())], [400, true]);
  assert.equal((await fetch(`${base}/missing`)).status, 404);
  const mistake = await fetch(`${base}/mistake`);
  assert.deepEqual([mistake.status, await mistake.text()], [500, 'The component failed\n']);

  const proxied = await fetch(`${base}/proxy?url=${encodeURIComponent(away)}`, { method: 'POST', body: 'milk' });
  assert.deepEqual([proxied.status, await proxied.json()], [418, { type: 'text/x-tea', text: 'POST guest milk' }]);
  const denied = await fetch(`${base}/proxy?url=${encodeURIComponent('http://192.0.2.1/')}`);
  assert.deepEqual([denied.status, await denied.text()], [502, 'HTTP-request-denied']);
}
