import { basename } from 'node:path';
import type { Decision, FilesystemRight, Grants, NetworkGrant } from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import {
  type ComponentActorType,
  type ComponentShape,
  componentActor,
  type HttpOptions,
  inFile,
  loadComponent,
} from '../host/index.ts';
import { type IngressServer, type ListenAddress, type RequestRecord, serveIngress } from '../ingress/index.ts';
import type { Store } from '../store/index.ts';
import { systemClock } from '../time/index.ts';
import { type ActorSystem, createActorSystem } from './actor-system.ts';
import { httpEvents } from './application-http.ts';
import { limitEvent } from './limit-info.ts';
import { outputLines } from './output-lines.ts';
import type { StartOptions } from './port.ts';
import { openProgramStore } from './run-command.ts';

/** How to serve a component by itself. */
export interface ServeCommandOptions extends StartOptions {
  readonly file: string;
  readonly listen: ListenAddress;
  readonly env: Readonly<Record<string, string>>;
  /** Folders that the component sees, with every right. */
  readonly dirs: readonly { readonly hostPath: string; readonly guestPath: string }[];
  /** Where its own HTTP requests may go. Default: nowhere. */
  readonly http?: readonly string[];
  /** What it may do with the network. Default: nothing. */
  readonly network?: NetworkGrant;
  /** Linear memory of one instance. Default: the engine's. */
  readonly memoryBytes?: number;
  /** Wall-clock time for one request. Default: 30 s. */
  readonly timeoutMs?: number;
  /** How requests get instances. */
  readonly instances?: Pick<HttpOptions, 'maxInvocations' | 'instances'>;
  /** Folder that keeps its buckets. Default: they end with it. */
  readonly dataDirectory?: string;
  /** Hears of what it was denied, as an event and here. Its texts are the guest's. Default: nobody. */
  readonly onDenied?: (decision: Decision) => void;
  /** Hears of every request that is over. It should be quick. */
  readonly onRequest?: (record: RequestRecord) => void;
}

/** A component that is served. */
export interface ServedComponent extends AsyncDisposable {
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Takes no more requests, gives those under way time to end, and leaves nothing open. Never rejects. */
  stop(): Promise<void>;
}

const ALL_RIGHTS: readonly FilesystemRight[] = ['read', 'write', 'list', 'delete'];

/**
 * Serves a component that exports `wasi:http/incoming-handler`, whatever the host and path of a request, as
 * `wasmtime serve` does: clocks, randomness, standard output and errors, and all buckets are granted; folders, variables
 * and the network are what the options name.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it handles no requests; the text says what it is.
 * @throws {RuntimeError} `PORT_IN_USE`, `CONFIG_INVALID` — it cannot listen there.
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE` — its buckets cannot be opened.
 * @throws {RuntimeError} whatever loading it reports.
 */
export async function serveCommand(options: ServeCommandOptions): Promise<ServedComponent> {
  const { file, memoryBytes, signal } = options;
  const compiled = await loadComponent(file, {
    ...(memoryBytes !== undefined && { limits: { memoryBytes } }),
    ...(signal && { signal }),
  });
  const served = new Served();
  try {
    served.store = await openProgramStore(compiled, options.dataDirectory);
    const type = handlerOf(compiled, options, served.store);
    const name = actorName(file);
    served.server = await listen(options, () => type.pool(name));
    served.system = createActorSystem();
    await served.system.spawn(type, name).ready;
    signal?.throwIfAborted();
    return served;
  } catch (error) {
    await served.stop();
    throw error;
  }
}

/** The actor's name: the file's, as far as a name can be that. */
function actorName(file: string): string {
  const name = basename(file, '.wasm')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63);
  return name === '' ? 'component' : name;
}

function handlerOf(
  compiled: CompiledComponent,
  options: ServeCommandOptions,
  store: Store | undefined,
): ComponentActorType {
  const { file, env, onEvent, timeoutMs } = options;
  const name = actorName(file);
  const grants: Grants = {
    clock: true,
    random: true,
    stdio: { stdin: false, stdout: true, stderr: true },
    env: Object.keys(env),
    filesystem: options.dirs.map((dir) => ({ ...dir, rights: ALL_RIGHTS })),
    keyvalue: ['*'],
    http: options.http ?? [],
    network: options.network ?? {},
  };
  const type = inFileOf(file, () =>
    componentActor(compiled, {
      name,
      grants,
      env,
      ...(store && { store }),
      ...(timeoutMs !== undefined && { deadlineMs: timeoutMs }),
      http: { ...options.instances, ...httpEvents(name, options) },
      stdio: (actor) => ({
        stdout: outputLines(options, { type: 'output', actor, component: name, stream: 'stdout' }),
        stderr: outputLines(options, { type: 'output', actor, component: name, stream: 'stderr' }),
      }),
      onLog: (actor, { message, ...rest }) => onEvent({ type: 'log', actor, component: name, text: message, ...rest }),
      onLimit: (actor, breach) => onEvent(limitEvent({ actor, component: name }, breach)),
      onDenied: (actor, decision) => {
        onEvent({ type: 'denied', actor, component: name, text: decision.reason });
        options.onDenied?.(decision);
      },
    }),
  );
  const { kind } = type.shape;
  if (kind === 'http') return type;
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot serve "${file}": it does not export wasi:http/incoming-handler; ${INSTEAD[kind]}`,
    { details: { file } },
  );
}

const IN_APPLICATION = 'give it a place in troupe.toml and use "troupe up"';

const INSTEAD: Readonly<Record<Exclude<ComponentShape['kind'], 'http'>, string>> = {
  message: `it handles messages: ${IN_APPLICATION}`,
  task: 'it is a program: use "troupe run"',
  functions: `it exports functions: ${IN_APPLICATION}`,
};

function inFileOf<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw inFile(error, file);
  }
}

function listen({ listen: address, onRequest }: ServeCommandOptions, pool: ComponentPool): Promise<IngressServer> {
  return serveIngress({
    listen: address,
    clock: systemClock,
    onRequest,
    routes: [
      {
        path: { kind: 'prefix', path: '' },
        host: { kind: 'any', host: '' },
        methods: [],
        target: { component: 'component', pool },
      },
    ],
    help: `stop what listens there, or serve it elsewhere: --addr ${address.host}:${address.port + 1}`,
  });
}

type ComponentPool = () => ReturnType<ComponentActorType['pool']>;

class Served implements ServedComponent {
  server: IngressServer | undefined;
  system: ActorSystem | undefined;
  store: Store | undefined;
  #stopped: Promise<void> | undefined;

  get address(): string {
    return this.server?.address ?? '';
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await this.server?.close();
    await this.system?.stop();
    await this.store?.close();
  }
}
