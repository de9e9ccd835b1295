import { systemClock } from '../../time/index.ts';
import { ADMISSION_DEFAULTS } from '../admission/index.ts';
import {
  artifactId,
  type CompiledComponent,
  type CompileOptions,
  type ComponentArtifact,
  compileComponent,
} from '../link/index.ts';
import { compileInThread } from './in-thread.ts';
import { Slots } from './slots.ts';

export interface SharedCompileOptions extends Omit<CompileOptions, 'artifact'> {
  /** Milliseconds on a thread of its own. Default 60,000: a hundred times what the largest guests of today take. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 60_000;

/** Bytes from which on a thread is worth its start of some 30 ms: as long as the calling thread would be busy with them. */
const THREAD_BYTES_MIN = 524_288;

/** Threads at a time. One keeps a core busy, and others have work to do. */
const slots = new Slots(2);

/** What is being compiled, and what somebody still uses, by the id of the artifact. */
const flights = new Map<string, Flight>();
const artifacts = new Map<string, WeakRef<ComponentArtifact>>();
const unused = new FinalizationRegistry<string>((id) => {
  if (artifacts.get(id)?.deref() === undefined) artifacts.delete(id);
});

/**
 * As `compileComponent`, without holding the calling thread, and what takes long once for all who ask for the same. They share
 * code, and nothing that an instance could change. `signal` ends the wait of this caller, and the work when nobody else waits.
 *
 * @throws {RuntimeError} `COMPONENT_LIMIT` — to compile it took too long or too much memory; else as `compileComponent`.
 */
export async function compileShared(
  bytes: Uint8Array,
  { deadlineMs = DEADLINE_MS, ...options }: SharedCompileOptions = {},
): Promise<CompiledComponent> {
  const { parts, metered = false, signal, clock = systemClock } = options;
  signal?.throwIfAborted();
  const limits = { ...ADMISSION_DEFAULTS, ...options.limits };
  const id = await artifactId({ bytes, parts, limits, metered });
  let artifact = artifacts.get(id)?.deref();
  if (artifact === undefined && bytes.length >= THREAD_BYTES_MIN) {
    const job = { bytes, options: { limits, metered, ...(parts && { parts }) } };
    artifact = await inFlight(id, (abort) => compileInThread(job, { clock, deadlineMs, signal: abort }), signal);
  }
  const component = await compileComponent(bytes, { ...options, ...(artifact && { artifact }) });
  if (!artifacts.has(id)) unused.register(component.artifact, id);
  artifacts.set(id, new WeakRef(component.artifact));
  return component;
}

/** Joins the work of that id, or begins it. */
function inFlight(id: string, work: FlightWork, signal: AbortSignal | undefined): Promise<ComponentArtifact> {
  let flight = flights.get(id);
  if (flight === undefined) {
    const begun = new Flight(
      (abort) => slots.use(abort, () => work(abort)),
      () => {
        if (flights.get(id) === begun) flights.delete(id);
      },
    );
    flights.set(id, begun);
    flight = begun;
  }
  return flight.join(signal);
}

type FlightWork = (signal: AbortSignal) => Promise<ComponentArtifact>;

/** One compilation that any number wait for. */
class Flight {
  readonly #abort = new AbortController();
  readonly #result: Promise<ComponentArtifact>;
  readonly #onOver: () => void;
  #waiting = 0;

  /** @param onOver Called when nobody should join it any more: it has ended, or is ended since nobody waits. */
  constructor(work: FlightWork, onOver: () => void) {
    this.#onOver = onOver;
    this.#result = work(this.#abort.signal).finally(onOver);
    // Those who have given up do not hear of it.
    this.#result.catch(() => undefined);
  }

  async join(signal: AbortSignal | undefined): Promise<ComponentArtifact> {
    this.#waiting++;
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([this.#result, givenUp]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (--this.#waiting === 0) {
        this.#onOver();
        this.#abort.abort();
      }
    }
  }
}
