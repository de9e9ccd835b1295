import { quote } from './failure.ts';
import { EXTERNS_MAX } from './limits.ts';
import { checkInterfaceVersion, type ExternName, parseExternName } from './names.ts';
import type { Externs, Side } from './scope.ts';
import type { Entity, Resource } from './types.ts';

/** The name of an import or export as it is written, with the attributes that the rules look at. */
export interface DeclaredName {
  readonly name: string;
  readonly implements: string | undefined;
  readonly versionSuffix: string | undefined;
}

/** Adds entities under their names to one side of a scope, or to an instance that is put together. */
export class ExternNames {
  readonly #externs: Externs;
  readonly #side: Side;
  readonly #fail: (problem: string) => never;

  /** @param fail Called with what is wrong; must throw. */
  constructor(externs: Externs, side: Side, fail: (problem: string) => never) {
    this.#externs = externs;
    this.#side = side;
    this.#fail = fail;
  }

  /** Checks the name by its grammar, against the type and against the names before it. */
  add(declared: DeclaredName, entity: Entity): void {
    const externs = this.#externs;
    const side = this.#side;
    const { name } = declared;
    const check = new NameCheck(externs, (problem) =>
      this.#fail(`${side} name ${quote(name)} is not valid: ${problem}`),
    );
    const parsed = check.parse(name, side);
    check.attributes(declared, parsed, entity);
    check.annotation(parsed, entity);
    if (externs.entities.size >= EXTERNS_MAX) this.#fail(`there are more than ${EXTERNS_MAX} ${side}s`);
    const before = externs.unique.get(parsed.unique);
    if (before !== undefined)
      this.#fail(`${side} name ${quote(name)} conflicts with the earlier name ${quote(before)}`);
    externs.unique.set(parsed.unique, name);
    externs.entities.set(name, entity);
  }
}

class NameCheck {
  readonly #externs: Externs;
  readonly #fail: (problem: string) => never;

  constructor(externs: Externs, fail: (problem: string) => never) {
    this.#externs = externs;
    this.#fail = fail;
  }

  parse(name: string, side: Side): ExternName {
    const parsed = parseExternName(name, this.#fail);
    if (side === 'export' && (parsed.kind === 'dependency' || parsed.kind === 'url' || parsed.kind === 'hash')) {
      this.#fail('only imports can have such a name');
    }
    return parsed;
  }

  attributes(declared: DeclaredName, parsed: ExternName, entity: Entity): void {
    if (declared.implements !== undefined) {
      if (parsed.kind !== 'label') this.#fail('only a plain name can have "implements"');
      if (entity.kind !== 'instance') this.#fail('only an instance can have "implements"');
      const implemented = parseExternName(declared.implements, this.#fail);
      if (implemented.kind !== 'interface') this.#fail('"implements" must name an interface');
      checkInterfaceVersion(declared.implements, undefined, this.#fail);
    }
    const suffix = declared.versionSuffix;
    if (suffix !== undefined && entity.kind !== 'instance') this.#fail('only an instance can have a version suffix');
    if (parsed.kind === 'interface') checkInterfaceVersion(declared.name, suffix, this.#fail);
    else if (suffix !== undefined) this.#fail('only an interface name can have a version suffix');
  }

  /** Constructors, methods and static functions must be functions of the resource that their name begins with. */
  annotation(parsed: ExternName, entity: Entity): void {
    if (parsed.kind !== 'constructor' && parsed.kind !== 'method' && parsed.kind !== 'static') return;
    const type = entity.kind === 'func' ? entity.type : this.#fail('it is not a function');
    if (parsed.kind === 'static') {
      if (!this.#externs.resourceLabels.has(parsed.resource)) this.#fail('its resource is not known here');
    } else if (parsed.kind === 'constructor') {
      const made = type.result?.kind === 'result' ? type.result.ok : type.result;
      const resource = made?.kind === 'own' ? made.resource : undefined;
      this.#resource(resource, parsed.resource, 'a constructor must return `own<…>` or `result<own<…>, …>`');
    } else {
      const self = type.params[0];
      const resource = self?.name === 'self' && self.type.kind === 'borrow' ? self.type.resource : undefined;
      this.#resource(resource, parsed.resource, 'the first parameter of a method must be "self", a `borrow<…>`');
    }
  }

  #resource(resource: Resource | undefined, name: string, otherwise: string): void {
    const known = this.#externs.resourceNames.get(resource ?? this.#fail(otherwise));
    if (known === undefined) this.#fail('its resource has no name here');
    if (known !== name) this.#fail(`its resource is called ${quote(known ?? '')}`);
  }
}
