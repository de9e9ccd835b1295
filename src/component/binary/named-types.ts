import type { Context } from './context.ts';
import { quote } from './failure.ts';
import type { Externs, Side } from './scope.ts';
import { type AnyType, type Entity, partsOf, type Value, valuesOf } from './types.ts';

/**
 * The rule that a resource, record, variant, flags or enum may appear in what is imported or exported only by a name
 * under which it is imported or exported itself.
 */
export class NamedTypes {
  readonly #context: Context;
  readonly #side: Side;
  readonly #externs: Externs;

  constructor(context: Context, side: Side) {
    this.#context = context;
    this.#side = side;
    this.#externs = context.scope.side(side);
  }

  /** Throws unless `entity`, called `name`, keeps the rule; notes the names that it gives to types. */
  check(entity: Entity, name: string): void {
    this.#context.session.step();
    if (entity.kind === 'instance') {
      for (const [inner, part] of entity.type.exports) this.check(part, inner);
    } else if (entity.kind === 'func') {
      if (!this.#allNamed(valuesOf(entity.type))) this.#refuse(name, 'function');
    } else if (entity.kind === 'type') {
      if (!this.#isClosed(entity.referenced)) this.#refuse(name, 'type');
      const { named } = this.#context.scope.exports;
      named.add(entity.created.type); // what is imported may be exported too
      this.#externs.named.add(entity.created.type);
    }
  }

  #refuse(name: string, what: string): never {
    const where = `${this.#side}ed`;
    return this.#context.fail(
      `${what} ${quote(name)} cannot be ${where}: it uses a resource, record, variant, flags or enum type that is not ${where} under a name before it`,
    );
  }

  /** Tells whether all that the type is made of has names. The type itself is about to get one. */
  #isClosed(any: AnyType): boolean {
    this.#context.session.step();
    switch (any.sort) {
      case 'value': {
        const { type } = any;
        if (type.kind === 'own' || type.kind === 'borrow') return this.#externs.named.has(type.resource);
        return this.#allNamed(partsOf(type));
      }
      case 'func':
        return this.#allNamed(valuesOf(any.type));
      case 'instance':
        return [...any.type.exports.values()].every((part) => this.#isClosedEntity(part));
      default:
        return true; // a resource gets its name here; a component type was checked when it was made
    }
  }

  #isClosedEntity(entity: Entity): boolean {
    if (entity.kind === 'type') return this.#isClosed(entity.created);
    if (entity.kind === 'func') return this.#isClosed({ sort: 'func', type: entity.type });
    return entity.kind !== 'instance' || this.#isClosed({ sort: 'instance', type: entity.type });
  }

  #allNamed(types: readonly Value[]): boolean {
    return types.every((type) => this.#isNamed(type));
  }

  #isNamed(type: Value): boolean {
    switch (type.kind) {
      case 'record':
      case 'variant':
      case 'flags':
      case 'enum':
        return this.#externs.named.has(type);
      case 'own':
      case 'borrow':
        return this.#externs.named.has(type.resource);
      case 'list':
      case 'tuple':
      case 'option':
      case 'result': {
        if (this.#externs.fullyNamed.has(type)) return true;
        this.#context.session.step();
        if (!this.#allNamed(partsOf(type))) return false;
        this.#externs.fullyNamed.add(type);
        return true;
      }
      default:
        return true;
    }
  }
}
