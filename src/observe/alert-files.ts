import type { Alert } from './alert.ts';
import { BASELINE_ALERTS } from './baseline-alerts.ts';
import { OPERATION_ALERTS } from './operation-alerts.ts';

/** Every alert, once: the file of rules and the runbooks are made of this. */
export const ALERTS: readonly Alert[] = [...BASELINE_ALERTS, ...OPERATION_ALERTS];

const GROUPS = { 'troupe-baselines': BASELINE_ALERTS, 'troupe-operation': OPERATION_ALERTS } as const;

/** A text as YAML has it: as JSON has it. */
const quoted = (text: string): string => JSON.stringify(text);

/** The file of rules for Prometheus. */
export function alertRules(): string {
  const groups = Object.entries(GROUPS).map(([name, alerts]) => {
    const rules = alerts.map(({ name: alert, expr, for: since, severity, summary }) =>
      [
        `      - alert: ${alert}`,
        `        expr: ${quoted(expr)}`,
        `        for: ${since}`,
        `        labels: { severity: ${severity} }`,
        '        annotations:',
        `          summary: ${quoted(summary)}`,
        `          runbook: ${quoted(`runbooks/${alert}.md`)}`,
      ].join('\n'),
    );
    return `  - name: ${name}\n    rules:\n${rules.join('\n')}`;
  });
  return `# Made by "troupe monitoring export". What to do about each: runbooks/.\ngroups:\n${groups.join('\n')}\n`;
}

/** The page of an alert. */
export function runbookPage({ name, expr, for: since, severity, summary, runbook }: Alert): string {
  const { means, look, act } = runbook;
  const list = (lines: readonly string[]): string => lines.map((line, index) => `${index + 1}. ${line}`).join('\n');
  return `# ${name}

> ${summary.replaceAll(/\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}/g, '*$1*')}

${means}

**Look at**

${list(look)}

**Do**

${list(act)}

It is ${severity === 'critical' ? '**critical**: somebody has to act now' : 'a **warning**: somebody should look today'}. It fires when this holds for ${since}:

\`\`\`promql
${expr}
\`\`\`
`;
}
