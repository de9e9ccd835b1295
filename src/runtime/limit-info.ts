import type { LimitInfo } from '../api/index.ts';
import { limitNode } from '../component/index.ts';
import type { ApplicationConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
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

/** @throws {RuntimeError} `CONFIG_INVALID` — a limit is above what this machine has; the text says what is allowed. */
export function limitProcess({ node, file }: ApplicationConfig): void {
  try {
    const { memories, mappings, resident, cpu } = node;
    limitNode({ memoriesMax: memories, mappingsMax: mappings, residentBytesMax: resident, cpuMax: cpu });
  } catch (error) {
    const text = `Cannot use [application.limits] of "${file}": ${error instanceof Error ? error.message : error}`;
    throw new RuntimeError('CONFIG_INVALID', text, { cause: error });
  }
}
