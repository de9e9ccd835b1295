import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type FilesystemGrant, type Granted, isWithinFolder, matchesBucket } from '../capability/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { ConfigNotice, GrantsConfig } from './application.ts';
import { intersectTexts, NETWORK_COVERS, STREAM_NAMES, toStreams } from './grants.ts';
import { coversName, coversTarget, coversTopic } from './patterns.ts';
import {
  type AllowRule,
  type DenyRule,
  isAbout,
  matchesPrefix,
  POLICY_SCHEMA,
  type PolicyFile,
  type PolicyRule,
} from './policy-section.ts';
import type { ConfigProblem } from './problems.ts';
import { checkToml, readText } from './toml.ts';

const POLICY_FILE = 'policy.toml';

/** The policy of the machine, unless the environment names another one. */
const MACHINE_POLICY = '/etc/troupe/policy.toml';

/** One `policy.toml`: an upper bound of what may be granted. */
export interface Policy {
  /** Absolute path. */
  readonly file: string;
  readonly rules: PolicyFile;
}

/** Policies that were found, and what is wrong with them. */
export interface Policies {
  readonly found: readonly Policy[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the policies that bound an application: the one of the machine, and the one beside its `troupe.toml`. Each is a bound of
 * its own: none widens another.
 *
 * @param named Path of the machine's policy; it must be there. Without, `/etc/troupe/policy.toml`, if there is one.
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE` — one cannot be read: then nothing is granted either.
 */
export async function readPolicies(directory: string, named: string | undefined): Promise<Policies> {
  const machine = named === undefined || named === '' ? await ifThere(MACHINE_POLICY) : resolve(named);
  const own = await ifThere(join(directory, POLICY_FILE));
  const files = [machine, own].filter((file) => file !== undefined);
  const found: Policy[] = [];
  const problems: ConfigProblem[] = [];
  for (const file of new Set(files)) {
    const checked = checkToml(file, await readText(file, 'policy'), POLICY_SCHEMA);
    if (checked.ok) found.push({ file, rules: checked.value });
    else problems.push(...checked.problems);
  }
  return { found, problems };
}

/** A policy that this user may not look at is there: reading it says so. */
async function ifThere(file: string): Promise<string | undefined> {
  try {
    await stat(file);
    return file;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new RuntimeError('FILE_UNREADABLE', `Cannot read the policy "${file}": the system says ${String(code)}`, {
      cause: error,
      details: { file },
    });
  }
}

/** What a component is granted within the policies. */
export interface Bounded {
  readonly grants: GrantsConfig;
  readonly notices: readonly ConfigNotice[];
}

/** Cuts the grants of the component of that name down to what every policy allows, and takes its denials along. */
export async function boundGrants(
  component: string,
  grants: GrantsConfig,
  policies: readonly Policy[],
): Promise<Bounded> {
  const notices: ConfigNotice[] = [];
  let bounded = grants;
  for (const policy of policies) {
    const bound = new Bound(policy, component, (what, verb) => {
      const message = `is granted ${what}, which ${policy.file} ${verb}; it does not get it`;
      notices.push({ kind: 'not-allowed', component, message });
    });
    bounded = await bound.of(bounded);
  }
  return { grants: bounded, notices };
}

type Tell = (what: string, verb: 'does not allow' | 'denies') => void;

/** What one policy says of one component. */
class Bound {
  readonly #directory: string;
  /** `undefined`: there are denials only. */
  readonly #allow: readonly AllowRule[] | undefined;
  readonly #deny: readonly DenyRule[];
  readonly #file: string;
  readonly #tell: Tell;

  constructor({ file, rules }: Policy, component: string, tell: Tell) {
    this.#file = file;
    this.#directory = dirname(file);
    this.#allow = rules.allow?.filter((rule) => isAbout(rule, component));
    this.#deny = (rules.deny ?? []).filter((rule) => isAbout(rule, component));
    this.#tell = tell;
  }

  async of(grants: GrantsConfig): Promise<GrantsConfig> {
    const { messaging, network, stdio } = grants;
    const streams = (rule: PolicyRule) => STREAM_NAMES.filter((name) => toStreams(rule.stdio)[name]);
    const covers = { tell: coversName, ask: coversName, publish: coversTopic };
    const send = (key: keyof typeof covers) =>
      this.#texts(key, messaging[key], { covers: covers[key], of: (rule) => rule.messaging?.[key] });
    const reach = (key: keyof typeof NETWORK_COVERS) =>
      this.#texts(`network ${key}`, network[key], { covers: NETWORK_COVERS[key], of: (rule) => rule.network?.[key] });
    const kept = this.#names(
      'the stream',
      STREAM_NAMES.filter((name) => stdio[name]),
      streams,
    );
    return {
      filesystem: await this.#folders(grants.filesystem),
      clock: this.#flag('clock', grants),
      random: this.#flag('random', grants),
      stdio: { stdin: kept.includes('stdin'), stdout: kept.includes('stdout'), stderr: kept.includes('stderr') },
      env: this.#names('the environment variable', grants.env, (rule) => rule.env),
      secrets: this.#names('the secret', grants.secrets, (rule) => rule.secrets),
      messaging: { tell: send('tell'), ask: send('ask'), publish: send('publish') },
      http: this.#texts('HTTP requests to', grants.http, { covers: coversTarget, of: (rule) => rule.http }),
      network: { connect: reach('connect'), listen: reach('listen'), resolve: reach('resolve') },
      keyvalue: this.#texts('the bucket', grants.keyvalue, { covers: matchesBucket, of: (rule) => rule.keyvalue }),
      deny: [
        ...(grants.deny ?? []),
        ...this.#deny.map(({ messaging, http, network, keyvalue }) => {
          return { origin: this.#file, messaging, http, network, keyvalue };
        }),
      ],
    };
  }

  #flag(key: 'clock' | 'random', grants: GrantsConfig): boolean {
    if (!grants[key]) return false;
    const isAllowed = this.#allow?.some((rule) => rule[key] === true) ?? true;
    const isDenied = this.#deny.some((rule) => rule[key] === true);
    if (isAllowed && !isDenied) return true;
    this.#tell(key, isDenied ? 'denies' : 'does not allow');
    return false;
  }

  /** Names that are allowed and not denied. */
  #names<Name extends string>(
    what: string,
    names: readonly Name[],
    of: (rule: PolicyRule) => readonly string[] | undefined,
  ): Name[] {
    const has = (rules: readonly PolicyRule[], name: string) =>
      rules.some((rule) => of(rule)?.some((wanted) => matchesPrefix(wanted, name)));
    return names.filter((name) => {
      const isDenied = has(this.#deny, name);
      if (!isDenied && (this.#allow === undefined || has(this.#allow, name))) return true;
      this.#tell(`${what} "${name}"`, isDenied ? 'denies' : 'does not allow');
      return false;
    });
  }

  /** Patterns cut down to those that are allowed. What is denied of them is decided request by request. */
  #texts(
    what: string,
    granted: readonly Granted[] | undefined,
    {
      covers,
      of,
    }: Pick<Parameters<typeof intersectTexts>[2], 'covers'> & {
      readonly of: (rule: AllowRule) => readonly Granted[] | undefined;
    },
  ): Granted[] {
    const allowed = this.#allow?.flatMap((rule) => of(rule) ?? []);
    const tell = this.#tell;
    return intersectTexts(granted, allowed, {
      covers,
      what,
      line: (pattern) => pattern,
      notices: { notGranted: () => undefined, notAsked: (pattern) => tell(pattern, 'does not allow') },
    });
  }

  /** Folders that are allowed, under the path that they really have: what a link leads to later is not looked at again. */
  async #folders(granted: readonly FilesystemGrant[]): Promise<FilesystemGrant[]> {
    const allow = this.#allow && (await this.#realFolders(this.#allow));
    const deny = await this.#realFolders(this.#deny);
    const result: FilesystemGrant[] = [];
    for (const grant of granted) {
      const hostPath = await realPath(grant.hostPath);
      const isAllowed = (right: string) =>
        allow?.some(({ path, rights }) => rights.includes(right) && isWithinFolder(path, hostPath)) ?? true;
      // A folder of which a part is denied would show that part.
      const isDenied = (right: string) =>
        deny.some(
          ({ path, rights }) =>
            rights.includes(right) && (isWithinFolder(path, hostPath) || isWithinFolder(hostPath, path)),
        );
      const rights = grant.rights.filter((right) => isAllowed(right) && !isDenied(right));
      const lost = grant.rights.filter((right) => !rights.includes(right));
      if (lost.length > 0)
        this.#tell(`${lost.join(', ')} on "${hostPath}"`, lost.some(isDenied) ? 'denies' : 'does not allow');
      if (rights.length > 0) result.push({ ...grant, hostPath, rights });
    }
    return result;
  }

  async #realFolders(rules: readonly PolicyRule[]): Promise<{ path: string; rights: readonly string[] }[]> {
    const folders = rules.flatMap(({ filesystem = [] }) => filesystem);
    return Promise.all(
      folders.map(async ({ path, rights }) => ({ path: await realPath(resolve(this.#directory, path)), rights })),
    );
  }
}

/** The path without links; one that is not there has none. */
async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
