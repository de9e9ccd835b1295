import type { ComponentInstance } from '../component/index.ts';
import type { TokenBucket } from '../time/index.ts';
import { type Guest, guestUse } from '../wasi/index.ts';
import type { GuestFuel } from './fuel.ts';
import type { UsedNow } from './limit-watch.ts';
import { ACTOR } from './messaging.ts';

/** What one instance is made of, as far as limits see it. */
interface Parts {
  readonly instance: ComponentInstance;
  readonly guest: Guest;
  readonly fuel: GuestFuel;
}

/** What one instance uses of its limits now; of rates, what all of its component have used of a second. */
export function useOf({ instance, guest, fuel }: Parts): UsedNow {
  const { handles, openFiles, sockets, httpRequests, bytesIn, bytesOut } = guestUse(guest);
  const { limits, largestBytes } = guest.part(ACTOR);
  return {
    memory: instance.memoryBytes,
    'fuel-per-message': fuel.usedUnits,
    'fuel-per-second': usedOfSecond(fuel.rate),
    'lift-budget': instance.liftPeakBytes,
    handles,
    'open-files': openFiles,
    sockets,
    'http-requests': httpRequests,
    'bytes-in-per-second': usedOfSecond(bytesIn),
    'bytes-out-per-second': usedOfSecond(bytesOut),
    'message-size': largestBytes,
    'message-rate': usedOfSecond(limits.rate.on(guest.clock)),
  };
}

/** A debt is above what a second has. */
function usedOfSecond(rate: TokenBucket | undefined): number | undefined {
  return rate && Math.max(0, Math.ceil(rate.perSecond - rate.level));
}

/** The most that any of several instances uses of each limit. */
export function mostOf(uses: readonly UsedNow[]): UsedNow {
  const most: Record<string, number> = {};
  for (const use of uses) {
    for (const [limit, used] of Object.entries(use)) {
      if (used !== undefined) most[limit] = Math.max(most[limit] ?? 0, used);
    }
  }
  return most;
}
