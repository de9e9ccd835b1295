import { basename } from 'node:path';
import { type ComponentTypes, componentTypes, inFile, loadComponent } from '../host/index.ts';

/** How to write the types of a component. */
export interface TypesOptions {
  /** What the type is named after. Default: the file's name. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Writes TypeScript declarations for the actors of a component. Nothing of it runs.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED`, `COMPONENT_LIMIT` — it is none that can be hosted, or its types are too
 *   large.
 * @throws {RuntimeError} whatever loading it reports.
 */
export async function typesOfComponent(file: string, options: TypesOptions = {}): Promise<ComponentTypes> {
  const { name = basename(file, '.wasm'), signal } = options;
  const component = await loadComponent(file, signal === undefined ? {} : { signal });
  try {
    return componentTypes(component, name);
  } catch (error) {
    throw inFile(error, file);
  }
}
