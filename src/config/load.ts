import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import type {
  ApplicationConfig,
  ComponentConfig,
  ControlConfig,
  GrantsConfig,
  IngressConfig,
  ViewConfig,
} from './application.ts';
import { toHealthConfig } from './health-section.ts';
import { resolveIngress, resolveMonitoring, toHttpConfig } from './ingress-section.ts';
import { toKeepConfig } from './keep-section.ts';
import { Keys } from './keys.ts';
import { limitProblems, mergeLimits } from './limits-section.ts';
import { resolveLinks } from './links.ts';
import { nearest } from './nearest.ts';
import { type ConfigProblem, configError, type Document, problemAt, quote } from './problems.ts';
import {
  APPLICATION_SCHEMA,
  type ApplicationFile,
  type ComponentSection,
  MANIFEST_SCHEMA,
  type ManifestFile,
  recycleProblem,
  secretProblems,
  toIsolation,
  toRecycleConfig,
  toSecretSources,
  toWorkers,
} from './schemas.ts';
import { isKeptSource, keptSource, toLastingConfig } from './store-section.ts';
import { toSubscriptions } from './subscribe-section.ts';
import { type Checked, checkToml, readText, toFileError } from './toml.ts';

const APPLICATION_FILE = 'troupe.toml';

/** Folder beside `troupe.toml` that holds what a running application leaves for its clients. */
const CONTROL_DIRECTORY = '.troupe';

export interface LoadOptions {
  /** Bytes of memory of the machine that it is to run on. Default: this one's. */
  readonly machineBytes?: number;
  /** Where granted environment variables are taken from. Default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads an application: `troupe.toml`, the `Component.toml`s that it names, and nothing else. Every mistake of all
 * files is collected into one error.
 *
 * @param path A folder that holds a `troupe.toml`, or such a file under any name. Relative to the working directory.
 * @returns Deep-frozen plain data: absolute paths, units in names, defaults filled in, grants already intersected.
 *
 * @throws {RuntimeError} `FILE_NOT_FOUND` — there is no such file, or all that is wrong is that named files are missing.
 * @throws {RuntimeError} `FILE_UNREADABLE` — it is no regular UTF-8 file of at most 1 MiB, or may not be read.
 * @throws {RuntimeError} `CONFIG_INVALID` — `details.problems` lists file, line, column, key, what was expected.
 */
export async function loadApplication(path: string, options: LoadOptions = {}): Promise<ApplicationConfig> {
  const file = await findApplication(resolve(path));
  const checked = checkToml(file, await readText(file, 'application'), APPLICATION_SCHEMA);
  if (!checked.ok) throw configError(`Cannot use "${file}"`, checked.problems);
  const loader = new Loader(checked.value, checked.document, options);
  return deepFreeze(await loader.load());
}

/** The path of the `troupe.toml` that `path` means; that it exists is known for folders only. */
async function findApplication(path: string): Promise<string> {
  const stats = await stat(path).catch((error: unknown) => {
    throw withHelp(toFileError(error, path, 'application'));
  });
  if (!stats.isDirectory()) return path;
  const file = join(path, APPLICATION_FILE);
  const inside = await stat(file).catch(() => undefined);
  if (inside !== undefined) return file;
  const text = `Cannot find an application in "${path}": it holds no ${APPLICATION_FILE}`;
  throw withHelp(new RuntimeError('FILE_NOT_FOUND', text, { details: { file } }));
}

function withHelp(error: RuntimeError): RuntimeError {
  const help = [`name the folder of an application or its ${APPLICATION_FILE}: troupe up ./my-application`];
  return new RuntimeError(error.code, error.message, { details: { ...error.details, help }, cause: error.cause });
}

/** One load: gathers problems of all files, so that they are reported together. */
class Loader {
  readonly #application: ApplicationFile;
  readonly #document: Document;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #machineBytes: number | undefined;
  readonly #directory: string;
  /** Names of the actors of each component. */
  readonly #actors: ReadonlyMap<string, readonly string[]>;
  readonly #problems: ConfigProblem[] = [];

  constructor(
    application: ApplicationFile,
    document: Document,
    { environment = process.env, machineBytes }: LoadOptions,
  ) {
    this.#application = application;
    this.#document = document;
    this.#environment = environment;
    this.#machineBytes = machineBytes;
    this.#directory = dirname(document.file);
    const sections = Object.entries(application.components);
    this.#actors = new Map(sections.map(([name, { instances }]) => [name, actorNames(name, instances)]));
  }

  async load(): Promise<ApplicationConfig> {
    const keys = await Keys.read(this.#directory, this.#environment);
    this.#problems.push(...keys.problems);
    const loaded: Loaded[] = [];
    for (const [name, section] of Object.entries(this.#application.components)) {
      const component = await this.#component(name, section, keys);
      if (component !== undefined) loaded.push(component);
    }
    if (Object.keys(this.#application.components).length === 0) {
      this.#report(['components'], { message: 'has no component', help: 'add one: [components.greeter]' });
    }
    const components = loaded.map(({ config }) => config);
    const view = this.#view(components);
    const control = this.#control();
    const ingress = this.#ingress();
    const monitoring = resolveMonitoring(this.#application.monitoring, (path, text) => this.#report(path, text));
    if (this.#problems.length > 0) throw configError(`Cannot use "${this.#document.file}"`, this.#problems);
    return {
      file: this.#document.file,
      directory: this.#directory,
      name: this.#application.application.name,
      drainMs: this.#application.application.drain,
      node: this.#application.application.limits,
      workers: toWorkers(this.#application.application.workers),
      components,
      secrets: toSecretSources(this.#application.secrets ?? {}, this.#directory),
      view,
      control,
      monitoring,
      ...toLastingConfig(this.#application, this.#directory),
      ingress,
      policies: keys.files,
      notices: loaded.flatMap(({ notices }) => notices),
    };
  }

  async #component(...[name, section, all]: [string, ComponentSection, Keys]): Promise<Loaded | undefined> {
    const at = ['components', name];
    const artifact = await this.#artifact(at, section);
    this.#checkComponent(at, section);
    if (artifact === undefined) return undefined;
    const { manifest } = artifact;
    const { grants: given = {}, mode } = section;
    const { grants: granted, notices, keys } = await all.of({ component: name, given, asked: manifest?.asks, mode });
    const written = Object.entries(section.env ?? {});
    const texts = written.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : []));
    const env = { ...this.#variables(granted.env), ...Object.fromEntries(texts) };
    const secretEnv = Object.fromEntries(
      written.flatMap(([key, value]) => (typeof value === 'string' ? [] : [[key, value.secret] as const])),
    );
    const inject = section.inject ?? [];
    this.#checkSecrets(at, { name, granted: granted.secrets, secretEnv, inject });
    const limits = mergeLimits(manifest?.limits, section.limits);
    const where = { application: { document: this.#document, at }, manifest: artifact.document };
    this.#problems.push(...limitProblems(limits, section, { ...where, machineBytes: this.#machineBytes }));
    const grants = { ...granted, env: Object.keys({ ...env, ...secretEnv }) };
    await this.#checkFolders([...at, 'grants', 'filesystem'], grants);
    const unfit = recycleProblem(section);
    if (unfit !== undefined) this.#report([...at, 'recycle'], unfit);
    const config: ComponentConfig = {
      name,
      version: manifest?.component.version,
      source: artifact.source,
      sha256: (artifact.sha256 ?? section.sha256 ?? manifest?.component.sha256)?.toLowerCase(),
      actors: this.#actors.get(name) ?? [],
      config: section.config ?? {},
      args: section.args ?? [],
      env,
      secretEnv,
      inject,
      mailbox: section.mailbox,
      supervise: {
        restart: section.supervise.restart,
        intensity: section.supervise.intensity,
        periodMs: section.supervise.period,
        backoffMinMs: section.supervise.backoff.min,
        backoffMaxMs: section.supervise.backoff.max,
        backoffFactor: section.supervise.backoff.factor,
        quarantineMs: section.supervise.quarantine ?? 0,
        stuckAfterMs: section.supervise['stuck-after'] ?? 0,
      },
      subscribe: toSubscriptions(section.subscribe ?? []),
      keep: section.keep && toKeepConfig(section.keep),
      health: section.health && toHealthConfig(section.health),
      limits,
      isolation: toIsolation(name, section.isolation),
      pool: section.pool,
      recycle: section.recycle && toRecycleConfig(section.recycle),
      grants,
      keys,
      http: section.http && toHttpConfig(section.http),
      links: resolveLinks({
        component: name,
        links: section.links ?? {},
        actors: this.#actors,
        report: (path, text) => this.#report([...at, 'links', ...path], text),
      }),
    };
    return { config, notices };
  }

  /** Finds the component's file, through its manifest if it has one. */
  async #artifact(at: readonly string[], section: ComponentSection): Promise<Artifact | undefined> {
    if ((section.manifest === undefined) === (section.source === undefined)) {
      const found = section.manifest === undefined ? 'neither' : 'both';
      this.#report(at, {
        message: `needs either "manifest" or "source", found ${found}`,
        help: 'source = "./component.wasm"',
      });
      return undefined;
    }
    if (isKeptSource(section.source)) return this.#kept(at, section);
    if (section.source !== undefined) {
      const source = resolve(this.#directory, section.source);
      await this.#checkFile(this.#document, { path: [...at, 'source'], file: source });
      return { source, manifest: undefined, document: undefined };
    }
    const file = resolve(this.#directory, section.manifest ?? '');
    const checked = await this.#manifest([...at, 'manifest'], file);
    if (!checked?.ok) {
      this.#problems.push(...(checked?.problems ?? []));
      return undefined;
    }
    const { component } = checked.value;
    if (section.sha256 !== undefined && component.sha256 !== undefined)
      this.#checkPins(at, section.sha256, component.sha256);
    const source = resolve(dirname(file), component.source);
    const help = checked.value.build === undefined ? undefined : `to build it: troupe build ${dirname(file)}`;
    await this.#checkFile(checked.document, { path: ['component', 'source'], file: source, ...(help && { help }) });
    return { source, manifest: checked.value, document: checked.document };
  }

  /** One that is kept under its digest: that is its pin. */
  async #kept(at: readonly string[], { source = '', sha256 }: ComponentSection): Promise<Artifact | undefined> {
    const kept = keptSource(join(this.#directory, CONTROL_DIRECTORY), source);
    if (kept === undefined) {
      const message = `is no digest: ${quote(source)}`;
      this.#report([...at, 'source'], { message, help: 'expected "sha256:" and 64 hexadecimal digits' });
      return undefined;
    }
    const { digest, file } = kept;
    if (sha256 !== undefined) this.#checkPins(at, sha256, digest);
    const help = 'to keep it there: troupe artifact add FILE';
    await this.#checkFile(this.#document, { path: [...at, 'source'], file, help });
    return { source: file, sha256: digest, manifest: undefined, document: undefined };
  }

  async #manifest(path: readonly string[], file: string): Promise<Checked<ManifestFile> | undefined> {
    try {
      return checkToml(file, await readText(file, 'manifest'), MANIFEST_SCHEMA);
    } catch (error) {
      if (!RuntimeError.is(error)) throw error;
      this.#report(path, { message: lowerFirst(error.message), absent: error.code === 'FILE_NOT_FOUND' });
      return undefined;
    }
  }

  #checkPins(at: readonly string[], operator: string, author: string): void {
    if (operator.toLowerCase() === author.toLowerCase()) return;
    this.#report([...at, 'sha256'], { message: `differs from the manifest's: ${operator} and ${author}` });
  }

  #checkComponent(at: readonly string[], section: ComponentSection): void {
    const { min, max } = section.supervise.backoff;
    if (min > max) {
      const message = `is longer than the longest wait: ${min} ms and ${max} ms`;
      this.#report([...at, 'supervise', 'backoff', 'min'], { message });
    }
    const mounts = new Set<string>();
    for (const [index, { mount }] of (section.grants?.filesystem ?? []).entries()) {
      const message = `is mounted twice: ${quote(mount)}`;
      if (mounts.has(mount)) this.#report([...at, 'grants', 'filesystem', index, 'mount'], { message });
      mounts.add(mount);
    }
    const strange = findUnspeakable(section.config ?? {}, []);
    if (strange !== undefined) {
      this.#report([...at, 'config', ...strange], {
        message: 'is a number that JSON cannot say',
        help: 'use a finite number',
      });
    }
  }

  async #checkFile(
    document: Document,
    { path, file, help }: { path: readonly string[]; file: string; help?: string },
  ): Promise<void> {
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile()) return;
    const message =
      stats === undefined ? `names a file that is not there: "${file}"` : `names no regular file: "${file}"`;
    this.#problems.push(problemAt(document, path, { message, absent: stats === undefined, ...(help && { help }) }));
  }

  async #checkFolders(path: readonly string[], grants: GrantsConfig): Promise<void> {
    for (const { hostPath } of grants.filesystem) {
      const stats = await stat(hostPath).catch(() => undefined);
      if (stats?.isDirectory()) continue;
      const message =
        stats === undefined ? `names a folder that is not there: "${hostPath}"` : `names no folder: "${hostPath}"`;
      this.#report(path, { message, absent: stats === undefined });
    }
  }

  #variables(names: readonly string[]): Record<string, string> {
    const values: Record<string, string> = {};
    for (const name of names) {
      // Every object has a "constructor" that is no variable.
      const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  #checkSecrets(
    at: readonly string[],
    { name, granted, secretEnv, inject }: SecretUse & { readonly name: string; readonly granted: readonly string[] },
  ): void {
    const known = Object.keys(this.#application.secrets ?? {});
    const used = [
      ...Object.entries(secretEnv).map(([key, secret]) => [['env', key], secret] as const),
      ...inject.map(({ secret }, index) => [['inject', index, 'secret'], secret] as const),
    ];
    for (const { path, ...text } of secretProblems(name, { granted, known, used }))
      this.#report([...at, ...path], text);
  }

  #view(components: readonly ComponentConfig[]): ViewConfig | undefined {
    const { view } = this.#application;
    if (view === undefined) return undefined;
    const names = Object.keys(this.#application.components);
    if (!names.includes(view.component)) {
      const near = nearest(view.component, names);
      const help = near === undefined ? `components are: ${names.join(', ')}` : `did you mean "${near}"?`;
      this.#report(['view', 'component'], { message: `names no component: ${quote(view.component)}`, help });
      return undefined;
    }
    const actor = components.find(({ name }) => name === view.component)?.actors[0];
    return { actor: actor ?? view.component, op: view.op, everyMs: view.every };
  }

  #ingress(): IngressConfig | undefined {
    const { ingress, http = [], components } = this.#application;
    return resolveIngress({
      ingress,
      routes: http,
      components: Object.keys(components),
      report: (path, text) => this.#report(path, text),
      placeOf: (path) => this.#document.positions.find(path),
    });
  }

  #control(): ControlConfig {
    const { enabled, socket, port } = this.#application.control;
    const tokens = (this.#application.control.tokens ?? []).map((token) => ({
      ...token,
      sha256: token.sha256.toLowerCase(),
    }));
    const directory = join(this.#directory, CONTROL_DIRECTORY);
    if (socket !== undefined && port !== undefined) {
      this.#report(['control', 'port'], { message: 'cannot stand beside "socket"', help: 'keep one of them' });
    }
    if (!enabled) return { kind: 'off' };
    if (port !== undefined) return { kind: 'port', directory, port, tokens };
    return {
      kind: 'socket',
      directory,
      socketPath: resolve(this.#directory, socket ?? join(CONTROL_DIRECTORY, 'control.sock')),
      tokens,
    };
  }

  #report(path: readonly (string | number)[], text: { message: string; help?: string; absent?: boolean }): void {
    this.#problems.push(problemAt(this.#document, path, text));
  }
}

type SecretUse = Pick<ComponentConfig, 'secretEnv' | 'inject'>;

interface Loaded {
  readonly config: ComponentConfig;
  readonly notices: ApplicationConfig['notices'];
}

interface Artifact {
  readonly source: string;
  /** Of one that is kept under it. */
  readonly sha256?: string;
  readonly manifest: ManifestFile | undefined;
  /** Of the manifest. */
  readonly document: Document | undefined;
}

function actorNames(name: string, instances: number): string[] {
  return instances === 1 ? [name] : Array.from({ length: instances }, (_, index) => `${name}/${index + 1}`);
}

/** The path of a value that JSON has no form for: TOML's `nan` and `inf`. */
function findUnspeakable(value: unknown, path: readonly string[]): readonly string[] | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = findUnspeakable(item, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Freezes plain data all the way down. Its depth is bounded by the TOML reader's. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
