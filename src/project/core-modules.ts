import { componentEmbed, componentNew, loadWasmTools } from '../component/tooling/index.ts';
import type { ManifestConfig } from '../config/index.ts';
import { loadPackage } from './tools.ts';
import { type WorldText, worldText } from './worlds.ts';

/** The world of a component in a language that has a guest kit. */
export function kitWorld(manifest: ManifestConfig): Promise<WorldText> {
  return worldText(manifest, { inferred: 'actor' });
}

/** Makes a component of a core module that was built with a guest kit. */
export async function fromCoreModule(manifest: ManifestConfig, module: Uint8Array): Promise<Uint8Array> {
  await loadToolsOf(manifest);
  return componentNew(await componentEmbed({ module, ...(await kitWorld(manifest)) }));
}

/**
 * Loads what makes components of modules.
 *
 * @throws {RuntimeError} `TOOL_MISSING` — neither the project nor Troupe has it.
 */
export function loadToolsOf({ directory }: ManifestConfig): Promise<void> {
  return loadWasmTools(() => loadPackage(directory, '@bytecodealliance/jco-transpile', './wasm-tools'));
}
