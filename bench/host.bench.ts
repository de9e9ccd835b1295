/**
 * Component actors through supervision, and the example application from a warm checkout.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ActorSystem, component } from '../src/index.ts';
import type { Report, Suite } from './suite.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ECHO = fileURLToPath(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
const NO_BACKOFF = { restart: 'permanent', intensity: 1000, periodMs: 1, backoffMinMs: 0, backoffMaxMs: 0 } as const;

/** Messages of one sample: fewer than the mailbox holds. */
const BATCH = 1_000;
const SAMPLES = 30;

async function measureActor(report: Report): Promise<void> {
  await using system = await ActorSystem.create();
  const echo = await component(ECHO);
  const ref = system.spawn(echo, 'echo', { supervision: NO_BACKOFF });
  const payload = new Uint8Array(64);
  await ref.askOp('echo', payload);
  const tells: number[] = [];
  const asks: number[] = [];
  const restarts: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    let start = performance.now();
    for (let message = 1; message < BATCH; message++) ref.tellOp('none', payload);
    await ref.askOp('none', payload);
    tells.push(((performance.now() - start) / BATCH) * 1e6);
    start = performance.now();
    for (let message = 0; message < BATCH; message++) await ref.askOp('echo', payload);
    asks.push(((performance.now() - start) / BATCH) * 1e6);
  }
  for (let sample = 0; sample < 200; sample++) {
    const trapped = ref.askOp('trap', payload).catch(() => performance.now());
    const next = ref.askOp('none', payload).then(() => performance.now());
    restarts.push(((await next) - ((await trapped) as number)) * 1000);
  }
  report.row({ name: 'tell → handled, 64 B, C guest', unit: 'ns', samples: tells });
  report.row({ name: 'ask awaited, 64 B echoed, C guest', unit: 'ns', samples: asks });
  report.row({
    name: 'trap → next message handled, supervised, no backoff',
    unit: 'µs',
    samples: restarts,
    target: { atMost: 200 },
  });
}

/** Milliseconds from the command to the first line of the example's view that counts something. */
async function firstResultMs(): Promise<number> {
  const start = performance.now();
  const child = spawn('npm', ['start'], { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  try {
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      if (/[1-9][\d,]* reports counted/.test(text)) return performance.now() - start;
    }
    throw new Error(`npm start ended without a result:\n${text}`);
  } finally {
    // npm and what it started are one process group.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await exited;
  }
}

async function measureStart(report: Report): Promise<void> {
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) samples.push((await firstResultMs()) / 1000);
  report.row({ name: 'npm start, warm checkout → first result', unit: 's', samples, target: { atMost: 3 } });
}

export const suite: Suite = {
  name: 'host',
  async run(report) {
    await measureActor(report);
    await measureStart(report);
    report.notMeasured('guests of other languages; several actors at once; a cold disk cache');
  },
};
