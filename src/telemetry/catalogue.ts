/** What is measured in several places is measured in the same buckets. */
const FINE_S = decades([1, 2.5, 5]);
/** Of what there is once for each component: four times fewer series. All thresholds of alerts are among them. */
const COARSE_S = decades([1]);

/** Seconds from 100 ns to 10 s, which are the last bound. */
function decades(steps: readonly number[]): readonly number[] {
  const bounds: number[] = [];
  for (let exponent = -7; exponent <= 0; exponent++)
    for (const step of steps) bounds.push(Number(`${step}e${exponent}`));
  return [...bounds, 10];
}

/** Bounds of the buckets in which durations are counted, in seconds. */
export const BUCKETS_S: readonly number[] = FINE_S;

interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** The unit that its name ends with; `undefined`: things. */
  readonly unit?: 'seconds' | 'bytes' | 'ratio';
  readonly help: string;
  readonly labels: readonly LabelName[];
  /** Upper bounds of the buckets that are shown; each is one of {@link BUCKETS_S}. */
  readonly bounds?: readonly number[];
}

/** Labels that metrics may have. Each has few values; none names an actor, a message or a client. */
export const LABELS = {
  component:
    'Name of the component, or of the type of actors in TypeScript; `other` beyond 1,000 of them, `none` where there is none',
  revision: 'First 12 digits of the SHA-256 digest of the file; empty if it came from none',
  kind: 'Of a component: what it becomes, `message`, `functions`, `http`, `task`; of a reason: as `troupe health` names it',
  state: 'Of actors: `starting`, `running`, `restarting`, `quarantined`; of workers: `present`, `missing`',
  reason: 'Why nobody handled it: `stopped`, `failed`, `expired`, `overflow`, `refused`, `invalid`, `removed`, `lost`',
  code: 'An error code',
  limit: 'A key of `[limits]`',
  status: 'Class of the answer: `2xx` to `5xx`; `none`: the client went before it was answered',
  outcome: '`served`, `failed`, `shed`, `cancelled`',
  subscribers: 'How many took it, at most: `1`, `10`, `100`, `1000`, `more`',
  operation: '`lookup`, `state_read`, `state_write`, `construct`, `lifecycle`, `routing`, `ask`, `fan_out_100`',
  resource: '`memories`, `mappings`, `resident`',
  version: 'Version of Troupe',
  node: 'Version of Node.js',
} as const;

export type LabelName = keyof typeof LABELS;

const sampled = 'one of up to 256, each counted for all that it stands for';

/**
 * Every metric, once: what is counted, what is shown, and the pages about it are made of this. Names follow the conventions
 * of Prometheus: base units, `_total` at the end of counters. A name is never used again for something else.
 */
export const METRICS = {
  troupe_build_info: { type: 'gauge', labels: ['version', 'node'], help: 'Always 1; its labels say what runs' },
  troupe_healthy: { type: 'gauge', labels: [], help: '1 while everything gets on, 0 while health has a reason' },
  troupe_ready: { type: 'gauge', labels: [], help: '1 while the application should be given work' },
  troupe_health_reasons: { type: 'gauge', labels: ['kind'], help: 'What does not get on, by kind of reason' },
  process_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'When the process started, since 1970-01-01 UTC',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Processor time of the process, all threads',
  },
  process_resident_memory_bytes: { type: 'gauge', unit: 'bytes', labels: [], help: 'Resident memory of the process' },
  troupe_cpus: { type: 'gauge', labels: [], help: 'Processors that the process may use' },
  troupe_memory_limit_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of the machine, or of the control group',
  },
  troupe_heap_used_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'JavaScript heap of the main thread in use',
  },
  troupe_room_used: {
    type: 'gauge',
    labels: ['resource'],
    help: 'Linear memories, mappings of memory, and bytes of resident memory that the process uses',
  },
  troupe_room_limit: { type: 'gauge', labels: ['resource'], help: 'Beyond this no instance is made (NODE_LIMIT)' },
  troupe_event_loop_delay_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    bounds: FINE_S,
    help: 'How late a timer of the main thread was, ten times a second',
  },
  troupe_actors: { type: 'gauge', labels: ['component', 'state'], help: 'Living actors' },
  troupe_actors_spawned_total: { type: 'counter', labels: ['component'], help: 'Actors that were made' },
  troupe_actor_restarts_total: { type: 'counter', labels: ['component'], help: 'Actors that were started again' },
  troupe_actor_failures_total: {
    type: 'counter',
    labels: ['component', 'code'],
    help: 'Failures of actors, by the code of what they failed of',
  },
  troupe_messages_handled_total: {
    type: 'counter',
    labels: ['component'],
    help: 'Messages that were given to a handler, or to the component',
  },
  troupe_messages_refused_total: {
    type: 'counter',
    labels: ['component'],
    help: 'Messages that were not accepted: the mailbox was full, or the actor had stopped',
  },
  troupe_dead_letters_total: {
    type: 'counter',
    labels: ['component', 'reason'],
    help: 'Messages that were accepted and not handled, or handled in vain',
  },
  troupe_mailbox_messages: { type: 'gauge', labels: ['component'], help: 'Messages in mailboxes' },
  troupe_mailbox_used_ratio: {
    type: 'gauge',
    unit: 'ratio',
    labels: ['component'],
    help: 'How full the fullest mailbox is, from 0 to 1',
  },
  troupe_mailbox_oldest_message_age_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: ['component'],
    help: 'For how long the oldest message has waited at least, of any mailbox',
  },
  troupe_message_handling_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['component'],
    bounds: COARSE_S,
    help: `Time of the thread for a message, waits not included; ${sampled}`,
  },
  troupe_ask_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['component'],
    bounds: COARSE_S,
    help: `From an ask to its reply or error, by who was asked; ${sampled}`,
  },
  troupe_ask_timeouts_total: {
    type: 'counter',
    labels: ['component'],
    help: 'Asks without a reply in time, by who was asked',
  },
  troupe_actor_spawn_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    bounds: FINE_S,
    help: `Making an actor: it is queued to start; ${sampled}`,
  },
  troupe_actor_start_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['component'],
    bounds: COARSE_S,
    help: `From the begin of a start until messages are taken, the instance of a component included; ${sampled}`,
  },
  troupe_publish_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['subscribers'],
    bounds: FINE_S,
    help: `Handing a published message to its subscribers' mailboxes; ${sampled}`,
  },
  troupe_probe_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['operation'],
    bounds: FINE_S,
    help: 'Operations that the process times on actors of its own, again and again: what the reference baselines are about',
  },
  troupe_component_info: {
    type: 'gauge',
    labels: ['component', 'revision', 'kind'],
    help: 'Always 1 for each component that has actors',
  },
  troupe_component_instances: { type: 'gauge', labels: ['component'], help: 'Instances of a component that live' },
  troupe_component_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['component'],
    help: 'Linear memory of all instances of a component',
  },
  troupe_component_memory_limit_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['component'],
    help: 'Linear memory that one instance may have',
  },
  troupe_component_fuel_total: {
    type: 'counter',
    labels: ['component'],
    help: 'Units of fuel that a component has used',
  },
  troupe_component_limit_breaches_total: {
    type: 'counter',
    labels: ['component', 'limit'],
    help: 'How often actors of a component ran into a limit',
  },
  troupe_capability_denials_total: {
    type: 'counter',
    labels: ['component'],
    help: 'What a component wanted and was denied',
  },
  troupe_http_requests_total: {
    type: 'counter',
    labels: ['component', 'status'],
    help: 'Requests that are over, by what they were answered',
  },
  troupe_http_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['component'],
    bounds: COARSE_S,
    help: 'From the head of a request to the end of its answer',
  },
  troupe_http_exchanges_total: {
    type: 'counter',
    labels: ['component', 'outcome'],
    help: 'Requests by what became of them at their component',
  },
  troupe_http_requests_in_flight: {
    type: 'gauge',
    labels: ['component'],
    help: 'Requests with an instance, or whose answer is being sent',
  },
  troupe_http_requests_waiting: { type: 'gauge', labels: ['component'], help: 'Requests that wait for an instance' },
  troupe_audit_records_total: { type: 'counter', labels: [], help: 'Records of the audit log that are on disk' },
  troupe_audit_lost_total: { type: 'counter', labels: [], help: 'Events that could not be put on record' },
  troupe_audit_waiting: { type: 'gauge', labels: [], help: 'Events that wait for the disk' },
  troupe_audit_failing: { type: 'gauge', labels: [], help: '1 while the audit log cannot be written' },
  troupe_audit_disk_free_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Room where the audit log is written',
  },
  troupe_workers: {
    type: 'gauge',
    labels: ['state'],
    help: 'Worker threads: those that are there, and those that should be',
  },
  troupe_control_refused_total: {
    type: 'counter',
    labels: [],
    help: 'Requests to the control port without a token that allows them',
  },
  troupe_scrape_duration_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'How long it took to gather what is shown',
  },
  troupe_scrape_series: { type: 'gauge', labels: [], help: 'Series that are shown' },
  troupe_scrape_series_dropped: {
    type: 'gauge',
    labels: [],
    help: 'Series that are left out, because there are too many',
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** What is known of a metric. */
export function specOf(name: MetricName): MetricSpec {
  return METRICS[name];
}

/** A value for each label of a metric. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in (typeof METRICS)[Name]['labels'][number]]: string;
};

/** Metrics of a type. */
export type MetricOf<Type extends MetricSpec['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];
