import { GRANT_LINES, type Grants, NO_GRANTS } from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { neededGrants } from '../wasi/index.ts';
import { checkMessaging } from './contract.ts';
import { offeredInterfaces } from './surroundings.ts';

const OURS = /^troupe:actor\/(messaging|types)@0\.1\.\d+$/;

/** One import as deployment sees it. */
export interface ImportNeed {
  /** As the binary names it. */
  readonly name: string;
  /**
   * `free`: linked without asking. `grant`: linked always, works as far as granted. `required-grant`: it cannot fail,
   * so it is linked only if granted. `unsupported`: nothing here implements it.
   */
  readonly need: 'free' | 'grant' | 'required-grant' | 'unsupported';
  /** The line to add under `[components.NAME.grants]`. */
  readonly line?: string;
  readonly granted: boolean;
}

/** What each import that the component's code can use needs, and whether `grants` give it. */
export function importNeeds(component: CompiledComponent, grants: Grants): ImportNeed[] {
  const names = new Set(component.needs.map(interfaceOf));
  return [...names].map((name) => importNeed(name, grants));
}

function importNeed(name: string, grants: Grants): ImportNeed {
  if (OURS.test(name)) {
    return {
      name,
      need: 'grant',
      line: 'messaging = { tell = ["NAME"], ask = ["NAME"], publish = ["TOPIC"] }',
      granted: grants.messaging !== undefined,
    };
  }
  const wasi = neededGrants(name);
  if (wasi === undefined) return { name, need: 'unsupported', granted: false };
  if (wasi.grant === undefined) return { name, ...fallibleNeed(name, grants) };
  return { name, need: 'required-grant', line: wasi.grant.line, granted: grants[wasi.grant.kind] === true };
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
  if (name.startsWith('wasi:cli/environment')) {
    return { need: 'grant', line: 'env = ["NAME"]', granted: (grants.env?.length ?? 0) > 0 };
  }
  return { need: 'free', granted: true };
}

/**
 * Refuses a component whose imports cannot be linked under `grants`, with everything that is missing and the lines to
 * add.
 *
 * @throws {RuntimeError} `COMPONENT_IMPORT_MISSING`.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it imports a function of ours with another type.
 */
export function checkImports(component: CompiledComponent, grants: Grants, label: string): void {
  checkMessaging(component);
  const ungranted = importNeeds(component, grants).filter((item) => item.need === 'required-grant' && !item.granted);
  const names = ungranted.map((item) => item.name);
  const absent = unofferedImports(component);
  if (names.length === 0 && absent.length === 0) return;
  const lines = [...new Set(ungranted.flatMap((item) => item.line ?? []))];
  const parts: string[] = [];
  if (names.length > 0)
    parts.push(`${names.join(', ')} must be granted: add under [components.${label}.grants] ${lines.join(' and ')}`);
  if (absent.length > 0) parts.push(`nothing here offers ${listed(absent)}`);
  throw new RuntimeError('COMPONENT_IMPORT_MISSING', `Cannot link component "${label}": ${parts.join('; ')}`, {
    details: { missing: [...names, ...absent], lines },
  });
}

/**
 * What the component's code can use and nothing here offers, whatever is granted: whole interfaces by name, and functions
 * of known interfaces as `interface#function`.
 */
export function unofferedImports(component: CompiledComponent): string[] {
  const needs = importNeeds(component, NO_GRANTS);
  const interfaces = needs.filter((item) => item.need === 'unsupported').map((item) => item.name);
  const functions = component.missing(offeredInterfaces()).filter((name) => !interfaces.includes(interfaceOf(name)));
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
