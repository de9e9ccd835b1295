import type { MetricsPage } from '../admin/index.ts';
import type { HealthInfo } from '../api/index.ts';
import { EXPOSITION_TYPES, formatFor } from '../observe/index.ts';
import type { MetricSet } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import type { ApplicationAudit } from './application-audit.ts';
import { type Condition, judge } from './application-health.ts';
import { CrashLoops } from './crash-loops.ts';
import { Metrics } from './metrics.ts';

/** What is looked at. */
interface Watched {
  readonly audit: ApplicationAudit | undefined;
  condition(): Omit<Condition, 'others'>;
}

/** How an application is, and what is measured of it besides its actor system. */
export class ApplicationWatch {
  readonly metrics = new Metrics();
  readonly #watched: Watched;
  readonly #loops = new CrashLoops();
  #intrusions = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.metrics.add((set) => {
      addHealth(set, this.health());
      if (watched.audit !== undefined) addAudit(set, watched.audit);
      set.add('troupe_control_refused_total', {}, this.#intrusions);
    });
  }

  /** An actor of a component has failed. */
  noteFailure(component: string): void {
    this.#loops.note(component, systemClock.nowMs());
  }

  /** Somebody without the token asked for something. */
  noteIntrusion(): void {
    this.#intrusions++;
  }

  health(): HealthInfo {
    const loops = this.#loops.troubles(systemClock.nowMs());
    return judge({ ...this.#watched.condition(), others: [...(this.#watched.audit?.health() ?? []), ...loops] });
  }

  /** What is shown to whoever sends this `accept`. */
  async page(accept: string | undefined): Promise<MetricsPage> {
    const format = formatFor(accept);
    return { contentType: EXPOSITION_TYPES[format], text: await this.metrics.text(format) };
  }
}

function addHealth(set: MetricSet, { status, ready, reasons }: HealthInfo): void {
  set.add('troupe_healthy', {}, status === 'healthy' ? 1 : 0);
  set.add('troupe_ready', {}, ready ? 1 : 0);
  for (const { kind } of reasons) set.add('troupe_health_reasons', { kind }, 1);
}

function addAudit(set: MetricSet, { log: { status }, freeBytes }: ApplicationAudit): void {
  if (freeBytes !== undefined) set.add('troupe_audit_disk_free_bytes', {}, freeBytes);
  const { seq, lost, waiting, state } = status;
  set.add('troupe_audit_records_total', {}, seq);
  set.add('troupe_audit_lost_total', {}, lost);
  set.add('troupe_audit_waiting', {}, waiting);
  set.add('troupe_audit_failing', {}, state === 'failing' ? 1 : 0);
}
