/** What metrics cost: the work of actors with them and without, and what a look at them takes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ActorSystem, implement, Metrics, protocol, type } from '../src/index.ts';
import type { Report, Suite } from './suite.ts';

/** Processes of each kind, in turn: what V8 makes of code differs from one to the next. */
const PROCESSES = 7;

const WORKLOADS = {
  tell: 'tell → handled',
  pingPong: 'ping-pong, per message',
  ask: 'request-response',
  publish: 'fan-out to 100',
  spawn: 'construct',
} as const;

const COMPONENTS = 1_000;
const LOOKS = 9;

type Medians = Readonly<Record<keyof typeof WORKLOADS, number>>;

function measure(kind: 'on' | 'off'): Medians {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'measured.ts'), kind], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`measured.ts failed: ${stderr}`);
  return JSON.parse(stdout) as Medians;
}

function cost(report: Report): void {
  const rounds = Array.from({ length: PROCESSES }, () => ({ off: measure('off'), on: measure('on') }));
  for (const [key, name] of Object.entries(WORKLOADS) as [keyof Medians, string][]) {
    const perSecond = (kind: 'on' | 'off') => rounds.map((round) => 1e9 / round[kind][key]);
    const without = `${name}, without metrics`;
    report.row({ name: without, unit: 'per second', samples: perSecond('off') });
    const target = { shareOf: without, atLeast: 0.9 };
    report.row({ name: `${name}, with metrics`, unit: 'per second', samples: perSecond('on'), target });
  }
}

const Counter = protocol('bench:scraped@1.0.0', {
  tell: { add: type<void>() },
  ask: { get: { in: type<void>(), out: type<number>() } },
});

/** Milliseconds for which a look holds the event loop, and for which it takes in all. */
async function looks(report: Report): Promise<void> {
  const metrics = new Metrics({ probeEveryMs: 0 });
  await using system = await ActorSystem.create({ metrics });
  for (let i = 0; i < COMPONENTS; i++) {
    const named = { ...Counter, name: `component-${i}` };
    const ref = system.spawn(
      implement(named, { init: () => 0, tell: { add: () => undefined }, ask: { get: ({ state }) => state } }),
    );
    for (let n = 0; n < 10; n++) ref.tell.add();
    await ref.ask.get();
  }
  const [held, whole, lines]: number[][] = [[], [], []];
  for (let look = 0; look < LOOKS; look++) {
    // What was shown is shown again for a second.
    await new Promise((resolve) => setTimeout(resolve, 1_001));
    let longest = 0;
    let lastMs = performance.now();
    let isOver = false;
    const turn = (): void => {
      const nowMs = performance.now();
      longest = Math.max(longest, nowMs - lastMs);
      lastMs = nowMs;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const startMs = performance.now();
    const text = await metrics.text();
    whole?.push(performance.now() - startMs);
    isOver = true;
    turn();
    held?.push(longest);
    lines?.push(text.split('\n').length);
    assert.ok(text.includes(`component-${COMPONENTS - 1}`));
  }
  const name = `${COMPONENTS} components`;
  report.row({
    name: `a look at ${name}: the event loop is held`,
    unit: 'ms',
    samples: held ?? [],
    target: { atMost: 20 },
  });
  report.row({ name: `a look at ${name}: in all`, unit: 'ms', samples: whole ?? [] });
  report.row({ name: `a look at ${name}: lines`, unit: 'times', samples: lines ?? [] });
}

async function run(report: Report): Promise<void> {
  cost(report);
  await looks(report);
  report.notMeasured(
    'traces, of which there are none yet; components on workers, whose timings are told once a second',
  );
}

export const suite: Suite = { name: 'telemetry', run };
