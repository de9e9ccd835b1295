/** How one component is made. */
export interface Recipe {
  /** Everything that decides what comes out: equal inputs, equal component. */
  readonly inputs: readonly (string | Uint8Array)[];
  make(): Promise<Uint8Array>;
}
