/** Bytes that one string may have in guest memory, and that one list may. Canonical ABI, 2^28 − 1: what is stored again with the widest encoding still fits 32 bits. */
export const STRING_BYTES_MAX = 2 ** 28 - 1;

/** See {@link STRING_BYTES_MAX}. */
export const LIST_BYTES_MAX = 2 ** 28 - 1;

/** UTF-16 units that a string given to a guest may have: at three bytes each, the most that any encoding takes, it fits {@link STRING_BYTES_MAX}. */
export const TEXT_UNITS_MAX = Math.floor(STRING_BYTES_MAX / 3);

/**
 * Bytes of host memory that one lift may take. Lists in a guest can share memory, so that a 64 MiB guest can describe
 * terabytes; this ends it. 128 MiB is twice the memory that a component is commonly given: a guest may pass everything
 * it has, and a worker survives some calls at once.
 */
export const LIFT_BUDGET_BYTES = 128 * 2 ** 20;

/**
 * Bytes of guest memory that one lowering may ask for. Values from elsewhere can share parts, as lists in a guest can;
 * the same bound as for lifting keeps what may come out able to go in, but for a string above {@link TEXT_UNITS_MAX}.
 */
export const LOWER_BUDGET_BYTES = 128 * 2 ** 20;

/** Handles that one instance may hold. The Canonical ABI allows 2^28 − 1, which would be 15 GiB of host memory; these are 60 MiB. */
export const HANDLES_MAX = 2 ** 20;

/** Estimated bytes of a host string beside its characters and the slot that holds it. Measured in Node 24 and 26: 24 for three characters. */
export const STRING_BASE_BYTES = 24;

/** Estimated bytes of an array beside its elements and the slot that holds it. Measured: 48. */
export const ARRAY_BASE_BYTES = 48;

/**
 * Estimated bytes of a typed array, its buffer included, beside its elements and the slot that holds it. Measured: 200; twice
 * as many, since making one takes as long as 400 bytes of anything else.
 */
export const TYPED_ARRAY_BASE_BYTES = 400;

/** Estimated bytes of what a handle becomes: a `GuestResource`, or the entry that a lent one adds. Measured: 56. */
export const HANDLE_BYTES = 64;
