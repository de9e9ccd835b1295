import { type ActorRef, ASK_TIMEOUT_MS, contractOf, nearestNames } from '../actor/index.ts';
import {
  type CompiledComponent,
  type FuncType,
  type HostFunction,
  type HostImports,
  type HostInstance,
  matchImport,
} from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { holdsResources, isOurs } from './contract.ts';
import { TypeComparison } from './link-types.ts';
import { type LinkedActor, LinkedFunction, type LinkRoute, nameOf, operationFor } from './linked-function.ts';
import { ComponentContract, type ComponentShape, withoutVersion } from './shape.ts';

/** Who answers the calls of an import. */
export type LinkTarget =
  | LinkedActor
  | {
      /** Of several, each takes a call in turn; those that have ended are passed over. */
      readonly actor: LinkedActor | readonly LinkedActor[];
      /** Milliseconds for one call. Integer, 1 to 3_600_000. Default 5_000. */
      readonly timeoutMs?: number | undefined;
    };

/** Imports by name, with or without a version, and who answers them: an actor by its name, or by its reference. */
export type Links = Readonly<Record<string, LinkTarget>>;

/** An import of a component that other actors answer. */
export interface Link {
  /** As the binary names it. */
  readonly import: string;
  /** As the link was written. */
  readonly key: string;
  /** Those that the component's code can call, by their name in the interface; the empty name is the import itself. */
  readonly functions: ReadonlyMap<string, LinkedFunction>;
}

/** The longest wait for a reply, as everywhere. */
const TIMEOUT_MS_MAX = 3_600_000;

/** Problems that one error tells; a component chooses how many there are. */
const TOLD_MAX = 10;

/**
 * Finds the imports that `links` bind, and the functions in them that the component needs.
 *
 * @param label Name of the component, for messages.
 * @throws {RuntimeError} `COMPONENT_LINK_INVALID` — it has no such import, its types hold resources, or the actor behind a
 *   reference exports nothing that fits; the text names the function and both types.
 * @throws {RangeError} A timeout is out of range, or a link leads to no actor.
 */
export function resolveLinks(component: CompiledComponent, links: Links, label: string): Link[] {
  const names = [...component.type.imports].flatMap(([name, { kind }]) =>
    kind === 'instance' || kind === 'func' ? [name] : [],
  );
  const problems: string[] = [];
  const found: Link[] = [];
  const used = new Set<string>();
  for (const name of names) {
    const key = matchImport(name, links);
    if (key === undefined) continue;
    used.add(key);
    const { actors, timeoutMs } = toRoute(links[key] as LinkTarget);
    if (isOurs(name)) problems.push(`${quoted(name)} is always answered by Troupe itself`);
    const functions = new Map<string, LinkedFunction>();
    for (const [inner, type] of neededFunctions(component, name)) {
      const id = inner === '' ? name : `${name}#${inner}`;
      if (type === undefined || holdsResources(type)) problems.push(resourceProblem(id));
      else functions.set(inner, new LinkedFunction(id, type, { actors, timeoutMs }));
    }
    const link = { import: name, key, functions };
    for (const actor of actors) problems.push(...problemsOfRef(link, actor));
    found.push(link);
  }
  for (const key of Object.keys(links)) if (!used.has(key)) problems.push(noImport(key, names));
  if (problems.length > 0) throw linkError(label, problems);
  return found;
}

function toRoute(target: LinkTarget): LinkRoute {
  const isLong = typeof target === 'object' && 'actor' in target;
  const { actor, timeoutMs = ASK_TIMEOUT_MS } = isLong ? target : { actor: target };
  const actors = Array.isArray(actor) ? (actor as readonly LinkedActor[]) : [actor as string | ActorRef];
  if (actors.length === 0) throw new RangeError('Cannot link an import: a link leads to one actor at least');
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return { actors, timeoutMs };
  throw new RangeError(`Cannot link an import: timeoutMs is ${timeoutMs}; use an integer from 1 to ${TIMEOUT_MS_MAX}`);
}

/** What a component's code uses of its imports, by import and name in it. Made once: there may be thousands of each. */
const NEEDED = new WeakMap<CompiledComponent, Map<string, Map<string, FuncType | undefined>>>();

/**
 * What the component's code uses of the import `name`, with its type; what has none is a resource. The empty name is the
 * import itself.
 */
export function neededFunctions(component: CompiledComponent, name: string): ReadonlyMap<string, FuncType | undefined> {
  const needed = NEEDED.get(component) ?? groupNeeds(component);
  NEEDED.set(component, needed);
  return needed.get(name) ?? new Map();
}

function groupNeeds({ needs, type }: CompiledComponent): Map<string, Map<string, FuncType | undefined>> {
  const groups = new Map<string, Map<string, FuncType | undefined>>();
  for (const need of needs) {
    const [path = '', ...rest] = need.split('#');
    const inner = rest.join('#');
    const item = type.imports.get(path);
    const found = item?.kind === 'instance' ? item.type.exports.get(inner) : item;
    const group = groups.get(path) ?? new Map<string, FuncType | undefined>();
    groups.set(path, group.set(inner, found?.kind === 'func' ? found.type : undefined));
  }
  return groups;
}

/** An actor of which the library is given a reference can be looked at before anything starts. */
function problemsOfRef(link: Link, target: LinkedActor): string[] {
  const contract = typeof target === 'string' ? undefined : contractOf(target);
  return contract instanceof ComponentContract ? linkProblems(link, nameOf(target), contract.shape) : [];
}

/** Why calls of `link` cannot be answered by a component of that shape; nothing if all can. */
export function linkProblems(link: Link, target: string, shape: ComponentShape): string[] {
  const comparison = new TypeComparison();
  const reasons = new Map<string, string[]>();
  for (const func of link.functions.values()) {
    const found = operationFor(func, shape, comparison);
    if (!(found instanceof RuntimeError)) continue;
    const ids = reasons.get(found.message) ?? [];
    reasons.set(found.message, ids);
    ids.push(func.id);
  }
  // What is true of a whole interface is said once.
  return [...reasons].map(([reason, [first = '', ...others]]) => {
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return `${quoted(first)}${more} cannot lead to "${target}": ${reason}`;
  });
}

/** @param problems One at least. */
export function linkError(label: string, problems: readonly string[]): RuntimeError {
  const told = problems.slice(0, TOLD_MAX).join('; ');
  const more = problems.length > TOLD_MAX ? ` (and ${problems.length - TOLD_MAX} more)` : '';
  return new RuntimeError('COMPONENT_LINK_INVALID', `Cannot link component "${label}": ${told}${more}`, {
    details: { component: label, reasons: problems.slice(0, TOLD_MAX), reasonCount: problems.length },
  });
}

/** What the engine is given for the linked imports. */
export function linkedImports(links: readonly Link[]): HostImports {
  const imports: Record<string, HostInstance | HostFunction> = {};
  for (const { import: name, functions } of links) {
    const itself = functions.get('');
    const inside = [...functions].map(([inner, func]) => [inner, func.toHostFunction()] as const);
    imports[name] = itself === undefined ? Object.freeze(Object.fromEntries(inside)) : itself.toHostFunction();
  }
  return imports;
}

function resourceProblem(id: string): string {
  return `${quoted(id)} is about resources, whose handles do not travel between actors`;
}

function noImport(key: string, names: readonly string[]): string {
  const sameName = names.find((name) => withoutVersion(name) === withoutVersion(key));
  if (sameName !== undefined) return `it imports ${quoted(sameName)}, with which ${quoted(key)} is not compatible`;
  const near = nearestNames(withoutVersion(key), names.map(withoutVersion));
  const known = names.slice(0, 5).map(quoted);
  const help = known.length === 0 ? 'it imports nothing' : `it imports ${known.join(', ')}`;
  return `it does not import ${quoted(key)}; ${near[0] === undefined ? help : `did you mean ${quoted(near[0])}?`}`;
}

/** Characters of a name that a message shows: a component chooses its names. */
const NAME_SHOWN_MAX = 120;

function quoted(name: string): string {
  return `"${name.length > NAME_SHOWN_MAX ? `${name.slice(0, NAME_SHOWN_MAX)}…` : name}"`;
}
