/** Bounds of one server; defaults in {@link INGRESS_DEFAULTS}. */
export interface IngressLimits {
  /** Milliseconds in which the head of a request has to arrive. 100 to 3,600,000. */
  readonly headersTimeoutMs: number;
  /** Milliseconds in which a whole request, its body included, has to arrive. 100 to 86,400,000. */
  readonly requestTimeoutMs: number;
  /** Milliseconds for which a connection is kept between two requests. 1 to 3,600,000. */
  readonly keepAliveTimeoutMs: number;
  /** Bytes of the head of a request. 1,024 to 1,048,576. */
  readonly headerBytesMax: number;
  /** Header fields of a request. 1 to 10,000. */
  readonly headersMax: number;
  /** Connections at once; what is beyond is closed unread. 1 to 1,000,000. */
  readonly connectionsMax: number;
  /** Requests at once, of all components together. 1 to 1,000,000. */
  readonly inFlightMax: number;
  /** Bytes of the body of a request, or `Infinity`. */
  readonly bodyBytesMax: number;
  /** Milliseconds that requests under way get when the server closes. 0 to 3,600,000. */
  readonly drainMs: number;
}

/**
 * Ten seconds for a head and five minutes for a body are what slow mobile connections need. 65 s between requests outlast
 * the 60 s of common load balancers, so that these close first. 16 KiB and 100 fields are what most servers take. A
 * request in flight costs some 100 KiB of buffers at the most, so 1,024 of them 100 MiB. The drain leaves an orchestrator
 * that waits ten seconds time to spare.
 */
export const INGRESS_DEFAULTS: IngressLimits = Object.freeze({
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 65_000,
  headerBytesMax: 16_384,
  headersMax: 100,
  connectionsMax: 4_096,
  inFlightMax: 1_024,
  bodyBytesMax: 134_217_728,
  drainMs: 5_000,
});

const RANGES: Readonly<Record<keyof IngressLimits, readonly [number, number]>> = {
  headersTimeoutMs: [100, 3_600_000],
  requestTimeoutMs: [100, 86_400_000],
  keepAliveTimeoutMs: [1, 3_600_000],
  headerBytesMax: [1_024, 1_048_576],
  headersMax: [1, 10_000],
  connectionsMax: [1, 1_000_000],
  inFlightMax: [1, 1_000_000],
  bodyBytesMax: [0, Number.POSITIVE_INFINITY],
  drainMs: [0, 3_600_000],
};

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range.
 */
export function toIngressLimits(limits: Partial<IngressLimits> = {}): IngressLimits {
  const all = { ...INGRESS_DEFAULTS, ...limits };
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const value = all[name as keyof IngressLimits];
    if (value >= min && value <= max) continue;
    throw new RangeError(`Ingress limit "${name}" must be from ${min} to ${max}, not ${value}`);
  }
  return all;
}
