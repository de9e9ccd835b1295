import { extname } from 'node:path';
import {
  type ActorRef,
  type ActorSystem,
  type ActorType,
  defineRemoteType,
  identityOf,
  type RemoteActor,
  type Topics,
} from '../actor/index.ts';
import { SHARING_THREADS_MAX } from '../collections/index.ts';
import { nodeRoom, type RoomHandOver } from '../component/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import { type ComponentActorType, isComponentType } from '../host/index.ts';
import type { Registry } from '../registry/index.ts';
import { type Clock, machineOffsetMs, SystemRandom } from '../time/index.ts';
import {
  type Aside,
  ComponentBridge,
  clearPlace,
  createWorkerSide,
  type LifeTimes,
  linkPair,
  MainSide,
  moduleKitchen,
  moduleOf,
  orderForProcess,
  type Peer,
  PlacedActor,
  placedComponent,
  type Recipe,
  SpreadActor,
  type SpreadPlace,
  startProcess,
  startThread,
  usageElsewhere,
  usagesElsewhere,
  type Worker,
  WorkerPool,
  type Workplaces,
} from '../worker/index.ts';
import { type FromIngress, INGRESS_TOPIC, type ToIngress } from './ingress-messages.ts';
import type { IngressLine } from './thread-ingress.ts';
import { type MeasuredElsewhere, TELEMETRY_TOPIC } from './worker-telemetry.ts';

/** The entry as it lies beside this file: a source here, JavaScript when built. */
const ENTRY = new URL(`./worker-entry${extname(import.meta.url)}`, import.meta.url);

/** Milliseconds for the end of all workers: each has 5 s to end by itself. */
const CLOSE_MS = 10_000;

/** Milliseconds for what is spread to run: a component that cannot start says so by then. */
const SPREAD_MS = 5_000;

/** Milliseconds for a worker to say what its actors use. */
const LOOK_MS = 250;

/** What is said of component actors beside their messages goes by this. */
export const COMPONENTS_TOPIC = 'components';

/** What a worker is told at its start. */
export interface WorkerData {
  /** Of the main thread's clock, so that deadlines mean the same. */
  readonly machineOffsetMs: number;
  /** Which of the threads that count together it is; that of a process counts for itself. */
  readonly place: number;
  readonly room?: RoomHandOver;
  /** Whether it tells what it measures. */
  readonly isMeasured: boolean;
}

let places = 0;

/** A number for a thread, which no other that lives has. The main thread's is 0. */
function nextPlace(): number {
  places = (places % (SHARING_THREADS_MAX - 1)) + 1;
  return places;
}

/** How many threads there are, and how long they may take. */
export interface WorkersOptions extends LifeTimes {
  /** Integer, 0 to 256. 0: all actors live on the calling thread. */
  readonly count: number;
}

/** What the workers of a system are joined to. */
interface Surroundings {
  readonly system: ActorSystem;
  readonly names: Registry;
  readonly topics: Topics;
  readonly clock: Clock;
  /** Hears what workers have measured; `undefined`: nothing is. */
  readonly onMeasured?: ((measured: MeasuredElsewhere) => void) | undefined;
}

/** The workers of one system, threads and processes, and what lives there. */
export class SystemWorkers {
  readonly #surroundings: Surroundings;
  readonly #times: LifeTimes;
  /** `undefined`: there are none, and what could live there lives on the calling thread. */
  readonly #threads: Place | undefined;
  /** Where actors of modules live if there are no threads. */
  #here: Here | undefined;
  /** The last actor of each component that is spread. */
  readonly #spread = new Map<ActorType, SpreadActor>();
  /** By the name of the group. */
  readonly #processes = new Map<string, Place>();
  readonly #placed = new WeakMap<ActorType, ActorType>();
  /** Components that have, or had, actors here; as long as they are used. */
  readonly #components = new Set<WeakRef<ComponentActorType>>();
  readonly #actors = new WeakMap<object, () => readonly object[]>();

  constructor({ count, ...times }: WorkersOptions, surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#times = times;
    const names = Array.from({ length: count }, (_, index) => `worker ${index + 1}`);
    this.#threads = count === 0 ? undefined : this.#open(new Place({ names, start: startThread, times }, surroundings));
  }

  /** What is opened is closed when no actor is left. */
  #open<T extends { close(): unknown }>(place: T): T {
    const options = { name: 'workers', deadlineMs: CLOSE_MS };
    this.#surroundings.system.onStop('release', () => place.close(), options);
    return place;
  }

  /** Starts the threads, if they are not started. */
  warm(): void {
    this.#threads?.warm();
  }

  /**
   * What stands here for actors of a type.
   *
   * @throws {RuntimeError} `CONFIG_INVALID` — it has to be in a process, and cannot.
   */
  place(type: ActorType): ActorType {
    const recipe = moduleOf(type);
    if (recipe === undefined && !isComponentType(type)) return type;
    const known =
      this.#placed.get(type) ??
      (isComponentType(type)
        ? this.#find(type)
        : this.#remote(type, { recipe: recipe as Recipe, place: this.#anywhere() }));
    if (isComponentType(type) && !this.#placed.has(type)) this.#components.add(new WeakRef(type));
    this.#placed.set(type, known);
    return known;
  }

  /** Types of components that have, or had, actors here. */
  *components(): IterableIterator<ComponentActorType> {
    for (const ref of this.#components) {
      const type = ref.deref();
      if (type === undefined) this.#components.delete(ref);
      else yield type;
    }
  }

  /** The workers on which an actor lives; none: it lives on the calling thread. */
  whereIs(ref: ActorRef): readonly string[] {
    const there = this.#actors.get(identityOf(ref))?.() ?? [];
    const places = [this.#threads, ...this.#processes.values()];
    return there.flatMap((peer) => places.flatMap((place) => place?.nameOf(peer) ?? []));
  }

  /**
   * On how many threads these components can serve requests, each all of them; 0: one has to be on the calling thread, or there are
   * no threads.
   */
  widthFor(types: readonly ComponentActorType[]): number {
    if (this.#threads === undefined || types.some((type) => whyHere(type) !== undefined)) return 0;
    return Math.min(this.#threads.size, ...types.map(({ http }) => http?.instances ?? 0));
  }

  /** From now on the actors of a component that handles requests live on the first `width` threads, each with its share. */
  spread(type: ComponentActorType, width: number): void {
    assert(type.http !== undefined, 'what is spread handles requests');
    const { instances, queue } = type.http;
    const { order } = placedComponent(type);
    const { settings } = order.recipe;
    const places = Array.from({ length: width }, (_, nth): SpreadPlace => {
      const share = (all: number): number => Math.floor(all / width) + (nth < all % width ? 1 : 0);
      const http = { ...settings.http, instances: share(instances), queue: share(queue) };
      const data = { ...order, recipe: { ...order.recipe, settings: { ...settings, http } } };
      return { workplaces: this.#place(nth), recipe: { kind: 'component', data } };
    });
    const connect = (actor: RemoteActor): SpreadActor => {
      const there = new SpreadActor(actor, places);
      this.#spread.set(type, there);
      this.#actors.set(actor, () => there.there);
      return there;
    };
    this.#components.add(new WeakRef(type));
    this.#placed.set(type, defineRemoteType({ name: type.name, speaks: type, connect }));
  }

  /** Resolves when the actors that are spread run wherever they are to; those that do not come to run are not waited for. */
  async whenSpread(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#surroundings.clock.after(SPREAD_MS, late.resolve);
    const live = [...this.#spread.values()].map((actor) => actor.whenAllLive());
    await Promise.race([Promise.all(live), late.promise]);
    timer.cancel();
  }

  /** Resolves when the actors that are spread run at a place. */
  async whenLive(place: number): Promise<void> {
    await Promise.all([...this.#spread.values()].map((actor) => actor.whenLive(place)));
  }

  /** The ingress of the thread at a place, once it is ready. */
  lineOf(place: number): Promise<IngressLine> {
    assert(this.#threads !== undefined, 'there are threads to serve on');
    return this.#threads.lineAt(place);
  }

  #place(nth: number): Workplaces {
    assert(this.#threads !== undefined, 'there are threads to spread actors over');
    return this.#threads.at(nth);
  }

  /** Has workers say what their actors use now; those that are too busy are not waited for. */
  async look(): Promise<void> {
    const places = [...(this.#threads === undefined ? [] : [this.#threads]), ...this.#processes.values()];
    const late = Promise.withResolvers<void>();
    const timer = this.#surroundings.clock.after(LOOK_MS, late.resolve);
    await Promise.race([Promise.all(places.map((place) => place.look())), late.promise]);
    timer.cancel();
  }

  /** What an actor that lives on a worker uses, as it was a moment ago. */
  usageOf(type: ComponentActorType, ref: ActorRef): ReturnType<typeof usageElsewhere> {
    return usageElsewhere(type, ref.name);
  }

  /** Threads that should be there, and those that are not. */
  get threads(): { readonly wanted: number; readonly missing: number; readonly areGivenUp: boolean } {
    return this.#threads?.presence ?? { wanted: 0, missing: 0, areGivenUp: false };
  }

  /** What each actor of a type uses that lives on workers, as it was a moment ago. */
  usagesOf(type: ComponentActorType): ReturnType<typeof usagesElsewhere> {
    return usagesElsewhere(type);
  }

  #find(type: ComponentActorType): ActorType {
    const { isolation = 'thread' } = type.options;
    const reason = whyHere(type);
    const isHttp = type.shape.kind === 'http';
    if (isolation === 'thread') {
      if (this.#threads === undefined || isHttp || reason !== undefined) return type;
      return this.#remote(type, {
        recipe: { kind: 'component', data: placedComponent(type).order },
        place: this.#threads,
      });
    }
    if (isHttp || reason !== undefined) {
      const text = `Cannot run component "${type.name}" in a process: ${reason ?? 'it handles HTTP requests, which come in here'}; take "isolation" out, or that`;
      throw new RuntimeError('CONFIG_INVALID', text, { details: { component: type.name } });
    }
    const known = this.#processes.get(isolation.process);
    const names = [`process ${isolation.process}`];
    const place =
      known ?? this.#open(new Place({ names, start: startProcess, times: this.#times }, this.#surroundings));
    this.#processes.set(isolation.process, place);
    return this.#remote(type, { recipe: { kind: 'component', data: orderForProcess(placedComponent(type)) }, place });
  }

  #anywhere(): Workplaces {
    if (this.#threads !== undefined) return this.#threads;
    this.#here ??= this.#open(new Here(this.#surroundings));
    return this.#here;
  }

  #remote(type: ActorType, { recipe, place }: { readonly recipe: Recipe; readonly place: Workplaces }): ActorType {
    return defineRemoteType({
      name: type.name,
      speaks: type,
      takesRoomHere: place === this.#threads,
      connect: (actor) => {
        const there = new PlacedActor(actor, { workplaces: place, recipe });
        this.#actors.set(actor, () => (there.there === undefined ? [] : [there.there]));
        return there;
      },
    });
  }
}

/** A worker on the calling thread, for actors of modules in a system that has no other. */
class Here implements Workplaces {
  readonly #surroundings: Surroundings;
  #side: MainSide | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  choose(): Peer {
    this.#side ??= this.#join();
    return this.#side.peer;
  }

  #join(): MainSide {
    const { clock } = this.#surroundings;
    const { main, worker } = linkPair({ clock });
    createWorkerSide({ link: worker, clock, kitchens: { module: moduleKitchen } });
    return new MainSide(main, this.#surroundings, () => undefined);
  }

  close(): void {
    this.#side?.close();
  }
}

/** Of what kind workers are. */
interface PlaceParts {
  /** Of each of them. */
  readonly names: readonly string[];
  readonly start: typeof startThread;
  readonly times: LifeTimes;
}

/** Workers of one kind, which start with the first actor that is placed there. */
class Place implements Workplaces {
  readonly #names: readonly string[];
  readonly #startWorker: typeof startThread;
  readonly #times: LifeTimes;
  readonly #surroundings: Surroundings;
  readonly #sides = new Map<Worker, MainSide>();
  readonly #lines = new WeakMap<Worker, Line>();
  readonly #bridges = new WeakMap<MainSide, ComponentBridge>();
  /** Sides of workers that are ready; the one that was chosen last is the last. */
  #ready: readonly MainSide[] = [];
  #pool: WorkerPool | undefined;

  constructor({ names, start, times }: PlaceParts, surroundings: Surroundings) {
    this.#names = names;
    this.#startWorker = start;
    this.#times = times;
    this.#surroundings = surroundings;
  }

  /** Starts the workers, if they are not started. */
  warm(): WorkerPool {
    this.#pool ??= new WorkerPool({
      size: this.#names.length,
      clock: this.#surroundings.clock,
      random: new SystemRandom(),
      start: (place) => this.#start(this.#names[place] as string),
      load: (worker) => this.#sides.get(worker)?.load ?? 0,
    });
    return this.#pool;
  }

  async choose(): Promise<Peer> {
    const pool = this.warm();
    // Those that start now are waited for, so that the first does not get all.
    await Promise.allSettled(pool.workers.map(({ ready }) => ready));
    await pool.place();
    // Of those with as few, the one that was not chosen for the longest time: what was chosen just now is not there yet.
    const [first, ...others] = this.#ready;
    if (first === undefined) return this.choose();
    const chosen = others.reduce((one, other) => (other.load < one.load ? other : one), first);
    this.#ready = [...this.#ready.filter((side) => side !== chosen), chosen];
    return chosen.peer;
  }

  async look(): Promise<void> {
    await Promise.all(this.#ready.map((side) => this.#bridges.get(side)?.look()));
  }

  get size(): number {
    return this.#names.length;
  }

  /** Before the first is started none is missing. */
  get presence(): SystemWorkers['threads'] {
    const wanted = this.#names.length;
    const missing = this.#pool === undefined ? 0 : wanted - this.#pool.workers.length;
    return { wanted, missing, areGivenUp: this.#pool?.isGivenUp === true };
  }

  /** Where actors live that are to live at the place of that number alone. */
  at(index: number): Workplaces {
    return { choose: async () => (await this.#whenReady(index, this.#sides)).peer };
  }

  lineAt(index: number): Promise<Line> {
    return this.#whenReady(index, this.#lines);
  }

  /** What belongs to the worker of a place, once that is ready. */
  async #whenReady<T>(index: number, of: { get(worker: Worker): T | undefined }): Promise<T> {
    for (;;) {
      const worker = await this.warm().at(index);
      const found = of.get(worker);
      if (found !== undefined) return found;
      // It is being lost: its place learns of that when nothing is left of it.
      await worker.ended;
    }
  }

  /** The worker of a side of a link; `undefined`: it is of none here. */
  nameOf(peer: object): string | undefined {
    for (const [{ name }, side] of this.#sides) if (side.peer === peer) return name;
    return undefined;
  }

  #start(name: string): Worker {
    const { clock, onMeasured } = this.#surroundings;
    const place = nextPlace();
    const room = this.#startWorker === startThread ? nodeRoom().handOver : undefined;
    const isMeasured = onMeasured !== undefined;
    const data: WorkerData = { machineOffsetMs: machineOffsetMs(clock), place, isMeasured, ...(room && { room }) };
    const worker = this.#startWorker({ name, entry: ENTRY, clock, data, times: this.#times });
    const bridge = new ComponentBridge();
    const line = new Line(worker);
    const onLost = (): void => {
      bridge.close();
      this.#sides.delete(worker);
      this.#ready = this.#ready.filter((other) => other !== side);
    };
    const telemetry: Aside = { say: () => {}, hear: (measured) => onMeasured?.(measured as MeasuredElsewhere) };
    const asides = { [COMPONENTS_TOPIC]: bridge, [INGRESS_TOPIC]: line, [TELEMETRY_TOPIC]: telemetry };
    const side = new MainSide(worker.link, { ...this.#surroundings, asides }, onLost);
    void worker.ended.then(() => {
      nodeRoom().clear(place);
      clearPlace(place);
    });
    this.#sides.set(worker, side);
    this.#lines.set(worker, line);
    this.#bridges.set(side, bridge);
    worker.ready.then(
      () => {
        this.#ready = [...this.#ready, side];
      },
      // Its loss is told by its side.
      () => undefined,
    );
    return worker;
  }

  async close(): Promise<void> {
    for (const side of this.#sides.values()) side.close();
    await this.#pool?.close();
  }
}

/** What the ingress and the server of one worker say to each other. */
class Line implements Aside, IngressLine {
  say!: (message: ToIngress) => void;
  onMessage: (message: FromIngress) => void = () => {};
  readonly ended: Promise<unknown>;

  constructor({ ended }: Worker) {
    this.ended = ended;
  }

  hear(data: unknown): void {
    this.onMessage(data as FromIngress);
  }
}

/** Why the actors of a component have to live on the main thread; `undefined`: nothing keeps them there. */
function whyHere({ shape, options, links }: ComponentActorType): string | undefined {
  if (options.keep !== undefined) return 'its state is kept, which is done where the store is';
  if (links.length > 0) return 'it has links, whose types are compared here';
  if (shape.lifecycle.health !== undefined) return 'it says how well it is, which is heard here';
  if ((options.grants?.messaging?.publish?.length ?? 0) > 0) return 'it may publish, and is told how many that reaches';
  return options.grants?.stdio?.stdin === true ? 'it is granted stdin, which is read here' : undefined;
}
