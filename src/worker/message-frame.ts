/**
 * How messages lie in frames, little-endian.
 *
 * ```
 *   message   0 type   1 form   2 flags   4 to   8 sender   12 op   16 ask   24 deadline (f64)   32 payload
 *   reply     0 type   1 form             4 ask                                                  16 value
 *   taken     0 type   1 isBusy           4 actor   8 count
 * ```
 */
export const TYPE = {
  tell: 1,
  ask: 2,
  /** A message with more than fits into its head: {@link Wide}. */
  wide: 3,
  reply: 4,
  failure: 5,
  cancel: 6,
  unbound: 7,
  taken: 8,
  event: 9,
  publish: 10,
} as const;

export const FLAG = {
  /** The asker waits for it in its turn. */
  bound: 1,
  /** It was validated where it was sent. */
  checked: 2,
  /** A tell of which is to be told that it was handled. */
  kept: 4,
} as const;

/** Bytes before the payload of a message, and before the value of a reply. */
export const MESSAGE_HEAD = 32;
export const REPLY_HEAD = 16;

/** A message that has more than an operation and a payload. */
export interface Wide {
  readonly kind: 'tell' | 'ask' | 'stream' | 'topic';
  readonly op: string;
  readonly topic?: string | undefined;
  readonly stream?: { readonly id: number; readonly isClosing: boolean } | undefined;
  readonly payload: unknown;
}

/** Says to which side an actor belongs that a frame names as the sender; 0: there is none. */
export const toSenderField = (id: number, isTheirs: boolean): number => id * 2 + (isTheirs ? 1 : 0);
