import type { z } from 'zod';
import { integer, size, table } from './fields.ts';
import type { ProblemText } from './problems.ts';

const MESSAGES = { min: 1, max: 1_000_000_000 } as const;
const GROWTH_BYTES = { min: 65_536, max: 4_294_967_296 } as const;

/** `[components.NAME.recycle]`. */
export const RECYCLE_SECTION = table({
  messages: integer(MESSAGES).optional().meta({ description: 'Messages that an instance handles. Default: all' }),
  growth: size(GROWTH_BYTES)
    .optional()
    .meta({ description: 'Bytes by which its memory may grow. Default: up to its limit', examples: ['16MiB'] }),
}).meta({
  description:
    'When its actors go on with an instance that is as new, and without what they had in memory; for components that have no state to lose',
});

/** What is written down of `[components.NAME.recycle]`. */
export interface RecycleConfig {
  readonly messages: number | undefined;
  readonly growthBytes: number | undefined;
}

/** What is wrong with it beyond its values; undefined: nothing. */
export function recycleProblem(section: {
  readonly recycle?: z.output<typeof RECYCLE_SECTION> | undefined;
  readonly keep?: unknown;
}): ProblemText | undefined {
  const { recycle, keep } = section;
  if (recycle === undefined) return undefined;
  if (keep !== undefined)
    return { message: 'stands beside "keep", whose state it would lose', help: 'take one of them out' };
  if (recycle.messages !== undefined || recycle.growth !== undefined) return undefined;
  return { message: 'says neither "messages" nor "growth"', help: 'messages = 10_000' };
}

export function toRecycleConfig({ messages, growth }: z.output<typeof RECYCLE_SECTION>): RecycleConfig {
  return { messages, growthBytes: growth };
}
