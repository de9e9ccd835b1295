/** Runs one cell of the table: hostile code beside healthy neighbours, and what became of all of them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextPass } from 'node:timers/promises';
import { type CompiledComponent, compileComponent, nodeRoom } from '../../../src/component/index.ts';
import { parseWat } from '../../../src/component/tooling/index.ts';
import {
  type ActorRef,
  ActorSystem,
  type ActorType,
  type ComponentOptions,
  component,
  type FailureReport,
  httpComponent,
  implement,
  protocol,
  RuntimeError,
  type SpawnOptions,
  type,
} from '../../../src/index.ts';
import { makeForwarder } from '../../kit/guests.ts';
import { isInTime, type Latency, sampled } from './latency.ts';
import { compileCell, endOf, type Place } from './places.ts';
import type { Shape } from './shapes.ts';

/** What a hostile guest has for one message. Enough for some hundred answers of its neighbours. */
export const DEADLINE_MS = 60;
/** Longest wait for an end: far more than any cell takes on a loaded machine. */
const PATIENCE_MS = 30_000;

/** Times that late neighbours are asked again: what ends after one answer has no 99th percentile, and a busy machine is late for all. */
const AGAIN_MAX = 4;

/** For a start, milliseconds: a process has to be there first. */
const START_MS = { main: 1_000, thread: 1_000, process: PATIENCE_MS } as const;

const GRANTS = { clock: true, random: true, log: true } as const;
const VICTIM = 'test:hostile/victim';

export interface Outcome {
  /** The first failure of the hostile actor: its code and what it names. */
  readonly end: string;
  /** What its failure left behind; nothing is what should be. */
  readonly left: readonly string[];
  /** Of the neighbours, while the hostile code ran. */
  readonly latency: Latency;
}

/** Where the hostile actor lives. */
export type Where = 'main' | 'thread' | 'process';

/** `CODE what`: a failure as the table names it. */
export function endOfError(error: RuntimeError): string {
  const { limit, rule, trap } = error.details;
  const what = limit ?? rule ?? trap;
  return what === undefined ? error.code : `${error.code} ${String(what)}`;
}

const Echo = protocol('test:echo@1.0.0', { ask: { echo: { in: type<number>(), out: type<number>() } } });
const echo = implement(Echo, { init: () => ({}), ask: { echo: (_, n) => n } });

let healthyGuest: Promise<CompiledComponent> | undefined;
/** A component that answers, with a little work of its own. */
function healthy(): Promise<CompiledComponent> {
  healthyGuest ??= parseWat(`(component
    (core module $M (func (export "ok") (result i32) (local $i i32)
      (local.set $i (i32.const 100))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (i32.const 1)))
    (core instance $m (instantiate $M))
    (func (export "ok") (result u32) (canon lift (core func $m "ok"))))`).then((bytes) =>
    compileComponent(bytes, { metered: true }),
  );
  return healthyGuest;
}

/** Starts two healthy actors there, and gives what asks each of them once. */
export async function neighboursOf(system: ActorSystem): Promise<() => Promise<unknown>> {
  const one = system.spawn(echo, 'echo');
  const two = system.spawn(await component(await healthy()), 'healthy');
  await two.ready;
  return async () => {
    await one.ask.echo(1, { timeoutMs: PATIENCE_MS });
    await two.askOp('ok', [], { timeoutMs: PATIENCE_MS });
  };
}

let callingGuest: Promise<CompiledComponent> | undefined;
/** A component whose `attack` is another's, by a link. */
function caller(): Promise<CompiledComponent> {
  callingGuest ??= makeForwarder(`package test:hostile;
    interface victim { attack: func(); }
    world w { import victim; export victim; }`).then((bytes) => compileComponent(bytes, { metered: true }));
  return callingGuest;
}

interface Cell {
  readonly place: Place;
  readonly guest: CompiledComponent;
  readonly where: Where;
}

/** One cell under way. */
class Stage {
  readonly failures: FailureReport[] = [];
  readonly system: ActorSystem;
  readonly place: Place;
  readonly #guest: CompiledComponent;
  readonly #where: Where;
  readonly #heard = Promise.withResolvers<void>();

  private constructor(system: ActorSystem, { place, guest, where }: Cell) {
    this.system = system;
    this.place = place;
    this.#guest = guest;
    this.#where = where;
  }

  static async open(cell: Cell): Promise<Stage> {
    let stage: Stage | undefined;
    const onFailure = (report: FailureReport): void => stage?.hear(report);
    const system = await ActorSystem.create({ ...(cell.where !== 'main' && { workers: 1 }), onFailure });
    stage = new Stage(system, cell);
    return stage;
  }

  hear(report: FailureReport): void {
    // A caller that was failed by its link is a victim: what is asked for is the end of the hostile one.
    if (report.actor.name !== 'hostile') return;
    const { kind } = this.place.trigger;
    this.failures.push(report);
    if (kind !== 'restore' || report.phase === 'start') this.#heard.resolve();
  }

  async #type(more: ComponentOptions = {}): Promise<ActorType> {
    const isolation = this.#where === 'process' ? { isolation: { process: 'hostile' } } : {};
    return component(this.#guest, { name: 'hostile', deadlineMs: DEADLINE_MS, grants: GRANTS, ...isolation, ...more });
  }

  async #spawn(options: ComponentOptions = {}, more: SpawnOptions = {}): Promise<ActorRef> {
    const supervision = { restart: 'permanent', intensity: 3, backoffMinMs: 1 } as const;
    return this.system.spawn(await this.#type(options), 'hostile', {
      supervision,
      startTimeoutMs: START_MS[this.#where],
      ...more,
    });
  }

  /** Has the hostile code run, and resolves when its failure was heard of and whoever waited for it has an answer. */
  async attack(): Promise<void> {
    const { trigger } = this.place;
    const patient = { timeoutMs: PATIENCE_MS };
    if (trigger.kind === 'request') return this.#request();
    if (trigger.kind === 'ask') {
      const ref = await this.#spawn();
      await ref.ready;
      await failure(ref.askOp(trigger.operation, trigger.operation === 'attack' ? '' : (trigger.args ?? []), patient));
    } else if (trigger.kind === 'answered') {
      const ref = await this.#spawn();
      await ref.askOp(trigger.operation, [], patient).catch(() => undefined);
    } else if (trigger.kind === 'link') {
      await (await this.#spawn()).ready;
      const links = { [VICTIM]: { actor: 'hostile', timeoutMs: PATIENCE_MS } };
      const ref = this.system.spawn(await component(await caller(), { name: 'caller', links }), 'caller');
      await failure(ref.askOp(`${VICTIM}#attack`, [], patient));
    } else if (trigger.kind === 'start') {
      const ref = await this.#spawn({}, { supervision: { restart: 'temporary' } });
      await failure(ref.ready);
      await ref.terminated;
    } else if (trigger.kind === 'health') {
      await this.#spawn({ health: { everyMs: 1, timeoutMs: DEADLINE_MS } });
    } else if (trigger.kind === 'stop') {
      const ref = await this.#spawn();
      await ref.askOp('ok', '', patient);
      await ref.stop({ deadlineMs: PATIENCE_MS });
    } else {
      const ref = await this.#spawn({ keep: { everyMessages: 1 } });
      // Its answer waits for no snapshot.
      await ref.askOp('ok', '', patient).catch(() => undefined);
      if (trigger.kind === 'restore') await failure(ref.askOp('break', '', patient));
    }
    await this.#heard.promise;
  }

  async #request(): Promise<void> {
    const onFailed = (_: string, __: unknown, error: RuntimeError): void => {
      this.failures.push({ error } as FailureReport);
    };
    const { system } = this;
    const options = { name: 'hostile', deadlineMs: DEADLINE_MS, grants: GRANTS, http: { onFailed } };
    await using plugin = await httpComponent(this.#guest, { system, ...options });
    const server = createServer(plugin.listener).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      if (answer.status < 500) throw new Error(`It was answered with ${answer.status}`);
      await answer.arrayBuffer();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }
}

/** The error of what has to fail. */
async function failure(work: Promise<unknown>): Promise<RuntimeError> {
  return work.then(
    (value) => {
      throw new Error(`It ended well, with ${JSON.stringify(value)}`);
    },
    (error: unknown) => RuntimeError.from(error),
  );
}

/** What guests of this process hold now. Gives what is held beyond that later. */
export function noteHeld(): () => string[] {
  const held = () => {
    const { memories, suspended } = nodeRoom().use;
    return {
      memories,
      suspended,
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    };
  };
  const before = held();
  return () => {
    const after = held();
    return (['memories', 'suspended', 'timers'] as const)
      .filter((name) => after[name] > before[name])
      .map((name) => `${after[name] - before[name]} ${name}`);
  };
}

/** Runs a cell. Rejects if whoever waits is never told, within {@link PATIENCE_MS}. */
export async function runCell(place: Place, guest: CompiledComponent, where: Where = 'main'): Promise<Outcome> {
  const stillHeld = noteHeld();
  const stage = await Stage.open({ place, guest, where });
  let latency: Latency;
  try {
    const answer = await neighboursOf(stage.system);
    latency = await sampled(answer, within(stage.attack()));
  } finally {
    await stage.system.stop();
  }
  await nextPass();
  const left = stillHeld();
  if (stage.system.size !== 0) left.push(`${stage.system.size} actors`);
  const report = stage.failures.find(({ phase }) => place.trigger.kind !== 'restore' || phase === 'start');
  return { end: report === undefined ? 'nothing' : endOfError(rootOf(report.error)), left, latency };
}

/** What an actor's failure is about. */
export function rootOf(error: RuntimeError): RuntimeError {
  const isAbout = error.code === 'ACTOR_FAILED' || error.code === 'ACTOR_START_FAILED';
  return isAbout && RuntimeError.is(error.cause) ? rootOf(error.cause) : error;
}

async function within(work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Nobody was told within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was wrong with a cell; nothing is what should be. Neighbours that were late are asked again: a machine may be busy. */
export async function judge(
  place: Place,
  shape: Shape,
  where: Where = 'main',
): Promise<{ readonly wrong: readonly string[]; readonly outcome: Outcome | undefined }> {
  const guest = await compileCell(place, shape);
  const wrong: string[] = [];
  let outcome: Outcome | undefined;
  try {
    outcome = await runCell(place, guest, where);
    for (let again = 0; again < AGAIN_MAX && !isInTime(outcome.latency); again++)
      outcome = await runCell(place, guest, where);
  } catch (error) {
    return { wrong: [String(error)], outcome };
  }
  const wanted = endOf(place, shape);
  if (outcome.end !== wanted) wrong.push(`it ended with ${outcome.end}, and not with ${wanted}`);
  if (outcome.left.length > 0) wrong.push(`it left ${outcome.left.join(', ')}`);
  if (!isInTime(outcome.latency)) wrong.push(`its neighbours took ${outcome.latency.p99Ms.toFixed(1)} ms`);
  return { wrong, outcome };
}
