import { quote } from './failure.ts';
import { Remap } from './remap.ts';
import type { Session } from './session.ts';
import type {
  AnyType,
  ComponentShape,
  CoreItem,
  CoreModule,
  Entity,
  Func,
  Instance,
  Path,
  ResourceId,
  Value,
} from './types.ts';

/** What does not fit, as a phrase, or `undefined` if everything fits. */
export type Mismatch = string | undefined;

/** What an instantiation makes of the resources and types of the component's own. */
export interface Opening {
  readonly resources: Map<ResourceId, ResourceId>;
  readonly renamed: Map<object, object>;
}

/**
 * Decides whether something of type `a` may stand where type `b` is asked for.
 *
 * Value and function types must be equal in all but their names of type definitions; instances may export more than is
 * asked for, components may import less. That is narrower than the Component Model's text allows and exactly what
 * wasm-tools and Wasmtime do.
 */
export class Subtyping {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  entity(a: Entity, b: Entity): Mismatch {
    if (a.kind !== b.kind) return `expected ${article(b.kind)}, found ${article(a.kind)}`;
    if (a.kind === 'type' && b.kind === 'type') return this.#any(a.referenced, b.referenced);
    if (a.kind === 'func' && b.kind === 'func') return this.#func(a.type, b.type);
    if (a.kind === 'instance' && b.kind === 'instance') return this.#instance(a.type, b.type);
    if (a.kind === 'component' && b.kind === 'component') return this.#component(a.type, b.type);
    if (a.kind === 'core-module' && b.kind === 'core-module') return this.coreModule(a.type, b.type);
    return undefined;
  }

  #any(a: AnyType, b: AnyType): Mismatch {
    if (a.sort !== b.sort) return `expected ${article(SORT_NAMES[b.sort])}, found ${article(SORT_NAMES[a.sort])}`;
    if (a.sort === 'value' && b.sort === 'value') return this.value(a.type, b.type);
    if (a.sort === 'resource' && b.sort === 'resource') return sameResource(a.type.id, b.type.id);
    if (a.sort === 'func' && b.sort === 'func') return this.#func(a.type, b.type);
    if (a.sort === 'instance' && b.sort === 'instance') return this.#instance(a.type, b.type);
    if (a.sort === 'component' && b.sort === 'component') return this.#component(a.type, b.type);
    return undefined;
  }

  /** Notes each pair that fits, so that types which share parts are compared once. */
  #once(a: object, b: object, compare: () => Mismatch): Mismatch {
    this.#session.step();
    if (this.#session.isKnownSubtype(a, b)) return undefined;
    const mismatch = compare();
    if (mismatch === undefined) this.#session.noteSubtype(a, b);
    return mismatch;
  }

  #func(a: Func, b: Func): Mismatch {
    return this.#once(a, b, () => {
      if (a.params.length !== b.params.length)
        return `expected ${b.params.length} parameters, found ${a.params.length}`;
      return (
        this.#members(a.params, b.params, 'parameter') ?? within(this.#optional(a.result, b.result), 'in the result')
      );
    });
  }

  /** Members must be the same, by name and type, in the same order. */
  #members<M extends { readonly name: string; readonly type: Value | undefined }>(
    a: readonly M[],
    b: readonly M[],
    what: string,
  ): Mismatch {
    this.#session.step(b.length);
    if (a.length !== b.length) return `expected ${b.length} ${what}s, found ${a.length}`;
    for (const [at, asked] of b.entries()) {
      const found = a[at] as M; // of the same length
      if (found.name.toLowerCase() !== asked.name.toLowerCase()) {
        return `expected ${what} ${quote(asked.name)}, found ${quote(found.name)}`;
      }
      const mismatch = this.#optional(found.type, asked.type);
      if (mismatch !== undefined) return within(mismatch, `in ${what} ${quote(asked.name)}`);
    }
    return undefined;
  }

  #optional(a: Value | undefined, b: Value | undefined): Mismatch {
    if (a !== undefined && b !== undefined) return this.value(a, b);
    if (a === undefined && b === undefined) return undefined;
    return a === undefined ? 'expected a type, found none' : 'expected no type, found one';
  }

  value(a: Value, b: Value): Mismatch {
    return this.#once(a, b, () => this.#valueAnew(a, b));
  }

  #valueAnew(a: Value, b: Value): Mismatch {
    if (a.kind !== b.kind) return `expected ${b.kind}, found ${a.kind}`;
    if (a.kind === 'record' && b.kind === 'record') return this.#members(a.fields, b.fields, 'field');
    if (a.kind === 'variant' && b.kind === 'variant') return this.#members(a.cases, b.cases, 'case');
    if (a.kind === 'list' && b.kind === 'list') return this.value(a.element, b.element);
    if (a.kind === 'option' && b.kind === 'option') return this.value(a.some, b.some);
    if (a.kind === 'tuple' && b.kind === 'tuple') return this.#tuple(a.types, b.types);
    if (a.kind === 'result' && b.kind === 'result') {
      return within(this.#optional(a.ok, b.ok), 'in ok') ?? within(this.#optional(a.error, b.error), 'in error');
    }
    if ((a.kind === 'flags' && b.kind === 'flags') || (a.kind === 'enum' && b.kind === 'enum')) {
      const same = a.names.length === b.names.length && a.names.every((name, at) => sameLabel(name, b.names[at]));
      return same ? undefined : `the members of the ${a.kind} are not the same`;
    }
    if ((a.kind === 'own' && b.kind === 'own') || (a.kind === 'borrow' && b.kind === 'borrow')) {
      return sameResource(a.resource.id, b.resource.id);
    }
    return undefined; // the same primitive
  }

  #tuple(a: readonly Value[], b: readonly Value[]): Mismatch {
    if (a.length !== b.length) return `expected ${b.length} members of a tuple, found ${a.length}`;
    for (const [at, asked] of b.entries()) {
      const mismatch = this.value(a[at] as Value, asked);
      if (mismatch !== undefined) return within(mismatch, `in member ${at} of a tuple`);
    }
    return undefined;
  }

  #instance(a: Instance, b: Instance): Mismatch {
    return this.#once(a, b, () => {
      for (const [name, asked] of b.exports) {
        this.#session.step();
        const found = a.exports.get(name);
        if (found === undefined) return `export ${quote(name)} is missing`;
        const mismatch = this.entity(found, asked);
        if (mismatch !== undefined) return within(mismatch, `in export ${quote(name)}`);
      }
      return undefined;
    });
  }

  /**
   * Whoever expects `b` supplies the imports of `b` and uses its exports: so those imports must open `a`, and what `a`
   * then exports must do for the exports of `b`, with the resources of `b` taken from there.
   */
  #component(a: ComponentShape, b: ComponentShape): Mismatch {
    return this.#once(a, b, () => {
      const opened = this.open(b.imports, a, 'imports');
      if (typeof opened === 'string') return opened;
      const exports = new Remap(this.#session, opened.resources, opened.renamed).entities(a.exports);
      const closed = this.open(exports, b, 'exports');
      return typeof closed === 'string' ? closed : undefined;
    });
  }

  /**
   * Checks that `supplied` has what `component` imports (or exports), where resources of the component's own stand for
   * those that are supplied in their places.
   *
   * @returns What stands for what from then on, or what does not fit.
   */
  open(
    supplied: ReadonlyMap<string, Entity>,
    component: ComponentShape,
    side: 'imports' | 'exports',
  ): Opening | string {
    const asked = component[side];
    const own = side === 'imports' ? component.imported : component.defined;
    const opening: Opening = { resources: new Map(), renamed: new Map() };
    for (const [id, path] of own) {
      this.#session.step(path.length);
      const found = resourceAt(supplied, path);
      if (found !== undefined) opening.resources.set(id, found);
    }
    const remap = new Remap(this.#session, opening.resources);
    const what = side === 'imports' ? 'import' : 'export';
    for (const [name, expected] of asked) {
      this.#session.step();
      const found = supplied.get(name);
      if (found === undefined) return `${what} ${quote(name)} is missing`;
      const mismatch = this.entity(found, remap.entity(expected));
      if (mismatch !== undefined) return within(mismatch, `for ${what} ${quote(name)}`) as string;
      this.#noteNames(found, expected, opening.renamed);
    }
    return opening;
  }

  /** Notes which type, under its name, was supplied for which. */
  #noteNames(found: Entity, expected: Entity, renamed: Map<object, object>): void {
    this.#session.step();
    if (found.kind === 'type' && expected.kind === 'type') {
      renamed.set(expected.created.type, found.created.type);
    } else if (found.kind === 'instance' && expected.kind === 'instance') {
      for (const [name, inner] of expected.type.exports) {
        const match = found.type.exports.get(name);
        if (match !== undefined) this.#noteNames(match, inner, renamed);
      }
    }
  }

  /** Decides the same for core modules: `a` may import less and export more. */
  coreModule(a: CoreModule, b: CoreModule): Mismatch {
    return this.#once(a, b, () => {
      this.#session.step(a.imports.length + b.imports.length + b.exports.size);
      const offered = new Map(b.imports.map((entry) => [JSON.stringify([entry.module, entry.name]), entry.type]));
      for (const { module, name, type } of a.imports) {
        const where = `in import ${quote(name)} of ${quote(module)}`;
        const found = offered.get(JSON.stringify([module, name]));
        const mismatch = found === undefined ? 'nothing was expected' : this.coreItem(found, type);
        if (mismatch !== undefined) return within(mismatch, where);
      }
      for (const [name, asked] of b.exports) {
        const found = a.exports.get(name);
        if (found === undefined) return `core export ${quote(name)} is missing`;
        const mismatch = this.coreItem(found, asked);
        if (mismatch !== undefined) return within(mismatch, `in core export ${quote(name)}`);
      }
      return undefined;
    });
  }

  coreItem(a: CoreItem, b: CoreItem): Mismatch {
    if (a.kind !== b.kind) return `expected a core ${b.kind}, found a core ${a.kind}`;
    if ((a.kind === 'func' && b.kind === 'func') || (a.kind === 'tag' && b.kind === 'tag')) {
      if (this.#session.coreTypes.isSubtype(a.id, b.id)) return undefined;
      return `expected core ${coreSignature(b.type)}, found ${coreSignature(a.type)}`;
    }
    if (a.kind === 'global' && b.kind === 'global') {
      if (a.mutable !== b.mutable) return 'core globals differ in mutability';
      return a.type === b.type ? undefined : `expected a core global of ${b.type}, found ${a.type}`;
    }
    if (a.kind === 'table' && b.kind === 'table') {
      if (a.element !== b.element) return `expected a core table of ${b.element}, found ${a.element}`;
      if (a.is64 !== b.is64) return 'core tables differ in their address type';
      return limitsMatch(a, b) ? undefined : 'the limits of a core table do not fit';
    }
    if (a.kind === 'memory' && b.kind === 'memory') {
      if (a.shared !== b.shared) return 'one core memory is shared and the other is not';
      if (a.is64 !== b.is64) return 'core memories differ in their address type';
      return limitsMatch(a, b) ? undefined : 'the limits of a core memory do not fit';
    }
    return undefined;
  }
}

interface Limits {
  readonly min: bigint;
  readonly max: bigint | undefined;
}

function limitsMatch(a: Limits, b: Limits): boolean {
  if (a.min < b.min) return false;
  return b.max === undefined || (a.max !== undefined && a.max <= b.max);
}

const SORT_NAMES: Readonly<Record<AnyType['sort'], string>> = {
  value: 'value type',
  resource: 'resource type',
  func: 'func type',
  instance: 'instance type',
  component: 'component type',
};

function article(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun.replace('core-module', 'core module')}`;
}

function within(mismatch: Mismatch, where: string): Mismatch {
  return mismatch === undefined ? undefined : `${mismatch} ${where}`;
}

function sameLabel(a: string, b: string | undefined): boolean {
  return a.toLowerCase() === b?.toLowerCase();
}

function sameResource(a: ResourceId, b: ResourceId): Mismatch {
  return a === b ? undefined : `resource types are not the same: expected ${quote(b.name)}, found ${quote(a.name)}`;
}

/** The resource that is exported at `path` of `entities`, if there is one. */
export function resourceAt(entities: ReadonlyMap<string, Entity>, path: Path): ResourceId | undefined {
  let inside: ReadonlyMap<string, Entity> = entities;
  for (const [at, name] of path.entries()) {
    const entity = inside.get(name);
    if (at === path.length - 1) {
      return entity?.kind === 'type' && entity.created.sort === 'resource' ? entity.created.type.id : undefined;
    }
    if (entity?.kind !== 'instance') return undefined;
    inside = entity.type.exports;
  }
  return undefined;
}

/** `(i32 i32) -> (i64)`. */
export function coreSignature(type: {
  readonly params: readonly string[];
  readonly results: readonly string[];
}): string {
  return `(${type.params.join(' ')}) -> (${type.results.join(' ')})`;
}
