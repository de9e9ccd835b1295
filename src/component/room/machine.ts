import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** What the system gives this process. `Infinity` where it does not say. */
export interface Machine {
  /** Linear memories: those that V8 guards by reserving 8 GiB of address space for each. */
  readonly memories: number;
  /** Mappings of memory, `vm.max_map_count`. */
  readonly mappings: number;
  /** Bytes: the memory of the machine, or of the control group if that has less. */
  readonly residentBytes: number;
}

/** 128 TiB of address space hold 16,384 reservations of 8 GiB, some 16,250 beside everything else. */
const GUARDED_MEMORIES_MAX = 16_200;

/** Bytes of address space that a small memory takes from which on it is one with guards. */
const GUARD_BYTES = 4_294_967_296;
/** The unit of `/proc/self/statm` where V8 and Node.js run on Linux. */
const KERNEL_PAGE_BYTES = 4096;

export function readMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return {
    memories: isGuarded() ? GUARDED_MEMORIES_MAX : Number.POSITIVE_INFINITY,
    mappings: Number(read('/proc/sys/vm/max_map_count') ?? Number.POSITIVE_INFINITY),
    // A control group without a limit says a number larger than any machine.
    residentBytes: constrained > 0 ? Math.min(constrained, total) : total,
  };
}

/** Mappings that this process has now. Takes a millisecond for every few thousand of them. */
export function countMappings(): number {
  const maps = read('/proc/self/maps') ?? '';
  let count = 0;
  for (let at = maps.indexOf('\n'); at >= 0; at = maps.indexOf('\n', at + 1)) count++;
  return count;
}

/**
 * Whether V8 guards memories by reserving address space: not with `--disable-wasm-trap-handler`, however that was given. Seen
 * by making one.
 */
function isGuarded(): boolean {
  const before = addressBytes();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const after = addressBytes();
  if (before === undefined || after === undefined) return true;
  return memory.buffer.byteLength > 0 && after - before >= GUARD_BYTES;
}

function addressBytes(): number | undefined {
  const pages = read('/proc/self/statm')?.split(' ', 1)[0];
  return pages === undefined ? undefined : Number(pages) * KERNEL_PAGE_BYTES;
}

/** Undefined on systems that have no such file. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
