import type { GrantDiff, ImportDiff } from '../api/index.ts';
import { NO_GRANTS } from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { loadManifest, type ManifestConfig, newlyAsked } from '../config/index.ts';
import { compileFile, digestOf, importNeeds, readComponentFile } from '../host/index.ts';

interface Revision {
  readonly file: string;
  readonly sha256: string;
  readonly component: CompiledComponent;
  /** Unless it was given as a bare component. */
  readonly manifest: ManifestConfig | undefined;
}

/**
 * Says what one revision of a component newly wants: what its code can import, and what its manifest asks for.
 *
 * @param before,after A component's file, its `Component.toml`, or the folder of that. Nothing of it is run.
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `CONFIG_INVALID`, `NOT_A_COMPONENT`, `COMPONENT_INVALID`.
 */
export async function diffGrants(before: string, after: string): Promise<GrantDiff> {
  const [old, fresh] = [await revisionAt(before), await revisionAt(after)];
  const known = functionsOf(old.component);
  const wanted = functionsOf(fresh.component);
  const areManifests = old.manifest !== undefined && fresh.manifest !== undefined;
  const asked = areManifests ? newlyAsked(old.manifest.asks, fresh.manifest.asks) : { rules: [], isUnbounded: false };
  return {
    before: { file: old.file, sha256: old.sha256 },
    after: { file: fresh.file, sha256: fresh.sha256 },
    imports: newImports(fresh.component, known),
    asks: asked.rules,
    unbounded: asked.isUnbounded,
    dropped: [...known.keys()].filter((name) => !wanted.has(name)),
  };
}

async function revisionAt(path: string): Promise<Revision> {
  const manifest = path.endsWith('.wasm') ? undefined : await loadManifest(path);
  const file = manifest?.source ?? path;
  const bytes = await readComponentFile(file);
  return { file, sha256: digestOf(bytes), component: await compileFile(bytes, file), manifest };
}

function newImports(component: CompiledComponent, known: ReadonlyMap<string, ReadonlySet<string>>): ImportDiff[] {
  const wanted = functionsOf(component);
  const needs = importNeeds(component, NO_GRANTS);
  return needs.flatMap(({ name, need, line }): ImportDiff[] => {
    const key = withoutVersion(name);
    const functions = [...(wanted.get(key) ?? [])].filter((inner) => known.get(key)?.has(inner) !== true);
    if (functions.length === 0) return [];
    return [{ name, functions, need, ...(line !== undefined && { line }) }];
  });
}

/** The functions that its code can use, by the interface they belong to: another patch of it offers nothing else. */
function functionsOf({ needs }: CompiledComponent): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>();
  for (const need of needs) {
    const [name = '', inner = name] = need.split('#');
    const key = withoutVersion(name);
    result.set(key, (result.get(key) ?? new Set()).add(inner));
  }
  return result;
}

/** A patch or, since 1.0, a minor version of an interface is the same interface. */
function withoutVersion(name: string): string {
  return name.replace(
    /@(?:0\.(\d+)|([1-9]\d*))\.[^-]*$/,
    (_, minor, major) => `@${minor === undefined ? major : `0.${minor}`}`,
  );
}
