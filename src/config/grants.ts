import { resolve } from 'node:path';
import {
  type FilesystemGrant,
  type FilesystemRight,
  type Granted,
  type GrantedRule,
  isWithinFolder,
  matchesBucket,
  patternOf,
  rulesOf,
  withConditions,
} from '../capability/index.ts';
import type { ConfigNotice, GrantsConfig } from './application.ts';
import { type AsksSection, type GrantsSection, splitPath } from './grants-section.ts';
import { coversListen, coversName, coversResolve, coversTarget, coversTopic } from './patterns.ts';

/**
 * What a component is granted: what the operator gives, cut down to what the author asks for. `grants.env` are the
 * names that the operator passes on from this process.
 */
export interface Intersection {
  readonly grants: GrantsConfig;
  readonly notices: readonly ConfigNotice[];
}

/** What is intersected. */
export interface Sides {
  /** For notices. */
  readonly component: string;
  /** Folder that the paths of `given` are relative to. */
  readonly directory: string;
  readonly given: GrantsSection;
  /** `undefined`: the author says nothing, so the operator alone decides. */
  readonly asked: AsksSection | undefined;
}

type Stdio = GrantsSection['stdio'];
type Streams = GrantsConfig['stdio'];
export const STREAM_NAMES = ['stdin', 'stdout', 'stderr'] as const;

/** Intersects both sides. Neither can widen the other; what falls away is reported. */
export function intersectGrants(sides: Sides): Intersection {
  const { given, asked } = sides;
  const notices = new Notices(sides.component);
  const toFolder = ({ path, mount, rights }: NonNullable<GrantsSection['filesystem']>[number]): FilesystemGrant => {
    const { folder, ...only } = splitPath(path);
    return { hostPath: resolve(sides.directory, folder), guestPath: mount, rights: [...new Set(rights)], ...only };
  };
  const folders = (given.filesystem ?? []).map(toFolder);
  return {
    grants: {
      ...(given.deny && { deny: [given.deny] }),
      filesystem: asked === undefined ? folders : intersectFolders(folders, asked, notices),
      clock: both('clock', sides, notices),
      random: both('random', sides, notices),
      stdio: intersectStreams(given.stdio, asked, notices),
      env: intersectNames(given.env ?? [], asked && (asked.env ?? []), { what: 'the environment variable', notices }),
      secrets: intersectNames(given.secrets ?? [], asked && (asked.secrets ?? []), { what: 'the secret', notices }),
      messaging: {
        tell: intersectPatterns('tell', sides, notices),
        ask: intersectPatterns('ask', sides, notices),
        publish: intersectPatterns('publish', sides, notices),
      },
      http: intersectTexts(given.http, asked && (asked.http ?? []), {
        covers: coversTarget,
        notices,
        what: 'HTTP requests to',
        line: (pattern) => `http = ["${pattern}"]`,
      }),
      network: {
        connect: intersectNetwork('connect', sides, notices),
        listen: intersectNetwork('listen', sides, notices),
        resolve: intersectNetwork('resolve', sides, notices),
      },
      keyvalue: intersectTexts(given.keyvalue, asked && (asked.keyvalue ?? []), {
        covers: matchesBucket,
        notices,
        what: 'the bucket',
        line: (pattern) => `keyvalue = ["${pattern}"]`,
      }),
    },
    notices: notices.all,
  };
}

/** What an author asks for, rule by rule, as it stands in its file. */
export function rulesOfAsks({ filesystem = [], stdio, ...asks }: AsksSection): GrantedRule[] {
  const folders = filesystem.flatMap(({ path, rights }) => {
    const listed = rights.map((right) => `"${right}"`).join(', ');
    const rule = `filesystem = [{ path = "${path}", rights = [${listed}] }]`;
    return rights.map((right) => ({ action: `filesystem.${right}`, rule }));
  });
  return [...rulesOf({ ...asks, stdio: toStreams(stdio) }), ...folders];
}

/** What of one side has no counterpart on the other. */
interface Differences {
  notGranted(what: string, line: string): void;
  notAsked(what: string): void;
}

class Notices implements Differences {
  readonly all: ConfigNotice[] = [];
  readonly #component: string;

  constructor(component: string) {
    this.#component = component;
  }

  notGranted(what: string, line: string): void {
    const help = `to grant it, add to [components.${this.#component}.grants]: ${line}`;
    const message = `asks for ${what}, which is not granted`;
    this.all.push({ kind: 'not-granted', component: this.#component, message, help, line });
  }

  notAsked(what: string): void {
    const message = `is granted ${what}, which its Component.toml does not ask for; it does not get it`;
    this.all.push({ kind: 'not-asked', component: this.#component, message });
  }
}

function both(key: 'clock' | 'random', { given, asked }: Sides, notices: Notices): boolean {
  const granted = given[key] ?? false;
  if (asked === undefined) return granted;
  const wanted = asked[key] ?? false;
  if (wanted && !granted) notices.notGranted(key, `${key} = true`);
  if (granted && !wanted) notices.notAsked(key);
  return granted && wanted;
}

function intersectFolders(given: readonly FilesystemGrant[], asked: AsksSection, notices: Notices): FilesystemGrant[] {
  const asks = asked.filesystem ?? [];
  const result: FilesystemGrant[] = [];
  for (const grant of given) {
    const { rights, only } = askedOf(grant, asks);
    const surplus = grant.rights.filter((right) => !rights.includes(right));
    if (surplus.length > 0) notices.notAsked(`${surplus.join(', ')} on "${grant.guestPath}"`);
    if (rights.length > 0) result.push({ ...grant, rights, ...(only && { only: [...(grant.only ?? []), ...only] }) });
  }
  for (const ask of asks) {
    const covering = given.filter((grant) => isWithinFolder(splitPath(ask.path).folder, grant.guestPath));
    const missing = ask.rights.filter((right) => !covering.some((grant) => grant.rights.includes(right)));
    if (missing.length > 0)
      notices.notGranted(`${missing.join(', ')} on "${ask.path}"`, folderLine(ask.path, ask.rights));
  }
  return result;
}

/** What of a grant is asked for. A mount may lie inside of that; the other way round it would show more than was asked. */
function askedOf(
  { guestPath, rights: given }: FilesystemGrant,
  asks: NonNullable<AsksSection['filesystem']>,
): { readonly rights: readonly FilesystemRight[]; readonly only?: readonly string[] } {
  const folders = asks.map(({ path, rights }) => ({ ...splitPath(path), rights }));
  const whole = folders.filter(({ folder, only }) => only === undefined && isWithinFolder(folder, guestPath));
  const wanted = whole.flatMap(({ rights }) => rights);
  // Of a pattern, its own folder: what it means inside of a part of that would have to be worked out.
  const part = whole.length > 0 ? undefined : folders.find(({ folder, only }) => only && folder === guestPath);
  if (part === undefined) return { rights: given.filter((right) => wanted.includes(right)) };
  const rights = given.filter((right) => part.rights.includes(right) && (right === 'read' || right === 'list'));
  return { rights, ...(part.only && { only: part.only }) };
}

function folderLine(path: string, rights: readonly FilesystemRight[]): string {
  const listed = rights.map((right) => `"${right}"`).join(', ');
  return `filesystem = [{ path = ".${path}", mount = "${splitPath(path).folder}", rights = [${listed}] }]`;
}

function intersectStreams(given: Stdio, asked: AsksSection | undefined, notices: Notices): Streams {
  const granted = toStreams(given);
  if (asked === undefined) return granted;
  const wanted = toStreams(asked.stdio);
  const missing = STREAM_NAMES.filter((name) => wanted[name] && !granted[name]);
  const surplus = STREAM_NAMES.filter((name) => granted[name] && !wanted[name]);
  if (missing.length > 0)
    notices.notGranted(missing.join(', '), `stdio = [${missing.map((name) => `"${name}"`).join(', ')}]`);
  if (surplus.length > 0) notices.notAsked(surplus.join(', '));
  return {
    stdin: granted.stdin && wanted.stdin,
    stdout: granted.stdout && wanted.stdout,
    stderr: granted.stderr && wanted.stderr,
  };
}

export function toStreams(value: Stdio): Streams {
  const has = (name: (typeof STREAM_NAMES)[number]) => (Array.isArray(value) ? value.includes(name) : value === true);
  return { stdin: has('stdin'), stdout: has('stdout'), stderr: has('stderr') };
}

function intersectNames(
  given: readonly string[],
  wanted: readonly string[] | undefined,
  { what, notices }: { readonly what: string; readonly notices: Notices },
): string[] {
  if (wanted === undefined) return [...new Set(given)];
  for (const name of given) if (!wanted.includes(name)) notices.notAsked(`${what} "${name}"`);
  return [...new Set(given.filter((name) => wanted.includes(name)))];
}

function intersectPatterns(key: 'tell' | 'ask' | 'publish', { given, asked }: Sides, notices: Notices): Granted[] {
  return intersectTexts(given.messaging?.[key], asked && (asked.messaging?.[key] ?? []), {
    covers: key === 'publish' ? coversTopic : coversName,
    notices,
    what: key,
    line: (pattern) => `messaging = { ${key} = ["${pattern}"] }`,
  });
}

export const NETWORK_COVERS = { connect: coversTarget, listen: coversListen, resolve: coversResolve } as const;

function intersectNetwork(key: keyof typeof NETWORK_COVERS, { given, asked }: Sides, notices: Notices): Granted[] {
  return intersectTexts(given.network?.[key], asked && (asked.network?.[key] ?? []), {
    covers: NETWORK_COVERS[key],
    notices,
    what: `network ${key}`,
    line: (pattern) => `network = { ${key} = ["${pattern}"] }`,
  });
}

interface PatternKind {
  /** Tells whether what `inner` stands for is all in what `outer` stands for. */
  readonly covers: (outer: string, inner: string) => boolean;
  readonly notices: Differences;
  /** What a pattern is for, in notices. */
  readonly what: string;
  /** The line that grants one. */
  readonly line: (pattern: string) => string;
}

/** What both sides' patterns cover, under the conditions of both: the narrower of each pair in which one covers the other. */
export function intersectTexts(
  granted: readonly Granted[] = [],
  wanted: readonly Granted[] | undefined,
  { covers, notices, what, line }: PatternKind,
): Granted[] {
  if (wanted === undefined) return unique(granted);
  const isIn = (outer: Granted, inner: Granted) => covers(patternOf(outer), patternOf(inner));
  const narrowed = granted.flatMap((one) =>
    wanted.flatMap((other) => (isIn(other, one) ? (withConditions(patternOf(one), one, other) ?? []) : [])),
  );
  const kept = wanted.flatMap((one) =>
    granted.flatMap((other) => (isIn(other, one) ? (withConditions(patternOf(one), one, other) ?? []) : [])),
  );
  const result = unique([...narrowed, ...kept]);
  for (const side of wanted) {
    const pattern = patternOf(side);
    if (!result.some((other) => isIn(side, other))) notices.notGranted(`${what} "${pattern}"`, line(pattern));
  }
  for (const side of granted)
    if (!result.some((other) => isIn(side, other))) notices.notAsked(`${what} "${patternOf(side)}"`);
  return result;
}

function unique(granted: readonly Granted[]): Granted[] {
  return [...new Map(granted.map((item) => [JSON.stringify(item), item])).values()];
}
