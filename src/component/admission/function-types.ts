import type { FunctionType } from './core-module.ts';

/** The types of a core module by what they are, and those that the rewriting adds behind them. */
export class FunctionTypes {
  /** In the order of their indices, which begin where the module's own end. */
  readonly added: FunctionType[] = [];
  readonly #ownCount: number;
  readonly #indices = new Map<string, number>();

  constructor(own: readonly FunctionType[]) {
    this.#ownCount = own.length;
    for (const [index, type] of own.entries()) {
      const key = keyOf(type.params, type.results);
      if (type.simple && !this.#indices.has(key)) this.#indices.set(key, index);
    }
  }

  get count(): number {
    return this.#ownCount + this.added.length;
  }

  /** Index of the type; added if there is none like it. Only number types are ever asked for. */
  index(params: readonly number[], results: readonly number[]): number {
    const key = keyOf(params, results);
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.count;
      this.added.push({ params, results, simple: true });
      this.#indices.set(key, index);
    }
    return index;
  }
}

function keyOf(params: readonly number[], results: readonly number[]): string {
  return `${params.join()}>${results.join()}`;
}
