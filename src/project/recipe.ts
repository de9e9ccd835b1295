/** How one component is made. */
export interface Recipe {
  /** Everything beside `[build]` that decides what comes out: equal inputs, equal component. */
  readonly inputs: readonly (string | Uint8Array)[];
  make(): Promise<Uint8Array>;
}

/** What the maker of a recipe gets beside the manifest. */
export interface RecipeContext {
  /** Where programs are looked for: the value of `PATH`. */
  readonly path: string;
}
