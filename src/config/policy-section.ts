import type { z } from 'zod';
import { choice, flag, list, pattern, table, text } from './fields.ts';
import { RIGHTS, stdio } from './grants-section.ts';
import { CONDITIONAL, PLAIN, patternSections } from './pattern-section.ts';

const COMPONENTS = /^(?:\*|[a-z][a-z0-9-]{0,62}\*?)$/;
const VARIABLES = /^(?:\*|[A-Za-z_][A-Za-z0-9_]{0,254}\*?)$/;

const RULE = {
  components: list(pattern(COMPONENTS, 'the name of a component, "PREFIX*" or "*"'), 'a list of names of components')
    .default(['*'])
    .meta({ description: 'Components that it is about: names, `PREFIX*` or `*`', examples: [['tenant-*']] }),
  filesystem: list(
    table({
      path: text('the path of a folder').meta({ description: 'Folder of this machine, with all that is in it' }),
      rights: list(choice(RIGHTS), 'a list of rights')
        .min(1, 'at least one right')
        .default([...RIGHTS]),
    }),
    'a list of { path, rights }',
  )
    .optional()
    .meta({ description: 'Folders of this machine, relative to this file; without rights: all' }),
  clock: flag().optional().meta({ description: 'Clocks' }),
  random: flag().optional().meta({ description: 'Random numbers' }),
  stdio: stdio().optional().meta({ description: 'Streams of the process' }),
  env: list(pattern(VARIABLES, 'the name of an environment variable, "PREFIX*" or "*"'), 'a list of names of variables')
    .optional()
    .meta({ description: 'Environment variables of the process', examples: [['LANG', 'APP_*']] }),
  secrets: list(pattern(COMPONENTS, 'the name of a secret, "PREFIX*" or "*"'), 'a list of names of secrets')
    .optional()
    .meta({ description: 'Secrets of the application', examples: [['stripe', 'db-*']] }),
};

const allowed = patternSections(CONDITIONAL);
const denied = patternSections(PLAIN);

/** `policy.toml`. */
export const POLICY_SCHEMA = table({
  $schema: text('the address of a JSON Schema').optional().meta({ description: 'For editors; not read' }),
  allow: list(
    table({
      ...RULE,
      messaging: allowed.messaging.optional().meta({ description: 'Whom it may send messages to' }),
      http: allowed.http
        .optional()
        .meta({ description: 'Where HTTP requests go', examples: [['https://*.example.com']] }),
      network: allowed.network.optional().meta({ description: 'TCP, UDP and name lookup' }),
      keyvalue: allowed.keyvalue.optional().meta({ description: 'Buckets of the key-value store' }),
    }),
    'a list of rules: [[allow]]',
  )
    .optional()
    .meta({ description: 'What may be granted. With one such rule, nothing that none of them names' }),
  deny: list(
    table({
      ...RULE,
      messaging: denied.messaging.optional().meta({ description: 'Whom it may send messages to' }),
      http: denied.http
        .optional()
        .meta({ description: 'Where HTTP requests go', examples: [['https://*.example.com']] }),
      network: denied.network.optional().meta({ description: 'TCP, UDP and name lookup' }),
      keyvalue: denied.keyvalue.optional().meta({ description: 'Buckets of the key-value store' }),
    }),
    'a list of rules: [[deny]]',
  )
    .optional()
    .meta({ description: 'What nobody gets, whatever is granted or allowed' }),
}).meta({ title: 'policy.toml', description: 'What may be granted to components at most' });

export type PolicyFile = z.output<typeof POLICY_SCHEMA>;
export type AllowRule = NonNullable<PolicyFile['allow']>[number];
export type DenyRule = NonNullable<PolicyFile['deny']>[number];
export type PolicyRule = AllowRule | DenyRule;

/** Whether a rule is about the component of that name. */
export function isAbout({ components }: PolicyRule, name: string): boolean {
  return components.some((wanted) => matchesPrefix(wanted, name));
}

/** `NAME`, `PREFIX*` or `*`. */
export function matchesPrefix(wanted: string, name: string): boolean {
  return wanted === name || (wanted.endsWith('*') && name.startsWith(wanted.slice(0, -1)));
}
