/** What a decision costs: of fifty grants, made anew and kept, and what a guest waits for when it is denied something. */
import { Authority, type CapabilityRequest, type Grants } from '../src/capability/index.ts';
import { ACTOR, type GuestActor, MESSAGING_INTERFACE } from '../src/host/messaging.ts';
import { Rate, systemClock } from '../src/time/index.ts';
import { defineWasi } from '../src/wasi/index.ts';
import type { Report, Suite } from './suite.ts';

const SAMPLES = 31;
const DECISIONS = 20_000;

/** Ten of each kind that is decided by patterns, the last one of each a wide one. */
function patterns(of: (at: number) => string, wide: string): string[] {
  return [...Array.from({ length: 9 }, (_, at) => of(at)), wide];
}

const GRANTS: Grants = {
  messaging: {
    tell: patterns((at) => `actor-${at}`, 'parse/*'),
    publish: patterns((at) => `quakes.region-${at}`, 'lines.*'),
  },
  keyvalue: patterns((at) => `bucket-${at}`, 'team-*'),
  http: patterns((at) => `https://api-${at}.example.com`, 'https://*.example.org'),
  network: { connect: patterns((at) => `tcp://10.${at}.0.0/16:5432`, 'tcp://*.example.net:443') },
};

/** What the last grant of its kind covers, or none: all of them are looked at. */
const REQUESTS: Readonly<Record<string, CapabilityRequest>> = {
  tell: { kind: 'messaging', action: 'tell', target: 'parse/7' },
  publish: { kind: 'messaging', action: 'publish', target: 'lines.new' },
  'open a bucket': { kind: 'keyvalue', bucket: 'team-a' },
  'HTTP request': { kind: 'http', scheme: 'https', host: 'www.example.org', port: 443, method: 'GET' },
  connect: { kind: 'network', action: 'connect', transport: 'tcp', address: '10.8.1.2', port: 5432 },
};

const DENIED: CapabilityRequest = { kind: 'messaging', action: 'tell', target: 'stranger' };

/** Nobody is reached: what is denied gets no further. */
const SENDER = {
  limits: { messageBytes: 1_048_576, rate: new Rate(Number.POSITIVE_INFINITY) },
  largestBytes: 0,
} as unknown as GuestActor;

function nanoseconds(work: () => unknown): number {
  const startMs = performance.now();
  for (let at = 0; at < DECISIONS; at++) work();
  return ((performance.now() - startMs) * 1e6) / DECISIONS;
}

function sampled(work: () => unknown): number[] {
  for (let at = 0; at < 3; at++) nanoseconds(work);
  return Array.from({ length: SAMPLES }, () => nanoseconds(work));
}

function run(report: Report): void {
  const authority = new Authority(GRANTS, systemClock);
  for (const [name, request] of Object.entries(REQUESTS))
    report.row({
      name: `${name}, of 50 grants`,
      unit: 'ns',
      samples: sampled(() => authority.decideAnew(request)),
      target: { atMost: 300 },
    });
  for (const [name, request] of Object.entries(REQUESTS)) {
    if (name === 'connect') continue;
    report.row({
      name: `${name}, decided before`,
      unit: 'ns',
      samples: sampled(() => authority.decide(request)),
      target: { atMost: 50 },
    });
  }
  report.row({
    name: 'a denial, made anew',
    unit: 'µs',
    samples: sampled(() => authority.decideAnew(DENIED)).map((ns) => ns / 1_000),
    target: { atMost: 5 },
  });
  const guest = defineWasi({ grants: GRANTS }).guest({ clock: systemClock });
  guest.provide(ACTOR, SENDER);
  const payload = new Uint8Array(64);
  const tell = MESSAGING_INTERFACE.tell as unknown as (this: unknown, ...args: unknown[]) => unknown;
  report.row({
    name: 'a guest is told that it may not tell',
    unit: 'µs',
    samples: sampled(() => tell.call(guest, 'stranger', 'op', payload)).map((ns) => ns / 1_000),
    target: { atMost: 5 },
  });
  report.notMeasured(
    'the hash of a text that a guest has just handed over: the first look at it costs some 50 ns more',
  );
}

export const suite: Suite = { name: 'capability', run };
