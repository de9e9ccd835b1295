import type { Context } from './context.ts';
import { addCoreImport, CoreItemReader, PlainTypeSpace, readCoreImport } from './core-module.ts';
import { quote } from './failure.ts';
import { MODULE_TYPE_DECLARATIONS_MAX } from './limits.ts';
import type { Reader } from './reader.ts';
import type { CoreImport, CoreItem, CoreModule } from './types.ts';

/** Reads one definition of the core type section: a module type, or a group of types as core modules have them. */
export function readCoreType(context: Context, reader: Reader): void {
  const { scope, session } = context;
  session.at = reader.offset;
  const before = scope.coreTypes.length;
  if (reader.peek() === 0x50) {
    reader.u8();
    scope.coreTypes.push({ sort: 'module', type: readModuleType(context, reader) });
  } else {
    // The byte 0x50 of a type that is not final is taken by module types, so a zero comes before it.
    if (reader.peek() === 0x00) {
      reader.u8();
      if (reader.peek() !== 0x50) reader.fail('a zero must be followed by a core type that is not final');
    }
    for (const id of session.coreTypes.readGroup(reader, scope)) scope.coreTypes.push({ sort: 'sub', id });
  }
  if (scope.kind !== 'component') return;
  for (let at = before; at < scope.coreTypes.length; at += 1) scope.definitions.push({ kind: 'core-type' });
}

function readModuleType(context: Context, reader: Reader): CoreModule {
  const { session } = context;
  const space = new PlainTypeSpace();
  const items = new CoreItemReader(reader, session.coreTypes, space);
  const imports: CoreImport[] = [];
  const importNames = new Set<string>();
  const exports = new Map<string, CoreItem>();
  for (let left = reader.count(MODULE_TYPE_DECLARATIONS_MAX, 'declarations'); left > 0; left -= 1) {
    const form = reader.u8();
    if (form === 0x00) {
      const entry = readCoreImport(items);
      addCoreImport(entry, importNames, reader);
      imports.push(entry);
    } else if (form === 0x01) space.read(reader, session.coreTypes);
    else if (form === 0x02) space.add(readTypeAlias(context, reader, space));
    else if (form === 0x03) {
      const name = reader.name();
      if (exports.has(name)) reader.fail(`a core module type exports ${quote(name)} twice`);
      exports.set(name, items.externType());
    } else reader.fail(`0x${form.toString(16)} is not a declaration of a core module type`);
  }
  return { imports, exports };
}

/** An alias of a core type of a scope around the module type; 0 levels out is the module type itself. */
function readTypeAlias(context: Context, reader: Reader, space: PlainTypeSpace): number {
  if (reader.u8() !== 0x10 || reader.u8() !== 0x01) reader.fail('a core module type can only alias outer types');
  const count = reader.u32();
  const index = reader.u32();
  const id = count === 0 ? space.at(index) : context.outer(count - 1).at(index);
  return id ?? reader.fail(`core type ${index} is not defined there, or is the type of a module`);
}
