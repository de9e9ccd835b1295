import {
  EVENTS,
  type EventName,
  LABELS,
  type LabelName,
  METRICS,
  type MetricName,
  specOf,
} from '../src/telemetry/index.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The text of `docs/reference/metrics.md`. */
export function metricsPage(): string {
  const metrics = (Object.keys(METRICS) as MetricName[]).map((name) => {
    const { type, labels, help, unit = '' } = specOf(name);
    return [`\`${name}\``, type, unit, labels.map((label) => `\`${label}\``).join(' '), help];
  });
  const events = (Object.keys(EVENTS) as EventName[]).map((name) => [
    `\`${name}\``,
    EVENTS[name].level,
    EVENTS[name].help,
  ]);
  const labels = (Object.keys(LABELS) as LabelName[]).map((label) => [`\`${label}\``, LABELS[label]]);
  return `<!-- Generated from src/telemetry/catalogue.ts by scripts/generate-docs.ts; do not edit. -->
# Metrics and events

What a running application shows at \`/metrics\` of its control port, and \`Metrics\` of the library as text. How to gather it:
[the guide](../guides/metrics.md). Names and units are those of Prometheus; a name is never used again for something else.
Counters begin with the process. A histogram that nothing was recorded in is left out.

## Metrics

${table(['name', 'type', 'unit', 'labels', 'what'], metrics)}

## Labels

No label names an actor, a message or a client.

${table(['label', 'values'], labels)}

## Events

What \`troupe up --output json\` writes, a line for each, with \`type\`, \`atMs\`, and \`actor\` and \`component\` where there is one.

${table(['type', 'level', 'what'], events)}
`;
}
