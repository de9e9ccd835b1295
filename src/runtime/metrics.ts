import type { ActorMeter, ActorSystem } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { RequestRecord } from '../ingress/index.ts';
import { type ExpositionFormat, exposition } from '../observe/index.ts';
import { Histogram, MetricSet } from '../telemetry/index.ts';
import { type Clock, systemClock, type TimerHandle } from '../time/index.ts';
import { addActors, addComponents, addPublications, addTimings } from './actor-metrics.ts';
import { MeteredBroker } from './metered-broker.ts';
import { type Probe, startProbe } from './probe.ts';
import { addProcess } from './process-metrics.ts';
import { RequestCounts } from './request-counts.ts';
import type { SystemWorkers } from './system-workers.ts';
import type { MeasuredElsewhere } from './worker-telemetry.ts';

/** Lines that are shown at most: some hundred for each of a thousand components. Prometheus takes them; whoever has more sees so. */
const LINES_MAX = 100_000;

/** Milliseconds for which what was shown is shown again: several that look cost as much as one. */
const KEPT_MS = 1_000;

/** Milliseconds between two looks at how late the event loop is. */
const LOOK_EVERY_MS = 100;

/** Milliseconds between two rounds of the probe, which takes the thread for half of one. */
const PROBE_EVERY_MS = 10_000;
const PROBE_EVERY = { min: 100, max: 3_600_000 } as const;

export interface MetricsOptions {
  /**
   * Milliseconds between two rounds in which operations are timed that nobody else may do just now, on actors of a system of
   * their own: 100 to 3_600_000; 0: never. Default 10_000.
   */
  readonly probeEveryMs?: number;
  /** Lines that are shown at most, 1_000 to 10_000_000; what is beyond is left out and counted. Default 100_000. */
  readonly linesMax?: number;
}

/** What is measured. */
export interface Measured {
  readonly system: ActorSystem;
  readonly clock: Clock;
  readonly workers: SystemWorkers;
}

/**
 * Measures one actor system, and shows what it has measured to Prometheus and its like. What is counted costs next to nothing;
 * of what is timed, few operations stand for all.
 *
 * @example Metrics of a service, at a port of its own
 * ```ts
 * const metrics = new Metrics();
 * await using system = await ActorSystem.create({ metrics });
 * createServer(async (request, response) => {
 *   response.setHeader('content-type', 'text/plain; version=0.0.4');
 *   response.end(await metrics.text());
 * }).listen(9464, '127.0.0.1');
 * ```
 */
export class Metrics {
  readonly #options: Required<MetricsOptions>;
  readonly #sources: ((set: MetricSet) => void)[] = [addProcess];
  readonly #delays = new Histogram();
  readonly #requests = new RequestCounts();
  readonly #kept = new Map<ExpositionFormat, { readonly text: Promise<string>; readonly atMs: number }>();
  #clock: Clock = systemClock;
  #topics: MeteredBroker | undefined;
  #probe: Probe | undefined;
  #look: TimerHandle | undefined;

  /** @throws {RangeError} An option is out of range. */
  constructor({ probeEveryMs = PROBE_EVERY_MS, linesMax = LINES_MAX }: MetricsOptions = {}) {
    const isOff = probeEveryMs === 0;
    if (!isOff && !(probeEveryMs >= PROBE_EVERY.min && probeEveryMs <= PROBE_EVERY.max)) {
      throw new RangeError(
        `Option "probeEveryMs" must be from ${PROBE_EVERY.min} to ${PROBE_EVERY.max} milliseconds, or 0, not ${probeEveryMs}`,
      );
    }
    if (!(Number.isInteger(linesMax) && linesMax >= 1_000 && linesMax <= 10_000_000)) {
      throw new RangeError(`Option "linesMax" must be an integer from 1000 to 10000000, not ${linesMax}`);
    }
    this.#options = { probeEveryMs, linesMax };
    this.add((set) => this.#requests.addTo(set));
  }

  /**
   * What is shown now, or was less than a second ago.
   *
   * @param format As Prometheus has always read it, or OpenMetrics.
   */
  text(format: ExpositionFormat = 'prometheus'): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const kept = this.#kept.get(format);
    if (kept !== undefined && nowMs - kept.atMs < KEPT_MS) return kept.text;
    const text = this.#write(format);
    this.#kept.set(format, { text, atMs: nowMs });
    return text;
  }

  /** What is to be shown now. */
  collect(): MetricSet {
    const startMs = this.#clock.nowMs();
    const set = new MetricSet(this.#options.linesMax);
    for (const source of this.#sources) source(set);
    set.force('troupe_scrape_duration_seconds', (this.#clock.nowMs() - startMs) / 1_000);
    set.force('troupe_scrape_series', set.lines);
    set.force('troupe_scrape_series_dropped', set.dropped);
    return set;
  }

  async #write(format: ExpositionFormat): Promise<string> {
    let text = '';
    for (const piece of exposition(this.collect(), format)) {
      if (text !== '') await this.#pass();
      text += piece;
    }
    return text;
  }

  /** Others have their turn. */
  #pass(): Promise<void> {
    return new Promise((resolve) => this.#clock.soon(resolve));
  }

  /** @internal A request is over. */
  noteRequest(record: RequestRecord): void {
    this.#requests.note(record);
  }

  /** @internal Shows more. */
  add(source: (set: MetricSet) => void): void {
    this.#sources.push(source);
  }

  /**
   * @internal The topics of the system that is to be measured.
   * @throws {RuntimeError} `CONFIG_INVALID` — it measures another one.
   */
  topics(clock: Clock): MeteredBroker {
    if (this.#topics !== undefined) {
      throw new RuntimeError('CONFIG_INVALID', 'Cannot measure another actor system: make metrics for each');
    }
    this.#clock = clock;
    this.#topics = new MeteredBroker(clock);
    return this.#topics;
  }

  /** @internal Adds what a worker has measured. */
  addElsewhere(meter: ActorMeter | undefined, { actors, requests }: MeasuredElsewhere): void {
    if (meter === undefined) return;
    meter.add(actors);
    this.#requests.add(requests, meter.isKnown);
  }

  /** @internal Begins to measure; ends with the system. */
  begin({ system, clock, workers }: Measured): void {
    this.add((set) => {
      addActors(set, system);
      if (system.meter !== undefined) addTimings(set, system.meter);
      if (this.#topics !== undefined) addPublications(set, this.#topics);
      addComponents(set, workers);
      if (this.#delays.count > 0) set.addHistogram('troupe_event_loop_delay_seconds', {}, this.#delays);
    });
    this.#lookLater(clock);
    const { probeEveryMs } = this.#options;
    if (probeEveryMs > 0) {
      const probe = startProbe(clock, probeEveryMs);
      this.#probe = probe;
      this.add((set) => {
        for (const [operation, times] of probe.timings) set.addHistogram('troupe_probe_seconds', { operation }, times);
      });
    }
    system.onStop('release', () => this.#end());
  }

  #lookLater(clock: Clock): void {
    const dueMs = clock.nowMs() + LOOK_EVERY_MS;
    this.#look = clock.after(LOOK_EVERY_MS, () => {
      this.#delays.record(clock.nowMs() - dueMs);
      this.#lookLater(clock);
    });
  }

  async #end(): Promise<void> {
    this.#look?.cancel();
    await this.#probe?.stop();
  }
}
