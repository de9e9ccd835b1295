import { type ActorType, defineRemoteType, hosted, type Protocol } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Recipe } from './control.ts';
import { PlacedActor, type Workplaces } from './placed-actor.ts';

/** Where an actor type is found, and what it understands. */
export interface WorkerActorOptions<P extends Protocol> {
  /** The name under which the module exports it. */
  readonly export: string;
  /** What it implements; the one that is found has to have this name. */
  readonly protocol: P;
}

/** An actor type whose actors are run where its module is loaded. */
export interface ModuleActorType<P extends Protocol = Protocol> extends ActorType<P> {
  readonly module: Recipe;
}

/** What the recipe of a module says. */
interface ModuleData {
  readonly url: string;
  readonly name: string;
  readonly protocol: string;
}

/**
 * An actor type whose actors live on the workers of the system that spawns them: there, and nowhere else, the module is loaded that
 * implements it. In a system without workers they live on the calling thread, and are the same in all that they do: messages are
 * copied there too.
 *
 * Of what is sent to them, bytes (`Uint8Array`) are copied once, and all else as by `structuredClone`; what cannot be copied so, and
 * more than 16 MiB, is refused with `MESSAGE_UNSERIALIZABLE`. A reference is none of it: send the name of an actor. Their start fails
 * with `MODULE_LOAD_FAILED` when the module cannot be loaded, and with `MODULE_EXPORT_INVALID` when its export is not there, or of
 * another protocol.
 *
 * @param url Of the module: JavaScript, or TypeScript where Node.js runs that.
 * @throws {TypeError} The URL is none.
 *
 * @example A module that resizes pictures, on two threads
 * ```ts
 * // resize.ts: export const Resize = protocol(…); export const resize = implement(Resize, …);
 * const resize = workerActor(new URL('./resize.ts', import.meta.url), { export: 'resize', protocol: Resize });
 * await using system = await ActorSystem.create({ workers: 2 });
 * const small = await system.spawn(resize).ask.half(picture);
 * ```
 */
export function workerActor<P extends Protocol>(url: URL | string, options: WorkerActorOptions<P>): ModuleActorType<P> {
  const { export: name, protocol } = options;
  const data: ModuleData = { url: new URL(url).href, name, protocol: protocol.name };
  const recipe: Recipe = { kind: 'module', data };
  return Object.assign(placed(protocol, { recipe, workplaces: NOWHERE }), { module: recipe });
}

function placed<P extends Protocol>(
  protocol: P,
  where: { readonly recipe: Recipe; readonly workplaces: Workplaces },
): ActorType<P> {
  return defineRemoteType({ name: protocol.name, speaks: protocol, connect: (actor) => new PlacedActor(actor, where) });
}

/** Where those are run that are spawned in a system which has no place for them. */
const NOWHERE: Workplaces = {
  choose() {
    const text = 'Cannot run an actor of a module: this system has no place for it; make it with ActorSystem.create';
    return Promise.reject(new RuntimeError('CONFIG_INVALID', text));
  },
};

/** What says how actors of `type` are made, if it is one of a module. */
export function moduleOf(type: ActorType): Recipe | undefined {
  return (type as Partial<ModuleActorType>).module;
}

/**
 * Finds actor types in modules, where they are run.
 *
 * Rejects with `MODULE_LOAD_FAILED` and `MODULE_EXPORT_INVALID`.
 */
export async function moduleKitchen(given: unknown): Promise<ActorType> {
  const { url, name, protocol } = given as ModuleData;
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('MODULE_LOAD_FAILED', `Cannot load "${url}": ${why}`, { details: { url }, cause: error });
  }
  const type = Object.hasOwn(module, name) ? module[name] : undefined;
  if (hosted.isType(type) && type.name === protocol) return type;
  throw new RuntimeError('MODULE_EXPORT_INVALID', `Cannot use "${name}" of "${url}": ${why(type, module, protocol)}`, {
    details: { url, export: name },
  });
}

function why(found: unknown, module: Readonly<Record<string, unknown>>, protocol: string): string {
  if (hosted.isType(found)) return `it implements "${found.name}", not "${protocol}"`;
  if (found !== undefined) return 'it is no actor type, or one of another copy of this package';
  const types = Object.keys(module).filter((name) => hosted.isType(module[name]));
  if (types.length === 0) return 'the module exports no actor type';
  return `it exports no such thing, but ${types.map((name) => `"${name}"`).join(', ')}`;
}
