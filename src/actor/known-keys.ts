import { RuntimeError } from '../errors/index.ts';
import { nearestNames } from './name.ts';

/** Every key that options have, and no other. */
export type KeysOf<Options> = Readonly<Record<keyof Required<Options>, true>>;

/**
 * Refuses what is no key of ours, which a program in JavaScript would believe to be in force. Allocates nothing where all is
 * well: actors are spawned by the million.
 *
 * @throws {RuntimeError} `CONFIG_INVALID`, with what may have been meant.
 */
export function assertKeys(what: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const given = Array.isArray(options) ? 'an array' : String(options);
    throw new RuntimeError('CONFIG_INVALID', `Cannot use ${given} as ${what}: expected an object`);
  }
  for (const key in options) {
    if (known[key] !== true) throw unknownOption(what, key, Object.keys(known));
  }
}

function unknownOption(what: string, key: string, known: readonly string[]): RuntimeError {
  const near = nearestNames(key, known)[0];
  const help =
    near === undefined ? `there are ${known.map((name) => `"${name}"`).join(', ')}` : `did you mean "${near}"?`;
  return new RuntimeError('CONFIG_INVALID', `Cannot use "${key.slice(0, 60)}" in ${what}: it is unknown; ${help}`);
}
