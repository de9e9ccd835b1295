import { z } from 'zod';
import { AUDIT_SECTION } from './audit-section.ts';
import { BUILD_SECTION } from './build-section.ts';
import {
  choice,
  decimal,
  duration,
  integer,
  list,
  NAME_EXPECTED,
  NAME_PATTERN,
  pattern,
  SHA256_EXPECTED,
  SHA256_PATTERN,
  table,
  text,
  VARIABLE_EXPECTED,
  VARIABLE_PATTERN,
} from './fields.ts';
import {
  ASKS_SECTION,
  GRANTS_SECTION,
  INJECT_SECTION,
  SECRETS_SECTION,
  secretProblems,
  toSecretSources,
  VARIABLE_VALUE,
} from './grants-section.ts';
import { HEALTH_SECTION } from './health-section.ts';
import { HTTP_SECTION, INGRESS_SECTION, MONITORING_SECTION, ROUTE_SECTION } from './ingress-section.ts';
import { ISOLATION_SECTION, toIsolation, toWorkers, WORKERS_SECTION } from './isolation-section.ts';
import { KEEP_SECTION } from './keep-section.ts';
import { LIMITS_SECTION } from './limits-section.ts';
import { LINKS_SECTION } from './links.ts';
import { NODE_SECTION } from './node-section.ts';
import { RECYCLE_SECTION, recycleProblem, toRecycleConfig } from './recycle-section.ts';
import { STORE_SECTION } from './store-section.ts';
import { SUBSCRIBE_SECTION } from './subscribe-section.ts';

export { recycleProblem, secretProblems, toIsolation, toRecycleConfig, toSecretSources, toWorkers };

/** More than a ring of 2²⁰ slots is a leak, not a queue. */
const CAPACITY = { min: 1, max: 1_048_576 } as const;

/** Actors of one component on one node; far below what addresses of memories allow. */
const INSTANCES = { min: 1, max: 4_096 } as const;

/** Spare instances, as many as actors. */
const POOL = { min: 0, max: 4_096 } as const;

const INTENSITY = { min: 0, max: 1_000 } as const;
const PERIOD_MS = { min: 1, max: 86_400_000 } as const;
const BACKOFF_MS = { min: 0, max: 3_600_000 } as const;
const QUARANTINE_MS = { min: 1, max: 86_400_000 } as const;
const STUCK_MS = { min: 1, max: 3_600_000 } as const;
const BACKOFF_FACTOR = { min: 1, max: 100 } as const;

/** As of every wait; none: what was accepted is not finished. */
const DRAIN_MS = { min: 0, max: 3_600_000 } as const;

/** Ten frames a second is the fastest that a terminal and a reader are served well. */
const VIEW_EVERY_MS = { min: 100, max: 3_600_000 } as const;

const source = () => text('the path of a .wasm file');
const digest = () => pattern(SHA256_PATTERN, SHA256_EXPECTED);
const name = () => pattern(NAME_PATTERN, NAME_EXPECTED);

const SCHEMA_KEY = text('the address of a JSON Schema').optional().meta({ description: 'For editors; not read' });

const MAILBOX_SECTION = table({
  capacity: integer(CAPACITY).default(1_024).meta({ description: 'Messages that may wait' }),
  overflow: choice(['reject', 'drop-oldest', 'drop-newest'])
    .default('reject')
    .meta({ description: 'What a message to a full mailbox does' }),
}).meta({ description: 'The queue in front of each actor' });

const BACKOFF_SECTION = table({
  min: duration(BACKOFF_MS).prefault('50ms').meta({ description: 'Wait before the first restart' }),
  max: duration(BACKOFF_MS).prefault('5s').meta({ description: 'Longest wait' }),
  factor: decimal(BACKOFF_FACTOR).default(2).meta({ description: 'Growth from one wait to the next' }),
}).meta({ description: 'Waiting before a restart' });

const SUPERVISE_SECTION = table({
  restart: choice(['permanent', 'transient', 'temporary'])
    .optional()
    .meta({ description: 'When to restart: always, after a failure, never. Default: permanent; transient for tasks' }),
  intensity: integer(INTENSITY).default(5).meta({ description: 'Restarts within the period before it is given up' }),
  period: duration(PERIOD_MS).prefault('10s').meta({ description: 'The period' }),
  backoff: BACKOFF_SECTION.prefault({}),
  quarantine: duration(QUARANTINE_MS)
    .optional()
    .meta({ description: 'How long one that failed too often is held and then tried again. Default: it is given up' }),
  'stuck-after': duration(STUCK_MS)
    .optional()
    .meta({ description: 'How long it may wait in one message before that is a failure. Default: its deadline' }),
}).meta({ description: 'What happens when an actor fails' });

const COMPONENT_SECTION = table({
  manifest: text('the path of a Component.toml')
    .optional()
    .meta({ description: "The author's manifest; or `source`", examples: ['./parse/Component.toml'] }),
  source: source()
    .optional()
    .meta({
      description:
        'The component itself, or `sha256:` and the digest of one that `troupe artifact add` keeps; or `manifest`',
      examples: ['./parse.wasm'],
    }),
  sha256: digest().optional().meta({ description: 'Digest that the file must have' }),
  instances: integer(INSTANCES).default(1).meta({ description: 'Actors; several are named NAME/1 … NAME/n' }),
  config: z
    .record(z.string(), z.unknown(), { error: 'a table' })
    .optional()
    .meta({ description: 'Handed to `lifecycle.start` as JSON' }),
  args: list(z.string({ error: 'a text' }), 'a list of texts')
    .optional()
    .meta({ description: 'Arguments of a task' }),
  env: z
    .record(pattern(VARIABLE_PATTERN, VARIABLE_EXPECTED), VARIABLE_VALUE, { error: 'a table of texts' })
    .optional()
    .meta({ description: 'Environment variables, with their values or the secrets that these are' }),
  inject: list(INJECT_SECTION, 'a list of headers: [[components.NAME.inject]]').optional(),
  mailbox: MAILBOX_SECTION.prefault({}),
  supervise: SUPERVISE_SECTION.prefault({}),
  subscribe: SUBSCRIBE_SECTION.optional(),
  keep: KEEP_SECTION.optional(),
  health: HEALTH_SECTION.optional(),
  limits: LIMITS_SECTION.optional(),
  isolation: ISOLATION_SECTION.default('thread'),
  pool: integer(POOL)
    .default(0)
    .meta({ description: 'Instances that are kept ready for its actors, on each thread where they live' }),
  recycle: RECYCLE_SECTION.optional(),
  grants: GRANTS_SECTION.optional(),
  mode: choice(['enforce', 'observe']).default('enforce').meta({
    description:
      'Whether what is not granted is denied, or let through and told as what would be denied. What its author does not ask for, what a policy or a denial refuses, and addresses that are not public are denied in any case',
  }),
  http: HTTP_SECTION.optional(),
  links: LINKS_SECTION.optional(),
});

const VIEW_SECTION = table({
  component: name().meta({ description: 'Component whose first actor is asked' }),
  op: text('the name of an operation').meta({ description: 'Operation whose reply is text', examples: ['render'] }),
  every: duration(VIEW_EVERY_MS).prefault('250ms').meta({ description: 'How often' }),
}).meta({ description: 'What `troupe up` shows live' });

const CONTROL_SECTION = table({
  enabled: z
    .boolean({ error: 'true or false' })
    .default(true)
    .meta({ description: 'Whether `ps`, `ask` and `tell` can reach it' }),
  socket: text('the path of a Unix socket')
    .optional()
    .meta({ description: 'Where it listens, relative to troupe.toml', default: '.troupe/control.sock' }),
  port: integer({ min: 0, max: 65_535 })
    .optional()
    .meta({ description: 'Loopback port to listen on in place of a socket; 0 takes a free one' }),
  tokens: list(
    table({
      name: name().meta({ description: 'Who holds it, for the audit log', examples: ['grafana'] }),
      role: choice(['reader', 'operator', 'admin']).meta({
        description: 'Sees what is shown of actors; may ask and tell them, too; may stop and remove things, too',
      }),
      sha256: digest().meta({ description: 'Digest of the token; `troupe token` makes both' }),
    }),
    'a list of { name, role, sha256 }',
  )
    .optional()
    .meta({ description: 'Tokens of others than this user: [[control.tokens]]' }),
}).meta({ description: 'The control port' });

/** `troupe.toml`. */
export const APPLICATION_SCHEMA = table({
  $schema: SCHEMA_KEY,
  application: table({
    name: name().meta({ description: 'Name of the application' }),
    drain: duration(DRAIN_MS)
      .prefault('5s')
      .meta({ description: 'How long what was accepted may be finished when the process is asked to end (`SIGTERM`)' }),
    limits: NODE_SECTION.prefault({}),
    workers: WORKERS_SECTION.default('auto'),
  }),
  components: z
    .record(name(), COMPONENT_SECTION, { error: 'a table of components' })
    .meta({ description: 'The components, by name' }),
  http: list(ROUTE_SECTION, 'a list of routes: [[http]]')
    .optional()
    .meta({ description: 'Routes: which requests go to which component' }),
  ingress: INGRESS_SECTION.prefault({}),
  secrets: SECRETS_SECTION.optional(),
  view: VIEW_SECTION.optional(),
  control: CONTROL_SECTION.prefault({}),
  monitoring: MONITORING_SECTION.optional(),
  store: STORE_SECTION.prefault({}),
  audit: AUDIT_SECTION.optional(),
}).meta({ title: 'troupe.toml', description: 'An application: its components and what the operator gives them' });

/** `Component.toml`. */
export const MANIFEST_SCHEMA = table({
  $schema: SCHEMA_KEY,
  component: table({
    name: name().meta({ description: 'Name that the author gives it' }),
    version: text('a version, such as "1.2.0"').optional().meta({ description: 'Version of the component' }),
    source: source().meta({ description: 'The component, relative to this file', examples: ['./parse.wasm'] }),
    sha256: digest().optional().meta({ description: 'Digest that the file must have' }),
  }).meta({ description: 'What it is' }),
  build: BUILD_SECTION.optional(),
  asks: ASKS_SECTION.optional(),
  limits: LIMITS_SECTION.optional(),
}).meta({ title: 'Component.toml', description: 'A component: what its author says of it' });

export type ApplicationFile = z.output<typeof APPLICATION_SCHEMA>;
export type ComponentSection = z.output<typeof COMPONENT_SECTION>;
export type ManifestFile = z.output<typeof MANIFEST_SCHEMA>;
