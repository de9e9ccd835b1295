import { componentEmbed, componentNew } from '../component/tooling/index.ts';
import type { ManifestConfig } from '../config/index.ts';
import { worldText } from './worlds.ts';

/** Makes a component of a core module that was built with a guest kit. */
export async function fromCoreModule(manifest: ManifestConfig, module: Uint8Array): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ module, ...(await worldText(manifest, { inferred: 'actor' })) }));
}
