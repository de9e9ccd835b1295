import { RuntimeError } from '../../errors/index.ts';

/** Names in messages are cut to this: they may be 100,000 bytes long. */
const QUOTE_LENGTH_MAX = 80;

/** Throws: the component breaks a rule at byte `offset`. */
export function invalid(offset: number, problem: string): never {
  throw new RuntimeError('COMPONENT_INVALID', `Cannot load the component: ${problem} (at byte ${offset})`, {
    details: { offset },
  });
}

/** Throws: the component is well-formed up to byte `offset`, but needs `feature`, which cannot be run. */
export function unsupported(offset: number, feature: string): never {
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot load the component: it uses ${feature}; that is not supported (at byte ${offset})`,
    { details: { offset, feature } },
  );
}

/** Throws: the bytes are something else than a component. */
export function notAComponent(what: string): never {
  throw new RuntimeError('NOT_A_COMPONENT', `Cannot load the component: ${what}`);
}

/** Says of what goes wrong in `work` that it is about a part. */
export function* aboutPart<T>(name: string, work: () => Generator<undefined, T>): Generator<undefined, T> {
  try {
    return yield* work();
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    throw new RuntimeError(error.code, `Cannot use what was given for the import ${quote(name)}: ${error.message}`, {
      details: { ...error.details, part: name },
      cause: error,
    });
  }
}

/** Quotes a name for a message: cut, and with what would garble a terminal escaped. */
export function quote(name: string): string {
  const cut = name.length > QUOTE_LENGTH_MAX ? `${name.slice(0, QUOTE_LENGTH_MAX)}…` : name;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
