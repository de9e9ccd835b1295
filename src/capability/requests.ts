import type { Endpoint } from './endpoints.ts';
import type { FilesystemRight, MessagingGrant } from './grants.ts';

/** One action on one resource that somebody wants to do. */
export type CapabilityRequest =
  | { readonly kind: 'clock' }
  | { readonly kind: 'random' }
  | { readonly kind: 'stdio'; readonly stream: 'stdin' | 'stdout' | 'stderr' }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'filesystem'; readonly path: string; readonly right: FilesystemRight }
  | MessagingRequest
  | { readonly kind: 'keyvalue'; readonly bucket: string }
  /** `to`: where it goes; absent: to the component itself. */
  | { readonly kind: 'secret'; readonly name: string; readonly to?: string }
  | HttpRequest
  | NetworkRequest;

/** A message to an actor, or to the subscribers of a topic. */
export interface MessagingRequest {
  readonly kind: 'messaging';
  readonly action: keyof MessagingGrant;
  readonly target: string;
  /** Of its payload. */
  readonly sizeBytes?: number;
}

/**
 * An HTTP request that goes out. Decide twice: without `address` before anything is looked up, and with it for the
 * address that is about to be connected to.
 */
export interface HttpRequest extends Endpoint {
  readonly kind: 'http';
  readonly scheme: 'http' | 'https';
  /** Absent for a connection, which several requests may use. */
  readonly method?: string;
  /** Where the name led to. A name whose owner points it at a private network is refused here. */
  readonly address?: string;
}

/** A use of the network below HTTP. */
export type NetworkRequest = ConnectRequest | ListenRequest | ResolveRequest;

/** To connect, or to send a datagram. */
export interface ConnectRequest {
  readonly kind: 'network';
  readonly action: 'connect';
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Names that led the same guest to the address; a grant of one of them covers it. */
  readonly names?: readonly string[];
}

/** To take what comes to an address of this machine. */
export interface ListenRequest {
  readonly kind: 'network';
  readonly action: 'listen';
  readonly transport: 'tcp' | 'udp';
  /** `0.0.0.0` and `::` are every address of this machine. */
  readonly address: string;
  /** 0 is one that the system chooses. */
  readonly port: number;
}

/** To look up the addresses of a name. */
export interface ResolveRequest {
  readonly kind: 'network';
  readonly action: 'resolve';
  readonly name: string;
}
