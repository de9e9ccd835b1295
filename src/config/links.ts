import { z } from 'zod';
import type { LinkConfig } from './application.ts';
import { duration, table, text } from './fields.ts';
import type { KeyPath } from './key-positions.ts';
import { nearest } from './nearest.ts';
import { type ProblemText, quote } from './problems.ts';

/** The range of every wait for a reply. */
const TIMEOUT_MS = { min: 1, max: 3_600_000 } as const;

const actor = () =>
  text('the name of a component or actor').meta({
    description: 'Component, or one actor of it, whose exports are called',
    examples: ['calc'],
  });

/** `[components.NAME.links]`: imports of a component that other actors answer. */
export const LINKS_SECTION = z
  .record(
    text('the name of an import'),
    z.union(
      [
        actor(),
        table({
          actor: actor(),
          timeout: duration(TIMEOUT_MS).prefault('5s').meta({ description: 'How long one call may take' }),
        }),
      ],
      { error: 'the name of a component or actor, or { actor = "NAME", timeout = "5s" }' },
    ),
    { error: 'a table of links' },
  )
  .meta({
    description: 'Imports that other actors answer, by name: `"demo:calc/ops@1.0.0" = "calc"`',
    examples: [{ 'demo:calc/ops@1.0.0': { actor: 'calc', timeout: '2s' } }],
  });

type LinksSection = z.output<typeof LINKS_SECTION>;

interface Linking {
  /** Name of the component whose links they are. */
  readonly component: string;
  readonly links: LinksSection;
  /** Actors of every component of the application. */
  readonly actors: ReadonlyMap<string, readonly string[]>;
  /** Called with what is wrong, and where in `links`. */
  readonly report: (path: KeyPath, text: ProblemText) => void;
}

/** Finds out which actors each link leads to. What leads nowhere is reported and left out. */
export function resolveLinks({ component, links, actors, report }: Linking): LinkConfig[] {
  return Object.entries(links).flatMap(([name, value]): LinkConfig[] => {
    const { actor: target, timeout: timeoutMs = undefined } = typeof value === 'string' ? { actor: value } : value;
    const path = typeof value === 'string' ? [name] : [name, 'actor'];
    const found = findTarget(target, actors);
    if (found === undefined) {
      const names = [...actors.keys(), ...[...actors.values()].flat()];
      const near = nearest(target, names);
      const help = near === undefined ? `components are: ${[...actors.keys()].join(', ')}` : `did you mean "${near}"?`;
      report(path, { message: `leads to no component or actor: ${quote(target)}`, help });
      return [];
    }
    if (found.component === component) {
      const message = `leads back to its own component ${quote(component)}`;
      report(path, { message, help: 'an actor that waits for itself waits for ever' });
      return [];
    }
    return [{ import: name, ...found, timeoutMs }];
  });
}

/** All actors of a component, or the one of that name. */
function findTarget(target: string, actors: Linking['actors']): Pick<LinkConfig, 'component' | 'actors'> | undefined {
  const all = actors.get(target);
  if (all !== undefined) return { component: target, actors: all };
  for (const [component, names] of actors) if (names.includes(target)) return { component, actors: [target] };
  return undefined;
}
