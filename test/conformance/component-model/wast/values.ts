/** Values as scripts write them, `(u32.const 1)`, in the form that the engine gives and takes. */
import { propertyNames, type ValueType } from '../../../../src/component/index.ts';
import { headOf, type List, type Node, stringOf } from './text.ts';

/** The value that `node` writes, as one of `type`. */
export function readValue(node: Node | undefined, type: ValueType): unknown {
  if (node?.kind !== 'list') throw new Error('a value was expected');
  const parts = node.items.slice(1);
  switch (type.kind) {
    case 'bool':
      return textAt(parts) === 'true';
    case 'char':
    case 'string':
      return stringOf(parts[0]);
    case 'f32':
      return Math.fround(floatOf(textAt(parts)));
    case 'f64':
      return floatOf(textAt(parts));
    case 'list':
      return parts.map((part) => readValue(part, type.element));
    case 'tuple':
      return type.types.map((part, at) => readValue(parts[at], part));
    case 'record':
    case 'flags':
    case 'variant':
    case 'enum':
    case 'option':
    case 'result':
      return compound(node, type);
    case 'own':
    case 'borrow':
      throw new Error('a script cannot write a handle');
    default:
      return integerOf(textAt(parts), type.kind);
  }
}

function compound(node: List, type: ValueType): unknown {
  const parts = node.items.slice(1);
  switch (type.kind) {
    case 'record': {
      const keys = propertyNames(type.fields.map((field) => field.name));
      const fields = type.fields.map((field, at) => {
        const part = parts[at];
        return [keys[at], readValue(fieldValue(part), field.type)];
      });
      return Object.fromEntries(fields);
    }
    case 'flags': {
      const set = new Set(parts.map(stringOf));
      const keys = propertyNames(type.names);
      return Object.fromEntries(type.names.map((name, at) => [keys[at], set.has(name)]));
    }
    case 'enum':
      return stringOf(parts[0]);
    case 'variant': {
      const tag = stringOf(parts[0]);
      return tagged(tag, parts[1], type.cases.find((item) => item.name === tag)?.type);
    }
    case 'result': {
      const tag = headOf(node).slice('result.'.length);
      return tagged(tag, parts[0], tag === 'ok' ? type.ok : type.error);
    }
    case 'option': {
      if (headOf(node) === 'option.none') return type.some.kind === 'option' ? { tag: 'none' } : undefined;
      const val = readValue(parts[0], type.some);
      return type.some.kind === 'option' ? { tag: 'some', val } : val;
    }
    default:
      throw new Error(`a ${type.kind} is not compound`);
  }
}

/** `(field "name" (u32.const 1))`, in which the inner parentheses may be left out. */
function fieldValue(part: Node | undefined): Node | undefined {
  if (part?.kind !== 'list') return undefined;
  return part.items[2]?.kind === 'list' ? part.items[2] : { ...part, items: part.items.slice(2) };
}

function tagged(tag: string, payload: Node | undefined, type: ValueType | undefined): unknown {
  return type === undefined ? { tag } : { tag, val: readValue(payload, type) };
}

function textAt(parts: readonly Node[]): string {
  const [part] = parts;
  if (part?.kind !== 'atom') throw new Error('a number was expected');
  return part.text.replaceAll('_', '');
}

/** @param kind `s8` … `u64`. Scripts may write an unsigned one below zero. */
function integerOf(text: string, kind: string): number | bigint {
  const bits = Number(kind.slice(1));
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace(/^\+/, ''));
  const wrapped = kind.startsWith('s') ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  return bits === 64 ? wrapped : Number(wrapped);
}

/** Decimal, `inf`, `nan…`, or hexadecimal with a binary exponent. */
function floatOf(text: string): number {
  const match = /^([+-]?)(?:(inf)|(nan.*)|0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?)$/i.exec(text);
  if (match === null) return Number(text);
  const [, sign, inf, nan, whole = '', fraction = '', exponent = '0'] = match;
  if (nan !== undefined) return Number.NaN;
  const digits = Number.parseInt(`${whole}${fraction}` || '0', 16);
  const size = inf === undefined ? digits * 2 ** (Number(exponent) - 4 * fraction.length) : Number.POSITIVE_INFINITY;
  return sign === '-' ? -size : size;
}
