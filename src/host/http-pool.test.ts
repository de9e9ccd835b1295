import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { httpGuest, slowStartingHttpGuest } from '../../test/kit/http-guest.ts';
import type { BehaviorContext } from '../actor/index.ts';
import type { CompiledComponent, ExportedFunction } from '../component/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import { ManualClock, SeededRandom } from '../time/index.ts';
import type { HttpBodySink, HttpErrorCode } from '../wasi/index.ts';
import { type HttpOptions, toHttpPolicy } from './http-options.ts';
import { type HttpJob, HttpPool } from './http-pool.ts';
import { shapeOf } from './shape.ts';
import { ComponentSurroundings } from './surroundings.ts';

const DEADLINE_MS = 30_000;

/** A request whose answer is kept. */
class TestJob implements HttpJob {
  readonly method = 'GET';
  readonly scheme = 'http';
  readonly authority = 'test';
  readonly pathWithQuery: string;
  readonly rawHeaders = [];
  failure: RuntimeError | undefined;
  /** `200 hello 1`, the code of what it failed with, or nothing yet. */
  answer = '';
  /** Resolves what the server still has to take; nothing: it takes everything at once. */
  slow: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(path: string, isSlow = false) {
    this.pathWithQuery = path;
    this.slow = isSlow ? Promise.withResolvers<void>() : undefined;
  }

  body(): undefined {
    return undefined;
  }

  respond(status: number): HttpBodySink {
    this.answer = `${status} `;
    return {
      write: (bytes) => {
        this.answer += new TextDecoder().decode(bytes).trim();
        return this.pathWithQuery === '/l' ? this.slow?.promise : undefined;
      },
      finish: () => this.slow?.promise,
      abort: ({ tag }: HttpErrorCode) => {
        this.answer += ` cut: ${tag}`;
      },
    };
  }

  inform(): void {}

  fail({ tag }: HttpErrorCode, reason?: RuntimeError): void {
    this.failure = reason;
    this.answer = reason?.code ?? tag;
  }
}

let component: CompiledComponent;
before(async () => {
  component = await httpGuest();
});

/** A pool whose time is in the test's hands. */
function manualPool(options: HttpOptions = {}, compiled = component) {
  const clock = new ManualClock();
  const surroundings = new ComponentSurroundings({ grants: { clock: true }, options: {} });
  const context = { self: { name: 'web' }, clock } as unknown as BehaviorContext;
  const failures: string[] = [];
  const quarantines: number[] = [];
  const pool = new HttpPool({
    name: 'web',
    clock,
    random: new SeededRandom(1),
    policy: toHttpPolicy(options),
    deadlineMs: DEADLINE_MS,
    instances: {
      component: compiled,
      clock,
      handle: shapeOf(compiled).main as ExportedFunction,
      start: undefined,
      limits: { handles: 16_384, liftBytes: 1_048_576 },
      config: new Uint8Array(),
      surround: (deadline) => surroundings.of(context, deadline),
    },
    onFailed: ({ pathWithQuery }, { code }) => failures.push(`${pathWithQuery} ${code}`),
    onQuarantined: (_, forMs) => quarantines.push(forMs),
  });
  const send = (path: string, isSlow = false) => {
    const job = new TestJob(path, isSlow);
    return { job, ticket: pool.handle(job) };
  };
  /** Sends a request and lets it come to an end that needs no time. */
  const answerTo = async (path: string): Promise<string> => {
    const { job } = send(path);
    await clock.settle();
    return job.answer;
  };
  return { pool, clock, failures, quarantines, send, answerTo };
}

describe('HttpPool', () => {
  test('HttpPool gives each request an instance that is as new', async () => {
    const { answerTo, pool } = manualPool();
    for (let index = 0; index < 3; index++) assert.equal(await answerTo('/'), '200 hello 1');
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 3, failed: 0, shed: 0, cancelled: 0 });
  });

  test('HttpPool makes few instances for many requests, and is told by none of them apart', async (t) => {
    const { answerTo, send, clock, pool } = manualPool();
    const made = t.mock.method(component, 'instantiate').mock;
    for (let index = 0; index < 10; index++) assert.equal(await answerTo('/'), '200 hello 1');
    assert.equal(made.callCount(), 1);
    const both = [send('/s'), send('/s')];
    await clock.elapse(50);
    assert.deepEqual(
      both.map(({ job }) => job.answer),
      ['200 hello 1', '200 hello 1'],
    );
    assert.equal(made.callCount(), 2);
    // One that has grown, or trapped, is not rewound.
    await answerTo('/g');
    await answerTo('/t');
    assert.equal(pool.memoryBytes, 0);
    assert.equal(await answerTo('/'), '200 hello 1');
    assert.equal(made.callCount(), 3);
  });

  test('HttpPool rewinds an instance while its answer is being sent, and cuts nothing off', async () => {
    const { send, clock, pool } = manualPool({ instances: 1 });
    const slow = send('/', true);
    await clock.settle();
    assert.equal(pool.stats.inFlight, 1);
    const next = send('/');
    await clock.settle();
    assert.equal(next.job.answer, '200 hello 1');
    slow.job.slow?.resolve();
    await clock.settle();
    assert.equal(slow.job.answer, '200 hello 1');
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 2, failed: 0, shed: 0, cancelled: 0 });
  });

  test('HttpPool runs the start function of a rewound instance, and ends it when its client goes', async () => {
    const { send, clock, pool } = manualPool({}, await slowStartingHttpGuest());
    const first = send('/');
    await clock.elapse(10);
    assert.equal(first.job.answer, '200 hello 1');
    const second = send('/');
    await clock.settle();
    assert.equal(second.job.answer, '');
    await clock.elapse(10);
    assert.equal(second.job.answer, '200 hello 1');
    const gone = send('/');
    await clock.settle();
    gone.ticket?.cancel();
    await clock.settle();
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 2, failed: 0, shed: 0, cancelled: 1 });
    assert.equal(pool.memoryBytes, 0);
  });

  test('HttpPool uses an instance as often as it may, one request after the other', async () => {
    const { answerTo } = manualPool({ maxInvocations: 3 });
    const answers: string[] = [];
    for (let index = 0; index < 5; index++) answers.push(await answerTo('/'));
    assert.deepEqual(answers, ['200 hello 1', '200 hello 2', '200 hello 3', '200 hello 1', '200 hello 2']);
  });

  test('HttpPool begins anew with an instance whose memory has grown too much', async () => {
    const { answerTo } = manualPool({ maxInvocations: Number.POSITIVE_INFINITY });
    for (let index = 0; index < 24; index++) await answerTo('/g');
    assert.equal(await answerTo('/'), '200 hello 1');
  });

  test('HttpPool runs requests side by side, and has those wait that find no instance', async () => {
    const { send, clock, pool } = manualPool({ instances: 2, queue: 2 });
    const jobs = [1, 2, 3, 4].map(() => send('/s').job);
    await clock.settle();
    assert.equal(pool.stats.inFlight, 2);
    assert.equal(pool.stats.waiting, 2);
    await clock.elapse(60);
    assert.deepEqual(
      jobs.map(({ answer }) => answer),
      ['200 hello 1', '200 hello 1', '', ''],
    );
    await clock.elapse(60);
    assert.ok(jobs.every(({ answer }) => answer === '200 hello 1'));
    await clock.elapse(60_000);
    assert.equal(clock.pendingTimers, 0);
  });

  test('HttpPool serves a long queue of guests that never wait', async () => {
    const { send, clock, pool } = manualPool({ instances: 1, queue: 8_000 });
    const first = send('/s').job;
    await clock.settle();
    const behind = Array.from({ length: 8_000 }, () => send('/').job);
    await clock.elapse(60);
    assert.ok([first, ...behind].every(({ answer }) => answer === '200 hello 1'));
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 8_001, failed: 0, shed: 0, cancelled: 0 });
  });

  test('HttpPool sends away at once who finds the queue full, and says when to come back', async () => {
    const { send, clock, pool } = manualPool({ instances: 1, queue: 1 });
    const [, , third] = [send('/s'), send('/s'), send('/s')];
    assert.equal(third?.ticket, undefined);
    assert.equal(third?.job.answer, 'HTTP_OVERLOADED');
    assert.equal(third?.job.failure?.details.retryAfterMs, 1_000);
    await clock.elapse(200);
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 2, failed: 0, shed: 1, cancelled: 0 });
  });

  test('HttpPool sends away who has waited too long', async () => {
    const { send, clock, pool } = manualPool({ instances: 1, queue: 1, queueTimeoutMs: 1_000 });
    send('/w');
    const { job } = send('/');
    await clock.elapse(990);
    assert.equal(job.answer, '');
    await clock.elapse(20);
    assert.equal(job.answer, 'HTTP_OVERLOADED');
    assert.equal(pool.stats.shed, 1);
  });

  test('HttpPool ends a guest that takes too long, and nobody else', async () => {
    const { send, answerTo, clock, pool, failures } = manualPool();
    const { job } = send('/w');
    await clock.elapse(DEADLINE_MS - 10);
    assert.equal(job.answer, '');
    const other = send('/s');
    await clock.elapse(100);
    assert.equal(job.answer, 'COMPONENT_DEADLINE');
    assert.equal(other.job.answer, '200 hello 1');
    assert.equal(await answerTo('/'), '200 hello 1');
    assert.deepEqual(failures, ['/w COMPONENT_DEADLINE']);
    assert.equal(pool.stats.failed, 1);
  });

  test('HttpPool ends the guest of a client that goes, whether it runs or waits', async () => {
    const { send, clock, pool, failures } = manualPool({ instances: 1, maxInvocations: 10 });
    const running = send('/w');
    const waiting = send('/w');
    await clock.settle();
    waiting.ticket?.cancel();
    running.ticket?.cancel();
    running.ticket?.cancel();
    await clock.settle();
    assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 0, failed: 0, shed: 0, cancelled: 2 });
    assert.deepEqual(failures, []);
    assert.equal(pool.memoryBytes, 0);
    await clock.elapse(60_000);
    assert.equal(clock.pendingTimers, 0);
  });

  test('HttpPool ends an instance that is still being made when its client goes', async () => {
    const { send, clock, pool } = manualPool();
    const { ticket } = send('/');
    ticket?.cancel();
    await clock.settle();
    assert.equal(pool.stats.cancelled, 1);
    assert.equal(pool.stats.inFlight, 0);
  });

  test('HttpPool answers for a guest that traps, gives none, or leaves its answer, and uses no trapped one again', async () => {
    const { answerTo, send, clock, failures } = manualPool({ maxInvocations: 10 });
    assert.equal(await answerTo('/'), '200 hello 1');
    assert.equal(await answerTo('/t'), 'COMPONENT_TRAPPED');
    assert.equal(await answerTo('/'), '200 hello 1');
    assert.equal(await answerTo('/n'), 'HTTP_RESPONSE_MISSING');
    assert.equal(await answerTo('/o'), 'internal-error');
    // The guest's failure, not a bug of the host.
    assert.equal(send('/n').job.failure?.kind, 'unavailable');
    const { job } = send('/h');
    await clock.elapse(10);
    assert.match(job.answer, /^200 hello \d cut: /);
    const missing = '/n HTTP_RESPONSE_MISSING';
    assert.deepEqual(failures, ['/t COMPONENT_TRAPPED', missing, missing, '/h COMPONENT_TRAPPED']);
  });

  test('HttpPool frees the instance of an answer that is still being sent, and waits for that when it drains', async () => {
    const { send, clock, pool } = manualPool({ instances: 1, maxInvocations: 10 });
    const slow = send('/', true);
    await clock.settle();
    const next = send('/');
    await clock.settle();
    assert.equal(next.job.answer, '200 hello 2');
    assert.equal(pool.stats.inFlight, 1);
    let drained = false;
    void pool.drain().then(() => {
      drained = true;
    });
    await clock.settle();
    assert.equal(drained, false);
    slow.job.slow?.resolve();
    await clock.settle();
    assert.equal(drained, true);
    assert.equal(pool.stats.served, 2);
  });

  test('HttpPool takes nothing while it drains, and close ends what is left', async () => {
    const { send, clock, pool } = manualPool({ instances: 1 });
    const running = send('/w');
    const waiting = send('/');
    await clock.settle();
    const drained = pool.drain();
    assert.equal(waiting.job.answer, 'HTTP_UNAVAILABLE');
    assert.equal(send('/').job.answer, 'HTTP_UNAVAILABLE');
    assert.equal(running.job.answer, '');
    pool.close();
    await clock.settle();
    await drained;
    assert.equal(running.job.answer, 'HTTP_UNAVAILABLE');
    assert.equal(clock.pendingTimers, 0);
    assert.equal(pool.memoryBytes, 0);
  });

  test('HttpPool lets an idle instance go while a slow client takes its last window, and cuts nothing off', async () => {
    for (const maxInvocations of [1, 10]) {
      const { send, clock, pool } = manualPool({ maxInvocations });
      const { job } = send('/l', true);
      await clock.settle();
      assert.equal(job.answer, '200 hello 0');
      assert.ok(pool.memoryBytes > 0);
      await clock.elapse(21_000);
      assert.equal(pool.memoryBytes, 0);
      assert.equal(pool.stats.inFlight, 1);
      job.slow?.resolve();
      await clock.settle();
      assert.equal(job.answer, '200 hello 0hello 0');
      assert.deepEqual(pool.stats, { inFlight: 0, waiting: 0, served: 1, failed: 0, shed: 0, cancelled: 0 });
      await clock.elapse(60_000);
      assert.equal(clock.pendingTimers, 0);
    }
  });

  test('HttpPool lets idle instances go', async () => {
    const { answerTo, clock, pool } = manualPool({ maxInvocations: 10 });
    await answerTo('/');
    assert.ok(pool.memoryBytes > 0);
    await clock.elapse(21_000);
    assert.equal(pool.memoryBytes, 0);
    assert.equal(clock.pendingTimers, 0);
    assert.equal(await answerTo('/'), '200 hello 1');
  });
});

describe('HttpPool under a component that crash-loops', () => {
  const supervision = { intensity: 3, periodMs: 10_000 } as const;

  test('HttpPool quarantines a component that fails again and again, then tries one request, then trusts it', async () => {
    const { answerTo, send, clock, pool, quarantines } = manualPool({ supervision, instances: 2, queue: 4 });
    for (let index = 0; index < 4; index++) assert.equal(await answerTo('/t'), 'COMPONENT_TRAPPED');
    assert.deepEqual(quarantines, [10_000]);
    const { job } = send('/');
    assert.equal(job.answer, 'HTTP_UNAVAILABLE');
    assert.equal(job.failure?.details.retryAfterMs, 10_000);
    await clock.elapse(10_001);
    const [probe, behind] = [send('/s').job, send('/').job];
    await clock.settle();
    assert.equal(pool.stats.inFlight, 1, 'one at a time');
    await clock.elapse(100);
    assert.deepEqual([probe.answer, behind.answer], ['200 hello 1', '200 hello 1']);
    const both = [send('/s').job, send('/s').job];
    await clock.settle();
    assert.equal(pool.stats.inFlight, 2);
    await clock.elapse(100);
    assert.ok(both.every(({ answer }) => answer === '200 hello 1'));
  });

  test('HttpPool quarantines again when the first request after a quarantine fails', async () => {
    const { answerTo, clock, quarantines } = manualPool({ supervision });
    for (let index = 0; index < 4; index++) await answerTo('/t');
    await clock.elapse(10_001);
    assert.equal(await answerTo('/t'), 'COMPONENT_TRAPPED');
    assert.equal(await answerTo('/'), 'HTTP_UNAVAILABLE');
    assert.deepEqual(quarantines, [10_000, 10_000]);
  });

  test('HttpPool forgives failures between which a request is served: who sends bad ones takes nobody out', async () => {
    const { answerTo, quarantines } = manualPool({ supervision });
    for (let index = 0; index < 20; index++) {
      assert.equal(await answerTo('/t'), 'COMPONENT_TRAPPED');
      assert.equal(await answerTo('/'), '200 hello 1');
    }
    assert.deepEqual(quarantines, []);
  });

  test('HttpPool counts neither a slow guest nor a client that goes as a crash', async () => {
    const { send, clock, answerTo, quarantines } = manualPool({ supervision });
    for (let index = 0; index < 5; index++) send('/w');
    await clock.elapse(DEADLINE_MS + 10);
    for (let index = 0; index < 5; index++) {
      const { ticket } = send('/w');
      await clock.settle();
      ticket?.cancel();
      await clock.settle();
    }
    assert.deepEqual(quarantines, []);
    assert.equal(await answerTo('/'), '200 hello 1');
  });

  test('HttpPool gives a temporary component up at its first crash', async () => {
    const { answerTo, clock, quarantines } = manualPool({ supervision: { restart: 'temporary' } });
    await answerTo('/t');
    assert.deepEqual(quarantines, [Number.POSITIVE_INFINITY]);
    await clock.elapse(1_000_000);
    assert.equal(await answerTo('/'), 'HTTP_UNAVAILABLE');
  });
});

describe('toHttpPolicy', () => {
  for (const options of [
    { maxInvocations: 0 },
    { maxInvocations: 1.5 },
    { instances: 4_097 },
    { queue: -1 },
    { queueTimeoutMs: 0 },
  ]) {
    test(`toHttpPolicy refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => toHttpPolicy(options), RangeError);
    });
  }
});
