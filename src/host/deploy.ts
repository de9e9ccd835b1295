import { decide, GRANT_LINES, type Grants, NO_GRANTS } from '../capability/index.ts';
import type { CompiledComponent, FuncType } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { neededGrants } from '../wasi/index.ts';
import { neededByImport } from './component-audit.ts';
import { checkMessaging, holdsResources, isOurs } from './contract.ts';
import { neededFunctions } from './links.ts';
import { offeredInterfaces } from './surroundings.ts';

/** One import as deployment sees it. */
export interface ImportNeed {
  /** As the binary names it. */
  readonly name: string;
  /**
   * `free`: linked without asking. `grant`: linked always, works as far as granted. `required-grant`: it cannot fail,
   * so it is linked only if granted. `link`: another actor has to answer it. `unsupported`: nothing here implements it.
   */
  readonly need: 'free' | 'grant' | 'required-grant' | 'link' | 'unsupported';
  /** The line to add under `[components.NAME.grants]`, for a link under `[components.NAME.links]`. */
  readonly line?: string;
  readonly granted: boolean;
}

/** What each import that the component's code can use needs, and whether `grants` give it. */
export function importNeeds(component: CompiledComponent, grants: Grants): ImportNeed[] {
  const names = new Set(component.needs.map(interfaceOf));
  return [...names].map(
    (name) =>
      importNeed(name, grants) ?? { name, ...foreignNeed([...neededFunctions(component, name).values()], name) },
  );
}

/** An interface that nothing here implements can be answered by an actor, unless it is about resources. */
function foreignNeed(types: readonly (FuncType | undefined)[], name: string): Omit<ImportNeed, 'name'> {
  if (types.some((type) => type === undefined || holdsResources(type))) return { need: 'unsupported', granted: false };
  return { need: 'link', line: `${JSON.stringify(name)} = "ACTOR"`, granted: false };
}

/** What an interface needs that is implemented here. */
function importNeed(name: string, grants: Grants): ImportNeed | undefined {
  if (isOurs(name)) {
    return {
      name,
      need: 'grant',
      line: 'messaging = { tell = ["NAME"], ask = ["NAME"], publish = ["TOPIC"] }',
      granted: grants.messaging !== undefined,
    };
  }
  const wasi = neededGrants(name);
  if (wasi === undefined) return undefined;
  if (wasi.grant === undefined) return { name, ...fallibleNeed(name, grants) };
  return {
    name,
    need: 'required-grant',
    line: wasi.grant.line,
    granted: decide(grants, wasi.grant).effect === 'allow',
  };
}

/** Interfaces that are always linked but do something only where a grant says what. */
function fallibleNeed(name: string, grants: Grants): Omit<ImportNeed, 'name'> {
  if (name.startsWith('wasi:filesystem/')) {
    const line = 'filesystem = [{ path = "FOLDER", mount = "/data", rights = ["read", "list"] }]';
    return { need: 'grant', line, granted: (grants.filesystem?.length ?? 0) > 0 };
  }
  if (/^wasi:cli\/std(in|out|err)@/.test(name)) {
    const stream = name.slice('wasi:cli/'.length, name.indexOf('@')) as 'stdin' | 'stdout' | 'stderr';
    return { need: 'grant', line: GRANT_LINES.stdio, granted: grants.stdio?.[stream] === true };
  }
  if (name.startsWith('wasi:keyvalue/')) {
    return { need: 'grant', line: 'keyvalue = ["NAME"]', granted: (grants.keyvalue?.length ?? 0) > 0 };
  }
  if (name.startsWith('wasi:http/outgoing-handler')) {
    return { need: 'grant', line: 'http = ["https://HOST"]', granted: (grants.http?.length ?? 0) > 0 };
  }
  if (name.startsWith('wasi:sockets/')) {
    const line = 'network = { connect = ["tcp://HOST:PORT"], listen = ["tcp://ADDRESS:PORT"], resolve = ["HOST"] }';
    const { connect = [], listen = [], resolve = [] } = grants.network ?? {};
    return { need: 'grant', line, granted: connect.length + listen.length + resolve.length > 0 };
  }
  if (name.startsWith('wasi:cli/environment')) {
    return { need: 'grant', line: 'env = ["NAME"]', granted: (grants.env?.length ?? 0) > 0 };
  }
  return { need: 'free', granted: true };
}

/** Whose imports are checked. */
interface Deployment {
  /** Name of the component, for messages. */
  readonly label: string;
  /** Imports that other actors answer, as the binary names them. */
  readonly linked?: ReadonlySet<string>;
  /** Hears of the grants that it needs for its imports, whether it has them or not. */
  readonly onNeeded?: ((line: string) => void) | undefined;
}

/**
 * Refuses a component whose imports cannot be linked under `grants`, with everything that is missing and the lines to
 * add.
 *
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING`.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it imports a function of ours with another type.
 */
export function checkImports(component: CompiledComponent, grants: Grants, deployment: Deployment): void {
  const { label, linked, onNeeded } = deployment;
  for (const line of neededByImport(grants, component.needs)) onNeeded?.(line);
  checkMessaging(component);
  const needs = importNeeds(component, grants).filter(({ name, granted }) => !granted && !linked?.has(name));
  const ungranted = needs.filter(({ need }) => need === 'required-grant');
  const unlinked = needs.filter(({ need }) => need === 'link');
  const absent = unofferedImports(component).filter((name) => !linked?.has(interfaceOf(name)));
  if (ungranted.length + unlinked.length + absent.length === 0) return;
  const parts: string[] = [];
  if (ungranted.length > 0) {
    const lines = linesOf(ungranted).join(' and ');
    parts.push(`${listed(namesOf(ungranted))} must be granted: add under [components.${label}.grants] ${lines}`);
  }
  if (unlinked.length > 0) {
    const lines = listed(linesOf(unlinked));
    parts.push(
      `${listed(namesOf(unlinked))} must be answered by an actor: add under [components.${label}.links] ${lines}`,
    );
  }
  if (absent.length > 0) parts.push(`nothing here offers ${listed(absent)}`);
  throw new RuntimeError('COMPONENT_IMPORT_MISSING', `Cannot link component "${label}": ${parts.join('; ')}`, {
    details: {
      missing: [...namesOf(ungranted), ...namesOf(unlinked), ...absent],
      lines: linesOf(ungranted),
      linkLines: linesOf(unlinked),
    },
  });
}

function namesOf(needs: readonly ImportNeed[]): string[] {
  return needs.map(({ name }) => name);
}

function linesOf(needs: readonly ImportNeed[]): string[] {
  return [...new Set(needs.flatMap(({ line }) => line ?? []))];
}

/**
 * What the component's code can use and nothing here offers, whatever is granted: whole interfaces by name, and functions
 * of known interfaces as `interface#function`.
 */
export function unofferedImports(component: CompiledComponent): string[] {
  const needs = importNeeds(component, NO_GRANTS);
  const interfaces = needs.filter((item) => item.need === 'unsupported').map((item) => item.name);
  const known = new Set(needs.filter(({ need }) => need !== 'unsupported' && need !== 'link').map(({ name }) => name));
  const functions = component.missing(offeredInterfaces()).filter((name) => known.has(interfaceOf(name)));
  return [...interfaces, ...functions];
}

function interfaceOf(need: string): string {
  return need.split('#')[0] as string;
}

/** Names that one message lists; a component chooses how many there are. */
const LISTED_MAX = 20;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).join(', ');
  return names.length > LISTED_MAX ? `${shown} and ${names.length - LISTED_MAX} more` : shown;
}
