import { RuntimeError } from '../../errors/index.ts';
import type { FuncType, ValueType } from '../binary/index.ts';
import { alternativesOf, isTaggedOption, layoutOf } from './layout.ts';
import { LIST_BYTES_MAX, TEXT_UNITS_MAX } from './limits.ts';
import { lengthOfList, lengthOfTyped } from './lists.ts';
import { propertyNames, propertyOf } from './names.ts';
import { numericKind } from './numbers.ts';
import { fitsResource, GuestResource } from './resources.ts';
import type { InstanceState } from './state.ts';
import { scalarValueOf } from './strings.ts';

/** Names that a message lists of an enum or variant; more would hide the point. */
const NAMES_SHOWN = 8;

const INTEGER_RANGES: Readonly<Record<string, readonly [min: number, max: number]>> = {
  u8: [0, 255],
  s8: [-128, 127],
  u16: [0, 65_535],
  s16: [-32_768, 32_767],
  u32: [0, 4_294_967_295],
  s32: [-2_147_483_648, 2_147_483_647],
};

/** The error for arguments that do not fit the function. */
export function argumentsInvalid(state: InstanceState, type: FuncType, args: readonly unknown[]): RuntimeError {
  const wanted = type.params.length;
  if (args.length !== wanted) {
    return invalid('args', `expected ${wanted} argument${wanted === 1 ? '' : 's'}, got ${args.length}`);
  }
  return attempt('args', () => {
    const explainer = new Explainer(state);
    for (const [at, param] of type.params.entries()) {
      const found = explainer.explain(param.type, args[at], `args[${at}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}

/** The error for a host function's result that does not fit its type. */
export function resultInvalid(state: InstanceState, type: ValueType, result: unknown): RuntimeError {
  return attempt('result', () => new Explainer(state).explain(type, result, 'result'));
}

/** The error for a value whose own code threw while it was read. */
export function unreadable(path: string, cause: unknown): RuntimeError {
  return new RuntimeError('VALUE_INVALID', `Cannot pass ${path}: reading the value threw`, {
    details: { path },
    cause,
  });
}

interface Finding {
  readonly path: string;
  readonly problem: string;
}

function attempt(root: string, find: () => Finding | undefined): RuntimeError {
  try {
    const found = find();
    return found === undefined
      ? invalid(root, 'the value changed while it was read')
      : invalid(found.path, found.problem);
  } catch (thrown) {
    return unreadable(root, thrown);
  }
}

function invalid(path: string, problem: string): RuntimeError {
  return new RuntimeError('VALUE_INVALID', `Cannot pass ${path}: ${problem}`, { details: { path } });
}

/** Finds where a value departs from its type. Slow: it runs only when the compiled code has said that there is a place. */
export class Explainer {
  private readonly state: InstanceState;
  private left: number;
  /** Resources of guests met so far, and whether one was given away. */
  private readonly passed = new Map<GuestResource, boolean>();

  constructor(state: InstanceState) {
    this.state = state;
    this.left = state.lowerBudgetMax;
  }

  /** Gives the first problem in reading order; `undefined` if the value fits. */
  explain(type: ValueType, value: unknown, path: string): Finding | undefined {
    switch (type.kind) {
      case 'record':
        return this.explainRecord(type.fields, value, path);
      case 'tuple':
        return this.explainTuple(type.types, value, path);
      case 'list':
        return this.explainList(type.element, value, path);
      case 'flags':
        return explainFlags(type.names, value, path);
      case 'option':
      case 'result':
      case 'variant':
        return this.explainChoice(type, value, path);
      case 'string':
        return this.explainString(value, path);
      default:
        return this.explainScalar(type, value, path);
    }
  }

  private explainScalar(type: ValueType, value: unknown, path: string): Finding | undefined {
    const expected = expectation(type);
    switch (type.kind) {
      case 'bool':
        return typeof value === 'boolean'
          ? undefined
          : { path, problem: `expected ${expected}, got ${describe(value)}` };
      case 's64':
      case 'u64': {
        const fits =
          typeof value === 'bigint' &&
          (type.kind === 'u64' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value;
        return fits ? undefined : { path, problem: `expected ${expected}, got ${describe(value, 'one out of range')}` };
      }
      case 'f32':
      case 'f64':
        return typeof value === 'number'
          ? undefined
          : { path, problem: `expected ${expected}, got ${describe(value)}` };
      case 'char':
        return scalarValueOf(value) === undefined
          ? { path, problem: `expected ${expected}, got ${describe(value, 'another string')}` }
          : undefined;
      case 'enum':
        return type.names.includes(value as string)
          ? undefined
          : { path, problem: `expected ${expected}, got ${describe(value, 'another string')}` };
      case 'own':
      case 'borrow': {
        const fits = fitsResource(this.state.resourceTypes[type.resource.slot], value, type.kind);
        if (!fits) return { path, problem: `expected ${expected}, got ${describe(value, 'another object')}` };
        return this.isGivenTwice(value, type.kind)
          ? {
              path,
              problem: `the resource ${JSON.stringify(type.resource.name)} cannot be given away and passed again`,
            }
          : undefined;
      }
      default: {
        const [min, max] = INTEGER_RANGES[type.kind]!;
        const fits = Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
        return fits ? undefined : { path, problem: `expected ${expected}, got ${describe(value, 'another number')}` };
      }
    }
  }

  private isGivenTwice(value: unknown, kind: 'own' | 'borrow'): boolean {
    if (!(value instanceof GuestResource)) return false;
    const before = this.passed.get(value);
    this.passed.set(value, kind === 'own');
    return before !== undefined && (before || kind === 'own');
  }

  private explainString(value: unknown, path: string): Finding | undefined {
    if (typeof value !== 'string') return { path, problem: `expected string, got ${describe(value)}` };
    this.left -= value.length;
    return this.left < 0 || value.length > TEXT_UNITS_MAX ? tooLarge(path) : undefined;
  }

  private explainRecord(
    fields: readonly { name: string; type: ValueType }[],
    value: unknown,
    path: string,
  ): Finding | undefined {
    if (!isObject(value)) return { path, problem: `expected object, got ${describe(value)}` };
    const properties = propertyNames(fields.map((field) => field.name));
    for (const [at, field] of fields.entries()) {
      const found = this.explain(field.type, propertyOf(value, properties[at]!), `${path}.${properties[at]}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private explainTuple(types: readonly ValueType[], value: unknown, path: string): Finding | undefined {
    if (lengthOfList(value) !== types.length) {
      return { path, problem: `expected array of ${types.length}, got ${describe(value, 'another length')}` };
    }
    for (const [at, type] of types.entries()) {
      const found = this.explain(type, (value as unknown[])[at], `${path}[${at}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private explainList(element: ValueType, value: unknown, path: string): Finding | undefined {
    const kind = numericKind(element);
    const exact = kind !== undefined && isObject(value) && value instanceof TYPED_ARRAYS[kind.array]!;
    const length = exact ? lengthOfTyped(value) : lengthOfList(value);
    if (length < 0) {
      const array = kind === undefined ? 'array' : `${kind.array} or array`;
      return { path, problem: `expected ${array}, got ${describe(value)}` };
    }
    const sizeBytes = length * layoutOf(element).sizeBytes;
    this.left -= sizeBytes;
    if (this.left < 0 || sizeBytes > LIST_BYTES_MAX) return tooLarge(path);
    for (let at = 0; at < length && !exact; at++) {
      const found = this.explain(element, (value as unknown[])[at], `${path}[${at}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private explainChoice(
    type: ValueType & { kind: 'option' | 'result' | 'variant' },
    value: unknown,
    path: string,
  ): Finding | undefined {
    if (type.kind === 'option' && !isTaggedOption(type)) {
      return value === undefined || value === null ? undefined : this.explain(type.some, value, path);
    }
    const cases = alternativesOf(type);
    const names = listed(cases.map((entry) => entry.tag));
    if (!isObject(value)) return { path, problem: `expected object with tag ${names}, got ${describe(value)}` };
    const entry = cases.find((candidate) => candidate.tag === value.tag);
    if (entry === undefined) {
      return { path: `${path}.tag`, problem: `expected ${names}, got ${describe(value.tag, 'another string')}` };
    }
    return entry.type === undefined ? undefined : this.explain(entry.type, value.val, `${path}.val`);
  }
}

const TYPED_ARRAYS: Readonly<Record<string, new () => ArrayBufferView>> = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
};

function explainFlags(names: readonly string[], value: unknown, path: string): Finding | undefined {
  if (!isObject(value)) return { path, problem: `expected object of booleans, got ${describe(value)}` };
  for (const property of propertyNames(names)) {
    const flag = propertyOf(value, property);
    if (flag !== undefined && typeof flag !== 'boolean') {
      return { path: `${path}.${property}`, problem: `expected boolean, got ${describe(flag)}` };
    }
  }
  return undefined;
}

function tooLarge(path: string): Finding {
  return { path, problem: 'the value is too large for one call; divide it' };
}

function expectation(type: ValueType): string {
  switch (type.kind) {
    case 'bool':
      return 'boolean';
    case 's64':
    case 'u64':
      return `bigint in the range of ${type.kind}`;
    case 'f32':
    case 'f64':
      return 'number';
    case 'char':
      return 'string of one character';
    case 'enum':
      return listed(type.names);
    case 'own':
    case 'borrow':
      return `live resource ${JSON.stringify(type.resource.name)}`;
    default: {
      const [min, max] = INTEGER_RANGES[type.kind]!;
      return `integer from ${min} to ${max}`;
    }
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => JSON.stringify(name));
  return shown.join(' or ') + (names.length > NAMES_SHOWN ? ` or ${names.length - NAMES_SHOWN} others` : '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Says what a value is without showing it. `similar` names one that has the right JavaScript type. */
function describe(value: unknown, similar?: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return similar === 'another length' ? `array of ${similar}` : 'array';
  return similar === undefined || !matches(value, similar) ? typeof value : similar;
}

function matches(value: unknown, similar: string): boolean {
  if (similar === 'one out of range') return typeof value === 'bigint';
  return typeof value === similar.slice('another '.length);
}
