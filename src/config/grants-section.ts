import { z } from 'zod';
import { choice, flag, list, pattern, table, text, VARIABLE_EXPECTED, VARIABLE_PATTERN } from './fields.ts';
import { CONDITIONAL, PLAIN, patternSections } from './pattern-section.ts';
import { secretNames } from './secrets-section.ts';

export { INJECT_SECTION, SECRETS_SECTION, secretProblems, toSecretSources, VARIABLE_VALUE } from './secrets-section.ts';

export const RIGHTS = ['read', 'write', 'list', 'delete'] as const;
const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

const GUEST_PATH_EXPECTED = 'an absolute path of the guest without wildcards, "." or "..", such as "/data"';

/** `/`, or segments that are neither empty nor `.` nor `..` and hold no wildcard and no NUL. */
const GUEST_PATH = /^\/(?:(?!\.{1,2}(?:\/|$))[^/*?[\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/*?[\0]+)*)?$/;

const guestPath = () => pattern(GUEST_PATH, GUEST_PATH_EXPECTED);
const rights = () =>
  list(choice(RIGHTS), 'a list of rights: "read", "write", "list", "delete"').min(
    1,
    'at least one right: "read", "write", "list", "delete"',
  );
const variables = () => list(pattern(VARIABLE_PATTERN, VARIABLE_EXPECTED), 'a list of names of environment variables');

/** `**` stands alone between slashes; `?` and `[` mean nothing here, and are none of the patterns that people expect. */
const NO_PATTERN = /[?[\0]|[^/]\*\*|\*\*[^/]/;

const PATH_EXPECTED =
  'the path of a folder, perhaps with a pattern behind: "./data", "./data/*.csv", "./data/**/*.csv"';

const hostFolder = () => text(PATH_EXPECTED).refine((path) => !NO_PATTERN.test(path), PATH_EXPECTED);

/** What an author asks for: the same of the guest's paths. */
const askedPath = () => {
  const expected = 'an absolute path of the guest, perhaps with a pattern behind: "/data", "/data/*.csv"';
  return text(expected).refine((path) => !NO_PATTERN.test(path) && GUEST_PATH.test(splitPath(path).folder), expected);
};

const READING: readonly string[] = ['read', 'list'];

/** A path, and the pattern that begins with the first name that has a `*`. */
export function splitPath(path: string): { readonly folder: string; readonly only?: readonly string[] } {
  const names = path.split('/');
  const at = names.findIndex((name) => name.includes('*'));
  if (at < 0) return { folder: path };
  const folder = names.slice(0, at).join('/');
  return { folder: folder === '' ? (path.startsWith('/') ? '/' : '.') : folder, only: [names.slice(at).join('/')] };
}

export const stdio = () =>
  z.union([z.boolean(), z.array(z.enum(STREAMS)).max(STREAMS.length)], {
    error: 'true, false, or a list of "stdin", "stdout", "stderr"',
  });

const given = patternSections(CONDITIONAL);
const plain = patternSections(PLAIN);

/** `[components.NAME.grants]`: what the operator gives. */
export const GRANTS_SECTION = table({
  filesystem: list(
    table({
      path: hostFolder().meta({
        description:
          'Folder of this machine, relative to troupe.toml, and perhaps which paths in it: `*` in names, `**` for folders',
        examples: ['./data'],
      }),
      mount: guestPath().meta({ description: 'Where the guest sees it', examples: ['/data'] }),
      rights: rights().meta({ description: 'What it may do there', examples: [['read', 'list']] }),
    }).refine(({ path, rights }) => !path.includes('*') || rights.every((right) => READING.includes(right)), {
      path: ['rights'],
      error: '"read" and "list" alone where the path is a pattern: who may rename could make anything match',
    }),
    'a list of { path, mount, rights }',
  )
    .optional()
    .meta({ description: 'Folders that it may use' }),
  clock: flag().optional().meta({ description: 'May read clocks and wait', default: false }),
  random: flag().optional().meta({ description: 'May draw random numbers', default: false }),
  stdio: stdio().optional().meta({ description: 'Streams of this process that it may use', default: false }),
  env: variables().optional().meta({ description: 'Environment variables of this process that it may see' }),
  messaging: given.messaging.optional().meta({ description: 'Whom it may send messages to' }),
  http: given.http
    .optional()
    .meta({ description: 'Where its HTTP requests may go', examples: [['https://api.example.com']] }),
  network: given.network.optional().meta({ description: 'What it may do with TCP, UDP and name lookup' }),
  keyvalue: given.keyvalue.optional().meta({
    description: "Buckets of the application's key-value store that it may use",
    examples: [['sessions', 'team-*']],
  }),
  secrets: secretNames()
    .optional()
    .meta({ description: 'Secrets that are used for it, or that it is handed', examples: [['stripe']] }),
  deny: table({
    messaging: plain.messaging.optional().meta({ description: 'Whom it may send no messages to' }),
    http: plain.http
      .optional()
      .meta({ description: 'Where no HTTP request of it may go', examples: [['https://admin.example.com']] }),
    network: plain.network.optional().meta({ description: 'What it may not do with TCP, UDP and name lookup' }),
    keyvalue: plain.keyvalue.optional().meta({ description: 'Buckets that it may not use' }),
  })
    .optional()
    .meta({ description: 'What of it is taken away again: a denial beats every grant' }),
}).meta({ description: 'What the component may do; nothing granted means no' });

/** `[asks]` of `Component.toml`: what the author says the component needs. */
export const ASKS_SECTION = table({
  filesystem: list(
    table({
      path: askedPath().meta({ description: 'Folder as the guest sees it', examples: ['/data'] }),
      rights: rights().meta({ description: 'What it needs to do there' }),
    }),
    'a list of { path, rights }',
  )
    .optional()
    .meta({ description: 'Folders that it needs' }),
  clock: flag().optional().meta({ description: 'Reads clocks or waits' }),
  random: flag().optional().meta({ description: 'Draws random numbers' }),
  stdio: stdio().optional().meta({ description: 'Standard streams that it uses' }),
  env: variables().optional().meta({ description: 'Environment variables that it reads' }),
  messaging: plain.messaging.optional().meta({ description: 'Whom it sends messages to' }),
  http: plain.http.optional().meta({ description: 'Where its HTTP requests go' }),
  network: plain.network.optional().meta({ description: 'What it does with TCP, UDP and name lookup' }),
  keyvalue: plain.keyvalue.optional().meta({ description: 'Buckets that it uses' }),
  secrets: secretNames().optional().meta({ description: 'Secrets that are used for it, or that it is handed' }),
}).meta({ description: 'What the component needs; the operator grants it in troupe.toml' });

export type GrantsSection = z.output<typeof GRANTS_SECTION>;
export type AsksSection = z.output<typeof ASKS_SECTION>;
