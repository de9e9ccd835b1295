import type { Session } from './session.ts';
import type { AnyType, ComponentShape, Entity, Func, Instance, Path, Resource, ResourceId, Value } from './types.ts';

/**
 * Puts other resources into types. What mentions none of them keeps its identity, and with it its name; one object
 * becomes one object.
 */
export class Remap {
  readonly #session: Session;
  readonly #resources: ReadonlyMap<ResourceId, ResourceId>;
  readonly #done: Map<object, object>;

  /**
   * @param resources What stands for what.
   * @param renamed Types that are to become others as a whole, with their names.
   */
  constructor(
    session: Session,
    resources: ReadonlyMap<ResourceId, ResourceId>,
    renamed: ReadonlyMap<object, object> = new Map(),
  ) {
    this.#session = session;
    this.#resources = resources;
    this.#done = new Map(renamed);
  }

  entity(entity: Entity): Entity {
    switch (entity.kind) {
      case 'core-module':
        return entity; // cannot mention resources
      case 'type': {
        const referenced = this.any(entity.referenced);
        const created = entity.created.type === entity.referenced.type ? referenced : this.any(entity.created);
        if (referenced === entity.referenced && created === entity.created) return entity;
        return { kind: 'type', created, referenced };
      }
      case 'func':
        return changed(entity, this.func(entity.type));
      case 'instance':
        return changed(entity, this.instance(entity.type));
      case 'component':
        return changed(entity, this.component(entity.type));
    }
  }

  entities(entities: ReadonlyMap<string, Entity>): ReadonlyMap<string, Entity> {
    let same = true;
    const mapped = new Map<string, Entity>();
    for (const [name, entity] of entities) {
      this.#session.step();
      const other = this.entity(entity);
      same &&= other === entity;
      mapped.set(name, other);
    }
    return same ? entities : mapped;
  }

  any(any: AnyType): AnyType {
    switch (any.sort) {
      case 'value':
        return changed(any, this.value(any.type));
      case 'resource':
        return changed(any, this.#resource(any.type));
      case 'func':
        return changed(any, this.func(any.type));
      case 'instance':
        return changed(any, this.instance(any.type));
      case 'component':
        return changed(any, this.component(any.type));
    }
  }

  value(type: Value): Value {
    return this.#once(type, () => this.#valueAnew(type));
  }

  func(type: Func): Func {
    return this.#once(type, () => {
      const params = this.#members(type.params);
      const result = type.result && this.value(type.result);
      return params === type.params && result === type.result ? type : { params, result };
    });
  }

  instance(type: Instance): Instance {
    return this.#once(type, () => {
      const exports = this.entities(type.exports);
      const defined = type.defined.some((id) => this.#resources.has(id))
        ? type.defined.map((id) => this.#id(id))
        : type.defined;
      const explicit = this.paths(type.explicit);
      const same = exports === type.exports && defined === type.defined && explicit === type.explicit;
      return same ? type : { exports, defined, explicit };
    });
  }

  component(type: ComponentShape): ComponentShape {
    return this.#once(type, () => {
      const imports = this.entities(type.imports);
      const exports = this.entities(type.exports);
      const explicit = this.paths(type.explicit);
      const same = imports === type.imports && exports === type.exports && explicit === type.explicit;
      if (same) return type;
      return { imports, exports, explicit, imported: this.paths(type.imported), defined: this.paths(type.defined) };
    });
  }

  /** The same places of other resources. */
  paths(paths: ReadonlyMap<ResourceId, Path>): ReadonlyMap<ResourceId, Path> {
    this.#session.step(paths.size);
    if (![...paths.keys()].some((id) => this.#resources.has(id))) return paths;
    return new Map([...paths].map(([id, path]) => [this.#id(id), path]));
  }

  #id(id: ResourceId): ResourceId {
    return this.#resources.get(id) ?? id;
  }

  #resource(resource: Resource): Resource {
    return this.#once(resource, () => {
      const id = this.#id(resource.id);
      return id === resource.id ? resource : { id };
    });
  }

  /** Does the work for each object once; what results is as large and as deep as before. */
  #once<T extends object>(type: T, work: () => T): T {
    const done = this.#done.get(type);
    if (done !== undefined) return done as T;
    this.#session.step();
    const result = work();
    if (result !== type) this.#session.describeLike(result, type);
    this.#done.set(type, result);
    return result;
  }

  #valueAnew(type: Value): Value {
    switch (type.kind) {
      case 'record': {
        const fields = this.#members(type.fields);
        return fields === type.fields ? type : { kind: 'record', fields };
      }
      case 'variant': {
        const cases = this.#members(type.cases);
        return cases === type.cases ? type : { kind: 'variant', cases };
      }
      case 'tuple': {
        const types = type.types.map((part) => this.value(part));
        return types.every((part, at) => part === type.types[at]) ? type : { kind: 'tuple', types };
      }
      case 'list': {
        const element = this.value(type.element);
        return element === type.element ? type : { kind: 'list', element };
      }
      case 'option': {
        const some = this.value(type.some);
        return some === type.some ? type : { kind: 'option', some };
      }
      case 'result': {
        const ok = type.ok && this.value(type.ok);
        const error = type.error && this.value(type.error);
        return ok === type.ok && error === type.error ? type : { kind: 'result', ok, error };
      }
      case 'own':
      case 'borrow': {
        const resource = this.#resource(type.resource);
        return resource === type.resource ? type : { kind: type.kind, resource };
      }
      default:
        return type;
    }
  }

  #members<M extends { readonly name: string; readonly type: Value | undefined }>(members: readonly M[]): readonly M[] {
    this.#session.step(members.length);
    const mapped = members.map((member) => {
      const type = member.type && this.value(member.type);
      return type === member.type ? member : { ...member, type };
    });
    return mapped.every((member, at) => member === members[at]) ? members : mapped;
  }
}

/** `holder` with another type in it, or itself if the type is the same. */
function changed<H extends { readonly type: object }>(holder: H, type: H['type']): H {
  return holder.type === type ? holder : { ...holder, type };
}
