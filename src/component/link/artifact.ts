import { RuntimeError } from '../../errors/index.ts';
import type { AdmissionLimits, AdmittedModule } from '../admission/index.ts';
import type { Parts } from '../binary/index.ts';

/** An admitted core module, compiled. */
export type CompiledModule = Omit<AdmittedModule, 'bytes'> & { readonly module: WebAssembly.Module };

/**
 * What admission and V8 made of a component. It can be cloned to another thread, where `compileComponent` of the same
 * bytes with the same options makes neither again: the code is shared by all threads of the process.
 */
export interface ComponentArtifact {
  /** Of what it was made, and how; lower-case hexadecimal. */
  readonly id: string;
  /** In the order in which they were admitted. */
  readonly modules: readonly CompiledModule[];
}

/** Changes whenever the same bytes would be rewritten in another way. */
const FORMAT = 5;

/** What decides what is made of a component. */
interface Origins {
  readonly bytes: Uint8Array;
  readonly parts: Parts | undefined;
  readonly limits: AdmissionLimits;
  readonly metered: boolean;
}

/** What an artifact is known by: the same for the same bytes and options, and for nothing else. */
export async function artifactId({ bytes, parts = {}, limits, metered }: Origins): Promise<string> {
  const { memoryBytes, tableElements, moduleBytes } = limits;
  const digests = [await sha256(bytes)];
  for (const name of Object.keys(parts).sort()) digests.push(name, await sha256(parts[name] as Uint8Array));
  const text = JSON.stringify([FORMAT, metered, memoryBytes, tableElements, moduleBytes, ...digests]);
  return sha256(new TextEncoder().encode(text));
}

/** @throws {RuntimeError} `COMPONENT_INVALID` — the artifact is of something else. */
export function checkArtifact({ id }: ComponentArtifact, expected: string): void {
  if (id === expected) return;
  const text = 'Cannot use the artifact: it was made of another component, or with other options; compile without it';
  throw new RuntimeError('COMPONENT_INVALID', text, { details: { expected, actual: id } });
}

/** Off this thread: a large component takes some 10 ms. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}
