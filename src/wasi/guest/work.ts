/**
 * Units of fuel that the host's work for a guest costs, where it is more than calls and the bytes that cross pay for. A unit
 * is about half a nanosecond; measured on one machine, and rounded up.
 */
export const WORK = {
  /** For each byte that is drawn, copied or given up without crossing. */
  byte: 1,
  /** A denial: its text, and whoever hears of it. */
  denial: 10_000,
  /** A look at one header field. */
  field: 40,
  /** A message that is put into one mailbox. */
  delivery: 500,
  /** A socket of the operating system, made and bound at once. */
  socket: 100_000,
  /** A peer that a socket is made to talk to alone. */
  association: 10_000,
  /** An HTTP request that is sent. */
  request: 100_000,
} as const;

/** A kind of work that is charged. */
export type Work = keyof typeof WORK;
