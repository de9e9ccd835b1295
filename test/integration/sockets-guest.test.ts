import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, test } from 'node:test';
import type { Decision, NetworkGrant } from '../../src/capability/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { type ApplicationEvent, inspectComponent, runCommand, startApplication } from '../../src/runtime/index.ts';
import { startCli } from '../kit/cli.ts';
import { until } from '../kit/process.ts';
import { ok, openDescriptors, SocketGuest } from '../kit/sockets.ts';

const FILE = join(import.meta.dirname, '../../fixtures/components/sockets/sockets.wasm');

/** One run of the program; `firstLine` is what it prints first. */
function start(args: readonly string[], network: NetworkGrant = {}, signal?: AbortSignal) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const denials: Decision[] = [];
  const ended = runCommand({
    file: FILE,
    args,
    env: {},
    dirs: [],
    network,
    stdin: Readable.from([]),
    stdout,
    stderr,
    timeoutMs: 10_000,
    onDenied: (decision) => denials.push(decision),
    ...(signal && { signal }),
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    let text = '';
    stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    ended.then(() => reject(new Error('The program ended without a line')), reject);
  });
  firstLine.catch(() => undefined);
  const output = async () => {
    const exitCode = await ended;
    return { exitCode, out: lines.join(''), err: errors.join('') };
  };
  const lines: string[] = [];
  const errors: string[] = [];
  stdout.on('data', (chunk) => lines.push(String(chunk)));
  stderr.on('data', (chunk) => errors.push(String(chunk)));
  return { ended, firstLine, output, denials };
}

const LISTEN = { listen: ['tcp://127.0.0.1:*', 'udp://127.0.0.1:*'] };
const CONNECT = { connect: ['tcp://localhost:*', 'udp://localhost:*'] };

test('a guest serves TCP and another one asks it, by name and by address', async () => {
  const server = start(['tcp-serve', '0', '2'], LISTEN);
  const port = await server.firstLine;
  for (const host of ['localhost', '127.0.0.1']) {
    const text = 'x'.repeat(3_000);
    const { exitCode, out, err } = await start(['tcp-send', host, port, text], CONNECT).output();
    assert.deepEqual([exitCode, out, err], [0, `${text}\n`, '']);
  }
  assert.equal(await server.ended, 0);
});

test('a guest serves UDP and another one asks it', async () => {
  const server = start(['udp-serve', '0', '2'], LISTEN);
  const port = await server.firstLine;
  for (const host of ['localhost', '127.0.0.1']) {
    const { exitCode, out, err } = await start(['udp-send', host, port, 'Hello, datagram'], CONNECT).output();
    assert.deepEqual([exitCode, out.split('\n').slice(1), err], [0, ['Hello, datagram', ''], '']);
  }
  assert.equal(await server.ended, 0);
});

test('a guest without a grant gets access-denied, and the operator the line to add', async () => {
  const runs: readonly [readonly string[], string, string][] = [
    [['tcp-serve', '0', '1'], 'start-bind: access-denied\n', 'network = { listen = ["tcp://127.0.0.1:0"] }'],
    [
      ['tcp-send', '127.0.0.1', '9', 'x'],
      'start-connect: access-denied\n',
      'network = { connect = ["tcp://127.0.0.1:9"] }',
    ],
    [
      ['tcp-send', 'db.example', '9', 'x'],
      'resolve-addresses: access-denied\n',
      'network = { resolve = ["db.example"] }',
    ],
    [['udp-serve', '9', '1'], 'start-bind: access-denied\n', 'network = { listen = ["udp://127.0.0.1:9"] }'],
    [['udp-send', '127.0.0.1', '9', 'x'], 'start-bind: access-denied\n', 'network = { listen = ["udp://0.0.0.0:0"] }'],
  ];
  for (const [args, text, line] of runs) {
    const run = start(args);
    const { exitCode, err } = await run.output();
    assert.deepEqual([exitCode, err, run.denials.map((denial) => denial.line)], [1, text, [line]]);
  }
});

test('a guest reads what a name leads to, and how an address is no name', async () => {
  const { out } = await start(['resolve', 'LocalHost'], CONNECT).output();
  assert.equal(out, '127.0.0.1\nipv6\n');
  assert.equal((await start(['resolve', '0x7f.1']).output()).out, '127.0.0.1\n');
  assert.equal((await start(['resolve', 'a b']).output()).err, 'resolve-addresses: invalid-argument\n');
});

test('a guest gets no more sockets than its limit', async () => {
  const { out } = await start(['hoard'], CONNECT).output();
  assert.equal(out, '64 sockets, then new-socket-limit\n');
});

test('a guest that is killed while it waits leaves no descriptor behind', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  // The first run opens what the process keeps for good.
  await start(['hoard'], CONNECT).ended;
  const before = openDescriptors();
  const controller = new AbortController();
  const arrived = new Promise<Socket>((resolve) => silent.once('connection', resolve));
  const server = start(['tcp-serve', '0', '1'], LISTEN, controller.signal);
  const datagrams = start(['udp-serve', '0', '1'], LISTEN, controller.signal);
  const client = start(['tcp-send', '127.0.0.1', String(port), 'x'], CONNECT, controller.signal);
  const [peer] = await Promise.all([arrived, server.firstLine, datagrams.firstLine]);
  controller.abort();
  for (const { ended } of [server, datagrams, client]) await assert.rejects(ended, { code: 'COMPONENT_KILLED' });
  peer.destroy();
  await new Promise((resolve) => silent.close(resolve));
  assert.ok(openDescriptors() < before);
});

test('run lets a program use the network as its options say, and says what it would need', async () => {
  const server = startCli({ argv: ['run', '--listen', 'tcp://127.0.0.1:*', FILE, 'tcp-serve', '0', '1'] });
  await until(
    () => server.stdout().includes('\n'),
    () => `the port; it said ${server.stderr()}`,
  );
  const port = server.stdout().trim();
  const denied = startCli({ argv: ['run', FILE, 'tcp-send', '127.0.0.1', port, 'x'] });
  assert.equal(await denied.done, 1);
  const hint = `troupe: denied; to allow it: --allow-net tcp://127.0.0.1:${port}\n`;
  assert.ok(denied.stderr().includes(hint) && denied.stderr().includes('start-connect: access-denied\n'));
  const allow = ['--allow-net', `tcp://localhost:${port}`, '--allow-http', 'https://api.example.com'];
  const client = startCli({ argv: ['run', ...allow, FILE, 'tcp-send', 'localhost', port, 'Hello'] });
  assert.deepEqual([await client.done, client.stdout(), client.stderr()], [0, 'Hello\n', '']);
  assert.equal(await server.done, 0);
});

test('run refuses patterns that are none', async () => {
  const wrong = [
    ['--allow-net', 'localhost:80'],
    ['--allow-net', 'tcp://localhost'],
    ['--listen', 'tcp://a.example:80'],
    ['--allow-http', 'ftp://a.example'],
  ] as const;
  for (const [option, pattern] of wrong) {
    const run = startCli({ argv: ['run', option, pattern, FILE] });
    assert.equal(await run.done, 64);
    assert.match(run.stderr(), new RegExp(`Cannot read ${option} "${pattern}": expected scheme://`));
  }
});

test('inspect shows sockets as what does nothing without a grant', async () => {
  const { imports } = await inspectComponent(FILE);
  const sockets = imports.filter(({ name }) => name.startsWith('wasi:sockets/'));
  assert.ok(sockets.length > 0);
  for (const { need, grantLine } of sockets) {
    assert.equal(need, 'grant');
    assert.match(grantLine ?? '', /^network = \{ connect = /);
  }
});

test('an application gives a component the network that its grants name, and says what it was denied', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-sockets-'));
  after(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, 'troupe.toml'),
    `[application]
name = "test"
[components.server]
source = "${FILE}"
args = ["tcp-serve", "0", "1"]
[components.server.grants]
stdio = ["stdout"]
network = { listen = ["tcp://127.0.0.1:*"] }
[components.client]
source = "${FILE}"
args = ["tcp-send", "127.0.0.1", "9", "x"]
supervise = { restart = "temporary" }
`,
  );
  const events: ApplicationEvent[] = [];
  const application = await startApplication(await loadApplication(folder), { onEvent: (event) => events.push(event) });
  const printed = () => events.find((event) => event.type === 'output' && event.actor === 'server');
  await until(
    () => printed() !== undefined && events.some((event) => event.type === 'denied'),
    () => JSON.stringify(events),
  );
  const denied = events.find((event) => event.type === 'denied');
  assert.equal(denied?.actor, 'client');
  assert.ok(denied?.text?.endsWith('add network = { connect = ["tcp://127.0.0.1:9"] }'));
  const { out } = await start(['tcp-send', 'localhost', printed()?.text ?? '', 'Hello'], CONNECT).output();
  assert.equal(out, 'Hello\n');
  await application.stop();
});

test('many guests look names up through the system at once', async () => {
  const guests = Array.from({ length: 5 }, () => new SocketGuest({ grants: { network: { resolve: ['*'] } } }));
  const answers = await Promise.all(
    guests.map(async (guest) => {
      const stream = ok(guest.call('ip-name-lookup.resolve-addresses', guest.network, 'no-such-host.invalid'));
      await guest.block(guest.call('ip-name-lookup.resolve-address-stream.subscribe', stream));
      return guest.call('ip-name-lookup.resolve-address-stream.resolve-next-address', stream).val;
    }),
  );
  // Without a name server the answer is another one.
  for (const answer of answers) assert.match(answer, /^(name-unresolvable|(temporary|permanent)-resolver-failure)$/);
  for (const guest of guests) await guest.dispose();
});
