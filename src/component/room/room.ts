import { availableParallelism } from 'node:os';
import { SharedCount, sharedCounts } from '../../collections/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { systemClock } from '../../time/index.ts';
import { countMappings, type Machine, readMachine } from './machine.ts';

/** Ceilings of one process, all its threads together. What is left out has its default. */
export interface RoomLimits {
  /** Linear memories of instances. Default: as many as V8 has address space for; none with `--disable-wasm-trap-handler`. */
  readonly memoriesMax?: number | undefined;
  /** Mappings of memory: two for each linear memory and each guest that waits. Default: 95 % of `vm.max_map_count`. */
  readonly mappingsMax?: number | undefined;
  /** Bytes of resident memory. Default: 80 % of what the machine or the control group has. */
  readonly residentBytesMax?: number | undefined;
  /**
   * Share of all processors that the process may use over a second, above which nothing new comes in: 0.01 to 1. Default: no
   * limit, since guests take turns, and starting many is itself a load.
   */
  readonly cpuMax?: number | undefined;
}

/** Every ceiling with its number. */
type Ceilings = { readonly [Name in keyof RoomLimits]-?: number };

/**
 * For what an instance is made: for an actor or a request; in the place of one that failed; or for nobody yet, to be there when
 * somebody needs it.
 */
export type RoomClaim = 'new' | 'restart' | 'spare';

/** Counts that threads share, as of `sharedCounts`. */
export interface SharedRoom {
  /** Linear memories of instances. */
  readonly memories: Int32Array;
  /** Guests whose stacks wait. */
  readonly suspended: Int32Array;
}

/** What another thread of the process needs to count together with this one. */
export interface RoomHandOver {
  readonly shared: SharedRoom;
  readonly limits: RoomLimits;
}

function newSharedRoom(): SharedRoom {
  return { memories: sharedCounts(), suspended: sharedCounts() };
}

/** What is used of a room, and how much there is. */
export interface RoomUse {
  readonly memories: number;
  readonly memoriesMax: number;
  /** Guests whose stacks wait. */
  readonly suspended: number;
  readonly mappings: number;
  readonly mappingsMax: number;
  readonly residentBytes: number;
  readonly residentBytesMax: number;
}

/** Share of a ceiling that instances leave to more important ones. */
const RESERVE: Readonly<Record<RoomClaim, number>> = { restart: 0, new: 0.02, spare: 0.25 };
/**
 * The same of the mappings, of which new instances leave some for restarts, and these for guests that wait: whoever crosses that
 * line ends the process.
 */
const MAPPINGS_RESERVE: Readonly<Record<RoomClaim, number>> = { restart: 0.1, new: 0.15, spare: 0.3 };
const MAPPINGS_SHARE = 0.95;
const RESIDENT_SHARE = 0.8;
/** V8 maps the accessible part of a memory apart from its guards, and a stack from its guard. */
const MAPPINGS_EACH = 2;
/** Milliseconds for which a reading of resident memory or of the processors holds, and of the mappings when they are scarce. */
const READING_MS = 250;
/** Instances after which resident memory is read anew, however short ago that was: 5 MB of small ones. */
const READING_INSTANCES = 256;
/** Share of the mappings by which their count may have moved since they were read. Reading them all takes 10 to 30 ms. */
const MAPPINGS_DRIFT = 0.125;

/** The room of one process. */
export class NodeRoom {
  readonly shared: SharedRoom;
  private readonly memoryCount: SharedCount;
  private readonly suspendedCount: SharedCount;
  private readonly machine: Machine;
  private limits: Ceilings;
  /** Mappings that are no memory and no stack of ours, when they were last read, and what we counted then. */
  private otherMappings = -1;
  private countedMappings = 0;
  private mappingsReadMs = Number.NEGATIVE_INFINITY;
  private residentBytes = 0;
  private residentReadMs = Number.NEGATIVE_INFINITY;
  private instancesSinceReading = 0;
  private cpuUsed = 0;
  private cpuReadMs = Number.NEGATIVE_INFINITY;
  private cpuTotal = process.cpuUsage();

  /** @param shared Counts of the threads that it shares the process with. @param place Which of them this is; the first is 0. */
  constructor(machine: Machine = readMachine(), shared: SharedRoom = newSharedRoom(), place = 0) {
    this.machine = machine;
    this.shared = shared;
    this.memoryCount = new SharedCount(shared.memories, place);
    this.suspendedCount = new SharedCount(shared.suspended, place);
    this.limits = defaults(machine);
  }

  /**
   * Sets the ceilings; those left out get their default.
   *
   * @throws {RangeError} One is out of range, or above what the machine has; the text says what is allowed.
   */
  limit(limits: RoomLimits): void {
    const { machine } = this;
    check('memoriesMax', limits.memoriesMax, { min: 1, max: machine.memories });
    check('mappingsMax', limits.mappingsMax, { min: 1, max: machine.mappings });
    check('residentBytesMax', limits.residentBytesMax, { min: 1, max: machine.residentBytes });
    check('cpuMax', limits.cpuMax, { min: 0.01, max: 1 });
    const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
    this.limits = { ...defaults(machine), ...given };
  }

  /** For another thread. */
  get handOver(): RoomHandOver {
    const { cpuMax, ...limits } = this.limits;
    return { shared: this.shared, limits: { ...limits, ...(Number.isFinite(cpuMax) && { cpuMax }) } };
  }

  /** Takes off what a thread that has ended had counted. */
  clear(place: number): void {
    for (const counts of [this.shared.memories, this.shared.suspended]) new SharedCount(counts, place).clear();
  }

  get use(): RoomUse {
    this.readResident();
    const { memoriesMax, mappingsMax, residentBytesMax } = this.limits;
    return {
      memories: this.memories,
      memoriesMax,
      suspended: this.suspendedCount.total,
      mappings: this.mappings,
      mappingsMax,
      residentBytes: this.residentBytes,
      residentBytesMax,
    };
  }

  /**
   * Says whether there is room for an instance with so many linear memories.
   *
   * @throws {RuntimeError} `NODE_LIMIT` — there is not; `details` say what is used up, and the figures.
   */
  check(memories: number, claim: RoomClaim): void {
    const { memoriesMax, mappingsMax, residentBytesMax, cpuMax } = this.limits;
    const left = RESERVE[claim];
    const most = memoriesMax - Math.floor(memoriesMax * left);
    if (this.memories + memories > most) throw full('linear memories', this.memories, memoriesMax);
    const mappingsMost = mappingsMax * (1 - MAPPINGS_RESERVE[claim]);
    if (this.mappings + MAPPINGS_EACH * memories > mappingsMost) {
      // Memories whose instances have ended may be gone by now.
      this.readMappings();
      if (this.mappings + MAPPINGS_EACH * memories > mappingsMost) throw full('mappings', this.mappings, mappingsMax);
    }
    this.readResident();
    if (this.residentBytes > residentBytesMax * (1 - left)) throw full('bytes', this.residentBytes, residentBytesMax);
    if (claim === 'restart' || cpuMax === Number.POSITIVE_INFINITY) return;
    this.readCpu();
    if (this.cpuUsed > cpuMax) throw full('of the processors', this.cpuUsed, cpuMax);
  }

  /** Counts an instance that is about to be made, or refuses it as {@link check} does. Undone by {@link leave}. */
  enter(memories: number, claim: RoomClaim): void {
    this.instancesSinceReading++;
    this.check(memories, claim);
    this.memoryCount.add(memories);
  }

  leave(memories: number): void {
    this.memoryCount.add(-memories);
  }

  /**
   * Counts a guest whose stack is about to wait. Undone by {@link resume}.
   *
   * @throws {RuntimeError} `NODE_LIMIT` — one more might end the process.
   */
  suspend(): void {
    const { mappingsMax } = this.limits;
    if (this.mappings + MAPPINGS_EACH > mappingsMax) {
      if (systemClock.nowMs() - this.mappingsReadMs > READING_MS) this.readMappings();
      if (this.mappings + MAPPINGS_EACH > mappingsMax) throw full('mappings', this.mappings, mappingsMax);
    }
    this.suspendedCount.add(1);
  }

  resume(): void {
    this.suspendedCount.add(-1);
  }

  private get memories(): number {
    return this.memoryCount.total;
  }

  /** What of the mappings is ours, as counted. */
  private get counted(): number {
    return MAPPINGS_EACH * (this.memories + this.suspendedCount.total);
  }

  private get mappings(): number {
    const { counted } = this;
    const drift = Math.abs(counted - this.countedMappings);
    if (this.otherMappings < 0 || drift > this.limits.mappingsMax * MAPPINGS_DRIFT) this.readMappings();
    return this.otherMappings + counted;
  }

  private readMappings(): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.mappingsReadMs < READING_MS) return;
    this.countedMappings = this.counted;
    this.otherMappings = Math.max(0, countMappings() - this.countedMappings);
    this.mappingsReadMs = nowMs;
  }

  private readResident(): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.residentReadMs < READING_MS && this.instancesSinceReading < READING_INSTANCES) return;
    this.residentReadMs = nowMs;
    this.instancesSinceReading = 0;
    this.residentBytes = process.memoryUsage.rss();
  }

  private readCpu(): void {
    const nowMs = systemClock.nowMs();
    const passedMs = nowMs - this.cpuReadMs;
    if (passedMs < 1_000) return;
    const { user, system } = process.cpuUsage(this.cpuTotal);
    // The first reading has nothing to compare with.
    this.cpuUsed = Number.isFinite(passedMs) ? (user + system) / 1_000 / passedMs / availableParallelism() : 0;
    this.cpuReadMs = nowMs;
    this.cpuTotal = process.cpuUsage();
  }
}

function defaults({ memories, mappings, residentBytes }: Machine): Ceilings {
  return {
    memoriesMax: memories,
    mappingsMax: Math.floor(mappings * MAPPINGS_SHARE),
    residentBytesMax: Math.floor(residentBytes * RESIDENT_SHARE),
    cpuMax: Number.POSITIVE_INFINITY,
  };
}

function check(name: string, value: number | undefined, { min, max }: { min: number; max: number }): void {
  if (value === undefined || (value >= min && value <= max)) return;
  throw new RangeError(`Cannot limit this process to ${name} = ${value}: the machine allows ${min} to ${max}`);
}

function full(what: string, used: number, limit: number): RuntimeError {
  const help = 'stop some instances, run them in another process, or raise the limit as docs/guides/density.md says';
  const text = `Cannot make another instance: this process uses ${used} ${what}, and ${limit} are its limit; ${help}`;
  return new RuntimeError('NODE_LIMIT', text, { details: { resource: what, used, limit } });
}

let room: NodeRoom | undefined;

/** The room of this process, as this thread sees it. */
export function nodeRoom(): NodeRoom {
  room ??= new NodeRoom();
  return room;
}

/** Has this thread, before it makes its first instance, count together with those that share `shared`, under the same ceilings. */
export function takeSharedRoom({ shared, limits }: RoomHandOver, place: number): NodeRoom {
  room = new NodeRoom(readMachine(), shared, place);
  room.limit(limits);
  return room;
}

/**
 * Sets how many instances of components this process may have, by what they take of it. A thread takes over those of the
 * main one when it starts.
 *
 * @returns What is used now, and the ceilings.
 * @throws {RangeError} A ceiling is out of range, or above what the machine has; the text says what is allowed.
 *
 * @example
 * ```ts
 * limitNode({ residentBytesMax: 2_000_000_000 });
 * ```
 */
export function limitNode(limits: RoomLimits = {}): RoomUse {
  nodeRoom().limit(limits);
  return nodeRoom().use;
}
