import type { TokenBucket } from '../time/index.ts';
import { FILE_SYSTEM } from './filesystem/index.ts';
import type { Guest } from './guest/index.ts';
import { HTTP_USE } from './http/index.ts';
import { BYTE_RATES } from './io/index.ts';
import { SOCKETS } from './sockets/index.ts';

/** What one guest has of what it may have. */
export interface GuestUse {
  readonly handles: number;
  readonly openFiles: number;
  readonly sockets: number;
  readonly httpRequests: number;
  /** What its component may read and write in a second; undefined: it is not bounded. */
  readonly bytesIn: TokenBucket | undefined;
  readonly bytesOut: TokenBucket | undefined;
}

/** Looks at what a guest has now, and makes nothing for it. */
export function guestUse(guest: Guest): GuestUse {
  const rates = guest.part(BYTE_RATES);
  return {
    handles: guest.held,
    openFiles: guest.known(FILE_SYSTEM)?.open.size ?? 0,
    sockets: guest.known(SOCKETS)?.size ?? 0,
    httpRequests: guest.known(HTTP_USE)?.outgoing ?? 0,
    bytesIn: rates.in.on(guest.clock),
    bytesOut: rates.out.on(guest.clock),
  };
}
