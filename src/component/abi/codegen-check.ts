import type { ValueType } from '../binary/index.ts';
import { type Choice, eachPayload, indexOfTag, isNone, isNoObject, misfit, readProperty } from './codegen-lower.ts';
import { alternativesOf, isTaggedOption, layoutOf, partsOf } from './layout.ts';
import { LIST_BYTES_MAX, TEXT_UNITS_MAX } from './limits.ts';
import { propertyNames } from './names.ts';
import { numericKind } from './numbers.ts';
import { Body, INLINE_WEIGHT_MAX } from './program.ts';

/**
 * Writes the code that returns false if the value `name` is not of `type`: what lowering tests on its way, beforehand,
 * so that a wrong argument costs the guest nothing. What it counts in `left` keeps a value whose parts are shared from
 * being walked for ever.
 */
export function check(body: Body, type: ValueType, name: string): void {
  const wrong = misfit(type, name);
  if (wrong !== undefined) {
    body.emit(`if (${wrong}) return false;`);
    return;
  }
  switch (type.kind) {
    case 'string':
      body.emit(`if (typeof ${name} !== 'string' || ${name}.length > ${TEXT_UNITS_MAX}) return false;`);
      body.emit(`if ((left -= ${name}.length) < 0) return false;`);
      break;
    case 'char':
      body.emit(`if (scalarValueOf(${name}) === undefined) return false;`);
      break;
    case 'own':
    case 'borrow':
      body.emit(
        `if (!fitsResource(ctx.state.resourceTypes[${type.resource.slot}], ${name}, '${type.kind}')) return false;`,
      );
      break;
    case 'enum':
      body.emit(`if ((${indexOfTag(body, alternativesOf(type), name)}) < 0) return false;`);
      break;
    case 'list':
      body.emit(`if (!${listFunction(body, type.element)}(ctx, ${name})) return false;`);
      break;
    default:
      checkCompound(body, type as Compound, name);
  }
}

type Compound = (ValueType & { kind: 'record' | 'tuple' | 'flags' }) | Choice;

function checkCompound(body: Body, type: Compound, name: string): void {
  if (layoutOf(type).weight <= INLINE_WEIGHT_MAX) {
    checkInPlace(body, type, name);
    return;
  }
  const shared = body.program.share('check', type, () => {
    const inner = new Body(body.program);
    checkInPlace(inner, type, 'v');
    return `(ctx, v) {\n${inner}\nreturn true;\n}`;
  });
  body.emit(`if (!${shared}(ctx, ${name})) return false;`);
}

function checkInPlace(body: Body, type: Compound, name: string): void {
  switch (type.kind) {
    case 'record': {
      body.emit(`if (${isNoObject(name)}) return false;`);
      const properties = propertyNames(type.fields.map((field) => field.name));
      for (const [at, part] of partsOf(type).entries())
        check(body, part, body.bind(readProperty(name, properties[at]!)));
      break;
    }
    case 'tuple':
      body.emit(`if (lengthOfList(${name}) !== ${type.types.length}) return false;`);
      for (const [at, part] of type.types.entries()) check(body, part, body.bind(`${name}[${at}]`));
      break;
    case 'flags':
      checkFlags(body, type.names, name);
      break;
    default:
      checkChoice(body, type, name);
  }
}

function checkFlags(body: Body, names: readonly string[], name: string): void {
  body.emit(`if (${isNoObject(name)}) return false;`);
  for (const property of propertyNames(names)) {
    const flag = body.bind(readProperty(name, property));
    body.emit(`if (${flag} !== undefined && typeof ${flag} !== 'boolean') return false;`);
  }
}

function checkChoice(body: Body, type: Choice, name: string): void {
  let index: string;
  if (type.kind === 'option' && !isTaggedOption(type)) {
    index = body.bind(`${isNone(name)} ? 0 : 1`);
  } else {
    body.emit(`if (${isNoObject(name)}) return false;`);
    index = body.bind(indexOfTag(body, alternativesOf(type), body.bind(`${name}.tag`)));
    body.emit(`if (${index} < 0) return false;`);
  }
  eachPayload(body, { type, name, index }, (item) => check(body, item.type, item.name));
}

function listFunction(body: Body, element: ValueType): string {
  return body.program.share('checkList', element, () => {
    const inner = new Body(body.program);
    const numeric = numericKind(element);
    const { sizeBytes } = layoutOf(element);
    const room = (length: string) =>
      `const n = ${length}; if (n < 0 || n * ${sizeBytes} > ${LIST_BYTES_MAX} || (left -= n * ${sizeBytes}) < 0) return false;`;
    if (numeric !== undefined) {
      inner.block(`if (v instanceof ${numeric.array})`, () => inner.emit(room('lengthOfTyped(v)'), 'return true;'));
    }
    inner.emit(room('lengthOfList(v)'));
    inner.block('for (let i = 0; i < n; i++)', () => check(inner, element, inner.bind('v[i]')));
    return `(ctx, v) {\n${inner}\nreturn true;\n}`;
  });
}
