import type { ActorSystem } from '../actor/index.ts';
import { stateOf, workOf } from '../actor/index.ts';
import { showValue, showWork } from './show.ts';

/** Events of a step that are kept at its beginning, and as many at its end: actors that keep one another busy do much. */
const EVENTS_MAX = 25;

/** Actors whose state is told at the end. */
const ACTORS_MAX = 30;

interface Chapter {
  title: string;
  readonly first: string[];
  readonly last: string[];
  left: number;
}

/** What happened in a run, step by step, for people. Bounded by the steps. */
export class Story {
  readonly #chapters: Chapter[] = [{ title: '', first: [], last: [], left: 0 }];
  readonly #end: string[] = [];

  /** What is noted from now on happened in this step; its title may be told when it is over. */
  begin(title = ''): (title: string) => void {
    const chapter: Chapter = { title, first: [], last: [], left: 0 };
    this.#chapters.push(chapter);
    return (later) => {
      chapter.title = later;
    };
  }

  /** Notes an event of the present step. */
  note(event: string): void {
    const chapter = this.#chapters.at(-1);
    if (chapter === undefined) return;
    const { first, last } = chapter;
    if (first.length < EVENTS_MAX) first.push(event);
    else if (last.push(event) > EVENTS_MAX) {
      last.shift();
      chapter.left++;
    }
  }

  /** Tells who is there at the end, in which state. */
  end(system: ActorSystem): void {
    if (this.#end.length > 0) return;
    const infos = [...system.actors()].sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const { ref, name, state, queued, restarts } of infos.slice(0, ACTORS_MAX)) {
      const work = workOf(ref);
      const facts = [
        ...(state === 'running' ? [] : [state]),
        ...(queued > 0 ? [`${queued} waiting`] : []),
        ...(restarts > 0 ? [`restarted ${restarts} times`] : []),
        ...(work === undefined ? [] : [showWork(work)]),
      ];
      const inside = stateOf(ref);
      this.#end.push(
        `"${name}"${inside === undefined ? '' : ` ${showValue(inside)}`}${facts.map((fact) => `, ${fact}`).join('')}`,
      );
    }
    if (infos.length > ACTORS_MAX) this.#end.push(`and ${infos.length - ACTORS_MAX} more actors`);
  }

  get lines(): readonly string[] {
    const indented = (lines: readonly string[]): string[] => lines.map((line) => `     ${line}`);
    const told = this.#chapters.flatMap(({ title, first, last, left }) => [
      // What comes before the first step has no title; nor is there one if nothing did.
      ...(title === '' && first.length === 0 ? [] : [title === '' ? 'setup' : title]),
      ...indented(first),
      ...(left > 0 ? [`     … ${left} more …`] : []),
      ...indented(last),
    ]);
    return this.#end.length === 0 ? told : [...told, 'in the end', ...indented(this.#end)];
  }
}
