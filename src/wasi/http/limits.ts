/** Bounds of `wasi:http` that hold for every guest. Those that an operator sets are in `wasi/options.ts`. */

/** Fields of one `fields`; more end the guest. No fewer than the 2,000 that `node:http` takes from a client. */
export const FIELDS_MAX = 2_048;

/** Bytes of the names and values of one `fields`, as much as Wasmtime allows; more end the guest. */
export const FIELDS_BYTES_MAX = 131_072;

/** Bytes of all `fields` that one guest made and still has; more end it. Eight of the largest. */
export const GUEST_FIELDS_BYTES_MAX = 1_048_576;

/** What a field costs besides its bytes, so that empty ones are not free: two strings and their places. */
export const FIELD_OVERHEAD_BYTES = 32;

/** Bytes of a body that wait for their way out to be known: what one stream may hold, once more. */
export const HELD_BYTES_MAX = 65_536;

/** Bytes of an incoming body that wait for the guest to read; then the peer waits. */
export const RECEIVED_BYTES_MAX = 65_536;

/** Bytes of all that informs before one answer: no peer has to take it before there is more. */
export const INFORMATION_BYTES_MAX = 65_536;

/** What each of these takes besides its fields, its status line and what the host keeps of it. */
export const INFORMATION_OVERHEAD_BYTES = 256;

/** Bytes of the head of a response that comes in, and of its trailers: four times what Node.js takes from clients. */
export const RESPONSE_HEAD_BYTES_MAX = 65_536;

/** Characters of a path with its query, and of an authority, that a guest may set. Common servers take 8,192. */
export const URI_PART_LENGTH_MAX = 16_384;

/** Milliseconds to connect when the guest sets none; as undici has it. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Milliseconds for the head of a response, and between two pieces of its body, when the guest sets none; undici's. */
export const RESPONSE_TIMEOUT_MS = 300_000;

/** Milliseconds that a guest may set for any of the three at most; above, it gets these. */
export const TIMEOUT_MS_MAX = 3_600_000;
