/**
 * HTTP through a component against `node:http` alone, streams through a guest, and requests that a guest sends against
 * undici alone. Servers, clients and guests each have a process, so that nobody shares a thread with another.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report, Suite } from './suite.ts';

const HTTP = join(import.meta.dirname, '../fixtures/components/http');
const MIB = 1_048_576;

/** Rounds of a second that are reported, after those that V8 needs to settle. */
const ROUNDS = 9;
const WARM_UP_ROUNDS = 2;
const ROUND_SECONDS = 1;
/** Enough that the server always has something to do, on a machine with two cores. */
const CONNECTIONS = 32;

const STREAM_BYTES = 100_000_000;
const STREAMS = 9;
/** Milliseconds between two looks at a process's memory: 100 MB take some hundred. */
const LOOK_MS = 5;

const OUTGOING_ROUNDS = 61;
const OUTGOING_CALLS = 250;

/** Asks a child process, and waits for its answer. */
async function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  child.send(question as object);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

async function start<T>(script: string, args: readonly (string | number)[]): Promise<[ChildProcess, T]> {
  const child = fork(join(import.meta.dirname, script), args.map(String));
  const [ready] = (await once(child, 'message')) as [T];
  return [child, ready];
}

const startServer = (what: string, maxInvocations: number) => start<number>('http-server.ts', [what, maxInvocations]);

// ── hello ──

const BARE = 'node:http alone';

/** A server and its clients. */
interface Side {
  readonly name: string;
  readonly server: ChildProcess;
  readonly load: ChildProcess;
  readonly perSecond: number[];
  /** Microseconds of processor time of the server for one request. */
  readonly cpuUs: number[];
}

async function startSide(name: string, what: string, maxInvocations: number): Promise<Side> {
  const [server, port] = await startServer(what, maxInvocations);
  const [load] = await start('http-load.ts', [port, CONNECTIONS]);
  return { name, server, load, perSecond: [], cpuUs: [] };
}

/** One after the other, so that what disturbs one disturbs all; ends them. */
async function measureSides(sides: readonly Side[]): Promise<void> {
  try {
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (const side of sides) {
        const before = await ask<{ cpuUs: number }>(side.server, 'usage');
        const result = await ask<{ requests: number; seconds: number; all: number }>(side.load, {
          seconds: ROUND_SECONDS,
        });
        const after = await ask<{ cpuUs: number }>(side.server, 'usage');
        if (round < 0) continue;
        side.perSecond.push(result.requests / result.seconds);
        side.cpuUs.push((after.cpuUs - before.cpuUs) / result.all);
      }
    }
  } finally {
    for (const { server, load } of sides) for (const child of [load, server]) child.disconnect();
  }
}

async function measureHello(report: Report): Promise<void> {
  const hello = join(HTTP, 'hello.wasm');
  const sides = [
    await startSide(BARE, 'bare', 0),
    await startSide('wasi:http, reused instance', hello, 1_000_000),
    await startSide('wasi:http, fresh instance', hello, 1),
  ];
  await measureSides(sides);
  const targets = [undefined, { shareOf: BARE, atLeast: 0.5 }, { shareOf: BARE, atLeast: 0.3 }];
  for (const [nth, { name, perSecond }] of sides.entries()) {
    const target = targets[nth];
    report.row({ name, unit: 'per second', samples: perSecond, ...(target && { target }) });
  }
  for (const { name, cpuUs } of sides) report.row({ name: `${name}: processor`, unit: 'µs', samples: cpuUs });
}

// ── threads ──

const ONE_WORKER = 'a guest that computes, one worker';

/** Requests that are all computation, as the processors are what is counted; those who ask need little. */
async function measureThreads(report: Report): Promise<void> {
  const sides: Side[] = [];
  for (const [name, workers] of [
    [ONE_WORKER, 1],
    ['a guest that computes, two workers', 2],
  ] as const) {
    const [server, port] = await start<number>('http-server.ts', [join(HTTP, 'tour.wasm'), 1_000_000, workers]);
    const [load] = await start('http-load.ts', [port, CONNECTIONS, '/compute']);
    sides.push({ name, server, load, perSecond: [], cpuUs: [] });
  }
  await measureSides(sides);
  for (const { name, perSecond } of sides) {
    const target = name === ONE_WORKER ? undefined : { shareOf: ONE_WORKER, atLeast: 1.6 };
    report.row({ name, unit: 'per second', samples: perSecond, ...(target && { target }) });
  }
}

// ── streams ──

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

interface Stream {
  /** Bytes by which the server's memory was larger than before, at most. */
  readonly peakBytes: number;
  readonly seconds: number;
}

async function stream(server: ChildProcess, client: ChildProcess): Promise<Stream> {
  const pid = server.pid as number;
  const idleBytes = residentBytes(pid);
  let peakBytes = 0;
  const look = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(pid) - idleBytes);
  }, LOOK_MS);
  const { seconds } = await ask<{ seconds: number }>(client, { bytes: STREAM_BYTES });
  clearInterval(look);
  return { peakBytes, seconds };
}

/** Each server echoes one stream to fill what Node.js keeps for ever, then those that count. */
async function measureStreams(report: Report): Promise<void> {
  for (const [name, what, target] of [
    ['100 MB through node:http alone', 'bare', undefined],
    ['100 MB through a guest', join(HTTP, 'tour.wasm'), { atMost: 8 }],
  ] as const) {
    const [server, port] = await startServer(what, 1);
    const [client] = await start('http-stream.ts', [port]);
    const first = await stream(server, client);
    const later: Stream[] = [];
    while (later.length < STREAMS) later.push(await stream(server, client));
    for (const child of [client, server]) child.disconnect();
    report.row({ name, unit: 'ms', samples: later.map(({ seconds }) => seconds * 1000) });
    report.row({ name: `${name}: first, above idle`, unit: 'MiB', samples: [first.peakBytes / MIB] });
    const samples = later.map(({ peakBytes }) => peakBytes / MIB);
    report.row({ name: `${name}: above idle`, unit: 'MiB', samples, ...(target && { target }) });
  }
}

// ── requests that go out ──

interface Cost {
  readonly wallUs: number;
  readonly cpuUs: number;
}

async function measureOutgoing(report: Report): Promise<void> {
  const [server, port] = await startServer('bare', 0);
  const file = join(import.meta.dirname, 'http-outgoing.ts');
  const args = [file, port, OUTGOING_ROUNDS, OUTGOING_CALLS].map(String);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  server.disconnect();
  if (status !== 0) throw new Error(`http-outgoing.ts failed: ${stderr}`);
  const { alone, guest } = JSON.parse(stdout) as { readonly alone: readonly Cost[]; readonly guest: readonly Cost[] };
  const row = (name: string, costs: readonly Cost[]): void => {
    report.row({ name, unit: 'µs', samples: costs.map(({ wallUs }) => wallUs) });
    report.row({ name: `${name}: processor`, unit: 'µs', samples: costs.map(({ cpuUs }) => cpuUs) });
  };
  row('request by undici alone', alone);
  row('request by a guest', guest);
  // The two of one round ran one after the other, so that what disturbed one disturbed both.
  const added = guest.map(({ wallUs }, nth) => wallUs - (alone[nth] as Cost).wallUs);
  report.row({ name: 'request by a guest: added', unit: 'µs', samples: added, target: { atMost: 40 } });
}

export const suite: Suite = {
  name: 'http',
  async run(report) {
    await measureHello(report);
    await measureThreads(report);
    await measureStreams(report);
    await measureOutgoing(report);
    report.notMeasured('pipelined requests, TLS, many cores: one server thread, one request at a time per connection');
    report.notMeasured(
      'guests of other toolchains: these are C; one with more than 16 MiB of memory, or that grows, gets a new instance',
    );
  },
};
