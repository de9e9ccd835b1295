import type { Context } from './context.ts';
import { CORE_KINDS } from './core-module.ts';
import { quote, unsupported } from './failure.ts';
import type { CoreSort, Sort } from './model.ts';
import type { Reader } from './reader.ts';
import type { Scope } from './scope.ts';
import type { CoreItem, Entity } from './types.ts';

/** A sort of item as it is written: one byte, or two if the item is of core WebAssembly. */
type SortCode = { readonly core: false; readonly code: number } | { readonly core: true; readonly code: number };

const SORTS: Readonly<Record<number, Exclude<Sort, 'value' | 'core-module'>>> = {
  1: 'func',
  3: 'type',
  4: 'component',
  5: 'instance',
};

export function readSortCode(reader: Reader): SortCode {
  const code = reader.u8();
  return code === 0x00 ? { core: true, code: reader.u8() } : { core: false, code };
}

/** The sort of an item that components can pass on. Throws if it is none. */
export function itemSort(reader: Reader, { core, code }: SortCode): Sort {
  if (core && code === 0x11) return 'core-module';
  if (!core && code === 0x02) return unsupported(reader.offset - 1, 'component-level values');
  const sort = core ? undefined : SORTS[code];
  return sort ?? reader.fail('that is not a sort of item that a component can pass on');
}

/** Reads an alias and adds what it names to the index space of its sort. */
export function readAlias(context: Context, reader: Reader): void {
  context.session.at = reader.offset;
  const sort = readSortCode(reader);
  const target = reader.u8();
  if (target === 0x00) aliasExport(context, reader, itemSort(reader, sort));
  else if (target === 0x01) aliasCoreExport(context, reader, sort);
  else if (target === 0x02) aliasOuter(context, reader, sort);
  else reader.fail(`0x${target.toString(16)} is not a target of an alias`);
}

function aliasExport(context: Context, reader: Reader, sort: Sort): void {
  const { scope } = context;
  const instance = reader.u32();
  const name = reader.name();
  if (scope.kind !== 'component' && sort !== 'type' && sort !== 'instance') {
    context.fail('an alias in a component or instance type can only name a type or an instance');
  }
  const { exports } = scope.lookup(scope.instances, instance, 'instance');
  const found = exports.get(name) ?? context.fail(`instance ${instance} has no export ${quote(name)}`);
  if (found.kind !== sort) context.fail(`export ${quote(name)} of instance ${instance} is not of the sort ${sort}`);
  addItem(scope, found);
  if (scope.kind === 'component') scope.definitions.push({ kind: 'alias-export', sort, instance, name });
}

/** Adds an item to the index space of its sort. */
export function addItem(scope: Scope, entity: Entity): void {
  switch (entity.kind) {
    case 'func':
      scope.funcs.push(entity.type);
      break;
    case 'instance':
      scope.instances.push(entity.type);
      break;
    case 'component':
      scope.components.push(entity.type);
      break;
    case 'core-module':
      scope.coreModules.push(entity.type);
      break;
    case 'type':
      scope.types.push(entity.created);
  }
}

function aliasCoreExport(context: Context, reader: Reader, code: SortCode): void {
  const { scope } = context;
  const instance = reader.u32();
  const name = reader.name();
  if (scope.kind !== 'component') context.fail('an alias in a component or instance type cannot name a core item');
  const known = code.core ? CORE_KINDS[code.code] : undefined;
  const sort: CoreSort = known ?? reader.fail('that is not a sort of item that a core instance exports');
  const exports = scope.lookup(scope.coreInstances, instance, 'core instance');
  const found = exports.get(name) ?? context.fail(`core instance ${instance} has no export ${quote(name)}`);
  if (found.kind !== sort) context.fail(`export ${quote(name)} of core instance ${instance} is not a ${sort}`);
  addCoreItem(scope, found);
  scope.definitions.push({ kind: 'alias-core-export', sort, instance, name });
}

function addCoreItem(scope: Scope, item: CoreItem): void {
  switch (item.kind) {
    case 'func':
      scope.coreFuncs.push(item);
      break;
    case 'table':
      scope.coreTables.push(item);
      break;
    case 'memory':
      scope.coreMemories.push(item);
      break;
    case 'global':
      scope.coreGlobals.push(item);
      break;
    case 'tag':
      scope.coreTags.push(item);
  }
}

function aliasOuter(context: Context, reader: Reader, { core, code }: SortCode): void {
  const { scope } = context;
  const count = reader.u32();
  const index = reader.u32();
  const sort =
    OUTER_SORTS[core ? `core ${code}` : `${code}`] ??
    reader.fail('that is not a sort of item that an outer alias can name');
  if (scope.kind !== 'component' && sort !== 'type' && sort !== 'core-type') {
    context.fail('an outer alias in a component or instance type can only name a type');
  }
  const outer = context.outer(count);
  switch (sort) {
    case 'type': {
      const type = outer.type(index);
      if (crossesComponent(context, count) && context.free.ofType(type).size > 0) {
        context.fail('an outer alias names a type that refers to a resource of the enclosing component');
      }
      scope.types.push(type);
      break;
    }
    case 'component':
      // Its type may name a resource from around here. Nothing that could be given for it exports that one, so it is never
      // instantiated.
      scope.components.push(outer.lookup(outer.components, index, 'component'));
      break;
    case 'core-module':
      scope.coreModules.push(outer.lookup(outer.coreModules, index, 'core module'));
      break;
    case 'core-type':
      scope.coreTypes.push(outer.lookup(outer.coreTypes, index, 'core type'));
  }
  if (scope.kind === 'component') scope.definitions.push({ kind: 'alias-outer', sort, count, index });
}

const OUTER_SORTS: Readonly<Record<string, 'type' | 'component' | 'core-module' | 'core-type'>> = {
  '3': 'type',
  '4': 'component',
  'core 16': 'core-type',
  'core 17': 'core-module',
};

/** Tells whether a scope between here and `count` levels out is a component: it could be taken out on its own. */
function crossesComponent(context: Context, count: number): boolean {
  return count > 0 && context.outer(count - 1).kind === 'component';
}
