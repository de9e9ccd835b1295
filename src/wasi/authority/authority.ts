import {
  Authority,
  type CapabilityRequest,
  type Decision,
  NO_GRANTS,
  type RecordDecision,
} from '../../capability/index.ts';
import { type Guest, PartKey } from '../guest/index.ts';

/** What the guests of one component may do. */
export const AUTHORITY = new PartKey<Authority>('authority', {
  make: ({ clock }) => new Authority(NO_GRANTS, clock),
});

/** Hears of what one guest was denied, or would have been. */
export const ON_DENIED = new PartKey<(decision: Decision) => void>('denials', { make: () => () => undefined });

/** Puts on record what was decided of one guest, if anybody does. */
export const RECORD = new PartKey<RecordDecision>('record');

/** Decides what a guest wants to do, puts it on record, and reports a denial. */
export function decideFor(guest: Guest, request: CapabilityRequest): Decision {
  return uphold(guest, request, guest.part(AUTHORITY).decide(request));
}

/** The same for what was decided already. */
export function uphold(guest: Guest, request: CapabilityRequest, decided: Decision): Decision {
  const decision = guest.known(RECORD)?.(request, decided) ?? decided;
  if (decision.effect === 'deny') {
    guest.charge('denial');
    guest.part(ON_DENIED)(decision);
  } else if (decision.observed) guest.part(ON_DENIED)(decision);
  return decision;
}

/** Decides as {@link decideFor}; a denial is the caller's to answer. */
export function isAllowed(guest: Guest, request: CapabilityRequest): boolean {
  return decideFor(guest, request).effect === 'allow';
}
