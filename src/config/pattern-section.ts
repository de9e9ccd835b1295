import { z } from 'zod';
import { type Conditional, isBucketPattern } from '../capability/index.ts';
import { list, pattern, size, table, text } from './fields.ts';
import {
  ENDPOINT_EXPECTED,
  isConnectPattern,
  isHttpPattern,
  isListenPattern,
  isNamePattern,
  isResolvePattern,
  isTopicPattern,
} from './patterns.ts';

/** RFC 3339, as TOML has it; without an offset nobody could say when it is. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;
const TIME_EXPECTED = 'a time with its offset, such as 2027-01-31T12:00:00Z';

/** A method of HTTP: a token, in upper case. */
const METHOD = /^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]{0,31}$/;
const METHOD_EXPECTED = 'a method of HTTP in upper case, such as "GET"';

/** A message is never larger. */
const SIZE = { min: 0, max: 4_294_967_296 } as const;

const until = () =>
  z
    .string({ error: TIME_EXPECTED })
    .regex(TIME, TIME_EXPECTED)
    .refine((time) => Number.isFinite(Date.parse(time)), TIME_EXPECTED)
    .transform((time) => Date.parse(time))
    .optional()
    .meta({ description: 'When it ends' });

const methods = () =>
  list(pattern(METHOD, METHOD_EXPECTED), 'a list of methods')
    .min(1, 'at least one method')
    .optional()
    .meta({ description: 'Methods of HTTP. Default: all' });

const payload = () =>
  size(SIZE).optional().meta({ description: 'The largest payload. Default: that of `message-size`' });

/** What conditions a pattern of some kind can have, besides its end. */
type Kind = 'http' | 'messaging' | 'other';

const CONDITIONS = {
  http: () => ({ methods: methods() }),
  messaging: () => ({ size: payload() }),
  other: () => ({}),
} as const satisfies Record<Kind, () => z.ZodRawShape>;

/** A pattern alone, as authors ask for it, and as it is denied. */
export const PLAIN = (item: z.ZodString): z.ZodString => item;

/** A pattern, or one with conditions. */
export const CONDITIONAL = (item: z.ZodString, kind: Kind) =>
  z.union(
    [
      item,
      table({ pattern: item, ...CONDITIONS[kind](), until: until() }).transform((entry): Conditional => {
        const { pattern: text, until: untilMs, ...rest } = entry as Entry;
        return {
          pattern: text,
          ...(untilMs !== undefined && { untilMs }),
          ...(rest.methods !== undefined && { methods: rest.methods }),
          ...(rest.size !== undefined && { sizeBytes: rest.size }),
        };
      }),
    ],
    { error: 'a pattern, or { pattern, … } with conditions' },
  );

interface Entry {
  readonly pattern: string;
  readonly until?: number;
  readonly methods?: readonly string[];
  readonly size?: number;
}

/** What is granted, asked for or denied by patterns; `entry` makes an element of a list. */
export function patternSections<Item extends z.ZodType>(entry: (item: z.ZodString, kind: Kind) => Item) {
  const targets = entry(text().refine(isNamePattern, 'the name of an actor, "NAME/*" or "*"'), 'messaging');
  const topics = entry(
    text().refine(isTopicPattern, 'a topic pattern, such as "orders.created" or "orders.*"'),
    'messaging',
  );
  const actors = () => list(targets, 'a list of actor names').optional();
  return {
    messaging: table({
      tell: actors().meta({ description: 'Actors that it may tell', examples: [['report', 'parse/*']] }),
      ask: actors().meta({ description: 'Actors that it may ask' }),
      publish: list(topics, 'a list of topic patterns')
        .optional()
        .meta({ description: 'Topics that it may publish to', examples: [['lines.*']] }),
    }),
    http: list(entry(text().refine(isHttpPattern, ENDPOINT_EXPECTED.http), 'http'), 'a list of scheme://host[:port]'),
    network: networkSection(entry),
    keyvalue: list(
      entry(text().refine(isBucketPattern, 'the name of a bucket, "PREFIX*" or "*"'), 'other'),
      'a list of names of buckets',
    ),
  };
}

function networkSection<Item extends z.ZodType>(entry: (item: z.ZodString, kind: Kind) => Item) {
  const connect = entry(text().refine(isConnectPattern, ENDPOINT_EXPECTED.connect), 'other');
  const listen = entry(text().refine(isListenPattern, ENDPOINT_EXPECTED.listen), 'other');
  const resolve = entry(text().refine(isResolvePattern, 'a host name, "*.example.com" or "*"'), 'other');
  return table({
    connect: list(connect, 'a list of scheme://host:port')
      .optional()
      .meta({
        description: 'Where it may connect and send datagrams',
        examples: [['tcp://db.example.com:5432', 'udp://10.0.0.0/8:*']],
      }),
    listen: list(listen, 'a list of scheme://address:port')
      .optional()
      .meta({ description: 'Addresses of this machine that it may listen at', examples: [['tcp://127.0.0.1:8080']] }),
    resolve: list(resolve, 'a list of host names')
      .optional()
      .meta({
        description: 'Names that it may look up, besides those that it may connect to',
        examples: [['*.example.com']],
      }),
  });
}
