/**
 * Who may import whom. The whole shape of the program is in these tables; change them first, and say why in an ADR.
 */
const BASE = ['errors', 'collections', 'time', 'telemetry'];
const CORE = [...BASE, 'mailbox', 'dispatch', 'supervision', 'durable', 'actor', 'registry', 'broker', 'router'];
const ENGINE = ['capability', 'audit', 'store', 'artifact', 'component', 'wasi'];
const FEATURES = ['host', 'worker', 'ingress', 'cluster', 'deploy', 'plan', 'observe', 'admin'];

export type LayerTable = Readonly<Record<string, readonly string[]>>;

/** Folders of `src/`, each with the folders that it may import. A folder that is not here does not exist yet. */
export const MAY_IMPORT: LayerTable = {
  errors: [],
  collections: ['errors'],
  time: ['errors', 'collections'],
  telemetry: ['errors', 'time'],
  api: ['errors'],
  // Runs inside components, not here: it may use nothing.
  guest: [],
  mailbox: BASE,
  dispatch: BASE,
  supervision: BASE,
  durable: BASE,
  capability: BASE,
  audit: BASE,
  actor: [...BASE, 'mailbox', 'dispatch', 'supervision', 'durable'],
  registry: [...BASE, 'actor'],
  broker: [...BASE, 'actor', 'registry'],
  router: [...BASE, 'supervision', 'actor'],
  store: BASE,
  artifact: BASE,
  component: BASE,
  wasi: [...BASE, 'component', 'capability', 'audit', 'store'],
  host: [...CORE, ...ENGINE],
  worker: [...CORE, ...ENGINE, 'host'],
  ingress: [...CORE, ...ENGINE, 'host'],
  cluster: CORE,
  deploy: [...BASE, 'audit', 'store', 'artifact'],
  plan: BASE,
  observe: [...BASE, 'audit'],
  admin: [...BASE, 'api', 'capability', 'audit'],
  config: [...CORE, ...ENGINE, ...FEATURES],
  // Makes components of source: knows their manifests and the engine's tools, runs none of them.
  project: [...BASE, 'component', 'config'],
  // `api`: what the control plane says is what its implementation returns.
  runtime: [...CORE, ...ENGINE, ...FEATURES, 'config', 'api'],
  client: ['api', 'errors'],
  // `admin`: the process that runs `up` opens the control port, and closes it last. `audit`: a log is read without the engine.
  cli: [...BASE, 'audit', 'artifact', 'api', 'client', 'config', 'runtime', 'admin', 'project'],
  testing: [...CORE, ...ENGINE, ...FEATURES, 'runtime'],
};

/** The same for sub-folders that have a front door of their own. Those of a folder that is not here must not use each other. */
export const MAY_IMPORT_INSIDE: Readonly<Record<string, LayerTable>> = {
  component: {
    binary: [],
    abi: ['binary'],
    admission: ['binary'],
    tooling: [],
    preview1: ['admission'],
    room: [],
    link: ['binary', 'abi', 'admission', 'room'],
    background: ['admission', 'link'],
  },
  wasi: {
    guest: [],
    authority: ['guest'],
    random: ['guest'],
    io: ['guest'],
    keyvalue: ['guest', 'authority'],
    config: ['guest'],
    logging: ['guest'],
    clocks: ['guest', 'io'],
    cli: ['guest', 'io'],
    filesystem: ['guest', 'authority', 'io', 'clocks'],
    names: ['guest'],
    sockets: ['guest', 'authority', 'io', 'clocks', 'names'],
    http: ['guest', 'authority', 'io', 'names'],
  },
};

/** Files besides `index.ts` that other folders may import, each with the reason. */
export const SIDE_DOORS: Readonly<Record<string, string>> = {
  'component/tooling/index.ts': 'loads an optional package; the engine itself must not offer it',
};

/** Must also run in a browser: no module of Node.js. */
export const BROWSER_SAFE: readonly string[] = ['api', 'guest'];

/** The package that each vendor import belongs to → the folders (or sub-folders) that may import it. */
export const VENDOR_OWNERS: Readonly<Record<string, readonly string[]>> = {
  zod: ['config'],
  'smol-toml': ['config'],
  commander: ['cli'],
  'cli-table3': ['cli'],
  'log-update': ['cli'],
  'yocto-spinner': ['cli'],
  'fastest-levenshtein': ['cli', 'config'],
  hono: ['admin'],
  '@hono/node-server': ['admin'],
  undici: ['wasi/http'],
  '@bytecodealliance/jco-transpile': ['component/tooling'],
};

/** Folders that may import interfaces of a component's host: `wasi:io/streams@0.2.12`. */
export const INTERFACE_OWNERS: readonly string[] = ['guest'];

interface AmbientRule {
  readonly what: string;
  readonly pattern: RegExp;
  /** Folders or sub-folders that may. */
  readonly owners: readonly string[];
  readonly instead: string;
}

const bare = (names: string): RegExp => new RegExp(`(?<![.#\\w$])(?:globalThis\\.)?(?:${names})(?![\\w$])`, 'g');

/** What reaches around the ports, and who may. */
export const AMBIENT_RULES: readonly AmbientRule[] = [
  {
    what: 'the ambient clock',
    pattern: bare('Date\\.now|new Date\\(\\)|Date\\(\\)|performance|process\\.hrtime|process\\.uptime'),
    owners: ['time'],
    instead: 'take a Clock (time/)',
  },
  {
    what: 'an ambient timer',
    pattern: bare('setTimeout|setInterval|setImmediate|queueMicrotask|process\\.nextTick'),
    // `guest` gives components the globals that their engine lacks.
    owners: ['time', 'guest'],
    instead: 'take a Clock (time/)',
  },
  {
    what: 'a timer in a signal',
    pattern: bare('AbortSignal\\.timeout'),
    // Outside any system there is no clock to take, and a request is dear enough to pay for the signal.
    owners: ['client'],
    instead: 'take a Clock (time/)',
  },
  { what: 'Math.random', pattern: bare('Math\\.random'), owners: ['time', 'guest'], instead: 'take a Random (time/)' },
  {
    what: 'the environment',
    pattern: bare('process\\.env'),
    owners: ['config', 'cli'],
    instead: 'take an option; config/ reads the environment',
  },
  {
    what: 'the end of the process',
    pattern: bare('process\\.(?:exit|exitCode|abort|reallyExit)'),
    owners: ['cli'],
    instead: 'throw a RuntimeError; cli/ turns it into an exit code',
  },
  {
    what: 'the terminal',
    pattern: bare('console|process\\.(?:stdin|stdout|stderr)'),
    owners: ['cli', 'guest'],
    instead: 'take a stream or a port; cli/ owns the terminal',
  },
  {
    what: 'code from text',
    pattern: bare('new Function|Function\\(|eval'),
    owners: ['component/abi'],
    instead: 'write the code; only the canonical ABI compiles',
  },
];

/** Modules of Node.js that are ambient clocks, timers or consoles under another name. */
export const AMBIENT_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:timers': ['time'],
  'node:timers/promises': ['time'],
  'node:perf_hooks': ['time'],
  'node:console': ['cli'],
};
