/** What guests that never end cost everybody else on their thread, and how soon one of them is gone. */
import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { compileComponent } from '../src/component/index.ts';
import { parseWat } from '../src/component/tooling/index.ts';
import { type ActorRef, ActorSystem, component, implement, protocol, type } from '../src/index.ts';
import { FLOODS } from './floods.ts';
import type { Report, Suite } from './suite.ts';

const ROUNDS = 9;
/** Messages of a round. */
const ASKS = 200;
/** Kills of a round, one at a time, while the others go on. */
const KILLS = 25;

/** Milliseconds: most that a message of a healthy actor takes, with so many spinners of one component on its thread. */
const NEIGHBOURS = [
  { spinners: 8, atMost: 5 },
  { spinners: 500, atMost: 10 },
];
const KILL_AT_MOST_MS = 5;

/** Guests that have the host work as fast as they can call, and milliseconds that a message beside them takes at most. */
const FLOODING = 8;
const BESIDE_FLOODS = { p99: 5, slowest: 15 };

/** Guests whose deadlines are at one moment; milliseconds from the end of the first to that of the last, and between passes of the event loop. */
const DEADLINES = { guests: 500, deadlineMs: 600, apartMs: 50, heldMs: 50 };

/** Waits for 200 ms, and computes from then on. */
const SLEEPER = `(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "pollable" (type $p (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core module $M (import "" "subscribe" (func $subscribe (param i64) (result i32))) (import "" "block" (func $block (param i32)))
    (func (export "spin") (call $block (call $subscribe (i64.const 200000000)))
      (loop $l try (loop (br 0)) catch_all end br $l)))
  (core instance $m (instantiate $M (with "" (instance (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
  (func (export "spin") (canon lift (core func $m "spin"))))`;

const SPINNER = `(component
  (core module $M (func (export "spin") (loop $l try (loop (br 0)) catch_all end br $l)))
  (core instance $m (instantiate $M))
  (func (export "spin") (canon lift (core func $m "spin"))))`;

/** Milliseconds that code holds the thread where it cannot be suspended, at most; a bulk instruction is done to its end. */
const INSIDE_AT_MOST_MS = 15;

/** Loops without end, by what is slow about them. */
const LOOPS = {
  'does nothing': '(br $l)',
  divides: '(local.set $x (i64.div_u (i64.const -1) (i64.or (local.get $x) (i64.const 3)))) (br $l)',
  'takes square roots': '(f64.store (i32.const 0) (f64.sqrt (f64.add (f64.load (i32.const 0)) (f64.const 3)))) (br $l)',
  'misses all caches': `(local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
    (local.set $x (i64.xor (local.get $x) (i64.load8_u (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 39)))))) (br $l)`,
  'fills 30 MB at once': '(memory.fill (i32.const 0) (i32.const 1) (i32.const 30000000)) (br $l)',
} as const;

/** Its allocator computes without end. */
const allocatorOf = (loop: string): string => `(component
  (core module $M
    (memory (export "memory") 512)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $x i64) (loop $l ${loop}) (unreachable))
    (func (export "f") (param i32 i32)))
  (core instance $m (instantiate $M))
  (func (export "f") (param "x" string) (canon lift (core func $m "f") (memory $m "memory") (realloc (func $m "realloc")))))`;

const Echo = protocol('bench:echo@1.0.0', { ask: { echo: { in: type<number>(), out: type<number>() } } });
const echo = implement(Echo, { init: () => ({}), ask: { echo: (_, n) => n } });

/**
 * Another thread that says every millisecond what time it is: a message that comes from outside, as a request does. What the
 * event loop lets it wait for is part of its latency.
 */
const CLOCK = `
  const { parentPort } = require('node:worker_threads');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    Atomics.wait(pause, 0, 0, 1);
    parentPort.postMessage(performance.timeOrigin + performance.now());
  }`;

/** Milliseconds from when `count` messages were sent on another thread until `handle` was done with each. */
async function fromOutside(count: number, handle: () => Promise<unknown>): Promise<number[]> {
  const worker = new Worker(CLOCK, { eval: true });
  const samples: number[] = [];
  try {
    for await (const [sentMs] of on(worker, 'message')) {
      await handle();
      samples.push(performance.timeOrigin + performance.now() - sentMs);
      if (samples.length === count) break;
    }
  } finally {
    await worker.terminate();
  }
  return samples;
}

/** Guests that compute without end, and go on until they are killed. */
async function spinners(system: ActorSystem, count: number): Promise<ActorRef[]> {
  const guest = await compileComponent(await parseWat(SPINNER), { metered: true });
  const spinner = await component(guest, { deadlineMs: 0 });
  const refs = Array.from({ length: count }, () => system.spawn(spinner));
  await Promise.all(refs.map((ref) => ref.ready));
  for (const ref of refs) ref.askOp('spin', [], { timeoutMs: 3_600_000 }).catch(() => undefined);
  return refs;
}

function percentile(samples: number[], share: number): number {
  return samples.sort((a, b) => a - b)[Math.ceil(samples.length * share) - 1] as number;
}

async function neighbours(report: Report): Promise<void> {
  for (const { spinners: count, atMost } of [{ spinners: 0, atMost: undefined }, ...NEIGHBOURS]) {
    await using system = await ActorSystem.create();
    const healthy = system.spawn(echo);
    await spinners(system, count);
    const [middle, tail]: number[][] = [[], []];
    for (let round = -1; round < ROUNDS; round++) {
      const samples = await fromOutside(ASKS, () => healthy.ask.echo(round));
      if (round < 0) continue;
      middle?.push(percentile(samples, 0.5));
      tail?.push(percentile(samples, 0.99));
    }
    const beside = count === 0 ? 'alone' : `beside ${count} spinners`;
    report.row({ name: `message from outside, ${beside}, p50`, unit: 'ms', samples: middle as number[] });
    const target = atMost === undefined ? {} : { target: { atMost } };
    report.row({ name: `message from outside, ${beside}, p99`, unit: 'ms', samples: tail as number[], ...target });
  }
}

async function floods(report: Report): Promise<void> {
  for (const { what, wat } of FLOODS) {
    await using system = await ActorSystem.create();
    const healthy = system.spawn(echo);
    const guest = await compileComponent(await parseWat(wat), { metered: true });
    const grants = { random: true, messaging: { publish: ['*'] } } as const;
    const flooder = await component(guest, { deadlineMs: 0, grants, onLog: () => undefined });
    for (let nth = 0; nth < FLOODING; nth++) {
      system
        .spawn(flooder)
        .askOp('flood', [], { timeoutMs: 3_600_000 })
        .catch(() => undefined);
    }
    const [tail, slowest]: number[][] = [[], []];
    for (let round = -1; round < ROUNDS; round++) {
      const samples = await fromOutside(ASKS, () => healthy.ask.echo(round));
      if (round < 0) continue;
      tail?.push(percentile(samples, 0.99));
      slowest?.push(percentile(samples, 1));
    }
    const name = `message from outside, beside ${FLOODING} guests that have the host ${what}`;
    report.row({ name: `${name}, p99`, unit: 'ms', samples: tail as number[], target: { atMost: BESIDE_FLOODS.p99 } });
    const target = { atMost: BESIDE_FLOODS.slowest };
    report.row({ name: `${name}, slowest`, unit: 'ms', samples: slowest as number[], target });
  }
}

async function kills(report: Report): Promise<void> {
  const [middle, tail, slowest]: number[][] = [[], [], []];
  for (let round = -1; round < ROUNDS; round++) {
    await using system = await ActorSystem.create();
    const refs = await spinners(system, KILLS + 8);
    const samples: number[] = [];
    for (const ref of refs.slice(0, KILLS)) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      const started = performance.now();
      await ref.kill();
      samples.push(performance.now() - started);
    }
    if (round < 0) continue;
    middle?.push(percentile(samples, 0.5));
    tail?.push(percentile(samples, 0.99));
    slowest?.push(percentile(samples, 1));
  }
  const target = { atMost: KILL_AT_MOST_MS };
  report.row({ name: 'kill of a spinner beside 8 others, p50', unit: 'ms', samples: middle as number[] });
  report.row({ name: 'kill of a spinner beside 8 others, p99', unit: 'ms', samples: tail as number[], target });
  report.row({ name: 'kill of a spinner beside 8 others, slowest', unit: 'ms', samples: slowest as number[], target });
}

/** Guests that begin to compute at one moment, and are ended at another. */
async function deadlines(report: Report): Promise<void> {
  const { guests, deadlineMs, apartMs, heldMs } = DEADLINES;
  const guest = await compileComponent(await parseWat(SLEEPER), { metered: true });
  const [apart, held]: number[][] = [[], []];
  for (let round = -1; round < ROUNDS; round++) {
    await using system = await ActorSystem.create();
    const sleeper = await component(guest, { deadlineMs, grants: { clock: true } });
    const refs = Array.from({ length: guests }, () =>
      system.spawn(sleeper, undefined, { supervision: { restart: 'temporary' } }),
    );
    await Promise.all(refs.map((ref) => ref.ready));
    const ends: number[] = [];
    let isOver = false;
    let longest = 0;
    const watching = (async () => {
      for (let last = performance.now(); !isOver; ) {
        await new Promise(setImmediate);
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
      }
    })();
    const ended = (): void => void ends.push(performance.now());
    await Promise.all(refs.map((ref) => ref.askOp('spin', [], { timeoutMs: 60_000 }).catch(ended)));
    isOver = true;
    await watching;
    if (round < 0) continue;
    apart?.push((ends.at(-1) as number) - (ends[0] as number));
    held?.push(longest);
  }
  const name = `${guests} guests that begin to compute at one moment and have one deadline`;
  report.row({
    name: `${name}: from the first end to the last`,
    unit: 'ms',
    samples: apart as number[],
    target: { atMost: apartMs },
  });
  report.row({ name: `${name}: event loop held`, unit: 'ms', samples: held as number[], target: { atMost: heldMs } });
}

/** How long one is on the thread that computes where it cannot be suspended: from its message to the answer that it failed. */
async function inside(report: Report): Promise<void> {
  for (const [what, loop] of Object.entries(LOOPS)) {
    await using system = await ActorSystem.create();
    const guest = await compileComponent(await parseWat(allocatorOf(loop)), { metered: true });
    const ref = system.spawn(await component(guest), 'allocator', {
      supervision: { intensity: 1_000, backoffMinMs: 0 },
    });
    const samples: number[] = [];
    for (let round = -2; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      const started = performance.now();
      await ref.askOp('f', ['x']).catch(() => undefined);
      if (round >= 0) samples.push(performance.now() - started);
    }
    const name = `held by an allocator that ${what}, until it is ended`;
    report.row({ name, unit: 'ms', samples, target: { atMost: INSIDE_AT_MOST_MS } });
  }
}

export const suite: Suite = {
  name: 'preemption',
  async run(report) {
    await neighbours(report);
    await floods(report);
    await kills(report);
    await deadlines(report);
    await inside(report);
    report.notMeasured(
      'spinners whose every access misses all caches, which take up to fifty times as long for their fuel',
    );
  },
};
