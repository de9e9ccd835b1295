import type { LimitInfo } from '../api/index.ts';
import type { LimitBreach, LimitUse } from '../host/index.ts';
import type { ApplicationEvent } from './port.ts';

/** What the control port says of the limits of an actor, by the names that they have in `[limits]`. */
export function limitInfos(uses: readonly LimitUse[]): Readonly<Record<string, LimitInfo>> {
  return Object.fromEntries(
    uses.map(({ limit, limitValue, used, breaches }) => [
      limit,
      {
        ...(Number.isFinite(limitValue) && { limit: limitValue }),
        ...(used !== undefined && { used }),
        breaches,
      },
    ]),
  );
}

/** What is told of a limit that an actor ran into. */
export function limitEvent(
  who: Pick<ApplicationEvent, 'actor' | 'component'>,
  { limit, limitValue, used, times }: LimitBreach,
): ApplicationEvent {
  const often = times > 1 ? `, ${times} times` : '';
  const text = `${limit}: ${used} of ${limitValue}${often}`;
  return { type: 'limit-breached', ...who, text, limit, limitValue, used, times };
}
