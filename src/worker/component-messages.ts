import type { AuditEvent } from '../audit/index.ts';
import type { Decision } from '../capability/index.ts';
import type { WireError } from '../errors/index.ts';
import type { ComponentCountsData, ComponentRecipe, HttpJob, HttpStats, LimitBreach, LimitUse } from '../host/index.ts';
import type { Store } from '../store/index.ts';
import type { LogEntry } from '../wasi/index.ts';

/** What a worker makes component actors of. */
export interface ComponentOrder {
  /** The same for the same component of the same thread. */
  readonly component: number;
  readonly recipe: ComponentRecipe;
  /** What there is to hear of its actors. */
  readonly hears: {
    readonly stdio: boolean;
    readonly logs: boolean;
    readonly denials: boolean;
    readonly limits: boolean;
    readonly needs: boolean;
    readonly store: boolean;
    readonly audit: boolean;
    readonly http: boolean;
  };
}

/** The methods of a store that components use. */
export type StoreMethod = Exclude<keyof Store, 'close' | typeof Symbol.asyncDispose>;

/** What an actor uses. */
export interface Usage {
  /** Of linear memory. */
  readonly memoryBytes: number;
  readonly limits: readonly LimitUse[];
  /** Of one that handles requests. */
  readonly http?: HttpUsage;
}

/** What is known of requests. */
export interface HttpUsage {
  readonly stats: HttpStats;
  /** Requests that may wait. */
  readonly queueMax: number;
  /** Milliseconds for which no request is taken; 0: they are. */
  readonly quarantinedForMs: number;
}

/** What component actors of a worker say to whoever gave the component its options. `component`: as in its order. */
export type FromComponent =
  | {
      readonly kind: 'stream';
      readonly component: number;
      readonly actor: string;
      readonly id: number;
      readonly name: 'stdout' | 'stderr';
    }
  | { readonly kind: 'write'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'log'; readonly component: number; readonly actor: string; readonly entry: LogEntry }
  | { readonly kind: 'denied'; readonly component: number; readonly actor: string; readonly decision: Decision }
  /** What its actors there have used and run into since that was told last. */
  | { readonly kind: 'counts'; readonly component: number; readonly counts: ComponentCountsData }
  | { readonly kind: 'limit'; readonly component: number; readonly actor: string; readonly breach: LimitBreach }
  | {
      readonly kind: 'request-failed';
      readonly component: number;
      readonly actor: string;
      readonly request: Pick<HttpJob, 'method' | 'pathWithQuery'>;
      readonly error: WireError;
    }
  | {
      readonly kind: 'quarantined';
      readonly component: number;
      readonly actor: string;
      readonly error: WireError;
      readonly forMs: number;
    }
  /** Said what there was to say of what they use. */
  | { readonly kind: 'looked' }
  /** A grant that one of its actors used or lacked; each once. */
  | { readonly kind: 'needed'; readonly component: number; readonly line: string }
  /** Something will be put on record: what stands in the way of that is to be told. */
  | { readonly kind: 'audited'; readonly component: number }
  /** To be put on record. */
  | { readonly kind: 'audit'; readonly component: number; readonly event: AuditEvent }
  | { readonly kind: 'usage'; readonly component: number; readonly actor: string; readonly usage: Usage | undefined }
  | {
      readonly kind: 'store';
      readonly component: number;
      readonly call: number;
      readonly method: StoreMethod;
      readonly args: readonly unknown[];
    };

/** What they are answered. */
export type ToComponent =
  /** So many bytes of a stream have been taken. */
  | { readonly kind: 'written'; readonly id: number; readonly bytes: number; readonly isBroken: boolean }
  /** What do they use now? Answered in order. */
  | { readonly kind: 'look' }
  /** So many log entries, breaches and denials have been heard. */
  | { readonly kind: 'heard'; readonly count: number }
  /** Why nothing that component's actors want can be put on record; absent: it can be again. */
  | { readonly kind: 'audit-failure'; readonly component: number; readonly error?: WireError }
  | { readonly kind: 'stored'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'store-failed'; readonly call: number; readonly error: WireError };
