import type { ActorMeterData, ActorSystem } from '../actor/index.ts';
import type { RequestRecord } from '../ingress/index.ts';
import type { Clock } from '../time/index.ts';
import type { Aside } from '../worker/index.ts';
import { RequestCounts, type RequestCountsData } from './request-counts.ts';

/** What workers have measured goes by this. */
export const TELEMETRY_TOPIC = 'telemetry';

/** Milliseconds between two reports of a worker: less than between two looks of whoever gathers metrics. */
const REPORT_EVERY_MS = 1_000;

/** What a worker has measured since it told last. */
export interface MeasuredElsewhere {
  readonly actors: ActorMeterData;
  readonly requests: RequestCountsData;
}

/** Tells the main thread, now and then, what was measured on this worker: each time what is new, so that a loss costs a second. */
export class WorkerTelemetry implements Aside {
  say!: (data: MeasuredElsewhere) => void;
  readonly #clock: Clock;
  readonly #requests = new RequestCounts();
  #system: ActorSystem | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(system: ActorSystem): void {
    this.#system = system;
    this.#later();
  }

  noteRequest(record: RequestRecord): void {
    this.#requests.note(record);
  }

  /** The main thread says nothing. */
  hear(): void {}

  #later(): void {
    this.#clock.after(REPORT_EVERY_MS, () => {
      this.#tell();
      this.#later();
    });
  }

  #tell(): void {
    const actors = this.#system?.meter?.take();
    const requests = this.#requests.take();
    if (actors === undefined) return;
    const isNews = [actors.handling, actors.asks, actors.starts, requests.answers].some(
      (data) => Object.keys(data).length > 0,
    );
    if (isNews) this.say({ actors, requests });
  }
}
