import { addItem, itemSort, readSortCode } from './aliases.ts';
import type { Context } from './context.ts';
import { type DeclaredName, ExternNames } from './extern-names.ts';
import { readEntityType, readExternName, typeEntity } from './externs.ts';
import { quote } from './failure.ts';
import type { Sort } from './model.ts';
import { NamedTypes } from './named-types.ts';
import type { Reader } from './reader.ts';
import { Remap } from './remap.ts';
import type { Scope, Side } from './scope.ts';
import type { ComponentShape, Entity, Instance, Path, ResourceId } from './types.ts';

/** Reads one import of a component. */
export function readImport(context: Context, reader: Reader): void {
  context.session.at = reader.offset;
  const declared = readExternName(reader);
  const entity = addImport(context, declared, readEntityType(context, reader, declared.name));
  const { scope } = context;
  scope.definitions.push({ kind: 'import', name: declared.name, type: scope.model.extern(entity) });
}

/** Reads one export of a component. */
export function readExport(context: Context, reader: Reader): void {
  const { scope, session } = context;
  session.at = reader.offset;
  const declared = readExternName(reader);
  const sort = itemSort(reader, readSortCode(reader));
  const index = reader.u32();
  const actual = itemAt(context, sort, index);
  const flag = reader.u8();
  if (flag > 1) reader.fail(`0x${flag.toString(16)} does not say whether there is a type`);
  const asked = flag === 0 ? actual : readEntityType(context, reader, declared.name);
  if (flag === 1) {
    const mismatch = context.subtyping.entity(actual, asked);
    if (mismatch !== undefined) context.fail(`the type of export ${quote(declared.name)} does not fit: ${mismatch}`);
  }
  const entity = addExport(context, declared, asked);
  scope.definitions.push({ kind: 'export', name: declared.name, sort, index, type: scope.model.extern(entity) });
}

/** The item at `index` of the index space of its sort, as it is exported or passed on. */
export function itemAt(context: Context, sort: Sort, index: number): Entity {
  const { scope } = context;
  switch (sort) {
    case 'func':
      return { kind: 'func', type: scope.lookup(scope.funcs, index, 'function') };
    case 'instance':
      return { kind: 'instance', type: scope.lookup(scope.instances, index, 'instance') };
    case 'component':
      return { kind: 'component', type: scope.lookup(scope.components, index, 'component') };
    case 'core-module':
      return { kind: 'core-module', type: scope.lookup(scope.coreModules, index, 'core module') };
    case 'type':
      return typeEntity(context, scope.type(index));
    case 'value':
      return context.session.unsupported('component-level values');
  }
}

/** Adds an import to the scope, with the resources that it brings. */
export function addImport(context: Context, declared: DeclaredName, declaredEntity: Entity): Entity {
  const { scope } = context;
  const importResource = (id: ResourceId, path: Path): void => {
    scope.importedResources.set(id, path);
    scope.model.addResource(id, { kind: 'import', path });
  };
  let entity = declaredEntity;
  if (entity.kind === 'instance') {
    const { type, fresh } = freshen(context, entity.type);
    for (const id of fresh) importResource(id, [declared.name, ...(type.explicit.get(id) ?? [])]);
    entity = { kind: 'instance', type };
  } else if (entity.kind === 'type' && entity.created === entity.referenced && entity.created.sort === 'resource') {
    importResource(entity.created.type.id, [declared.name]);
  }
  return addNamed(context, 'import', { declared, entity });
}

/** Adds an export to the scope; `declaredEntity` is what it is known as from now on, inside and outside. */
export function addExport(context: Context, declared: DeclaredName, declaredEntity: Entity): Entity {
  const { scope } = context;
  let entity = declaredEntity;
  if (entity.kind === 'instance') {
    const { type, fresh } = freshen(context, entity.type);
    for (const id of fresh) scope.definedResources.set(id, false);
    context.session.step(type.explicit.size);
    for (const [id, path] of type.explicit) exportResource(scope, id, [declared.name, ...path]);
    entity = { kind: 'instance', type };
  } else if (entity.kind === 'type' && entity.created.sort === 'resource') {
    const { id } = entity.created.type;
    if (entity.created === entity.referenced) scope.definedResources.set(id, false);
    exportResource(scope, id, [declared.name]);
  }
  return addNamed(context, 'export', { declared, entity });
}

function exportResource(scope: Scope, id: ResourceId, path: Path): void {
  // Under its first name: further ones are equal to it, and whoever provides it need not know them.
  if (!scope.explicitResources.has(id)) scope.explicitResources.set(id, path);
  scope.model.nameResource(id, path.at(-1) ?? '');
}

interface NamedEntity {
  readonly declared: DeclaredName;
  readonly entity: Entity;
}

function addNamed(context: Context, side: Side, { declared, entity }: NamedEntity): Entity {
  const { scope } = context;
  const externs = scope.side(side);
  addItem(scope, entity);
  if (entity.kind === 'type' && entity.created.sort === 'resource') {
    externs.nameResource(entity.created.type, declared.name);
  }
  // In an instance type this is decided when an instance of the type is imported or exported.
  if (scope.kind !== 'instance-type') new NamedTypes(context, side).check(entity, declared.name);
  new ExternNames(externs, side, context.fail).add(declared, entity);
  return entity;
}

/** Makes new resources of those that an instance type introduces: each instance of the type has its own. */
function freshen(context: Context, type: Instance): { readonly type: Instance; readonly fresh: readonly ResourceId[] } {
  if (type.defined.length === 0) return { type, fresh: [] };
  context.session.step(type.defined.length);
  const resources = new Map(type.defined.map((id) => [id, { name: id.name }]));
  const other = new Remap(context.session, resources).instance(type);
  const attached = context.session.describeLike({ ...other, defined: [] }, type);
  return { type: attached, fresh: [...resources.values()] };
}

/** Ends the declarations of an instance type. */
export function finishInstance(context: Context): Instance {
  const { scope, session } = context;
  return session.describe(
    {
      exports: scope.exports.entities,
      defined: [...scope.definedResources.keys()],
      explicit: scope.explicitResources,
    },
    context.infos(scope.exports.entities.values()),
  );
}

/** Ends a component or the declarations of a component type, and gives its type. */
export function finishComponent(context: Context): ComponentShape {
  const { scope, session, free } = context;
  const imports = scope.imports.entities;
  const exports = scope.exports.entities;
  const inImports = free.ofEntities(imports);
  const inExports = free.ofEntities(exports);
  const defined = new Map<ResourceId, Path>();
  session.step(scope.definedResources.size);
  for (const id of scope.definedResources.keys()) {
    if (inImports.has(id)) context.fail('a resource that is defined here is used in an import');
    if (!inExports.has(id)) continue;
    const path = scope.explicitResources.get(id);
    if (path === undefined) return context.fail('a resource that is used in an export is not exported itself');
    defined.set(id, path);
  }
  return session.describe(
    { imports, exports, imported: scope.importedResources, defined, explicit: scope.explicitResources },
    context.infos([...imports.values(), ...exports.values()]),
  );
}
