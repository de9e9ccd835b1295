import { itemSort, readSortCode } from './aliases.ts';
import type { Context } from './context.ts';
import { CORE_KINDS } from './core-module.ts';
import { ExternNames } from './extern-names.ts';
import { itemAt } from './extern-section.ts';
import { readExternName } from './externs.ts';
import { quote } from './failure.ts';
import { INSTANTIATION_ARGS_MAX } from './limits.ts';
import type { CoreSort, Sort } from './model.ts';
import type { Reader } from './reader.ts';
import { Remap } from './remap.ts';
import { Externs } from './scope.ts';
import type { CoreInstance, CoreItem, Entity, Instance, Path, ResourceId } from './types.ts';

/** Reads one definition of the core instance section. */
export function readCoreInstance(context: Context, reader: Reader): void {
  context.session.at = reader.offset;
  const form = reader.u8();
  if (form === 0x00) instantiateCore(context, reader);
  else if (form === 0x01) putTogetherCore(context, reader);
  else reader.fail(`0x${form.toString(16)} is not the form of a core instance`);
}

function instantiateCore(context: Context, reader: Reader): void {
  const { scope } = context;
  const index = reader.u32();
  const args = reader.vector(INSTANTIATION_ARGS_MAX, 'arguments', () => {
    const name = reader.name();
    if (reader.u8() !== 0x12) reader.fail('an argument of a core instantiation must be a core instance');
    return { name, instance: reader.u32() };
  });
  const module = scope.lookup(scope.coreModules, index, 'core module');
  const given = new Map<string, CoreInstance>();
  for (const { name, instance } of args) {
    if (given.has(name)) context.fail(`argument ${quote(name)} is given twice`);
    given.set(name, scope.lookup(scope.coreInstances, instance, 'core instance'));
  }
  context.session.step(module.imports.length);
  for (const { module: from, name, type } of module.imports) {
    const instance = given.get(from) ?? context.fail(`core argument ${quote(from)} is missing`);
    const item = instance.get(name) ?? context.fail(`core argument ${quote(from)} has no export ${quote(name)}`);
    const mismatch = context.subtyping.coreItem(item, type);
    if (mismatch !== undefined) context.fail(`${mismatch} in export ${quote(name)} of core argument ${quote(from)}`);
  }
  scope.coreInstances.push(module.exports);
  scope.definitions.push({ kind: 'core-instantiate', module: index, args });
}

function putTogetherCore(context: Context, reader: Reader): void {
  const { scope } = context;
  const items = new Map<string, CoreItem>();
  const exports = reader.vector(INSTANTIATION_ARGS_MAX, 'exports', () => {
    const name = reader.name();
    const sort: CoreSort =
      CORE_KINDS[reader.u8()] ?? reader.fail('that is not a sort of item that a core instance exports');
    const index = reader.u32();
    if (items.has(name)) context.fail(`a core instance exports ${quote(name)} twice`);
    items.set(name, coreItemAt(context, sort, index));
    return { name, sort, index };
  });
  scope.coreInstances.push(items);
  scope.definitions.push({ kind: 'core-exports', exports });
}

function coreItemAt({ scope }: Context, sort: CoreItem['kind'], index: number): CoreItem {
  switch (sort) {
    case 'func':
      return scope.coreFunc(index);
    case 'table':
      return scope.lookup(scope.coreTables, index, 'core table');
    case 'memory':
      return scope.lookup(scope.coreMemories, index, 'core memory');
    case 'global':
      return scope.lookup(scope.coreGlobals, index, 'core global');
    case 'tag':
      return scope.lookup(scope.coreTags, index, 'core tag');
  }
}

/** Reads one definition of the instance section. */
export function readInstance(context: Context, reader: Reader): void {
  context.session.at = reader.offset;
  const form = reader.u8();
  if (form === 0x00) instantiate(context, reader);
  else if (form === 0x01) putTogether(context, reader);
  else reader.fail(`0x${form.toString(16)} is not the form of an instance`);
}

interface Item {
  readonly name: string;
  readonly sort: Sort;
  readonly index: number;
}

function instantiate(context: Context, reader: Reader): void {
  const { scope } = context;
  const component = reader.u32();
  const args: Item[] = reader.vector(INSTANTIATION_ARGS_MAX, 'arguments', () => ({
    name: reader.name(),
    sort: itemSort(reader, readSortCode(reader)),
    index: reader.u32(),
  }));
  const shape = scope.lookup(scope.components, component, 'component');
  const given = new Map<string, Entity>();
  for (const { name, sort, index } of args) {
    if (given.has(name)) context.fail(`argument ${quote(name)} is given twice`);
    given.set(name, passedItem(context, sort, index));
  }
  const opened = context.subtyping.open(given, shape, 'imports');
  if (typeof opened === 'string') context.fail(opened);
  // What the component defines is new in each instance of it.
  const resources = new Map(opened.resources);
  for (const [id, place] of shape.defined) {
    context.session.step(place.length);
    const fresh = { name: place.at(-1) ?? id.name };
    resources.set(id, fresh);
    scope.definedResources.set(fresh, false);
    scope.model.addResource(fresh, { kind: 'instance', instance: scope.instances.length, path: place });
  }
  const remap = new Remap(context.session, resources, opened.renamed);
  const exports = remap.entities(shape.exports);
  const type = describeInstance(context, { exports, defined: [], explicit: remap.paths(shape.explicit) });
  scope.instances.push(type);
  scope.definitions.push({ kind: 'instantiate', component, args, type: scope.model.instance(type) });
}

function describeInstance(context: Context, instance: Instance): Instance {
  return context.session.describe(instance, context.infos(instance.exports.values()));
}

/** An item that is passed on: a type keeps the name that it has. */
function passedItem(context: Context, sort: Sort, index: number): Entity {
  if (sort !== 'type') return itemAt(context, sort, index);
  const type = context.scope.type(index);
  return { kind: 'type', created: type, referenced: type };
}

function putTogether(context: Context, reader: Reader): void {
  const { scope, session } = context;
  const externs = new Externs();
  const names = new ExternNames(externs, 'export', context.fail);
  const explicit = new Map<ResourceId, Path>();
  const exports: Item[] = reader.vector(INSTANTIATION_ARGS_MAX, 'exports', () => {
    const declared = readExternName(reader);
    const { name } = declared;
    const sort = itemSort(reader, readSortCode(reader));
    const index = reader.u32();
    const entity = passedItem(context, sort, index);
    if (entity.kind === 'type' && entity.created.sort === 'resource') explicit.set(entity.created.type.id, [name]);
    if (entity.kind === 'instance') {
      session.step(entity.type.explicit.size);
      for (const [id, path] of entity.type.explicit) explicit.set(id, [name, ...path]);
    }
    names.add(declared, entity);
    return { name, sort, index };
  });
  const type = describeInstance(context, { exports: externs.entities, defined: [], explicit });
  scope.instances.push(type);
  scope.definitions.push({ kind: 'exports', exports, type: scope.model.instance(type) });
}
