import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type HeaderInjection, Secrets } from '../capability/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { ApplicationConfig, ComponentConfig } from './application.ts';

/** Bytes of one; certificates with their chains have some kilobytes. */
const SECRET_BYTES_MAX = 65_536;

/**
 * Reads the secrets of an application.
 *
 * @param environment Where variables are. Default: this process's.
 * @throws {RuntimeError} `SECRET_UNAVAILABLE` — one is not there, cannot be read, or is no text that a secret can be.
 */
export async function readSecrets(
  { secrets }: Pick<ApplicationConfig, 'secrets'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Secrets> {
  const values = new Map<string, string>();
  for (const [name, source] of Object.entries(secrets)) {
    const value = source.kind === 'file' ? await readFileSecret(name, source.path) : environment[source.variable];
    if (value === undefined) {
      const variable = source.kind === 'env' ? source.variable : '';
      throw unavailable(name, `the environment variable "${variable}" is not set`);
    }
    if (value.length < Secrets.lengthMin)
      throw unavailable(
        name,
        `it has ${value.length} characters; ${Secrets.lengthMin} is the least that can be kept out of logs`,
      );
    values.set(name, value);
  }
  return new Secrets(values);
}

async function readFileSecret(name: string, path: string): Promise<string> {
  let bytes: Buffer;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > SECRET_BYTES_MAX)
      throw unavailable(name, `"${path}" is no regular file of at most ${SECRET_BYTES_MAX} bytes`);
    bytes = await file.readFile();
  } catch (error) {
    if (RuntimeError.is(error)) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'nothing more';
    throw unavailable(name, `"${path}" cannot be read: the system says ${code}`);
  }
  try {
    // Editors end a file with a newline that is no part of the secret.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw unavailable(name, `"${path}" is no UTF-8 text`);
  }
}

function unavailable(name: string, why: string): RuntimeError {
  return new RuntimeError('SECRET_UNAVAILABLE', `Cannot use the secret "${name}": ${why}`, {
    details: { secret: name },
  });
}

/** What a component is given of secrets. */
export function revealTo(
  { env, secretEnv, inject }: Pick<ComponentConfig, 'env' | 'secretEnv' | 'inject'>,
  secrets: Secrets,
): { readonly env: Readonly<Record<string, string>>; readonly inject: readonly HeaderInjection[] } {
  const reveal = (name: string): string => secrets.reveal(name) ?? '';
  const held = Object.entries(secretEnv).map(([variable, name]) => [variable, reveal(name)]);
  return {
    env: { ...env, ...Object.fromEntries(held) },
    inject: inject.map(({ secret, to, header, value }) => {
      const full = value.replaceAll('{secret}', () => reveal(secret));
      if (/[\r\n\0]/.test(full))
        throw unavailable(secret, `it has several lines, and stands in the header "${header}"`);
      return { secret, to, header, value: full };
    }),
  };
}
