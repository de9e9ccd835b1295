/** Of what a limit counts, and how people write it. */
type Unit = 'bytes' | 'count' | 'duration';

/** One limit as files, the library and `troupe ps` know it. */
export interface LimitSpec {
  /** In `[limits]`, and in what is reported. */
  readonly key: string;
  readonly unit: Unit;
  readonly min: number;
  readonly max: number;
  /** `Infinity`: none; undefined: it depends on what the component is. */
  readonly default: number | undefined;
  /** Whether `"unbounded"` may be written. */
  readonly unboundable?: true;
  readonly summary: string;
}

/** What one component may use. Numbers are integers; `Infinity` where that is the default or says so. */
export interface ComponentLimits {
  /** Units of fuel for one message, request or call of a hook. 1 to 2⁵³ − 1. Default `Infinity`: its deadline ends it. */
  readonly fuelPerMessage: number;
  /**
   * Units of fuel a second, all instances together, also on several threads. 1,000,000 to 2⁵³ − 1. What uses more waits.
   * Default `Infinity`: guests take turns.
   */
  readonly fuelPerSecond: number;
  /** Bytes that one call may make the host allocate for values. 65,536 to 1 GiB. Default 17 MiB. */
  readonly liftBytes: number;
  /** Resources and handles that one instance holds. 16 to 1,048,576. Default 16,384. */
  readonly handles: number;
  /** Files and folders that one instance has open. 0 to 65,536. Default 64. */
  readonly openFiles: number;
  /** Sockets and connections that one instance has open. 0 to 65,536. Default 64. */
  readonly sockets: number;
  /** HTTP requests to others that one instance has under way. 0 to 65,536. Default 32. */
  readonly httpRequests: number;
  /** Bytes a second that its instances read from files, sockets and bodies. 1,024 to 1 TiB. Default `Infinity`. */
  readonly bytesInPerSecond: number;
  /** Bytes a second that its instances write. 1,024 to 1 TiB. Default `Infinity`. */
  readonly bytesOutPerSecond: number;
  /** Bytes that a bucket may hold for the component to write more into it. 0 to 1 TiB. Default `Infinity`: the store's own. */
  readonly storageBytes: number;
  /** Bytes of a message that it gets, sends or is answered with. 1,024 to 16 MiB. Default 1 MiB. */
  readonly messageBytes: number;
  /** Messages a second that its instances send. 1 to 1,000,000,000. Default `Infinity`: mailboxes are bounded. */
  readonly messagesPerSecond: number;
  /** Actors of it at once; of a component that handles HTTP, instances. 1 to 16,384. Default 16,384. */
  readonly instances: number;
}

const MIB = 1_048_576;
const ANY = Number.MAX_SAFE_INTEGER;
const NONE = Number.POSITIVE_INFINITY;

/**
 * Every limit of a component, once: files, options and what is shown are made of this.
 *
 * Memory: one page up to what 32-bit memories can have; the default is half of what a small deployment unit has (128 MiB) and 60
 * times what the example components use. Table: the engine's own ceiling; JavaScript guests need about 20,000 elements.
 * Lift budget: a message of the largest size, and 1 MiB beside it; what takes longest to make, lists of short lists, holds the
 * thread for 15 ms. Instances: as many memories as fit the address space of a process.
 */
export const LIMITS = {
  memoryBytes: {
    key: 'memory',
    unit: 'bytes',
    min: 65_536,
    max: 4_294_967_296,
    default: 64 * MIB,
    summary: 'Linear memory of one instance',
  },
  tableElements: {
    key: 'table',
    unit: 'count',
    min: 0,
    max: 10_000_000,
    default: 100_000,
    summary: 'Table elements of one instance',
  },
  deadlineMs: {
    key: 'deadline',
    unit: 'duration',
    min: 1,
    max: 3_600_000,
    default: undefined,
    unboundable: true,
    summary: 'Wall-clock time for one message. Default: 30s; none for the run of a task',
  },
  fuelPerMessage: {
    key: 'fuel-per-message',
    unit: 'count',
    min: 1,
    max: ANY,
    default: NONE,
    unboundable: true,
    summary: 'Units of fuel for one message',
  },
  fuelPerSecond: {
    key: 'fuel-per-second',
    unit: 'count',
    min: 1_000_000,
    max: ANY,
    default: NONE,
    unboundable: true,
    summary: 'Units of fuel a second for all instances together; what uses more waits',
  },
  liftBytes: {
    key: 'lift-budget',
    unit: 'bytes',
    min: 65_536,
    max: 1_024 * MIB,
    default: 17 * MIB,
    summary: 'Host memory for the values that one call hands over',
  },
  handles: {
    key: 'handles',
    unit: 'count',
    min: 16,
    max: 1_048_576,
    default: 16_384,
    summary: 'Resources that one instance holds',
  },
  openFiles: {
    key: 'open-files',
    unit: 'count',
    min: 0,
    max: 65_536,
    default: 64,
    summary: 'Files and folders that one instance has open',
  },
  sockets: {
    key: 'sockets',
    unit: 'count',
    min: 0,
    max: 65_536,
    default: 64,
    summary: 'Sockets and connections that one instance has open',
  },
  httpRequests: {
    key: 'http-requests',
    unit: 'count',
    min: 0,
    max: 65_536,
    default: 32,
    summary: 'HTTP requests to others that one instance has under way',
  },
  bytesInPerSecond: {
    key: 'bytes-in-per-second',
    unit: 'bytes',
    min: 1_024,
    max: 1_048_576 * MIB,
    default: NONE,
    unboundable: true,
    summary: 'Bytes a second that its instances read from files, sockets and bodies; what reads more waits',
  },
  bytesOutPerSecond: {
    key: 'bytes-out-per-second',
    unit: 'bytes',
    min: 1_024,
    max: 1_048_576 * MIB,
    default: NONE,
    unboundable: true,
    summary: 'Bytes a second that its instances write to files, sockets and bodies; what writes more waits',
  },
  storageBytes: {
    key: 'storage',
    unit: 'bytes',
    min: 0,
    max: 1_048_576 * MIB,
    default: NONE,
    unboundable: true,
    summary: 'Bytes that a bucket may hold for the component to write more into it',
  },
  messageBytes: {
    key: 'message-size',
    unit: 'bytes',
    min: 1_024,
    max: 16 * MIB,
    default: MIB,
    summary: 'Bytes of one message that it gets, sends or is answered with',
  },
  messagesPerSecond: {
    key: 'message-rate',
    unit: 'count',
    min: 1,
    max: 1_000_000_000,
    default: NONE,
    unboundable: true,
    summary: 'Messages a second that its instances send',
  },
  instances: {
    key: 'instances',
    unit: 'count',
    min: 1,
    max: 16_384,
    default: 16_384,
    summary: 'Actors of it at once; of a component that handles HTTP, instances',
  },
} as const satisfies Record<keyof ComponentLimits | 'memoryBytes' | 'tableElements' | 'deadlineMs', LimitSpec>;

/** Every name that a limit has in code. */
export type LimitName = keyof typeof LIMITS;

/** Every name that a limit has in files and reports. */
export type LimitKey = (typeof LIMITS)[LimitName]['key'];

/** All of the limits, in the order in which they are shown. */
export const LIMIT_NAMES = Object.freeze(Object.keys(LIMITS)) as readonly LimitName[];

/** Those that the engine and the deadline do not bring with them. */
const OWN_NAMES = LIMIT_NAMES.filter(
  (name): name is keyof ComponentLimits => name !== 'memoryBytes' && name !== 'tableElements' && name !== 'deadlineMs',
);

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A limit is out of its range.
 */
export function toComponentLimits(given: Partial<ComponentLimits> = {}): ComponentLimits {
  return Object.freeze(Object.fromEntries(OWN_NAMES.map((name) => [name, checked(name, given[name])]))) as never;
}

function checked(name: keyof ComponentLimits, value: number | undefined): number {
  const spec: LimitSpec = LIMITS[name];
  if (value === undefined) return spec.default as number;
  if (value === NONE && spec.unboundable) return value;
  if (Number.isInteger(value) && value >= spec.min && value <= spec.max) return value;
  const more = spec.unboundable ? ', or Infinity' : '';
  throw new RangeError(`Limit "${name}" must be an integer from ${spec.min} to ${spec.max}${more}, not ${value}`);
}
