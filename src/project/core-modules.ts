import { componentEmbed, componentNew } from '../component/tooling/index.ts';
import type { ManifestConfig } from '../config/index.ts';
import { type WorldText, worldText } from './worlds.ts';

/** The world of a component in a language that has a guest kit. */
export function kitWorld(manifest: ManifestConfig): Promise<WorldText> {
  return worldText(manifest, { inferred: 'actor' });
}

/** Makes a component of a core module that was built with a guest kit. */
export async function fromCoreModule(manifest: ManifestConfig, module: Uint8Array): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ module, ...(await kitWorld(manifest)) }));
}
