import { isAbsolute, relative } from 'node:path';
import { parseEndpointPattern, patternOf } from '../capability/index.ts';
import { GRANTS_SECTION, type GrantsSection } from './grants-section.ts';
import { checkToml } from './toml.ts';

/** Whose grants are printed. */
interface Printed {
  /** Of the application, for the comment. */
  readonly name: string;
  /** Folder that paths are made relative to. */
  readonly directory: string;
  /** Lines of grants by component, in order; what is no grant is left out. */
  readonly needs: ReadonlyMap<string, Iterable<string>>;
}

/** How a file begins that {@link printNeeds} made. */
export const NEEDS_HEADER = '# Grants that were used or missed, as "troupe up --record" saw them.';

/** Puts lines of grants together: one table for each component, to be read and put into `troupe.toml`. */
export function printNeeds({ name, directory, needs }: Printed): string {
  const parts = [
    `${NEEDS_HEADER} Application: ${JSON.stringify(name)}\n` +
      '# A component can want what it should not have: read it, then put it in the place of what stands in troupe.toml.\n',
  ];
  for (const [component, lines] of needs) {
    const grants = mergeLines(lines);
    const printed = Object.entries(grants).map(([key, value]) => `${key} = ${toToml(relativePaths(value, directory))}`);
    parts.push([`[components.${component}.grants]`, ...printed, ''].join('\n'));
  }
  return parts.join('\n');
}

function mergeLines(lines: Iterable<string>): GrantsSection {
  let merged: GrantsSection = {};
  for (const line of lines) {
    const checked = checkToml('', line, GRANTS_SECTION);
    if (checked.ok) merged = merge(merged, checked.value) as GrantsSection;
  }
  const { network } = merged;
  if (network === undefined) return merged;
  const { resolve, ...rest } = network;
  // Who may connect to a name may look it up.
  const names = new Set((rest.connect ?? []).map((granted) => hostOf(patternOf(granted))));
  const left = (resolve ?? []).filter((granted) => !names.has(patternOf(granted)));
  return { ...merged, network: left.length === 0 ? rest : { ...rest, resolve: left } };
}

function hostOf(pattern: string): string | undefined {
  const host = parseEndpointPattern(pattern)?.host;
  return host?.kind === 'name' ? host.name : undefined;
}

/** Both values: lists are joined, tables merged, and of folders the rights. */
function merge(one: unknown, other: unknown): unknown {
  if (one === undefined) return other;
  if (Array.isArray(one) && Array.isArray(other)) return mergeLists(one, other);
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return other;
  const result: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) result[key] = merge(result[key], value);
  return result;
}

function mergeLists(one: readonly unknown[], other: readonly unknown[]): unknown[] {
  const result = [...one];
  for (const item of other) {
    const at = result.findIndex((known) => keyOf(known) === keyOf(item));
    if (at < 0) result.push(item);
    else result[at] = merge(result[at], item);
  }
  return result;
}

/** What makes two items of a list the same: of folders their place. */
function keyOf(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  const { path, mount } = item as { readonly path?: string; readonly mount?: string };
  return `${path}\n${mount}`;
}

function relativePaths(value: unknown, directory: string): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null || !('path' in item)) return item;
    const path = String(item.path);
    const below = isAbsolute(path) ? relative(directory, path) : path;
    return { ...item, path: below.startsWith('..') || isAbsolute(below) ? path : `./${below}` };
  });
}

/** JSON's strings, numbers and words are TOML's. */
function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${key} = ${toToml(item)}`);
  return `{ ${members.join(', ')} }`;
}
