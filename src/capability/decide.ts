import { Authority } from './authority.ts';
import type { Decision } from './decision.ts';
import type { Grants } from './grants.ts';
import type { CapabilityRequest } from './requests.ts';

/** Before every end of a grant. */
const BEGINNING = { wallMs: () => Number.NEGATIVE_INFINITY };

/**
 * Decides one request, as {@link Authority.decide}. Pure: the same arguments give the same answer. Who decides more than once
 * makes an {@link Authority}.
 *
 * @param wallMs Milliseconds since 1970: grants that have ended by then count no more. Default: all count.
 * @example
 * ```ts
 * decide({ messaging: { tell: ['report'] } }, { kind: 'messaging', action: 'tell', target: 'report' }).effect; // 'allow'
 * ```
 */
export function decide(grants: Grants, request: CapabilityRequest, wallMs?: number): Decision {
  const clock = wallMs === undefined ? BEGINNING : { wallMs: () => wallMs };
  return new Authority(grants, clock).decideAnew(request);
}
