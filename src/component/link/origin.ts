import { type CoreModule, type ModuleState, PAGE_BYTES } from '../admission/index.ts';
import type { Plan } from './plan.ts';

/**
 * Bytes of linear memory up to which an instance is put back to its origin. 16 MiB are written in 160 µs; a new instance costs
 * more from 1 MiB on if it uses it, since the system finds it a page at a time. More would hold the thread up for longer
 * than a slice of any other work.
 */
const RETURN_BYTES_MAX = 16_777_216;

type Core = Readonly<Record<string, unknown>>;

/**
 * Whether instances may be put back to their origin, as far as can be known before admission: no start function runs
 * before the last core module is linked, and nobody else can hold what a guest made.
 */
export function canReturn(plan: Plan, modules: readonly CoreModule[]): boolean {
  if (plan.resources.some((resource) => resource.kind === 'guest')) return false;
  if (modules.slice(0, -1).some((module) => module.start !== undefined)) return false;
  const pages = modules.flatMap((module) => module.memories).reduce((sum, { min }) => sum + Number(min), 0);
  return pages * PAGE_BYTES <= RETURN_BYTES_MAX;
}

/** A memory before any code ran: zeroes but for one stretch. */
interface MemoryImage {
  readonly sizeBytes: number;
  readonly from: number;
  readonly bytes: Uint8Array;
}

/**
 * What instances of one component are before their code runs: the same for all of them, so it is kept once, taken from
 * the first that asks.
 */
export class Origin {
  /** Of each core module, by step. */
  readonly #states: readonly ModuleState[];
  #memories: readonly MemoryImage[] | undefined;
  #globals: readonly (number | bigint)[] = [];

  /** Undefined if instances can change what cannot be put back. */
  static of(states: readonly (ModuleState | undefined)[]): Origin | undefined {
    const known = states.filter((state) => state !== undefined);
    return known.length > 0 && known.length === states.length ? new Origin(known) : undefined;
  }

  private constructor(states: readonly ModuleState[]) {
    this.#states = states;
  }

  /** @param cores The instance's core modules, before any code of theirs ran. */
  begin(cores: readonly Core[]): Return {
    const exported = (kind: 'memories' | 'globals') =>
      this.#states.flatMap((state, step) => state[kind].map((name) => cores[step]?.[name]));
    const memories = exported('memories') as WebAssembly.Memory[];
    const globals = exported('globals') as WebAssembly.Global[];
    if (this.#memories === undefined) {
      this.#memories = memories.map(imageOf);
      this.#globals = globals.map((item) => item.value);
    }
    return new Return(memories, globals, { memories: this.#memories, globals: this.#globals });
  }
}

interface Images {
  readonly memories: readonly MemoryImage[];
  readonly globals: readonly (number | bigint)[];
}

/** Puts one instance back to its origin. */
export class Return {
  private readonly memories: readonly WebAssembly.Memory[];
  private readonly views: readonly Uint8Array[];
  private readonly globals: readonly WebAssembly.Global[];
  private readonly images: Images;

  constructor(...[memories, globals, images]: [readonly WebAssembly.Memory[], readonly WebAssembly.Global[], Images]) {
    this.memories = memories;
    this.views = memories.map((memory) => new Uint8Array(memory.buffer));
    this.globals = globals;
    this.images = images;
  }

  /** False if a memory has grown: it cannot shrink again. */
  get possible(): boolean {
    for (const [nth, view] of this.views.entries()) {
      // Growing detaches the buffer, also when it grows by nothing.
      const image = this.images.memories[nth] as MemoryImage;
      if (view.length !== image.sizeBytes || this.memories[nth]?.buffer !== view.buffer) return false;
    }
    return true;
  }

  run(): void {
    for (const [nth, view] of this.views.entries()) {
      const { from, bytes } = this.images.memories[nth] as MemoryImage;
      view.fill(0);
      view.set(bytes, from);
    }
    for (const [nth, global] of this.globals.entries()) global.value = this.images.globals[nth] as number | bigint;
  }
}

function imageOf(memory: WebAssembly.Memory): MemoryImage {
  const all = new Uint8Array(memory.buffer);
  const from = Math.max(
    0,
    all.findIndex((byte) => byte !== 0),
  );
  const to = all.findLastIndex((byte) => byte !== 0) + 1;
  return { sizeBytes: all.length, from, bytes: all.slice(from, Math.max(from, to)) };
}
