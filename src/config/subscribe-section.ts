import { z } from 'zod';
import { choice, integer, list, pattern, table, text } from './fields.ts';
import { isTopicPattern } from './patterns.ts';

/** Messages of one subscription that wait for room: a megabyte of slots. */
const WAITING = { min: 1, max: 65_536 } as const;

const PATTERN_EXPECTED = 'a topic pattern, such as "orders.created" or "orders.*"';
const GROUP_EXPECTED = 'a name of letters, digits and "_.-", at most 255 characters';

const topic = () => text(PATTERN_EXPECTED).refine(isTopicPattern, PATTERN_EXPECTED);

const SUBSCRIPTION_SECTION = table({
  topic: topic().meta({ description: 'Pattern of the topics', examples: ['lines.*'] }),
  group: pattern(/^[A-Za-z0-9_.-]{1,255}$/, GROUP_EXPECTED)
    .optional()
    .meta({ description: 'Its actors join this group, of which one gets each message', examples: ['parsers'] }),
  overflow: choice(['reject', 'drop-oldest', 'drop-newest']).default('reject').meta({
    description: 'What a message does that finds the mailbox full: it is lost, or waits and then something is',
  }),
  capacity: integer(WAITING)
    .default(256)
    .meta({ description: 'Messages that may wait, with `drop-oldest` and `drop-newest`' }),
  delivery: choice(['at-most-once', 'at-least-once']).default('at-most-once').meta({
    description: 'Whether a message is lost that finds no actor or no room, or is kept on disk until it was handled',
  }),
}).refine(({ delivery, overflow }) => delivery === 'at-most-once' || overflow === 'reject', {
  path: ['overflow'],
  error: '"reject" with delivery = "at-least-once": what is kept is not dropped',
});

/** `subscribe = ["lines.*"]`, and `[[components.NAME.subscribe]]`. */
export const SUBSCRIBE_SECTION = list(
  z.union([topic(), SUBSCRIPTION_SECTION], {
    error: `${PATTERN_EXPECTED}, or { topic = "orders.*", group = "NAME" }`,
  }),
  'a list of topic patterns',
).meta({
  description: 'Topics whose messages it gets; a table (`topic`, `group`, `overflow`, `capacity`, `delivery`) says how',
  examples: [['lines.*', { topic: 'jobs.>', group: 'workers' }]],
});

/** Topics whose messages go to each actor of a component, and how. */
export interface SubscriptionConfig {
  readonly topic: string;
  readonly group?: string;
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest';
  readonly capacity: number;
  readonly delivery: 'at-most-once' | 'at-least-once';
}

/** Both forms as one. */
export function toSubscriptions(section: z.output<typeof SUBSCRIBE_SECTION>): SubscriptionConfig[] {
  return section.map((entry) => {
    const { group, ...rest } = typeof entry === 'string' ? SUBSCRIPTION_SECTION.parse({ topic: entry }) : entry;
    return { ...rest, ...(group !== undefined && { group }) };
  });
}
