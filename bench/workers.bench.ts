/** Messages of 64 bytes between threads: over a link's rings, over `postMessage`, and to an actor by its reference, in the same run. */
import assert from 'node:assert/strict';
import { Worker as NodeWorker } from 'node:worker_threads';
import { type ActorRef, ActorSystem, workerActor } from '../src/index.ts';
import { systemClock } from '../src/time/index.ts';
import { type Link, startThread, type Worker } from '../src/worker/index.ts';
import { quantile } from './statistics.ts';
import type { Report, Row, Suite } from './suite.ts';
import { Measured } from './workers/actor.ts';
import { keepAwake } from './workers/awake.ts';

const SAMPLES = 9;
const ROUND_TRIPS = 2_000;
/** Each after a pause in which both threads fall asleep. */
const WAKE_UPS = 40;
const PAUSE_MS = 3;
const ONE_WAY = 100_000;
/** Messages between two flushes, and between two turns of `postMessage`'s event loop. */
const BATCH = 64;
const MESSAGE = new Uint8Array(64).fill(7);

/** Something that carries messages to another thread and back. */
interface Carrier {
  readonly name: string;
  /** Sends one and resolves when it has come back. */
  roundTrip(): Promise<void>;
  /** Sends so many and resolves when the other side has counted them. */
  oneWay(count: number): Promise<void>;
  awake(awake: boolean): void;
  close(): Promise<unknown>;
}

function put(link: Link): boolean {
  const frame = link.reserve(MESSAGE.length);
  if (frame === undefined) return false;
  frame.bytes.set(MESSAGE, frame.start);
  link.commit(MESSAGE.length);
  return true;
}

async function ringCarrier(): Promise<Carrier> {
  const worker: Worker = startThread({
    name: 'bench',
    entry: new URL('./workers/link.ts', import.meta.url),
    clock: systemClock,
  });
  await worker.ready;
  const { link } = worker;
  let onBack = () => {};
  let onRoom = () => {};
  link.open({
    onFrame: () => onBack(),
    onControl: () => onBack(),
    onRoom: () => onRoom(),
    onCredit() {},
    onLost() {},
  });
  const back = () =>
    new Promise<void>((resolve) => {
      onBack = resolve;
    });
  return {
    name: 'ring',
    roundTrip() {
      assert.ok(put(link));
      link.flush();
      return back();
    },
    oneWay(count) {
      link.post(count);
      let left = count;
      onRoom = () => {
        while (left > 0 && put(link)) if (--left % BATCH === 0) link.flush();
        link.flush();
      };
      onRoom();
      return back();
    },
    awake: (awake) => link.post(awake),
    close: () => worker.close(),
  };
}

async function portCarrier(): Promise<Carrier> {
  const worker = new NodeWorker(new URL('./workers/port.ts', import.meta.url));
  let onBack = () => {};
  worker.on('message', () => onBack());
  const back = () =>
    new Promise<void>((resolve) => {
      onBack = resolve;
    });
  return {
    name: 'postMessage',
    roundTrip() {
      worker.postMessage(MESSAGE);
      return back();
    },
    oneWay(count) {
      worker.postMessage(count);
      for (let sent = 0; sent < count; sent++) worker.postMessage(MESSAGE);
      return back();
    },
    awake: (awake) => worker.postMessage(awake),
    close: () => worker.terminate(),
  };
}

/** Microseconds of the median round trip. */
async function roundTripMicros(carrier: Carrier, count: number, pauseMs = 0): Promise<number> {
  const times: number[] = [];
  for (let trip = 0; trip < count; trip++) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const startMs = performance.now();
    await carrier.roundTrip();
    times.push((performance.now() - startMs) * 1_000);
  }
  return quantile(
    times.sort((a, b) => a - b),
    0.5,
  );
}

async function perSecond(carrier: Carrier): Promise<number> {
  const startMs = performance.now();
  await carrier.oneWay(ONE_WAY);
  return (ONE_WAY / (performance.now() - startMs)) * 1_000;
}

/** Asks that wait for their answers at the same time. */
const IN_FLIGHT = 64;
const ASKS = 100_000;
const TELLS = 200_000;

type Rows = (name: string, figure: number) => void;

/** An actor on a thread of its own, by its reference. */
class Actor {
  readonly #system: ActorSystem;
  readonly #ref: ActorRef<typeof Measured>;

  private constructor(system: ActorSystem, ref: ActorRef<typeof Measured>) {
    this.#system = system;
    this.#ref = ref;
  }

  static async open(): Promise<Actor> {
    const system = await ActorSystem.create({ workers: 1 });
    const type = workerActor(new URL('./workers/actor.ts', import.meta.url), {
      export: 'measured',
      protocol: Measured,
    });
    const ref = system.spawn(type, 'measured', { mailbox: { capacity: 4_096 } });
    await ref.ready;
    return new Actor(system, ref);
  }

  async measure(add: Rows): Promise<void> {
    add('actor: tells', await this.#tellsPerSecond());
    add('actor: asks, 64 in flight', await this.#asksPerSecond());
    add('actor: ask, both asleep', await this.#askMicros(WAKE_UPS, PAUSE_MS));
    this.#ref.tell.awake(true);
    keepAwake(true);
    add('actor: ask, both awake', await this.#askMicros(ROUND_TRIPS));
    this.#ref.tell.awake(false);
    keepAwake(false);
  }

  async #askMicros(count: number, pauseMs = 0): Promise<number> {
    const times: number[] = [];
    for (let nth = 0; nth < count; nth++) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const startMs = performance.now();
      await this.#ref.ask.echo(MESSAGE);
      times.push((performance.now() - startMs) * 1_000);
    }
    return quantile(
      times.sort((a, b) => a - b),
      0.5,
    );
  }

  async #asksPerSecond(): Promise<number> {
    let left = ASKS;
    const loop = async (): Promise<void> => {
      while (left-- > 0) await this.#ref.ask.echo(MESSAGE);
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    return (ASKS / (performance.now() - startMs)) * 1_000;
  }

  /** As fast as they are accepted; ends when they have been handled. */
  async #tellsPerSecond(): Promise<number> {
    const before = await this.#ref.ask.count();
    const startMs = performance.now();
    for (let sent = 0; sent < TELLS; ) {
      while (sent < TELLS && this.#ref.tell.put(MESSAGE).ok) sent++;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    assert.equal(await this.#ref.ask.count(), before + TELLS);
    return (TELLS / (performance.now() - startMs)) * 1_000;
  }

  close(): Promise<void> {
    return this.#system.stop();
  }
}

async function run(report: Report): Promise<void> {
  const carriers = [await portCarrier(), await ringCarrier()];
  const actor = await Actor.open();
  const rows = new Map<string, number[]>();
  const add = (name: string, figure: number) => rows.set(name, [...(rows.get(name) ?? []), figure]);
  for (let sample = -1; sample < SAMPLES; sample++) {
    // Warming up.
    const note = sample < 0 ? () => undefined : add;
    for (const carrier of carriers) await measureCarrier(carrier, note);
    await actor.measure(note);
  }
  await actor.close();
  for (const carrier of carriers) await carrier.close();
  const targets: Record<string, Row['target']> = {
    'ring: one way': { atLeast: 2_500_000 },
    'ring: round trip, both awake': { atMost: 12 },
    'actor: tells': { atLeast: 2_500_000 },
    'actor: asks, 64 in flight': { atLeast: 1_000_000 },
    'actor: ask, both awake': { atMost: 12 },
  };
  for (const [name, samples] of rows) {
    const target = targets[name];
    const unit = /one way|tells|in flight/.test(name) ? 'per second' : 'µs';
    report.row({ name, unit, samples, ...(target === undefined ? {} : { target }) });
  }
  report.notMeasured('more than two threads: the machine that the targets are for has two cores');
}

async function measureCarrier(carrier: Carrier, add: Rows): Promise<void> {
  add(`${carrier.name}: one way`, await perSecond(carrier));
  carrier.awake(true);
  keepAwake(true);
  add(`${carrier.name}: round trip, both awake`, await roundTripMicros(carrier, ROUND_TRIPS));
  carrier.awake(false);
  keepAwake(false);
  add(`${carrier.name}: round trip, both asleep`, await roundTripMicros(carrier, WAKE_UPS, PAUSE_MS));
}

/** What a message to another thread costs. */
export const suite: Suite = { name: 'workers', run };
