import type { HttpRequest, NetworkRequest } from './decide-network.ts';
import type { FilesystemRight, MessagingGrant } from './grants.ts';

/** One action on one resource that somebody wants to do. */
export type CapabilityRequest =
  | { readonly kind: 'clock' }
  | { readonly kind: 'random' }
  | { readonly kind: 'stdio'; readonly stream: 'stdin' | 'stdout' | 'stderr' }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'filesystem'; readonly path: string; readonly right: FilesystemRight }
  | { readonly kind: 'messaging'; readonly action: keyof MessagingGrant; readonly target: string }
  | { readonly kind: 'keyvalue'; readonly bucket: string }
  /** `to`: where it goes; absent: to the component itself. */
  | { readonly kind: 'secret'; readonly name: string; readonly to?: string }
  | HttpRequest
  | NetworkRequest;
