/** Where an input stream's bytes come from. */
export interface ByteSource {
  /**
   * The next bytes, at least one; `undefined` is the end. Called again only when the last call has settled. What is
   * there already is best returned as a plain value.
   *
   * @param maxBytes How many are wanted. A source that cannot split what it has may give more.
   */
  read(maxBytes: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Where an output stream's bytes go. */
export interface ByteSink {
  /**
   * Takes `bytes`, which are its own from then on. Returns nothing when it can take more at once, a promise when the
   * guest should wait; it is not called again before that settles. To say that nobody reads any more, throw an error
   * whose `code` is `'EPIPE'`.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Settles when what was written has gone out. Without it, `write` alone says so. */
  flush?(): void | Promise<void>;
  /** The guest is gone, and everything that it wrote is here: hands over what is still held back. */
  end?(): void;
}
