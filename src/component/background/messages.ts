import type { WireError } from '../../errors/index.ts';
import type { CompileOptions, ComponentArtifact } from '../link/index.ts';

/** What a thread is to compile. */
export interface CompileJob {
  readonly bytes: Uint8Array;
  readonly options: Pick<CompileOptions, 'parts' | 'limits' | 'metered'>;
}

/** What a thread says, once. */
export type CompileOutcome = { readonly artifact: ComponentArtifact } | { readonly error: WireError };
