import { FreeResources } from './free.ts';
import { NESTING_MAX } from './limits.ts';
import { Scope, type ScopeKind } from './scope.ts';
import { Session } from './session.ts';
import { Subtyping } from './subtype.ts';
import type { Entity, TypeInfo } from './types.ts';

/** What reading a definition needs: the scope that it belongs to, and the tools that all scopes share. */
export class Context {
  readonly session = new Session();
  readonly subtyping = new Subtyping(this.session);
  readonly free = new FreeResources(this.session);
  /** Innermost scope. */
  scope: Scope = new Scope(this.session, 'component', undefined);

  readonly fail: (problem: string) => never = this.session.fail;

  /** Runs `work` in a new scope inside the present one. */
  within<T>(kind: ScopeKind, work: (scope: Scope) => T): T {
    const outer = this.scope;
    this.scope = this.#inside(kind);
    const result = work(this.scope);
    this.scope = outer; // a failure ends the whole decoding, so nothing has to be put back then
    return result;
  }

  /** Runs `work`, which reads a component, in a new scope: inside the present one, or with nothing around it. */
  *withinComponent<T>(place: 'inside' | 'alone', work: () => Generator<undefined, T>): Generator<undefined, T> {
    const outer = this.scope;
    this.scope = place === 'inside' ? this.#inside('component') : new Scope(this.session, 'component', undefined);
    const result = yield* work();
    this.scope = outer;
    return result;
  }

  #inside(kind: ScopeKind): Scope {
    if (this.scope.depth >= NESTING_MAX) this.fail(`components and types are nested more than ${NESTING_MAX} deep`);
    return new Scope(this.session, kind, this.scope);
  }

  /** The scope `count` levels out. */
  outer(count: number): Scope {
    let scope: Scope | undefined = this.scope;
    for (let left = Math.min(count, NESTING_MAX + 1); left > 0; left -= 1) scope = scope?.parent;
    return scope ?? this.fail(`there are no ${count} scopes around the alias`);
  }

  /** What is known of the types of some entities. */
  infos(entities: Iterable<Entity>): TypeInfo[] {
    return [...entities].map((entity) => {
      this.session.step();
      if (entity.kind === 'type') return this.session.info(entity.referenced.type);
      return this.session.info(entity.type);
    });
  }
}
