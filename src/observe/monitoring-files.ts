import { ALERTS, alertRules, runbookPage } from './alert-files.ts';
import { DASHBOARDS, dashboardJson } from './dashboards.ts';

const SCRAPE = `# An example: what of it you need goes into your own prometheus.yml.
global: { scrape_interval: 15s, evaluation_interval: 15s }
rule_files: ["troupe-alerts.yml"]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:9093"] }] }] }
scrape_configs:
  - job_name: troupe # alerts look for jobs that are called so
    static_configs: [{ targets: ["127.0.0.1:9464"] }] # [monitoring] listen, in troupe.toml
`;

/** Who is told of what; the address of the hook is the only thing to change. */
const ROUTES = `# An example: what is critical is told at once and again each hour, the rest is gathered.
route:
  receiver: team
  group_by: [alertname, instance]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
    - matchers: ['severity="critical"']
      receiver: team
      group_wait: 0s
      repeat_interval: 1h
inhibit_rules:
  # A node that is not seen says nothing else that is true.
  - source_matchers: ['alertname="TroupeScrapeLost"']
    target_matchers: ['alertname=~"Troupe.+"', 'alertname!="TroupeScrapeLost"']
    equal: [instance]
receivers:
  - name: team
    webhook_configs: [{ url: "http://127.0.0.1:5001/" }]
`;

/** Everything that watching takes besides Troupe: path → text. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['prometheus.yml', SCRAPE],
    ['troupe-alerts.yml', alertRules()],
    ['alertmanager.yml', ROUTES],
    ...ALERTS.map((alert) => [`runbooks/${alert.name}.md`, runbookPage(alert)] as const),
    ...DASHBOARDS.map((dashboard) => [`dashboards/${dashboard.name}.json`, dashboardJson(dashboard)] as const),
  ]);
}
