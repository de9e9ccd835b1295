import { RuntimeError } from '../errors/index.ts';

/** Characters of a topic or pattern. */
const TOPIC_MAX = 255;

/** Segments: bounds how far a match has to look. */
export const SEGMENTS_MAX = 16;

/** In a pattern: stands for any one segment. */
export const ANY_SEGMENT = '*';
/** At the end of a pattern: stands for one segment or more. */
export const REST = '>';

const TOPIC = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const PATTERN = /^(?:(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.>)?|>)$/;

/**
 * The segments of a topic.
 * @throws {RuntimeError} `TOPIC_INVALID`.
 */
export function parseTopic(topic: string): string[] {
  return split(topic, TOPIC, 'topic');
}

/**
 * The segments of a pattern; a topic is one too.
 * @throws {RuntimeError} `TOPIC_INVALID`.
 */
export function parsePattern(pattern: string): string[] {
  return split(pattern, PATTERN, 'pattern');
}

function split(text: string, form: RegExp, what: 'topic' | 'pattern'): string[] {
  if (typeof text === 'string' && text.length <= TOPIC_MAX && form.test(text)) {
    const segments = text.split('.');
    if (segments.length <= SEGMENTS_MAX) return segments;
  }
  // Whoever is not type-checked may give anything.
  const given = typeof text === 'string' ? text : `a ${typeof text}`;
  const shown = JSON.stringify(given.length > 60 ? `${given.slice(0, 60)}…` : given);
  const wild = what === 'pattern' ? ', "*" for one of them, ">" at the end for the rest' : '';
  throw new RuntimeError(
    'TOPIC_INVALID',
    `Cannot use ${shown} as a ${what}: use segments of letters, digits, "_" and "-", joined by "."${wild}; at most ${SEGMENTS_MAX} of them and ${TOPIC_MAX} characters`,
  );
}
