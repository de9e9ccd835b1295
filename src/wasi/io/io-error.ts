import type { Guest } from '../guest/index.ts';

/** The `error` resource: why a stream failed. Says nothing of the host's paths. */
export class IoError {
  /** Name of the operating system's error, `EIO` for example, if it was one. */
  readonly errno: string | undefined;
  /** What the source or sink threw; for packages that know it, never for the guest as it is. */
  readonly cause: unknown;
  readonly #guest: Guest;

  constructor(guest: Guest, { errno, cause }: { readonly errno: string | undefined; readonly cause: unknown }) {
    guest.hold();
    this.#guest = guest;
    this.errno = errno;
    this.cause = cause;
  }

  toDebugString(): string {
    return this.errno === undefined ? 'The stream failed' : `The stream failed: ${this.errno}`;
  }

  drop(): void {
    this.#guest.release();
  }
}
