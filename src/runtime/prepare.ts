import type { ApplicationConfig, ComponentConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentActorType, linkError, linkProblems } from '../host/index.ts';

/** Components that failed to load that one error lists; what is beyond is counted. */
const LISTED_MAX = 20;

/** What became of the components of one application. */
export type Prepared = ReadonlyMap<ComponentConfig, ComponentActorType>;

/**
 * Makes an actor type of every component, one after the other, and checks that each link leads to exports that fit.
 *
 * @param load Makes the actor type of one component. @param signal Gives it up, with `signal.reason`.
 * @throws {RuntimeError} What is wrong with a component; with several, one error that lists them all, with the code of the
 *   first.
 */
export async function prepareAll(
  config: ApplicationConfig,
  load: (component: ComponentConfig) => Promise<ComponentActorType>,
  signal?: AbortSignal,
): Promise<Prepared> {
  const types = new Map<ComponentConfig, ComponentActorType>();
  const failures = new Map<ComponentConfig, RuntimeError>();
  for (const component of config.components) {
    try {
      types.set(component, await load(component));
    } catch (error) {
      signal?.throwIfAborted();
      if (!RuntimeError.is(error) || error.kind === 'internal') throw error;
      failures.set(component, error);
    }
  }
  for (const component of types.keys()) {
    const error = checkLinks(component, types);
    if (error !== undefined) failures.set(component, error);
  }
  if (failures.size > 0) throw toOne(config, failures);
  return types;
}

/** Why the links of a component do not fit the components that they lead to. */
function checkLinks(component: ComponentConfig, types: Prepared): RuntimeError | undefined {
  const byName = new Map([...types].map(([{ name }, type]) => [name, type]));
  const problems = (byName.get(component.name)?.links ?? []).flatMap((link) => {
    const target = component.links.find((item) => item.import === link.key)?.component;
    const type = target === undefined ? undefined : byName.get(target);
    return target === undefined || type === undefined ? [] : linkProblems(link, target, type.shape);
  });
  return problems.length === 0 ? undefined : linkError(component.name, problems);
}

function toOne({ file, name }: ApplicationConfig, failures: ReadonlyMap<ComponentConfig, RuntimeError>): RuntimeError {
  const [first] = failures.values();
  if (failures.size === 1 || first === undefined) return first as RuntimeError;
  const summary = `Cannot start "${name}"`;
  const problems = [...failures].map(([component, error]) => ({
    file,
    key: `components.${component.name}`,
    message: error.message,
    code: error.code,
  }));
  return new RuntimeError(first.code, `${summary}: ${first.message} (and ${failures.size - 1} more)`, {
    details: { summary, problems: problems.slice(0, LISTED_MAX), problemCount: problems.length },
    cause: first,
  });
}
