import { resolve } from 'node:path';
import { z } from 'zod';
import {
  list,
  NAME_EXPECTED,
  NAME_PATTERN,
  pattern,
  table,
  text,
  VARIABLE_EXPECTED,
  VARIABLE_PATTERN,
} from './fields.ts';
import { ENDPOINT_EXPECTED, isHttpPattern } from './patterns.ts';
import { quote } from './problems.ts';

/** Fields of a head that say where a request ends or goes: nobody's to set. */
const FORBIDDEN = new Set(
  'connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' '),
);

const HEADER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;

const secretName = () => pattern(NAME_PATTERN, NAME_EXPECTED);

export const secretNames = () => list(secretName(), 'a list of names of secrets');

/** `[secrets]`: where the values are that nobody is shown. */
export const SECRETS_SECTION = z
  .record(
    secretName(),
    z.union(
      [table({ env: pattern(VARIABLE_PATTERN, VARIABLE_EXPECTED) }), table({ file: text('the path of a file') })],
      { error: '{ env = "VARIABLE" } or { file = "PATH" }' },
    ),
    { error: 'a table of secrets' },
  )
  .meta({
    description:
      'Secrets, by name: a variable of this process, or a file, relative to troupe.toml. Granted by `secrets`',
    examples: [{ stripe: { env: 'STRIPE_KEY' }, database: { file: '/run/secrets/database' } }],
  });

/** A value of `[components.NAME.env]`. */
export const VARIABLE_VALUE = z.union([z.string(), table({ secret: secretName() })], {
  error: 'a text, or { secret = "NAME" }',
});

/** `[[components.NAME.inject]]`. */
export const INJECT_SECTION = table({
  secret: secretName().meta({ description: 'Name of the secret' }),
  to: list(text().refine(isHttpPattern, ENDPOINT_EXPECTED.http), 'a list of scheme://host[:port]')
    .min(1, 'at least one pattern')
    .meta({ description: 'Where requests go that get it', examples: [['https://api.stripe.com']] }),
  header: text('the name of a header')
    .refine(
      (name) => HEADER.test(name) && !FORBIDDEN.has(name.toLowerCase()),
      'the name of a header of a request, no framing',
    )
    .default('authorization')
    .meta({ description: 'Header that the host adds; what the guest sets under that name is replaced' }),
  value: text('a text with "{secret}" in it')
    .refine((value) => value.includes('{secret}') && !/[\r\n\0]/.test(value), 'a line with "{secret}" in it')
    .default('Bearer {secret}')
    .meta({ description: 'Its value', examples: ['{secret}'] }),
}).meta({ description: 'A header with a secret that the host adds to requests: the component never holds it' });

export type SecretsSection = z.output<typeof SECRETS_SECTION>;
export type InjectSection = z.output<typeof INJECT_SECTION>;

/** Where a secret is found. */
export type SecretSource =
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string };

/** A header to be added, by reference. */
export interface InjectConfig {
  readonly secret: string;
  readonly to: readonly string[];
  readonly header: string;
  /** With `{secret}` in it. */
  readonly value: string;
}

export function toSecretSources(section: SecretsSection, directory: string): Readonly<Record<string, SecretSource>> {
  return Object.fromEntries(
    Object.entries(section).map(([name, source]) => [
      name,
      'env' in source ? { kind: 'env', variable: source.env } : { kind: 'file', path: resolve(directory, source.file) },
    ]),
  );
}

/** What one component uses of secrets, and what is wrong with that, key by key. */
export function secretProblems(
  name: string,
  {
    granted,
    known,
    used,
  }: {
    readonly granted: readonly string[];
    readonly known: readonly string[];
    readonly used: readonly (readonly [path: readonly (string | number)[], secret: string])[];
  },
): { readonly path: readonly (string | number)[]; readonly message: string; readonly help: string }[] {
  const problems = granted
    .filter((secret) => !known.includes(secret))
    .map((secret) => ({
      path: ['grants', 'secrets'],
      message: `names no secret: ${quote(secret)}`,
      help: `add to [secrets]: ${secret} = { env = "VARIABLE" }`,
    }));
  const missing = used
    .filter(([, secret]) => !granted.includes(secret))
    .map(([path, secret]) => ({
      path,
      message: `uses the secret ${quote(secret)}, which ${quote(name)} is not granted`,
      help: `both sides have to name it: secrets = ["${secret}"] in [components.${name}.grants] and, if there is one, in [asks] of its Component.toml`,
    }));
  return [...problems, ...missing];
}
