import { RuntimeError } from '../errors/index.ts';

declare const PAYLOAD: unique symbol;

/** A payload's TypeScript type and nothing else; made by {@link type}. Nothing of it is checked at run time. */
export interface Type<T> {
  readonly [PAYLOAD]: T;
}

/**
 * A schema of any library that follows Standard Schema version 1 (zod, valibot, arktype…). Where a protocol names one
 * instead of {@link type}, payloads are validated, and transformed, before they are enqueued.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value: the value to use, or why not. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a specification of any payload; `unknown` would refuse schemas, which take their input contravariantly.
export type PayloadSpec = Type<any> | StandardSchema<any, any>;

/** The type that a sender passes for `S`. */
export type Sent<S> =
  S extends Type<infer T>
    ? T
    : S extends { readonly '~standard': { readonly types?: { readonly input: infer I } | undefined } }
      ? I
      : never;

/** The type that a receiver gets for `S`: what the schema made of it. */
export type Received<S> =
  S extends Type<infer T>
    ? T
    : S extends { readonly '~standard': { readonly types?: { readonly output: infer O } | undefined } }
      ? O
      : never;

const UNCHECKED = Object.freeze({});

/**
 * Names a payload's type in a protocol. It costs nothing at run time and checks nothing there: at a border where the
 * sender is not trusted, give a schema instead.
 *
 * @example
 * ```ts
 * const Counter = protocol('demo:counter@1.0.0', { tell: { add: type<{ by: number }>() } });
 * ```
 */
export function type<T>(): Type<T> {
  return UNCHECKED as Type<T>;
}

/** Gives the value to use in place of `value`, or the error that says why there is none. */
export type Validator = (value: unknown) => { readonly value: unknown } | { readonly error: RuntimeError };

/** Issues shown in a message; the rest is counted. A schema may find one per element of a large array. */
const ISSUES_SHOWN = 3;

/** Makes a validator of what a protocol names, or `undefined` when nothing is to be checked. */
export function toValidator(spec: PayloadSpec, subject: string): Validator | undefined {
  if (!('~standard' in spec)) return undefined;
  const { validate } = spec['~standard'];
  return (value) => {
    let result: ReturnType<typeof validate>;
    try {
      result = validate(value);
    } catch (cause) {
      // A schema that throws over a stranger's value must not take the sender down.
      return { error: new RuntimeError('MESSAGE_INVALID', `Cannot validate ${subject}: its schema threw`, { cause }) };
    }
    if ('then' in result) {
      // Its outcome comes too late for a `tell`, which answers at once; nobody else will look at it.
      result.then(undefined, () => {});
      return { error: new RuntimeError('MESSAGE_INVALID', `Cannot validate ${subject}: its schema is asynchronous`) };
    }
    if (result.issues === undefined) return { value: result.value };
    return { error: toError(subject, result.issues) };
  };
}

function toError(subject: string, issues: readonly SchemaIssue[]): RuntimeError {
  const shown = issues.slice(0, ISSUES_SHOWN).map((issue) => {
    const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  const more = issues.length > ISSUES_SHOWN ? ` (and ${issues.length - ISSUES_SHOWN} more)` : '';
  return new RuntimeError('MESSAGE_INVALID', `Cannot accept ${subject}: ${shown.join('; ')}${more}`, {
    details: { issues: shown, count: issues.length },
  });
}
