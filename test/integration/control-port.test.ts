import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type ControlAsk, type ControlPlane, type ControlServer, serveControl } from '../../src/admin/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { systemClock } from '../../src/time/index.ts';

import { NO_STATES } from '../kit/states.ts';

/** A plane with one actor, which answers with what it was asked. */
function echoPlane(parts: Partial<ControlPlane> = {}): ControlPlane {
  return {
    application: () => ({ name: 'quakes', pid: process.pid, startedAtMs: 1 }),
    actors: () => [],
    look: () => Promise.resolve(),
    operations: () => [],
    ...NO_STATES,
    ask: async ({ payload }) => payload,
    tell: () => ({ ok: true }),
    stop: async () => undefined,
    ...parts,
  };
}

async function withFolder(use: (folder: string, serve: Serve) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  const servers: ControlServer[] = [];
  const serve: Serve = async (options = {}) => {
    const { plane = echoPlane(), listen = { socketPath: join(folder, '.troupe', 'control.sock') } } = options;
    const server = await serveControl({ plane, directory: join(folder, '.troupe'), listen, clock: systemClock });
    servers.push(server);
    return server;
  };
  try {
    await use(folder, serve);
  } finally {
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Listen = Parameters<typeof serveControl>[0]['listen'];
type Serve = (options?: { plane?: ControlPlane; listen?: Listen }) => Promise<ControlServer>;

const mode = (file: string) => statSync(file).mode & 0o777;

test('serveControl keeps its files to this user and removes all of them', async () => {
  await withFolder(async (folder, serve) => {
    const server = await serve();
    const directory = join(folder, '.troupe');
    assert.equal(mode(directory), 0o700);
    assert.deepEqual(readdirSync(directory).sort(), ['control.json', 'control.sock', 'token']);
    for (const file of readdirSync(directory)) assert.equal(mode(join(directory, file)), 0o600, file);
    assert.ok(
      !readFileSync(join(directory, 'control.json'), 'utf8').includes(
        readFileSync(join(directory, 'token'), 'utf8').trim(),
      ),
    );
    await server.close();
    await server.close();
    assert.equal(existsSync(directory), false);
  });
});

test('ControlServer.removeFiles removes socket and files at once', async () => {
  await withFolder(async (folder, serve) => {
    const server = await serve();
    server.removeFiles();
    assert.equal(existsSync(join(folder, '.troupe')), false);
  });
});

test('connectControl reaches an application by its folder over socket and port', async () => {
  for (const listen of [undefined, { port: 0 }]) {
    await withFolder(async (folder, serve) => {
      await serve(listen === undefined ? {} : { listen });
      const client = await connectControl({ dir: folder });
      assert.equal((await client.application()).name, 'quakes');
      const payload = { form: 'json', value: ['é', 1, null] } as const;
      assert.deepEqual(await client.ask({ actor: 'parse/1', op: 'a#b', payload }), payload);
      await client.tell({ actor: 'parse/1', op: 'a', payload });
    });
  }
});

test('ControlClient rejects with the error of the application, code and details included', async () => {
  await withFolder(async (folder, serve) => {
    const full = { code: 'MAILBOX_FULL', message: 'Cannot enqueue', details: { capacity: 2 } };
    await serve({ plane: echoPlane({ tell: () => ({ ok: false, error: full }) }) });
    const client = await connectControl({ dir: folder });
    const sent = client.tell({ actor: 'a', op: 'b', payload: { form: 'bytes', base64: '' } });
    await assert.rejects(sent, (error) => RuntimeError.is(error, 'MAILBOX_FULL') && error.details.capacity === 2);
  });
});

test('ControlClient that gives up an ask tells the plane', async () => {
  await withFolder(async (folder, serve) => {
    const asked = Promise.withResolvers<ControlAsk>();
    const plane = echoPlane({
      ask: (request) => {
        asked.resolve(request);
        return new Promise(() => undefined);
      },
    });
    await serve({ plane });
    const client = await connectControl({ dir: folder });
    const controller = new AbortController();
    const reply = client.ask({
      actor: 'a',
      op: 'b',
      payload: { form: 'bytes', base64: '' },
      signal: controller.signal,
    });
    const { signal } = await asked.promise;
    const gone = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    controller.abort();
    await assert.rejects(reply, { code: 'ASK_CANCELLED' });
    await gone;
  });
});

test('connectControl says where it looked and how to start when nothing runs', async () => {
  await withFolder(async (folder) => {
    await assert.rejects(
      connectControl({ dir: folder }),
      (error) =>
        RuntimeError.is(error, 'CONTROL_UNREACHABLE') &&
        error.message.includes(join(folder, '.troupe', 'control.json')) &&
        String(error.details.help).includes(`troupe up ${folder}`),
    );
    await assert.rejects(connectControl({ dir: join(folder, 'nope') }), { code: 'FILE_NOT_FOUND' });
  });
});

test('ControlClient with the token of another run is refused', async () => {
  await withFolder(async (folder, serve) => {
    await serve();
    writeFileSync(join(folder, '.troupe', 'token'), 'stale\n');
    const client = await connectControl({ dir: folder });
    await assert.rejects(client.actors(), { code: 'CONTROL_UNAUTHORIZED' });
  });
});

test('serveControl refuses a folder whose application runs, and does not disturb it', async () => {
  await withFolder(async (folder, serve) => {
    await serve();
    // As another process would have written it: one that is alive and answers.
    const file = join(folder, '.troupe', 'control.json');
    const { address } = JSON.parse(readFileSync(file, 'utf8')) as { address: Listen };
    writeFileSync(file, JSON.stringify({ pid: process.ppid, address }));
    await assert.rejects(
      serve(),
      (error) =>
        RuntimeError.is(error, 'APPLICATION_RUNNING') &&
        error.details.pid === process.ppid &&
        error.message.includes(folder),
    );
    assert.equal((await (await connectControl({ dir: folder })).application()).name, 'quakes');
  });
});

test('serveControl replaces what a killed process left behind', async () => {
  await withFolder(async (folder, serve) => {
    const directory = join(folder, '.troupe');
    const socketPath = join(directory, 'control.sock');
    mkdirSync(directory);
    // A socket file that nobody listens at: made by renaming a live one away before it is closed.
    const old = createServer();
    await new Promise<void>((resolve) => old.listen(`${socketPath}.old`, resolve));
    const { renameSync } = await import('node:fs');
    renameSync(`${socketPath}.old`, socketPath);
    await new Promise((resolve) => old.close(resolve));
    assert.ok(statSync(socketPath).isSocket());
    writeFileSync(join(directory, 'token'), 'old', { mode: 0o644 });
    writeFileSync(join(directory, 'control.json'), JSON.stringify({ pid: 2 ** 30, address: { socketPath } }));
    const client = await serve().then(() => connectControl({ dir: folder }));
    assert.equal((await client.application()).name, 'quakes');
    assert.equal(mode(join(directory, 'token')), 0o600);
  });
});

test('serveControl refuses a socket path or port that others use, and leaves nothing behind', async () => {
  await withFolder(async (folder, serve) => {
    const socketPath = join(folder, 'taken.sock');
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(socketPath, resolve));
    await assert.rejects(serve({ listen: { socketPath } }), { code: 'PORT_IN_USE' });
    writeFileSync(join(folder, 'file'), 'precious');
    await assert.rejects(serve({ listen: { socketPath: join(folder, 'file') } }), { code: 'PORT_IN_USE' });
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'precious');
    await new Promise((resolve) => other.close(resolve));

    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const bound = busy.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    await assert.rejects(serve({ listen: { port } }), { code: 'PORT_IN_USE' });
    await new Promise((resolve) => busy.close(resolve));
    assert.equal(existsSync(join(folder, '.troupe')), false);
  });
});

test('serveControl says what is in the way of its folder, and how to do without', async () => {
  await withFolder(async (folder, serve) => {
    writeFileSync(join(folder, '.troupe'), 'not a folder');
    await assert.rejects(
      serve(),
      (error) =>
        RuntimeError.is(error, 'FILE_UNREADABLE') &&
        /it is not a folder/.test(error.message) &&
        String(error.details.help).includes('enabled = false'),
    );
    assert.equal(readFileSync(join(folder, '.troupe'), 'utf8'), 'not a folder');
    rmSync(join(folder, '.troupe'));
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(folder, '.troupe'));
    await assert.rejects(serve(), { code: 'FILE_UNREADABLE' });
    assert.deepEqual(readdirSync(elsewhere), []);
  });
});

test('serveControl listens elsewhere when the socket path is too long for the system', async () => {
  await withFolder(async (folder, serve) => {
    const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60));
    mkdirSync(deep, { recursive: true });
    const server = await serve({ listen: { socketPath: join(deep, 'control.sock') } });
    assert.equal((await (await connectControl({ dir: folder })).application()).name, 'quakes');
    const place = dirname(server.address.replace('unix:', ''));
    assert.equal(mode(place), 0o700);
    await server.close();
    assert.equal(existsSync(place), false);
  });
});

test('ControlServer.close ends connections that do nothing', async () => {
  await withFolder(async (folder, serve) => {
    const server = await serve();
    const idle = createConnection(join(folder, '.troupe', 'control.sock'));
    await new Promise((resolve) => idle.once('connect', resolve));
    const ended = new Promise((resolve) => idle.once('close', resolve));
    await server.close();
    await ended;
  });
});

test('the control port goes on after whatever a client sends', async () => {
  await withFolder(async (folder, serve) => {
    await serve();
    const token = readFileSync(join(folder, '.troupe', 'token'), 'utf8').trim();
    const head = (line: string, ...more: string[]) =>
      `${[line, 'Host: x', `Authorization: Bearer ${token}`, ...more].join('\r\n')}\r\n\r\n`;
    const ask = 'POST /v1/actors/a/ask HTTP/1.1';
    const requests: readonly (string | Buffer)[] = [
      '\0\0\0\0',
      Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 31) & 0xff)),
      'GET / HTTP/9.9\r\n\r\n',
      head('GET /v1/actors/%ff%fe/operations HTTP/1.1'),
      head('GET /v1/actors/%/operations HTTP/1.1'),
      head(`GET /v1/actors/${'x'.repeat(10_000)}/operations HTTP/1.1`),
      head('GET http://[broken/v1/actors HTTP/1.1'),
      head('GET //v1//actors HTTP/1.1'),
      head('TRACE /v1/actors HTTP/1.1'),
      head('CONNECT example.com:80 HTTP/1.1'),
      head('GET /v1/actors HTTP/1.1', 'Upgrade: websocket', 'Connection: Upgrade'),
      head('GET /v1/actors HTTP/1.1', `X: ${'y'.repeat(40_000)}`),
      head(ask, 'Content-Length: 5000000'),
      `${head(ask, 'Content-Length: 100')}{"op"`,
      `${head(ask, 'Content-Length: -1')}{}`,
      `${head(ask, 'Transfer-Encoding: chunked')}ffffffff\r\n{`,
      `${head(ask, 'Transfer-Encoding: chunked', 'Content-Length: 3')}1\r\n{\r\n0\r\n\r\n`,
      `${head(ask, 'Content-Length: 6')}[[[[[[`,
      `${head(ask, 'Content-Length: 600000')}${'['.repeat(600_000)}`,
      `${head(ask, 'Content-Length: 4', 'Content-Type: application/json;charset=x')}null`,
      `${head(ask, 'Expect: 100-continue', 'Content-Length: 2')}`,
    ];
    for (const request of requests) {
      for (const cut of [false, true]) await sendRaw(join(folder, '.troupe', 'control.sock'), request, cut);
    }
    assert.equal((await (await connectControl({ dir: folder })).application()).name, 'quakes');
  });
});

/** Sends bytes; then goes away at once (`cut`), or when the server has answered something or hung up. */
function sendRaw(socketPath: string, bytes: string | Buffer, cut: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    socket.once('error', () => resolve());
    socket.once('close', () => resolve());
    socket.once('data', () => socket.destroy());
    // What the server waits for will not come: half a request is followed by the end of the stream.
    socket.write(bytes, () => (cut ? socket.destroy() : socket.end()));
  });
}
