/** Every component that is built here, with what it is built from. Paths are relative to the root of the repository. */

/**
 * - `c`: clang, no C library; the source writes the canonical ABI itself.
 * - `c-wasi`: clang with wasi-libc; a WASI preview 1 program behind the standard adapter.
 * - `rust`: rustc for `wasm32-unknown-unknown`; the source writes the canonical ABI itself.
 * - `rust-wasi`: rustc for `wasm32-wasi`, with std; a WASI preview 1 program behind the standard adapter.
 * - `assemblyscript`: asc; exports are renamed afterwards, for the language has no way to write their names.
 */
export type Toolchain = 'c' | 'c-wasi' | 'rust' | 'rust-wasi' | 'assemblyscript';

/** One component. */
export interface Guest {
  /** The component. */
  readonly output: string;
  readonly toolchain: Toolchain;
  /** What the compiler is given. */
  readonly source: string;
  /** What `source` includes. */
  readonly includes: readonly string[];
  /** WIT packages, the one with the world first; none for programs that need nothing beyond WASI. */
  readonly wit: readonly string[];
  /** World of the first package. Default: the only one. */
  readonly world?: string;
  /** Leaves it the core module that the compiler makes. */
  readonly core?: true;
}

const ACTOR_WIT = 'wit/actor.wit';
const KIT = {
  c: 'examples/guest-kit/c/troupe.h',
  rust: 'examples/guest-kit/rust/troupe.rs',
  as: 'examples/guest-kit/as/troupe.ts',
} as const;
const FIXTURES = 'fixtures/components';
const BIRDSTRIKES = 'examples/birdstrikes';

export const GUESTS: readonly Guest[] = [
  {
    output: `${FIXTURES}/echo/echo.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/echo/echo.c`,
    includes: [KIT.c],
    wit: [ACTOR_WIT],
    world: 'actor',
  },
  {
    output: `${FIXTURES}/stateful/stateful.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/stateful/stateful.c`,
    includes: [KIT.c],
    wit: [ACTOR_WIT],
    world: 'stateful-actor',
  },
  {
    output: `${FIXTURES}/bench/bench.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/bench/bench.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/bench/bench.wit`],
  },
  {
    output: `${FIXTURES}/kernels/kernels.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/kernels/kernels.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/kernels/kernels.wit`],
  },
  {
    output: `${FIXTURES}/values/values.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/values/values.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/values/values.wit`],
  },
  {
    output: `${FIXTURES}/resources/resources.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/resources/resources.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/resources/resources.wit`],
  },
  {
    output: `${FIXTURES}/services/services.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/services/services.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/services/services.wit`, ACTOR_WIT],
    world: 'services',
  },
  {
    output: `${FIXTURES}/http/hello.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/http/hello.c`,
    includes: [KIT.c, `${FIXTURES}/http/http.h`],
    wit: [`${FIXTURES}/http/http.wit`],
  },
  {
    output: `${FIXTURES}/http/tour.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/http/tour.c`,
    includes: [KIT.c, `${FIXTURES}/http/http.h`],
    wit: [`${FIXTURES}/http/http.wit`],
  },
  {
    output: `${FIXTURES}/sockets/sockets.wasm`,
    toolchain: 'c',
    source: `${FIXTURES}/sockets/sockets.c`,
    includes: [KIT.c],
    wit: [`${FIXTURES}/sockets/sockets.wit`],
  },
  {
    output: `${FIXTURES}/wasi-tour/wasi-tour.wasm`,
    toolchain: 'c-wasi',
    source: `${FIXTURES}/wasi-tour/wasi-tour.c`,
    includes: [],
    wit: [],
  },
  {
    output: `${FIXTURES}/hello/hello.wasm`,
    toolchain: 'rust-wasi',
    source: `${FIXTURES}/hello/hello.rs`,
    includes: [],
    wit: [],
  },
  {
    output: `${FIXTURES}/hello/hello.core.wasm`,
    toolchain: 'rust-wasi',
    source: `${FIXTURES}/hello/hello.rs`,
    includes: [],
    wit: [],
    core: true,
  },
  {
    output: `${FIXTURES}/words/words.core.wasm`,
    toolchain: 'c-wasi',
    source: `${FIXTURES}/words/words.c`,
    includes: [],
    wit: [],
    core: true,
  },
  {
    output: `${BIRDSTRIKES}/reader/reader.wasm`,
    toolchain: 'rust-wasi',
    source: `${BIRDSTRIKES}/reader/main.rs`,
    includes: [KIT.rust],
    wit: [`${BIRDSTRIKES}/reader/world.wit`, ACTOR_WIT],
  },
  {
    output: `${BIRDSTRIKES}/parse/parse.wasm`,
    toolchain: 'c',
    source: `${BIRDSTRIKES}/parse/parse.c`,
    includes: [KIT.c],
    wit: [ACTOR_WIT],
    world: 'stateful-actor',
  },
  {
    output: `${BIRDSTRIKES}/tally/tally.wasm`,
    toolchain: 'assemblyscript',
    source: `${BIRDSTRIKES}/tally/assembly/index.ts`,
    includes: [KIT.as],
    wit: [ACTOR_WIT],
    world: 'stateful-actor',
  },
  {
    output: `${BIRDSTRIKES}/report/report.wasm`,
    toolchain: 'rust',
    source: `${BIRDSTRIKES}/report/lib.rs`,
    includes: [KIT.rust],
    wit: [ACTOR_WIT],
    world: 'actor',
  },
];

/** Digests of every component and of all that it is built from, in the format of `sha256sum`. */
export const CHECKSUMS_FILE = `${FIXTURES}/SHA256SUMS`;

/** Everything that one component is built from. */
export function inputsOf(guest: Guest): string[] {
  return [guest.source, ...guest.includes, ...guest.wit];
}
