import type { Context } from './context.ts';
import type { DeclaredName } from './extern-names.ts';
import { unsupported } from './failure.ts';
import type { Reader } from './reader.ts';
import { type AnyType, type Entity, renamed } from './types.ts';

/** Reads a name. The first byte was a kind once; 0 and 1 mean the same now, and 2 adds attributes. */
export function readExternName(reader: Reader): DeclaredName {
  const form = reader.u8();
  if (form > 2) reader.fail(`0x${form.toString(16)} is not the form of a name`);
  const name = reader.name();
  const attributes = new Map<number, string>();
  for (let left = form === 2 ? reader.u32() : 0; left > 0; left -= 1) {
    const attribute = reader.u8();
    if (attribute > 2) reader.fail(`0x${attribute.toString(16)} is not an attribute of a name`);
    if (attributes.has(attribute)) reader.fail('a name has an attribute twice');
    attributes.set(attribute, reader.name());
  }
  return { name, implements: attributes.get(0), versionSuffix: attributes.get(1) };
}

/** Reads the type of an import or export, which is called `name` in messages. */
export function readEntityType(context: Context, reader: Reader, name: string): Entity {
  const { scope } = context;
  const sort = reader.u8();
  switch (sort) {
    case 0x00: {
      if (reader.u8() !== 0x11) reader.fail('of the core sorts only modules can be imported or exported');
      const index = reader.u32();
      const type = scope.lookup(scope.coreTypes, index, 'core type');
      if (type.sort !== 'module') return context.fail(`core type ${index} is not a module type`);
      return { kind: 'core-module', type: type.type };
    }
    case 0x01:
      return { kind: 'func', type: scope.typeOf(reader.u32(), 'func') };
    case 0x02:
      return unsupported(reader.offset - 1, 'component-level values');
    case 0x03:
      return readTypeBound(context, reader, name);
    case 0x04:
      return { kind: 'component', type: scope.typeOf(reader.u32(), 'component') };
    case 0x05:
      return { kind: 'instance', type: scope.typeOf(reader.u32(), 'instance') };
    default:
      return reader.fail(`0x${sort.toString(16)} is not a sort of import or export`);
  }
}

function readTypeBound(context: Context, reader: Reader, name: string): Entity {
  const bound = reader.u8();
  if (bound === 0x00) return typeEntity(context, context.scope.type(reader.u32()));
  if (bound !== 0x01) reader.fail(`0x${bound.toString(16)} is not a bound of a type`);
  const created: AnyType = { sort: 'resource', type: { id: { name } } };
  return { kind: 'type', created, referenced: created };
}

/** What importing or exporting `referenced` makes: the same type, under a name. */
export function typeEntity(context: Context, referenced: AnyType): Entity {
  const created = renamed(referenced);
  if (created !== referenced) context.session.describeLike(created.type, referenced.type);
  return { kind: 'type', created, referenced };
}
