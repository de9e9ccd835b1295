import { type CoreModule, type ModuleState, PAGE_BYTES } from '../admission/index.ts';
import type { Plan } from './plan.ts';

/**
 * Bytes of linear memory up to which an instance is put back to its origin. 16 MiB take 0.2 to 0.5 ms, and 2.5 ms the first time
 * if the guest has used little of it; a new one that uses all of it takes 7 ms, since the system finds it a page at a time. More
 * would hold the thread up for longer than a slice of any other work.
 */
const RETURN_BYTES_MAX = 16_777_216;

type Core = Readonly<Record<string, unknown>>;

/**
 * Whether instances may be put back to their origin, as far as can be known before admission: nobody else can hold what a
 * guest made.
 */
export function canReturn(plan: Plan, modules: readonly CoreModule[]): boolean {
  if (plan.resources.some((resource) => resource.kind === 'guest')) return false;
  const pages = modules.flatMap((module) => module.memories).reduce((sum, { min }) => sum + Number(min), 0);
  return pages * PAGE_BYTES <= RETURN_BYTES_MAX;
}

/** A memory at its origin, page by page: where nothing was, all share {@link NOTHING}. */
type MemoryImage = readonly Buffer[];

/** One page of a memory that nothing was written to. */
const NOTHING = Buffer.alloc(PAGE_BYTES);

/** What a step has to do with it. */
interface OriginStep {
  /** Undefined if the module can change what cannot be put back. */
  readonly state: ModuleState | undefined;
  readonly hasStart: boolean;
}

/**
 * Where the lives of one component's instances begin. It is the same for all of them, so it is kept once, taken from the
 * first one that asks:
 *
 *     linked ─► start functions ─► first call
 *        │                           └ here, if they called nobody: then all instances are the same here too
 *        └ else here, if only the last module has one, which runs again at the beginning of each life
 */
export class Origin {
  readonly #states: readonly ModuleState[];
  readonly #hasStart: boolean;
  readonly #hasEarlyStart: boolean;
  #linked: Images | undefined;
  #images: Images | undefined;
  #isKnown = false;
  #startsAgain = false;

  /** Undefined if instances can change what cannot be put back. */
  static of(steps: readonly OriginStep[]): Origin | undefined {
    const states = steps.map(({ state }) => state).filter((state) => state !== undefined);
    return states.length > 0 && states.length === steps.length ? new Origin(steps, states) : undefined;
  }

  private constructor(steps: readonly OriginStep[], states: readonly ModuleState[]) {
    this.#states = states;
    this.#hasStart = steps.some(({ hasStart }) => hasStart);
    this.#hasEarlyStart = steps.slice(0, -1).some(({ hasStart }) => hasStart);
  }

  /** Whether it was taken, or found out that there is none. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Whether the last module's start function runs when a life begins. */
  get startsAgain(): boolean {
    return this.#startsAgain;
  }

  /** All core modules of an instance are linked; the start function of the last one has not run. */
  linked(cores: readonly Core[]): void {
    if (!this.#isKnown && this.#hasStart && !this.#hasEarlyStart) this.#linked ??= this.#imagesOf(cores);
  }

  /**
   * The start functions of an instance have run.
   *
   * @param calledHost Whether they called functions of the host.
   */
  started(cores: readonly Core[], calledHost: boolean): void {
    if (this.#isKnown) return;
    this.#isKnown = true;
    this.#startsAgain = calledHost;
    this.#images = calledHost ? this.#linked : this.#imagesOf(cores);
    this.#linked = undefined;
  }

  /** How an instance gets back to it; undefined if it cannot. */
  wayBack(cores: readonly Core[]): Return | undefined {
    if (this.#images === undefined) return undefined;
    return new Return(this.#exported(cores, 'memories'), this.#exported(cores, 'globals'), this.#images);
  }

  /** Undefined if start functions have made the memories too large. */
  #imagesOf(cores: readonly Core[]): Images | undefined {
    const memories = this.#exported<WebAssembly.Memory>(cores, 'memories');
    if (memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) > RETURN_BYTES_MAX) return undefined;
    const globals = this.#exported<WebAssembly.Global>(cores, 'globals').map((item) => item.value as number | bigint);
    return { memories: memories.map(imageOf), globals };
  }

  #exported<T>(cores: readonly Core[], kind: keyof ModuleState): T[] {
    return this.#states.flatMap((state, step) => state[kind].map((name) => cores[step]?.[name] as T));
  }
}

interface Images {
  readonly memories: readonly MemoryImage[];
  readonly globals: readonly (number | bigint)[];
}

/** Puts one instance back to its origin. */
export class Return {
  private readonly memories: readonly WebAssembly.Memory[];
  private readonly views: Uint8Array[];
  /** By memory and page: whether it was found changed, once. */
  private readonly changed: readonly boolean[][];
  private readonly globals: readonly WebAssembly.Global[];
  private readonly images: Images;

  /** @internal */
  constructor(...[memories, globals, images]: [readonly WebAssembly.Memory[], readonly WebAssembly.Global[], Images]) {
    this.memories = memories;
    this.views = memories.map((memory) => new Uint8Array(memory.buffer));
    this.changed = images.memories.map((pages) => pages.map(() => false));
    this.globals = globals;
    this.images = images;
  }

  /** False if a memory has grown: it cannot shrink again. */
  get possible(): boolean {
    for (const [nth, view] of this.views.entries()) {
      const { buffer } = this.memories[nth] as WebAssembly.Memory;
      if (buffer.byteLength !== (this.images.memories[nth] as MemoryImage).length * PAGE_BYTES) return false;
      // Growing detaches the buffer, also when it grows by nothing.
      if (buffer !== view.buffer) this.views[nth] = new Uint8Array(buffer);
    }
    return true;
  }

  /**
   * Of its memories it writes those pages that are not as they were. What nobody has written to takes no memory of the machine,
   * and would from the first time on: it is read, which takes none. A page that was changed once is written without a look.
   */
  run(): void {
    for (const [nth, view] of this.views.entries()) {
      const pages = this.images.memories[nth] as MemoryImage;
      const changed = this.changed[nth] as boolean[];
      for (let number = 0; number < pages.length; number++) {
        const page = pages[number] as Buffer;
        const at = number * PAGE_BYTES;
        changed[number] ||= page.compare(view, at, at + PAGE_BYTES) !== 0;
        if (changed[number]) view.set(page, at);
      }
    }
    for (const [nth, global] of this.globals.entries()) global.value = this.images.globals[nth] as number | bigint;
  }
}

function imageOf({ buffer }: WebAssembly.Memory): MemoryImage {
  const count = buffer.byteLength / PAGE_BYTES;
  return Array.from({ length: count }, (_, number) => {
    const page = Buffer.from(buffer, number * PAGE_BYTES, PAGE_BYTES);
    return page.equals(NOTHING) ? NOTHING : Buffer.from(page);
  });
}
