/** Dashboards for Grafana, as the data that it imports. */

type Unit = 'short' | 'reqps' | 's' | 'bytes' | 'percentunit' | 'ops';

interface Query {
  /** In PromQL; `$node` and `$component` are chosen on the dashboard. */
  readonly expr: string;
  /** What a line is called: `{{component}}`. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
}

/** One dashboard. */
export interface Dashboard {
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const ALL = '{instance=~"$node"}';
const OF = '{instance=~"$node",component=~"$component"}';
const RATE = '[$__rate_interval]';

const panel = (title: string, unit: Unit, ...queries: readonly (readonly [expr: string, legend: string])[]): Panel => ({
  title,
  unit,
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
});

/** Sums of the rates of a counter, by a label. */
const rates = (metric: string, by: string, selector = OF): readonly [string, string] => [
  `sum by (${by}) (rate(${metric}${selector}${RATE}))`,
  by
    .split(', ')
    .map((label) => `{{${label}}}`)
    .join(' '),
];

/** A percentile of a histogram, by a label. */
const quantile = (share: number, metric: string): readonly [string, string] => [
  `histogram_quantile(${share}, sum by (component, le) (rate(${metric}_bucket${OF}${RATE})))`,
  `p${share * 100} {{component}}`,
];

/** The 99th percentile of a histogram of all components, by another label. */
const slowest = (metric: string, by: string): readonly [string, string] => [
  `histogram_quantile(0.99, sum by (${by}, le) (rate(${metric}_bucket${ALL}${RATE})))`,
  `p99 {{${by}}}`,
];

/** All of them. */
export const DASHBOARDS: readonly Dashboard[] = [
  {
    name: 'overview',
    title: 'Troupe: overview',
    panels: [
      panel('Ready', 'short', [`troupe_ready${ALL}`, '{{instance}}']),
      panel('Messages a second', 'ops', [
        `sum by (instance) (rate(troupe_messages_handled_total${ALL}${RATE}))`,
        '{{instance}}',
      ]),
      panel('Requests a second', 'reqps', rates('troupe_http_requests_total', 'status', ALL)),
      panel('Requests, 99th percentile', 's', slowest('troupe_http_request_duration_seconds', 'component')),
      panel('Failures of actors', 'ops', [
        `sum by (component) (rate(troupe_actor_failures_total${ALL}${RATE}))`,
        '{{component}}',
      ]),
      panel('Processors', 'percentunit', [
        `rate(process_cpu_seconds_total${ALL}${RATE}) / troupe_cpus${ALL}`,
        '{{instance}}',
      ]),
      panel(
        'Memory',
        'bytes',
        [`process_resident_memory_bytes${ALL}`, 'resident {{instance}}'],
        [`troupe_memory_limit_bytes${ALL}`, 'limit {{instance}}'],
      ),
      panel('Room', 'percentunit', [`troupe_room_used${ALL} / troupe_room_limit${ALL}`, '{{resource}} {{instance}}']),
      panel('Event loop, late by', 's', slowest('troupe_event_loop_delay_seconds', 'instance')),
    ],
  },
  {
    name: 'component',
    title: 'Troupe: component',
    panels: [
      panel('Instances', 'short', [`sum by (component) (troupe_component_instances${OF})`, '{{component}}']),
      panel('Memory', 'bytes', [`sum by (component) (troupe_component_memory_bytes${OF})`, '{{component}}']),
      panel('Fuel a second', 'ops', rates('troupe_component_fuel_total', 'component')),
      panel('Messages a second', 'ops', rates('troupe_messages_handled_total', 'component')),
      panel(
        'Time of the thread for a message',
        's',
        quantile(0.5, 'troupe_message_handling_seconds'),
        quantile(0.99, 'troupe_message_handling_seconds'),
      ),
      panel('Asks', 's', quantile(0.5, 'troupe_ask_duration_seconds'), quantile(0.99, 'troupe_ask_duration_seconds')),
      panel('Starts', 's', quantile(0.99, 'troupe_actor_start_seconds')),
      panel('Requests by answer', 'reqps', rates('troupe_http_requests_total', 'component, status')),
      panel('Requests by outcome', 'reqps', rates('troupe_http_exchanges_total', 'component, outcome')),
      panel(
        'Requests at once',
        'short',
        [`sum by (component) (troupe_http_requests_in_flight${OF})`, 'in flight {{component}}'],
        [`sum by (component) (troupe_http_requests_waiting${OF})`, 'waiting {{component}}'],
      ),
      panel('Revision', 'short', [`troupe_component_info${OF}`, '{{component}} {{revision}} {{kind}}']),
    ],
  },
  {
    name: 'actor-system',
    title: 'Troupe: actor system',
    panels: [
      panel('Actors', 'short', [`sum by (component, state) (troupe_actors${OF})`, '{{component}} {{state}}']),
      panel('Made', 'ops', rates('troupe_actors_spawned_total', 'component')),
      panel('Restarts', 'ops', rates('troupe_actor_restarts_total', 'component')),
      panel('Failures', 'ops', rates('troupe_actor_failures_total', 'component, code')),
      panel('Messages in mailboxes', 'short', [`sum by (component) (troupe_mailbox_messages${OF})`, '{{component}}']),
      panel('Fullest mailbox', 'percentunit', [`max by (component) (troupe_mailbox_used_ratio${OF})`, '{{component}}']),
      panel('Oldest message', 's', [
        `max by (component) (troupe_mailbox_oldest_message_age_seconds${OF})`,
        '{{component}}',
      ]),
      panel('Refused', 'ops', rates('troupe_messages_refused_total', 'component')),
      panel('Dead letters', 'ops', rates('troupe_dead_letters_total', 'component, reason')),
      panel('Asks without a reply in time', 'ops', rates('troupe_ask_timeouts_total', 'component')),
      panel('What the process times by itself', 's', slowest('troupe_probe_seconds', 'operation')),
    ],
  },
  {
    name: 'security',
    title: 'Troupe: security',
    panels: [
      panel('Denials', 'ops', rates('troupe_capability_denials_total', 'component')),
      panel('Limits that were run into', 'ops', rates('troupe_component_limit_breaches_total', 'component, limit')),
      panel('Memory, of what one instance may have', 'bytes', [
        `troupe_component_memory_limit_bytes${OF}`,
        '{{component}}',
      ]),
      panel('Records on disk', 'ops', [`rate(troupe_audit_records_total${ALL}${RATE})`, '{{instance}}']),
      panel('Events that wait for the disk', 'short', [`troupe_audit_waiting${ALL}`, '{{instance}}']),
      panel(
        'Audit log',
        'short',
        [`troupe_audit_failing${ALL}`, 'failing {{instance}}'],
        [`troupe_audit_lost_total${ALL}`, 'lost {{instance}}'],
      ),
      panel('Refused at the control port', 'ops', [`rate(troupe_control_refused_total${ALL}${RATE})`, '{{instance}}']),
    ],
  },
];

/** Chosen on the dashboard. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own form of a variable
const DATASOURCE = '${datasource}';

const COLUMNS = 24;
const WIDTH = 8;
const HEIGHT = 8;

/** A dashboard in the form that Grafana imports; whoever imports it chooses the data source. */
export function dashboardJson({ name, title, panels }: Dashboard): string {
  const datasource = { type: 'prometheus', uid: DATASOURCE };
  const variable = (label: string, query: string) => ({
    name: label,
    type: 'query',
    datasource,
    query: { query, refId: label },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  });
  return `${JSON.stringify(
    {
      uid: `troupe-${name}`,
      title,
      tags: ['troupe'],
      schemaVersion: 39,
      time: { from: 'now-1h', to: 'now' },
      refresh: '30s',
      templating: {
        list: [
          { name: 'datasource', type: 'datasource', query: 'prometheus' },
          variable('node', 'label_values(troupe_build_info, instance)'),
          variable('component', 'label_values(troupe_actors, component)'),
        ],
      },
      panels: panels.map(({ title: caption, unit, queries }, nth) => ({
        id: nth + 1,
        type: 'timeseries',
        title: caption,
        datasource,
        gridPos: { x: (nth * WIDTH) % COLUMNS, y: Math.floor((nth * WIDTH) / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        targets: queries.map(({ expr, legend }, at) => ({
          refId: String.fromCharCode(65 + at),
          expr,
          legendFormat: legend,
          datasource,
        })),
      })),
    },
    undefined,
    2,
  )}\n`;
}
