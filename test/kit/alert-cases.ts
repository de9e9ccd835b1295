/** For each alert, series in which it fires and series in which it does not; in the notation of `promtool test rules`. */

export interface AlertCase {
  readonly fires: readonly string[];
  readonly calm: readonly string[];
}

const NODE = 'job="troupe",instance="a"';
/** Values once a minute, for 40 minutes. */
const steady = (value: number | string): string => `${value}+0x40`;
const growing = (perMinute: number): string => `0+${perMinute}x40`;

const gauge = (name: string, value: number, labels = ''): string => `${name}{${NODE}${labels}} ${steady(value)}`;
const counter = (name: string, perMinute: number, labels = ''): string =>
  `${name}{${NODE}${labels}} ${growing(perMinute)}`;

/** All observations are in the bucket that ends with `at`; bounds are those around it. */
function buckets(
  name: string,
  { at, bounds, labels = '' }: { at: string; bounds: readonly string[]; labels?: string },
): string[] {
  const reached = bounds.indexOf(at);
  return [...bounds, '+Inf'].map((le, nth) => {
    return `${name}_bucket{${NODE}${labels},le="${le}"} ${growing(nth >= reached ? 100 : 0)}`;
  });
}

/** A histogram whose 99th percentile is above `over`, and one where it is not. */
function slow(name: string, over: readonly [below: string, bound: string, above: string], labels = ''): AlertCase {
  return {
    fires: buckets(name, { at: over[2], bounds: over, labels }),
    calm: buckets(name, { at: over[1], bounds: over, labels }),
  };
}

const probe = (operation: string, over: readonly [string, string, string]): AlertCase =>
  slow('troupe_probe_seconds', over, `,operation="${operation}"`);

const above = (name: string, [fires, calm]: readonly [number, number], labels = ''): AlertCase => ({
  fires: [gauge(name, fires, labels)],
  calm: [gauge(name, calm, labels)],
});

const faster = (name: string, [fires, calm]: readonly [number, number], labels = ''): AlertCase => ({
  fires: [counter(name, fires, labels)],
  calm: [counter(name, calm, labels)],
});

const ratio = (used: string, of: string, [fires, calm]: readonly [number, number]): AlertCase => ({
  fires: [gauge(used, fires), gauge(of, 100)],
  calm: [gauge(used, calm), gauge(of, 100)],
});

const COMPONENT = ',component="parse"';

const requests = (failing: number): string[] => [
  counter('troupe_http_requests_total', 10_000 - failing, `${COMPONENT},status="2xx"`),
  counter('troupe_http_requests_total', failing, `${COMPONENT},status="5xx"`),
];

const state = (secondsPerMinute: number): string[] => [
  counter('troupe_probe_seconds_sum', secondsPerMinute, ',operation="state_read"'),
  counter('troupe_probe_seconds_count', 1_000, ',operation="state_read"'),
];

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  TroupeConstructSlow: probe('construct', ['0.0005', '0.001', '0.0025']),
  TroupeLifecycleSlow: probe('lifecycle', ['0.000005', '0.00001', '0.000025']),
  TroupeRoutingSlow: probe('routing', ['0.00005', '0.0001', '0.00025']),
  TroupeAskSlow: probe('ask', ['0.0005', '0.001', '0.0025']),
  TroupeFanOutSlow: probe('fan_out_100', ['0.0005', '0.001', '0.0025']),
  TroupeLookupSlow: probe('lookup', ['5e-7', '0.000001', '0.0000025']),
  TroupeStateAccessSlow: { fires: state(0.0002), calm: state(0.00005) },
  TroupeThroughputLow: {
    fires: [
      counter('troupe_messages_handled_total', 600_000, COMPONENT),
      gauge('troupe_mailbox_used_ratio', 1, COMPONENT),
    ],
    // With little to do.
    calm: [
      counter('troupe_messages_handled_total', 600_000, COMPONENT),
      gauge('troupe_mailbox_used_ratio', 0.1, COMPONENT),
    ],
  },
  TroupeMemoryHigh: ratio('process_resident_memory_bytes', 'troupe_memory_limit_bytes', [85, 75]),
  TroupeCpuHigh: {
    fires: [counter('process_cpu_seconds_total', 110), gauge('troupe_cpus', 2)],
    calm: [counter('process_cpu_seconds_total', 80), gauge('troupe_cpus', 2)],
  },
  TroupeRoomLow: {
    fires: [
      gauge('troupe_room_used', 900, ',resource="memories"'),
      gauge('troupe_room_limit', 1_000, ',resource="memories"'),
    ],
    calm: [
      gauge('troupe_room_used', 900, ',resource="memories"'),
      gauge('troupe_room_limit', 16_200, ',resource="memories"'),
      gauge('troupe_room_used', 9_000, ',resource="mappings"'),
      `troupe_room_limit{${NODE},resource="mappings"} ${steady('+Inf')}`,
    ],
  },
  TroupeCrashLoop: faster('troupe_actor_failures_total', [3, 0.5], `${COMPONENT},code="COMPONENT_TRAPPED"`),
  TroupeActorsAway: {
    fires: [
      gauge('troupe_actors', 2, `${COMPONENT},state="quarantined"`),
      gauge('troupe_actors', 2, `${COMPONENT},state="running"`),
    ],
    calm: [gauge('troupe_actors', 4, `${COMPONENT},state="running"`)],
  },
  TroupeUnhealthy: above('troupe_ready', [0, 1]),
  TroupeEventLoopHeld: slow('troupe_event_loop_delay_seconds', ['0.01', '0.1', '1']),
  TroupeMailboxSaturated: above('troupe_mailbox_used_ratio', [0.95, 0.5], COMPONENT),
  TroupeQueueDeep: above('troupe_mailbox_messages', [20_000, 9_000], COMPONENT),
  TroupeMessagesOld: above('troupe_mailbox_oldest_message_age_seconds', [6, 4], COMPONENT),
  TroupeDeadLetters: {
    fires: [counter('troupe_dead_letters_total', 120, `${COMPONENT},reason="overflow"`)],
    // Nobody waited for them any more.
    calm: [counter('troupe_dead_letters_total', 120, `${COMPONENT},reason="expired"`)],
  },
  TroupeMessagesRefused: faster('troupe_messages_refused_total', [1_200, 60], COMPONENT),
  TroupeAskLatencyHigh: slow('troupe_ask_duration_seconds', ['0.01', '0.1', '1'], COMPONENT),
  TroupeHttpErrorsHigh: { fires: requests(600), calm: requests(400) },
  TroupeHttpLatencyHigh: slow('troupe_http_request_duration_seconds', ['0.01', '0.1', '1'], COMPONENT),
  TroupeAvailabilityBurnFast: { fires: requests(200), calm: requests(100) },
  TroupeAvailabilityBurnSlow: { fires: requests(100), calm: requests(50) },
  TroupeLimitBreaches: faster('troupe_component_limit_breaches_total', [12, 3], `${COMPONENT},limit="memory"`),
  TroupeDenials: faster('troupe_capability_denials_total', [120, 30], COMPONENT),
  TroupeAuditFailing: above('troupe_audit_failing', [1, 0]),
  TroupeAuditLost: faster('troupe_audit_lost_total', [1, 0]),
  TroupeAuditDiskLow: {
    fires: [`troupe_audit_disk_free_bytes{${NODE}} 3000000000-20000000x40`],
    calm: [gauge('troupe_audit_disk_free_bytes', 3_000_000_000)],
  },
  TroupeWorkersMissing: above('troupe_workers', [1, 0], ',state="missing"'),
  TroupeControlRefused: faster('troupe_control_refused_total', [12, 3]),
  TroupeScrapeLost: above('up', [0, 1]),
  TroupeSeriesDropped: above('troupe_scrape_series_dropped', [5, 0]),
};
