import { RuntimeError } from '../../errors/index.ts';
import { type HostFunction, type HostInstance, HostResourceType } from '../host.ts';
import type { InstancePlan } from './plan.ts';

/**
 * What a component is given: interfaces by name (`'wasi:io/streams'`, `'demo:kv/store@1.2.0'`) and functions that the
 * world imports itself. A name without a version serves every version; one with a version serves those that semantic
 * versioning calls compatible.
 *
 * What a component finds in such an object is looked up once: neither it nor its interfaces may be changed afterwards, and
 * instances that are given the same object cost no search.
 */
export type HostImports = Readonly<Record<string, HostInstance | HostFunction>>;

/** Host functions and resource types in the order of the plan's lowerings and host resources. */
export interface BoundHost {
  readonly functions: readonly (HostFunction | undefined)[];
  readonly resources: readonly (HostResourceType | undefined)[];
}

/** Every host function that is called and every host resource that there can be handles of. */
function neededPaths(plan: InstancePlan): readonly (readonly string[])[] {
  const resources = plan.resources.flatMap((item) => (item.kind === 'host' && item.used ? [item.path] : []));
  const functions = plan.lowerings.flatMap(({ target }) => (target.kind === 'host' ? [target.path] : []));
  return [...functions, ...resources];
}

/** What `plan` needs and `imports` do not have, as `interface#name`. */
export function missingImports(plan: InstancePlan, imports: HostImports): string[] {
  const paths = neededPaths(plan).filter((path) => lookUp(imports, path) === undefined);
  return [...new Set(paths.map((path) => path.join('#')))];
}

/** Finds what `plan` needs among `imports`; all that is missing is named in one error. */
export function bindHost(plan: InstancePlan, imports: HostImports): BoundHost {
  const missing: string[] = [];
  const find = (path: readonly string[]): unknown => {
    const item = lookUp(imports, path);
    if (item === undefined) missing.push(path.join('#'));
    return item;
  };
  const functions = plan.lowerings.map(({ target }) =>
    target.kind === 'host' ? (find(target.path) as HostFunction) : undefined,
  );
  const resources = plan.resources.map((resource) =>
    resource.kind === 'host' && resource.used ? (find(resource.path) as HostResourceType) : undefined,
  );
  if (missing.length > 0) failMissing(missing);
  plan.lowerings.forEach(({ target }, index) => {
    if (target.kind === 'host' && typeof functions[index] !== 'function') failKind(target.path, 'a function');
  });
  plan.resources.forEach((resource, index) => {
    if (resource.kind === 'host' && resource.used && !(resources[index] instanceof HostResourceType))
      failKind(resource.path, 'a HostResourceType');
  });
  return { functions, resources };
}

function failMissing(missing: readonly string[]): never {
  const names = [...new Set(missing)];
  const shown = names.slice(0, 20).map((name) => `"${name}"`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  throw new RuntimeError(
    'COMPONENT_IMPORT_MISSING',
    `Cannot instantiate the component: nothing was given for its imports ${shown.join(', ')}${more}`,
    {
      details: { missing: names },
    },
  );
}

function failKind(path: readonly string[], expected: string): never {
  throw new RuntimeError(
    'COMPONENT_IMPORT_MISSING',
    `Cannot instantiate the component: what was given for "${path.join('#')}" is not ${expected}`,
    {
      details: { missing: [path.join('#')] },
    },
  );
}

function lookUp(imports: HostImports, path: readonly string[]): unknown {
  const name = matchImport(path[0] as string, imports);
  const item = name === undefined ? undefined : imports[name];
  return path.slice(1).reduce<unknown>(exportOf, item);
}

/** What an interface that the host offers has under a name of its own. */
function exportOf(offered: unknown, name: string): unknown {
  if (typeof offered !== 'object' || offered === null || offered instanceof HostResourceType) return undefined;
  return Object.hasOwn(offered, name) ? (offered as HostInstance)[name] : undefined;
}

/**
 * The key of `offered` that serves the import `name`: the same, the name without its version, or a compatible version.
 *
 * @example `matchImport('wasi:io/streams@0.2.6', { 'wasi:io/streams@0.2.0': … })` is `'wasi:io/streams@0.2.0'`.
 */
export function matchImport(name: string, offered: Readonly<Record<string, unknown>>): string | undefined {
  if (Object.hasOwn(offered, name)) return name;
  const at = name.lastIndexOf('@');
  if (at < 0) return undefined;
  const base = name.slice(0, at);
  if (Object.hasOwn(offered, base)) return base;
  const wanted = compatibilityKey(name.slice(at + 1));
  return Object.keys(offered).find(
    (key) => key.startsWith(`${base}@`) && compatibilityKey(key.slice(at + 1)) === wanted,
  );
}

/** Versions with the same key are compatible: 1.x.y, 0.1.x, exactly 0.0.1, and a pre-release with itself alone. */
function compatibilityKey(version: string): string {
  if (/[-+]/.test(version)) return version;
  const [major, minor, patch] = version.split('.');
  if (major !== '0') return `${major}`;
  return minor !== '0' ? `0.${minor}` : `0.0.${patch}`;
}
