import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { type AuditEvent, AuditLog, type AuditRecord } from '../audit/index.ts';
import { ManualClock, systemClock } from '../time/index.ts';
import { AuditShipper, type Destination, elasticsearchDestination, syslogDestination, toSyslogFrame } from './index.ts';

let directory: string;
let log: AuditLog;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'observe-'));
  log = await AuditLog.open({ directory, durability: 'process', segmentBytes: 65_536 });
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

function denied(resource: string): AuditEvent {
  return { kind: 'capability', action: 'filesystem.read', outcome: 'deny', actor: 'parse', resource };
}

async function put(from: number, count: number): Promise<void> {
  // A hundred at a time: a file may be as much too large as what is written at once.
  for (let at = from; at < from + count; at += 100) {
    const size = Math.min(100, from + count - at);
    await Promise.all(Array.from({ length: size }, (_, index) => log.append(denied(`/${at + index}`))));
  }
}

function shipper(destination: Destination, clock = systemClock): AuditShipper {
  return new AuditShipper({ directory, name: 'test', destination, acknowledged: () => log.status.seq, clock });
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const endMs = systemClock.nowMs() + 20_000;
  while (!isSo()) {
    assert.ok(systemClock.nowMs() < endMs, `waited for ${what}`);
    await new Promise<void>((resolve) => void systemClock.after(5, resolve, true));
  }
}

/** What was taken; `refuse` says whether a batch is to be refused after the receiver has it. */
function memoryDestination(refuse: () => boolean = () => false) {
  const taken: AuditRecord[] = [];
  const destination: Destination = {
    async send(records) {
      taken.push(...records);
      if (refuse()) throw new Error('down');
    },
    close: () => undefined,
  };
  const resources = (): (string | undefined)[] =>
    taken.flatMap(({ kind, resource }) => (kind === 'log' ? [] : [resource]));
  return { taken, destination, resources };
}

test('AuditShipper sends every record in order, over rotated files and those that are being written', async () => {
  await put(0, 700);
  const { destination, resources } = memoryDestination();
  const ship = shipper(destination);
  ship.start();
  await until(() => ship.status.seq === log.status.seq, 'what was there');
  await put(700, 300);
  await until(() => ship.status.seq === log.status.seq, 'what came');
  await ship.close();
  assert.ok((await readdir(directory)).filter((name) => name.endsWith('.jsonl')).length > 2);
  assert.deepEqual(
    resources(),
    Array.from({ length: 1_000 }, (_, at) => `/${at}`),
  );
});

test('S94: AuditShipper goes on from its checkpoint, and sends again what was not known to have arrived', async () => {
  await put(0, 10);
  const first = memoryDestination();
  const one = shipper(first.destination);
  one.start();
  await until(() => one.status.seq === log.status.seq, 'the first');
  await one.close();
  await put(10, 10);
  let refusals = 2;
  const second = memoryDestination(() => refusals-- > 0);
  const clock = new ManualClock();
  const two = shipper(second.destination, clock);
  two.start();
  const before = Array.from({ length: 10 }, (_, at) => `/${at + 10}`);
  await until(() => two.status.failure !== undefined, 'the failure');
  assert.match(two.status.failure?.error.message ?? '', /down/);
  while (two.status.seq !== log.status.seq) {
    clock.advance(1_000);
    await new Promise<void>((resolve) => systemClock.soon(resolve));
  }
  await two.close();
  assert.deepEqual(second.resources(), [...before, ...before, ...before]);
  assert.equal(two.status.failure, undefined);
});

test('AuditShipper sends everything again without a checkpoint that can be read, and begins with another log', async () => {
  await put(0, 5);
  await writeFile(join(directory, 'shipped-test.json'), '{"seq":');
  const first = memoryDestination();
  const one = shipper(first.destination);
  one.start();
  await until(() => one.status.seq === log.status.seq, 'everything');
  await one.close();
  assert.equal(first.resources().length, 5);
  await writeFile(
    join(directory, 'shipped-test.json'),
    JSON.stringify({ seq: 1_000, position: { segment: 9, offset: 1_000_000, line: 1_000 } }),
  );
  const second = memoryDestination();
  const two = shipper(second.destination);
  two.start();
  await until(() => two.status.seq === log.status.seq, 'the other log');
  await two.close();
  assert.equal(second.resources().length, 5);
});

test('AuditShipper counts what went before it was sent', async () => {
  await put(0, 700);
  const [oldest] = (await readdir(directory)).filter((name) => name.endsWith('.jsonl')).sort();
  await rm(join(directory, oldest as string));
  const { destination, taken } = memoryDestination();
  const ship = shipper(destination);
  ship.start();
  await until(() => ship.status.seq === log.status.seq, 'the rest');
  await ship.close();
  assert.equal(ship.status.skipped + taken.length, log.status.seq);
  assert.ok(ship.status.skipped > 0);
});

test('toSyslogFrame writes RFC 5424, framed by its length in bytes, whatever a record holds', async () => {
  await log.append({ ...denied('/é\n<13>1 forged'), reason: '"\u0000' });
  const { destination, taken } = memoryDestination();
  const ship = shipper(destination);
  ship.start();
  await until(() => ship.status.seq === log.status.seq, 'all');
  await ship.close();
  const record = taken.at(-1) as AuditRecord;
  const frame = toSyslogFrame(record, 'höst name');
  const [, length, message = ''] = /^(\d+) (.*)$/s.exec(frame) ?? [];
  assert.equal(Buffer.byteLength(message), Number(length));
  const [, priority, rest = ''] = /^<(\d+)>1 (.*)$/s.exec(message) ?? [];
  assert.equal(priority, '108', 'facility 13, severity 4');
  const fields = rest.split(' ');
  assert.deepEqual(fields.slice(0, 6), [record.time, 'hstname', 'troupe', String(process.pid), 'capability', '-']);
  assert.ok(!message.includes('\n'));
  assert.deepEqual(JSON.parse(fields.slice(6).join(' ')), record);
});

/** Reads frames as a syslog server does. */
function readFrames(bytes: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const end = space + 1 + Number(bytes.toString('latin1', at, space));
    if (space < 0 || end > bytes.length) break;
    frames.push(bytes.toString('utf8', space + 1, end));
    at = end;
  }
  return frames;
}

async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('syslogDestination connects again to a server that went away, and loses nothing that it had not taken', async () => {
  let received = Buffer.alloc(0);
  let connections = 0;
  const server = createTcp((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes as Buffer]);
      // The first one is hung up on in the middle of things.
      if (connections === 1) socket.destroy();
    });
  });
  const port = await listen(server);
  await put(0, 20);
  const ship = shipper(syslogDestination({ host: '127.0.0.1', port }));
  ship.start();
  await until(() => ship.status.seq === log.status.seq, 'the batch');
  for (let at = 20; connections < 2; at++) {
    await put(at, 1);
    await until(() => ship.status.seq === log.status.seq, 'one more');
  }
  const last = log.status.seq;
  await until(() => readFrames(received).some((frame) => frame.includes(`"seq":${last},`)), 'the last');
  await ship.close();
  server.close();
});

/** A certificate for this machine, by itself; `undefined` where there is no openssl. */
function selfSigned(): { readonly key: string; readonly cert: string } | undefined {
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') };
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const output = ['-nodes', '-keyout', files.key, '-out', files.cert];
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-days', '2', ...names, ...output]);
  if (made.status !== 0) return undefined;
  return { key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.cert, 'utf8') };
}

test('syslogDestination speaks TLS, and to nobody whose certificate is not trusted', async (t) => {
  const own = selfSigned();
  if (own === undefined) return t.skip('there is no openssl to make a certificate with');
  let received = Buffer.alloc(0);
  const server = createTls(own, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes as Buffer]);
    });
  });
  server.on('tlsClientError', () => undefined);
  const port = await listen(server);
  await put(0, 3);
  const stranger = syslogDestination({ host: 'localhost', port, tls: {} });
  const record = { kind: 'log', outcome: 'done', time: '2026-01-01T00:00:00.000Z' } as AuditRecord;
  await assert.rejects(stranger.send([record], new AbortController().signal), { code: 'AUDIT_UNSENT' });
  stranger.close();
  for (const host of ['localhost', '127.0.0.1']) {
    received = Buffer.alloc(0);
    const destination = syslogDestination({ host, port, tls: { ca: own.cert } });
    await destination.send([record], new AbortController().signal);
    await until(() => readFrames(received).length === 1, 'the record');
    destination.close();
  }
  server.close();
});

/** The bulk API as its documentation says it: what it indexes, by id. */
function bulkServer(
  answer: (body: string, request: IncomingMessage) => { status: number; body?: unknown } | undefined,
) {
  const documents = new Map<string, Record<string, unknown>>();
  const server = createHttp((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => void parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      const special = answer(body, request);
      if (special !== undefined) {
        response.writeHead(special.status).end(JSON.stringify(special.body ?? {}));
        return;
      }
      const lines = body.trimEnd().split('\n');
      const items = [];
      for (let at = 0; at < lines.length; at += 2) {
        const { create } = JSON.parse(lines[at] as string);
        const isNew = !documents.has(create._id);
        if (isNew) documents.set(create._id, JSON.parse(lines[at + 1] as string));
        items.push({ create: { _id: create._id, status: isNew ? 201 : 409 } });
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: items.some(({ create }) => create.status >= 300), items }));
    });
  });
  return { server, documents };
}

test('elasticsearchDestination puts each record into the index once, however often a batch has to be sent', async () => {
  const seen: string[] = [];
  let tries = 0;
  const { server, documents } = bulkServer((_, request) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type']} ${request.headers.authorization}`);
    tries++;
    if (tries === 1) return { status: 429 };
    // Taken, but the answer says otherwise of one: everything comes again.
    if (tries === 2) return { status: 200, body: { errors: true, items: [{ create: { status: 503 } }] } };
    return undefined;
  });
  const port = await listen(server);
  await put(0, 20);
  const url = new URL(`http://127.0.0.1:${port}/search/audit`);
  const ship = shipper(elasticsearchDestination({ url, authorization: () => 'ApiKey x' }));
  ship.start();
  await until(() => ship.status.seq === log.status.seq, 'all');
  await ship.close();
  server.close();
  server.closeAllConnections();
  assert.equal(seen[0], 'POST /search/_bulk application/x-ndjson ApiKey x');
  assert.equal(documents.size, log.status.seq);
  const [document] = [...documents.values()].filter(({ kind }) => kind === 'capability');
  assert.partialDeepStrictEqual(document, { resource: '/0', '@timestamp': document?.time as string });
});

test('elasticsearchDestination: a conflict is a record that is there, and what is no answer is none', async () => {
  const answers: { status: number; body?: unknown }[] = [
    { status: 200, body: [] },
    { status: 302 },
    { status: 200, body: 7 },
  ];
  const { server, documents } = bulkServer(() => answers.shift());
  const port = await listen(server);
  await put(0, 2);
  const send = elasticsearchDestination({ url: new URL(`http://127.0.0.1:${port}/audit`) });
  const { destination, taken } = memoryDestination();
  const reader = shipper(destination);
  reader.start();
  await until(() => reader.status.seq === log.status.seq, 'all');
  await reader.close();
  const { signal } = new AbortController();
  for (let round = 0; round < 3; round++)
    await assert.rejects(send.send(taken, signal), { code: 'AUDIT_UNSENT', message: /^Cannot send records to http:/ });
  await send.send(taken, signal);
  await send.send(taken, signal);
  assert.equal(documents.size, taken.length);
  server.close();
  server.closeAllConnections();
});
