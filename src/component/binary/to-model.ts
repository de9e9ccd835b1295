import type {
  ComponentType,
  CoreModuleType,
  ExternType,
  FuncType,
  InstanceType,
  ResourceOrigin,
  ResourceSymbol,
  TypeBound,
  ValueType,
} from './model.ts';
import type { Session } from './session.ts';
import type { ComponentShape, CoreModule, Entity, Func, Instance, Resource, ResourceId, Value } from './types.ts';

/** Writes the types of one component in the form of the model, with a symbol for each of its resources. */
export class ModelWriter {
  /** By slot. */
  readonly resources: ResourceSymbol[] = [];
  readonly #session: Session;
  readonly #symbols = new Map<ResourceId, ResourceSymbol>();
  readonly #done = new Map<object, object>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Gives a resource of this component its slot. */
  addResource(id: ResourceId, origin: ResourceOrigin): ResourceSymbol {
    const symbol: ResourceSymbol = { slot: this.resources.length, name: id.name, origin };
    this.resources.push(symbol);
    this.#symbols.set(id, symbol);
    return symbol;
  }

  /** Names a resource that has no name yet. */
  nameResource(id: ResourceId, name: string): void {
    const symbol = this.#symbols.get(id);
    if (symbol !== undefined && symbol.name === '') symbol.name = name;
  }

  /** The symbol of a resource; one without a slot if it is bound inside the type of another component. */
  symbol(resource: Resource): ResourceSymbol {
    const known = this.#symbols.get(resource.id);
    if (known !== undefined) return known;
    const bound: ResourceSymbol = { slot: -1, name: resource.id.name, origin: { kind: 'import', path: [] } };
    this.#symbols.set(resource.id, bound);
    return bound;
  }

  value(type: Value): ValueType {
    return this.#once(type, () => this.#valueAnew(type));
  }

  func(type: Func): FuncType {
    return this.#once(type, () => {
      const params = type.params.map((param) => ({ name: param.name, type: this.value(param.type) }));
      return { params, result: type.result && this.value(type.result) };
    });
  }

  instance(type: Instance): InstanceType {
    return this.#once(type, () => ({ exports: this.#externs(type.exports) }));
  }

  component(type: ComponentShape): ComponentType {
    return this.#once(type, () => ({ imports: this.#externs(type.imports), exports: this.#externs(type.exports) }));
  }

  extern(entity: Entity): ExternType {
    switch (entity.kind) {
      case 'func':
        return { kind: 'func', type: this.func(entity.type) };
      case 'instance':
        return { kind: 'instance', type: this.instance(entity.type) };
      case 'component':
        return { kind: 'component', type: this.component(entity.type) };
      case 'core-module':
        return { kind: 'core-module', type: coreModule(entity.type) };
      case 'type':
        return { kind: 'type', type: this.#bound(entity) };
    }
  }

  #externs(entities: ReadonlyMap<string, Entity>): ReadonlyMap<string, ExternType> {
    this.#session.step(entities.size);
    return new Map([...entities].map(([name, entity]) => [name, this.extern(entity)]));
  }

  #bound(entity: Extract<Entity, { readonly kind: 'type' }>): TypeBound {
    const { created } = entity;
    if (created.sort === 'resource') return { kind: 'resource', resource: this.symbol(created.type) };
    return created.sort === 'value' ? { kind: 'value', type: this.value(created.type) } : { kind: 'other' };
  }

  #once<T extends object>(type: object, write: () => T): T {
    const done = this.#done.get(type);
    if (done !== undefined) return done as T;
    this.#session.step();
    const written = write();
    this.#done.set(type, written);
    return written;
  }

  #valueAnew(type: Value): ValueType {
    switch (type.kind) {
      case 'record':
        return {
          kind: 'record',
          fields: type.fields.map(({ name, type: part }) => ({ name, type: this.value(part) })),
        };
      case 'variant':
        return {
          kind: 'variant',
          cases: type.cases.map(({ name, type: part }) => ({ name, type: part && this.value(part) })),
        };
      case 'list':
        return { kind: 'list', element: this.value(type.element) };
      case 'tuple':
        return { kind: 'tuple', types: type.types.map((part) => this.value(part)) };
      case 'option':
        return { kind: 'option', some: this.value(type.some) };
      case 'result':
        return { kind: 'result', ok: type.ok && this.value(type.ok), error: type.error && this.value(type.error) };
      case 'own':
      case 'borrow':
        return { kind: type.kind, resource: this.symbol(type.resource) };
      default:
        return type;
    }
  }
}

/** Core modules are written the same; only the numbers of types in them mean nothing outside. */
export function coreModule(module: CoreModule): CoreModuleType {
  return module;
}
