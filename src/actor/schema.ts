import { RuntimeError } from '../errors/index.ts';
import { ignoreOutcome, isThenable } from './thenable.ts';

declare const PAYLOAD: unique symbol;

/** A payload's TypeScript type and nothing else; made by {@link type}. Nothing of it is checked at run time. */
export interface Type<T> {
  /** A function, so that neither a wider nor a narrower type passes for it: payloads are sent as well as received. */
  readonly [PAYLOAD]: (payload: T) => T;
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

/** Whether `spec` names a payload: a schema of some libraries is a function. */
export function isPayloadSpec(spec: unknown): spec is PayloadSpec {
  return (typeof spec === 'object' && spec !== null) || typeof spec === 'function';
}

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

/** Characters shown of an issue: some schemas quote the value, which a stranger may have made. */
const ISSUE_SHOWN_MAX = 200;

/** Makes a validator of what a protocol names, or `undefined` when nothing is to be checked. */
export function toValidator(spec: PayloadSpec, subject: string): Validator | undefined {
  if (!('~standard' in spec)) return undefined;
  const { '~standard': standard } = spec;
  return (value) => {
    try {
      const result = standard.validate(value);
      if (isThenable(result)) {
        // Its outcome comes too late for a `tell`, which answers at once; nobody else will look at it.
        ignoreOutcome(result);
        return { error: new RuntimeError('MESSAGE_INVALID', `Cannot validate ${subject}: its schema is asynchronous`) };
      }
      if (typeof result !== 'object') throw new TypeError(`A schema gave ${typeof result}`);
      return result.issues === undefined ? { value: result.value } : { error: toError(subject, result.issues) };
    } catch (cause) {
      // A schema that throws over a stranger's value, or answers nonsense, must not take the sender down.
      return { error: new RuntimeError('MESSAGE_INVALID', `Cannot validate ${subject}: its schema failed`, { cause }) };
    }
  };
}

function toError(subject: string, issues: readonly SchemaIssue[]): RuntimeError {
  const shown = issues.slice(0, ISSUES_SHOWN).map((issue) => {
    const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
    const text = path === '' ? issue.message : `${path}: ${issue.message}`;
    return text.length > ISSUE_SHOWN_MAX ? `${text.slice(0, ISSUE_SHOWN_MAX)}…` : text;
  });
  const more = issues.length > ISSUES_SHOWN ? ` (and ${issues.length - ISSUES_SHOWN} more)` : '';
  return new RuntimeError('MESSAGE_INVALID', `Cannot accept ${subject}: ${shown.join('; ')}${more}`, {
    details: { issues: shown, count: issues.length },
  });
}
