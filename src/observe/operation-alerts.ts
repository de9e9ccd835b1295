import { type Alert, NODE, p99 } from './alert.ts';

const PS = '`troupe ps`: states, restarts, `lastFailure` of its actors; `troupe health` for what does not get on.';

const FAILURES: readonly Alert[] = [
  {
    name: 'TroupeCrashLoop',
    expr: `sum by (${NODE}, component) (rate(troupe_actor_failures_total[5m])) * 60 > 1`,
    for: '2m',
    severity: 'critical',
    summary: '{{ $labels.component }} fails {{ $value | humanize }} times a minute',
    runbook: {
      means:
        'Actors of a component fail more than once a minute. Each failure costs a message; after `intensity` failures the actor is given up, or quarantined.',
      look: [
        '`troupe_actor_failures_total` by `code`: `COMPONENT_TRAPPED` is a bug of the guest, `COMPONENT_FUEL`, `COMPONENT_LIMIT` and `COMPONENT_DEADLINE` are limits, `WORKER_LOST` is a worker.',
        PS,
        'The standard error of the component: a trap names the functions of the guest.',
      ],
      act: [
        'Go back to the revision before.',
        'Raise the limit, if it is one and the work is right.',
        '`quarantine` of `[components.NAME.supervise]` holds it instead of trying on.',
      ],
    },
  },
  {
    name: 'TroupeActorsAway',
    expr: `sum by (${NODE}, component) (troupe_actors{state=~"restarting|quarantined"}) > 0`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} actors of {{ $labels.component }} have been away for five minutes',
    runbook: {
      means:
        'Actors are between two tries, or are held because they failed too often. Their mailboxes are kept; senders to those in quarantine are refused.',
      look: [PS, '`troupe_actor_failures_total` by `code`.'],
      act: ['What `TroupeCrashLoop` says.'],
    },
  },
  {
    name: 'TroupeUnhealthy',
    expr: 'avg_over_time(troupe_ready[5m]) < 0.5',
    for: '1m',
    severity: 'critical',
    summary: 'The node was ready in {{ $value | humanizePercentage }} of the last five minutes',
    runbook: {
      means:
        'More than half of the checks of the last five minutes said that the node should be given no work: the audit log cannot be written, or none of the actors of a component does its work.',
      look: ['`troupe health`, or `/health`: it names the reasons.', '`troupe_health_reasons` by kind, over time.'],
      act: ['For `audit`, see `TroupeAuditFailing`.', 'For `component`, see `TroupeCrashLoop`.'],
    },
  },
  {
    name: 'TroupeWorkersMissing',
    expr: 'troupe_workers{state="missing"} > 0',
    for: '2m',
    severity: 'warning',
    summary: '{{ $value }} workers are not there',
    runbook: {
      means:
        'Worker threads were lost and are not back: one that is lost more than five times in a minute is given up. Its actors live on the others; when none is left, none of those that live on workers does its work, and `/live` fails.',
      look: [
        '`troupe_actor_failures_total{code="WORKER_LOST"}` by component: whose actors were there?',
        'The standard error of the process: memory, a fault of V8.',
      ],
      act: ['Start the process anew.', '`isolation = "process"` for the component that takes them down.'],
    },
  },
  {
    name: 'TroupeEventLoopHeld',
    expr: `${p99('troupe_event_loop_delay_seconds')} > 0.2`,
    for: '5m',
    severity: 'warning',
    summary: 'The event loop is late by {{ $value | humanizeDuration }} at the 99th percentile',
    runbook: {
      means:
        'Something holds the main thread for more than 200 ms, again and again: everything else waits meanwhile. Guests cannot do that; TypeScript can.',
      look: [
        '`troupe_message_handling_seconds` by component: handlers of actors in TypeScript.',
        '`node --cpu-prof`, for where.',
      ],
      act: ['Let the handler await in between, or give the work to `workerActor`.'],
    },
  },
];

const MESSAGES: readonly Alert[] = [
  {
    name: 'TroupeMailboxSaturated',
    expr: 'troupe_mailbox_used_ratio > 0.9',
    for: '5m',
    severity: 'warning',
    summary: 'A mailbox of {{ $labels.component }} is {{ $value | humanizePercentage }} full',
    runbook: {
      means: 'More comes than is handled. A full mailbox refuses, or gives up messages, as its overflow policy says.',
      look: [
        '`troupe ps`: which actor, and is it in one message for long?',
        '`troupe_message_handling_seconds` of the component.',
      ],
      act: [
        'More actors, that share the messages out.',
        'A bound at the source: `put` waits for room.',
        'A larger `capacity` only helps against bursts.',
      ],
    },
  },
  {
    name: 'TroupeQueueDeep',
    expr: `sum by (${NODE}, component) (troupe_mailbox_messages) > 10000`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} messages wait for {{ $labels.component }}',
    runbook: {
      means:
        'More than 10,000 messages wait in the mailboxes of one component. They take memory, and whoever asked waits.',
      look: [
        '`troupe_mailbox_oldest_message_age_seconds` of it.',
        '`rate(troupe_messages_handled_total[5m])`: is it slow, or is it much?',
      ],
      act: ['This is a trigger to scale out: more actors, or another node.'],
    },
  },
  {
    name: 'TroupeMessagesOld',
    expr: 'troupe_mailbox_oldest_message_age_seconds > 5',
    for: '2m',
    severity: 'warning',
    summary: 'A message has waited for {{ $labels.component }} for {{ $value | humanizeDuration }}',
    runbook: {
      means: 'A message has waited in a mailbox for more than five seconds; asks of it will time out.',
      look: [PS],
      act: ['`stuck-after` ends an actor that waits too long in one message.', 'What `TroupeMailboxSaturated` says.'],
    },
  },
  {
    name: 'TroupeDeadLetters',
    expr: `sum by (${NODE}, component) (rate(troupe_dead_letters_total{reason!="expired"}[5m])) > 1`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $value | humanize }} messages a second to {{ $labels.component }} are lost',
    runbook: {
      means: 'Messages that were accepted are not handled: their actor stopped or failed, or the mailbox gave them up.',
      look: ['`troupe dead-letters`: for whom, why, and the last error.', '`troupe_dead_letters_total` by `reason`.'],
      act: [
        '`overflow`: see `TroupeMailboxSaturated`. `failed`: see `TroupeCrashLoop`. `stopped`: who sends to somebody who has ended?',
      ],
    },
  },
  {
    name: 'TroupeMessagesRefused',
    expr: `sum by (${NODE}, component) (rate(troupe_messages_refused_total[5m])) > 10`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $value | humanize }} messages a second to {{ $labels.component }} are refused',
    runbook: {
      means: 'Senders are told `MAILBOX_FULL`, `ACTOR_STOPPED` or `ACTOR_QUARANTINED`.',
      look: ['`troupe_mailbox_used_ratio`, and `troupe_actors` by state.'],
      act: ['See `TroupeMailboxSaturated`; senders should wait, or send less.'],
    },
  },
  {
    name: 'TroupeAskLatencyHigh',
    expr: `${p99('troupe_ask_duration_seconds', 'component')} > 0.1`,
    for: '5m',
    severity: 'warning',
    summary: 'Asks of {{ $labels.component }} take {{ $value | humanizeDuration }} at the 99th percentile',
    runbook: {
      means: 'One of a hundred asks takes more than 100 ms, the objective for answers.',
      look: [
        '`troupe_message_handling_seconds` of it: does it compute? `troupe_mailbox_messages`: does the ask wait?',
        'Whom does it ask itself?',
      ],
      act: ['More actors, or less work for each message.'],
    },
  },
];

const REQUESTS: readonly Alert[] = [
  {
    name: 'TroupeHttpErrorsHigh',
    expr: `sum by (${NODE}, component) (rate(troupe_http_requests_total{status="5xx"}[5m])) / sum by (${NODE}, component) (rate(troupe_http_requests_total[5m])) > 0.05`,
    for: '2m',
    severity: 'critical',
    summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.component }} fail',
    runbook: {
      means:
        'More than 5 % of the requests are answered with a status of 500 or more: the trigger for going back to the revision before.',
      look: [
        '`troupe_http_exchanges_total` by outcome: `failed` is the component, `shed` is too much at once.',
        'The log of `troupe up`: `request-failed` names the error.',
      ],
      act: ['Go back to the revision before.', '`shed`: more `instances`, a longer `queue`.'],
    },
  },
  {
    name: 'TroupeHttpLatencyHigh',
    expr: `${p99('troupe_http_request_duration_seconds', 'component')} > 0.1`,
    for: '5m',
    severity: 'warning',
    summary: 'Requests to {{ $labels.component }} take {{ $value | humanizeDuration }} at the 99th percentile',
    runbook: {
      means: 'One of a hundred requests takes more than 100 ms, the objective for answers.',
      look: ['`troupe_http_requests_waiting`: do they wait for an instance?', 'What does the component wait for?'],
      act: ['More `instances`; `max-invocations` above 1 saves making one for each request.'],
    },
  },
  ...burn('TroupeAvailabilityBurnFast', {
    long: '1h',
    short: '5m',
    factor: 14.4,
    severity: 'critical',
    left: 'two days',
  }),
  ...burn('TroupeAvailabilityBurnSlow', {
    long: '6h',
    short: '30m',
    factor: 6,
    severity: 'warning',
    left: 'five days',
  }),
];

/** Requests that fail use up what 99.9 % leave, in 30 days: so fast that it matters, over a long window and still now. */
function burn(
  name: string,
  rate: { long: string; short: string; factor: number; severity: Alert['severity']; left: string },
): readonly Alert[] {
  const { long, short, factor, severity, left } = rate;
  const failing = (window: string): string =>
    `sum by (${NODE}) (rate(troupe_http_requests_total{status="5xx"}[${window}])) / sum by (${NODE}) (rate(troupe_http_requests_total[${window}]))`;
  const bound = Number((factor * 0.001).toFixed(4));
  return [
    {
      name,
      expr: `${failing(long)} > ${bound} and ${failing(short)} > ${bound}`,
      for: '2m',
      severity,
      summary: `{{ $value | humanizePercentage }} of all requests fail: what 99.9 % leave for 30 days is used up in ${left}`,
      runbook: {
        means: `The objective is that 99.9 % of all requests are answered. At this rate what may fail in 30 days has failed within ${left}; it was so for ${long}, and is so still.`,
        look: [
          '`troupe_http_requests_total` by `component` and `status`: whose requests fail?',
          'What was rolled out before it began?',
        ],
        act: ['What `TroupeHttpErrorsHigh` says.'],
      },
    },
  ];
}

const GUARDS: readonly Alert[] = [
  {
    name: 'TroupeLimitBreaches',
    expr: `sum by (${NODE}, component, limit) (rate(troupe_component_limit_breaches_total[5m])) * 60 > 6`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $labels.component }} runs into its limit {{ $labels.limit }} {{ $value | humanize }} times a minute',
    runbook: {
      means:
        'A component wants more than `[limits]` give it, again and again. It is refused, waits, or is ended by name.',
      look: [
        '`troupe ps --output json`: limits, and what is used of them.',
        'The log of `troupe up`: `limit-breached`.',
      ],
      act: [
        'Raise the limit if the work is right; the smaller one of `Component.toml` and `troupe.toml` counts.',
        'If it is not, it is a bug, or an attack: leave the limit.',
      ],
    },
  },
  {
    name: 'TroupeDenials',
    expr: `sum by (${NODE}, component) (rate(troupe_capability_denials_total[5m])) > 1`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $labels.component }} is denied {{ $value | humanize }} times a second',
    runbook: {
      means: 'A component wants what it was not granted. After an update it may need more; otherwise it tries doors.',
      look: ['`troupe audit report`: what was denied, and by which rule.'],
      act: ['Add the grant that the denial names, if it should have it.', 'If not, take the component out.'],
    },
  },
  {
    name: 'TroupeAuditFailing',
    expr: 'troupe_audit_failing > 0',
    for: '1m',
    severity: 'critical',
    summary: 'The audit log cannot be written: what must be on record is refused',
    runbook: {
      means:
        'The disk is full, or the folder cannot be written. Until it can, operators are refused and guests are denied what they want.',
      look: ['`troupe health`: the reason, and for how long.', '`df` of the folder of the log.'],
      act: ['Make room: a shorter `retention`, another disk. The log goes on by itself, and says how much it lost.'],
    },
  },
  {
    name: 'TroupeAuditLost',
    expr: 'increase(troupe_audit_lost_total[15m]) > 0',
    for: '0m',
    severity: 'critical',
    summary: '{{ $value | humanize }} events could not be put on record',
    runbook: {
      means:
        'Things happened that cannot be refused, such as ends of actors, while the log could not be written. A record says how many.',
      look: ['`troupe audit verify`, and records of `log.lost`.'],
      act: ['See `TroupeAuditFailing`. What is lost stays lost: note it where you note incidents.'],
    },
  },
  {
    name: 'TroupeAuditDiskLow',
    expr: 'troupe_audit_disk_free_bytes < 268435456 or predict_linear(troupe_audit_disk_free_bytes[1h], 14400) < 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value | humanize1024 }}B are left, or will be in four hours, where the audit log is written',
    runbook: {
      means:
        'Less than 256 MiB are left on the disk of the audit log, or nothing will be in four hours. When it is full, what must be on record is refused.',
      look: [
        '`df` of the folder of the log; what else writes there?',
        '`rate(troupe_audit_records_total[1h])`: does somebody flood it?',
      ],
      act: ['A shorter `retention`, another disk.'],
    },
  },
  {
    name: 'TroupeControlRefused',
    expr: 'rate(troupe_control_refused_total[5m]) * 60 > 6',
    for: '5m',
    severity: 'warning',
    summary: 'The control port refuses {{ $value | humanize }} requests a minute, for want of a token',
    runbook: {
      means:
        'Somebody on this machine asks the control port without a token that allows it: a client with the token of an earlier run, or somebody who should not.',
      look: [
        '`troupe audit tail`: records of `control.refused`, with the paths.',
        'Prometheus with the token of an earlier run?',
      ],
      act: ['A Unix socket instead of a port: leave `[control] port` out.'],
    },
  },
];

const WATCHING: readonly Alert[] = [
  {
    name: 'TroupeScrapeLost',
    expr: 'up{job=~"troupe.*"} == 0',
    for: '2m',
    severity: 'critical',
    summary: 'No metrics come from {{ $labels.instance }}',
    runbook: {
      means:
        'Prometheus cannot read the metrics of a node: it is down, does not answer within ten seconds, or refuses the token. Nothing else can be alerted of meanwhile. The job has to be called `troupe…`.',
      look: ['Targets in Prometheus: the error.', 'Is the process there? `curl` `/live` of `[monitoring]`.'],
      act: [
        'Start it. If it answers 401, give Prometheus a token of its own: `troupe token prometheus --role reader`.',
      ],
    },
  },
  {
    name: 'TroupeSeriesDropped',
    expr: 'troupe_scrape_series_dropped > 0',
    for: '10m',
    severity: 'warning',
    summary: '{{ $value }} series are not shown',
    runbook: {
      means: 'There are more series than the node shows (100,000 lines): some components are not seen.',
      look: ['`troupe_scrape_series`; `count by (__name__) ({job=~"troupe.*"})` in Prometheus.'],
      act: ['Fewer components in one node, or fewer actor types with names of their own.'],
    },
  },
];

/** What is about the work of a node. */
export const OPERATION_ALERTS: readonly Alert[] = [...FAILURES, ...MESSAGES, ...REQUESTS, ...GUARDS, ...WATCHING];
