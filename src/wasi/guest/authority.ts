import { type CapabilityRequest, type Decision, decide, type Grants, NO_GRANTS } from '../../capability/index.ts';
import { type Guest, PartKey } from './guest.ts';

/** What the guests of one component may do. */
export const GRANTS = new PartKey<Grants>('grants', { make: () => NO_GRANTS });

/** Hears of what one guest was denied. */
export const ON_DENIED = new PartKey<(decision: Decision) => void>('denials', { make: () => () => undefined });

/** Decides what a guest wants to do; a denial is reported, and is the caller's to answer. */
export function isAllowed(guest: Guest, request: CapabilityRequest): boolean {
  const decision = decide(guest.part(GRANTS), request);
  if (decision.effect === 'allow') return true;
  guest.charge('denial');
  guest.part(ON_DENIED)(decision);
  return false;
}
