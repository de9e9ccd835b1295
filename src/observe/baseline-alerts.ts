import { type Alert, NODE, p99 } from './alert.ts';

/** An operation that the process times on actors of its own, and from where on it is too slow. */
interface Probed {
  readonly name: string;
  readonly operation: string;
  readonly what: string;
  /** In seconds, of the 99th percentile. */
  readonly over: number;
  readonly shown: string;
}

/** The thresholds of the reference baselines; see bench/README.md. */
const PROBED: readonly Probed[] = [
  { name: 'TroupeConstructSlow', operation: 'construct', what: 'Making an actor', over: 0.001, shown: '1 ms' },
  {
    name: 'TroupeLifecycleSlow',
    operation: 'lifecycle',
    what: 'Making and ending an actor',
    over: 1e-5,
    shown: '10 µs',
  },
  { name: 'TroupeRoutingSlow', operation: 'routing', what: 'Publishing to an actor', over: 1e-4, shown: '100 µs' },
  { name: 'TroupeAskSlow', operation: 'ask', what: 'An ask of an idle actor', over: 0.001, shown: '1 ms' },
  { name: 'TroupeFanOutSlow', operation: 'fan_out_100', what: 'Publishing to 100 actors', over: 0.001, shown: '1 ms' },
  { name: 'TroupeLookupSlow', operation: 'lookup', what: 'Looking a name up', over: 1e-6, shown: '1 µs' },
];

const LOOK_AT_LOAD = [
  '`troupe_event_loop_delay_seconds`: is something holding the thread?',
  '`rate(process_cpu_seconds_total[5m]) / troupe_cpus`: is the machine busy? Is it throttled, or shared with others?',
  '`troupe_message_handling_seconds` by component: whose messages take long?',
];
const ACT_ON_LOAD = [
  'Move what computes to workers: `workers` of `[application]`; or give it less: `fuel-per-second` in `[limits]`.',
  'Take load away, or give the node more processors.',
  'If nothing of that is so, measure this machine: `npm run bench -- messaging actor-lifecycle`. It may be slower than it was.',
];

function probed({ name, operation, what, over, shown }: Probed): Alert {
  return {
    name,
    expr: `${p99('troupe_probe_seconds', 'operation', `{operation="${operation}"}`)} > ${over}`,
    for: '10m',
    severity: 'warning',
    summary: `${what} takes {{ $value | humanizeDuration }} at the 99th percentile, more than ${shown}`,
    runbook: {
      means: `${what} takes more than ${shown} in one of a hundred cases. The process times it every ten seconds, on actors that nobody else uses: so it is not one component that is slow, but the thread that all of them share.`,
      look: LOOK_AT_LOAD,
      act: ACT_ON_LOAD,
    },
  };
}

const STATE: Alert = {
  name: 'TroupeStateAccessSlow',
  expr: `sum by (${NODE}, operation) (rate(troupe_probe_seconds_sum{operation=~"state_.+"}[10m])) / sum by (${NODE}, operation) (rate(troupe_probe_seconds_count{operation=~"state_.+"}[10m])) > 1e-7`,
  for: '10m',
  severity: 'warning',
  summary: 'An access to the state of an actor takes {{ $value | humanizeDuration }}, more than 100 ns',
  runbook: {
    means:
      'Reading or writing a number of an actor’s own state takes more than 100 ns. That is memory and processor alone: nothing waits, nothing is locked.',
    look: LOOK_AT_LOAD,
    act: ACT_ON_LOAD,
  },
};

const THROUGHPUT: Alert = {
  name: 'TroupeThroughputLow',
  expr: `sum by (${NODE}) (rate(troupe_messages_handled_total[5m])) < 100000 and on (${NODE}) max by (${NODE}) (troupe_mailbox_used_ratio) > 0.9`,
  for: '10m',
  severity: 'warning',
  summary: 'Mailboxes are full, and {{ $value | humanize }} messages a second are handled, fewer than 100,000',
  runbook: {
    means:
      'Messages wait in full mailboxes while the node handles fewer than 100,000 a second. With little to do that would be no trouble: this alert asks for both.',
    look: [
      '`troupe_mailbox_used_ratio` by component: whose mailboxes are full?',
      '`troupe_message_handling_seconds` of it: does each message take long?',
      '`troupe ps`: is it in one message for long (`handlingMs`)? Then it waits for somebody else.',
    ],
    act: [
      'More actors of that component: `instances`, and groups or routers that share the messages out.',
      'Less work for each message, or fewer messages: a bound at the source.',
    ],
  },
};

const RESOURCES: readonly Alert[] = [
  {
    name: 'TroupeMemoryHigh',
    expr: 'process_resident_memory_bytes / troupe_memory_limit_bytes > 0.8',
    for: '5m',
    severity: 'warning',
    summary: 'The process uses {{ $value | humanizePercentage }} of the memory of its machine',
    runbook: {
      means:
        'More than 80 % of the memory of the machine, or of the control group, is used by this process. At 100 % the kernel ends it.',
      look: [
        '`troupe_component_memory_bytes` by component, and `troupe_component_instances`.',
        '`troupe_heap_used_bytes`: does what is in JavaScript grow? `troupe_mailbox_messages`: do messages pile up?',
      ],
      act: [
        'Lower `memory` or `instances` in `[limits]` of what uses most, or `resident` of `[application.limits]`, which refuses new instances earlier.',
        'A smaller `capacity` of mailboxes.',
        'More memory, or another node.',
      ],
    },
  },
  {
    name: 'TroupeCpuHigh',
    expr: 'rate(process_cpu_seconds_total[5m]) / troupe_cpus > 0.8',
    for: '5m',
    severity: 'warning',
    summary: 'The process uses {{ $value | humanizePercentage }} of its processors',
    runbook: {
      means: 'More than 80 % of all processors are used for five minutes: what comes in addition waits.',
      look: [
        '`rate(troupe_component_fuel_total[5m])` by component: who computes?',
        '`troupe_message_handling_seconds` of actors in TypeScript.',
      ],
      act: [
        'Another node, or a larger one: this is the trigger to scale out.',
        '`fuel-per-second` bounds what one component takes.',
      ],
    },
  },
  {
    name: 'TroupeRoomLow',
    expr: 'troupe_room_used / troupe_room_limit > 0.8',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value | humanizePercentage }} of the {{ $labels.resource }} of the process are used',
    runbook: {
      means:
        'The process is close to a ceiling of its own: of linear memories (which is how many components are active), of mappings of memory, of resident memory. At the ceiling no instance is made any more (`NODE_LIMIT`).',
      look: ['`troupe_room_used` and `troupe_room_limit` by resource.', '`troupe_component_instances` by component.'],
      act: [
        'Memories: fewer `instances`, or start Node.js with `--disable-wasm-trap-handler`.',
        'Mappings: raise `vm.max_map_count` and `mappings` of `[application.limits]`.',
        'Another node.',
      ],
    },
  },
];

/** What is about the reference baselines. */
export const BASELINE_ALERTS: readonly Alert[] = [...PROBED.map(probed), STATE, THROUGHPUT, ...RESOURCES];
