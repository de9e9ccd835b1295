import type { Session } from './session.ts';
import { type AnyType, type Entity, partsOf, type ResourceId, valuesOf } from './types.ts';

const NONE: ReadonlySet<ResourceId> = new Set();

/** Finds the resources that a type mentions but does not introduce itself. */
export class FreeResources {
  readonly #session: Session;
  readonly #known = new Map<object, ReadonlySet<ResourceId>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Those of all entities together. */
  ofEntities(entities: ReadonlyMap<string, Entity>): ReadonlySet<ResourceId> {
    return this.#union([...entities.values()].map((entity) => this.#ofEntity(entity)));
  }

  ofType(any: AnyType): ReadonlySet<ResourceId> {
    if (any.sort === 'resource') return new Set([any.type.id]);
    return this.#once(any.type, () => this.#anew(any));
  }

  #ofEntity(entity: Entity): ReadonlySet<ResourceId> {
    switch (entity.kind) {
      case 'core-module':
        return NONE;
      case 'type':
        return this.ofType(entity.created);
      case 'func':
        return this.ofType({ sort: 'func', type: entity.type });
      case 'instance':
        return this.ofType({ sort: 'instance', type: entity.type });
      case 'component':
        return this.ofType({ sort: 'component', type: entity.type });
    }
  }

  #anew(any: Exclude<AnyType, { readonly sort: 'resource' }>): ReadonlySet<ResourceId> {
    switch (any.sort) {
      case 'value': {
        if (any.type.kind === 'own' || any.type.kind === 'borrow') return new Set([any.type.resource.id]);
        return this.#union(partsOf(any.type).map((type) => this.ofType({ sort: 'value', type })));
      }
      case 'func':
        return this.#union(valuesOf(any.type).map((type) => this.ofType({ sort: 'value', type })));
      case 'instance':
        return without(this.ofEntities(any.type.exports), any.type.defined);
      case 'component': {
        const mentioned = this.#union([this.ofEntities(any.type.imports), this.ofEntities(any.type.exports)]);
        return without(mentioned, [...any.type.imported.keys(), ...any.type.defined.keys()]);
      }
    }
  }

  #once(type: object, find: () => ReadonlySet<ResourceId>): ReadonlySet<ResourceId> {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    this.#session.step();
    const found = find();
    this.#known.set(type, found);
    return found;
  }

  #union(sets: readonly ReadonlySet<ResourceId>[]): ReadonlySet<ResourceId> {
    const some = sets.filter((set) => set.size > 0);
    if (some.length < 2) return some[0] ?? NONE;
    const all = new Set<ResourceId>();
    for (const set of some) {
      this.#session.step(set.size);
      for (const id of set) all.add(id);
    }
    return all;
  }
}

function without(all: ReadonlySet<ResourceId>, some: readonly ResourceId[]): ReadonlySet<ResourceId> {
  if (all.size === 0 || some.length === 0) return all;
  const rest = new Set(all);
  for (const id of some) rest.delete(id);
  return rest;
}
