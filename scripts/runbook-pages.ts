import { ALERTS, runbookPage } from '../src/observe/index.ts';

const FOLDER = 'docs/guides/runbooks';

/** The pages of `docs/guides/runbooks/`: one for each alert, and what there is. */
export function runbookPages(): Readonly<Record<string, string>> {
  const head = '<!-- Generated from src/observe/*-alerts.ts by scripts/generate-docs.ts; do not edit. -->\n';
  const rows = ALERTS.map(({ name, severity, summary }) => {
    const shown = summary.replaceAll(/\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}/g, '*$1*');
    return `| [${name}](${name}.md) | ${severity} | ${shown} |`;
  });
  const index = `${head}# Runbooks

What to do when an alert fires. The rules, these pages and dashboards come into a folder by \`troupe monitoring export DIR\`.

| alert | | says |
| --- | --- | --- |
${rows.join('\n')}
`;
  return Object.fromEntries([
    [`${FOLDER}/README.md`, index],
    ...ALERTS.map((alert) => [`${FOLDER}/${alert.name}.md`, `${head}${runbookPage(alert)}`]),
  ]);
}
