import { isWithinFolder } from '../capability/index.ts';
import { intersectGrants, rulesOfAsks } from './grants.ts';
import { type AsksSection, splitPath } from './grants-section.ts';

/** What one `[asks]` asks for beyond another one. */
export interface NewlyAsked {
  /** As it stands in `Component.toml`. */
  readonly rules: readonly string[];
  /** It says no more what it asks for: the operator alone bounds it. */
  readonly isUnbounded: boolean;
}

/**
 * Says what `now` asks for that `before` does not cover: a narrower pattern, or fewer rights, are nothing new.
 *
 * @param before `undefined`: nothing was said, so that everything is new.
 */
export function newlyAsked(before: AsksSection | undefined, now: AsksSection | undefined): NewlyAsked {
  if (now === undefined) return { rules: [], isUnbounded: before !== undefined };
  const { filesystem: folders = [], ...asked } = now;
  const { filesystem: known = [], ...given } = before ?? {};
  const { notices } = intersectGrants({ component: '', directory: '/', given, asked });
  const patterns = notices.flatMap(({ kind, line }) => (kind === 'not-granted' && line !== undefined ? [line] : []));
  const wider = folders.filter(({ path, rights }) => {
    const covered = known
      .filter((folder) => folder.path === path || isWithinFolder(folder.path, splitPath(path).folder))
      .flatMap((folder) => folder.rights);
    return rights.some((right) => !covered.includes(right));
  });
  const paths = rulesOfAsks({ filesystem: wider }).map(({ rule }) => rule);
  const variables = (now.env ?? []).filter((name) => !before?.env?.includes(name));
  const env = rulesOfAsks({ env: variables }).map(({ rule }) => rule);
  return { rules: [...new Set([...patterns, ...env, ...paths])], isUnbounded: false };
}
