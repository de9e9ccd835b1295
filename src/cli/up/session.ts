import {
  type ControlPlane,
  type ControlServer,
  type MonitoringServer,
  serveControl,
  serveMonitoring,
} from '../../admin/index.ts';
import type { ActorState, HealthInfo } from '../../api/index.ts';
import type { ApplicationConfig } from '../../config/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { Application, ApplicationEvent } from '../../runtime/index.ts';
import { formatDuration } from '../../time/index.ts';
import type { CliContext } from '../context.ts';
import { interruptExitCode } from '../interrupts.ts';
import type { RuntimePort } from '../runtime-port.ts';
import { count } from '../text.ts';
import { EventLimiter } from './event-limiter.ts';
import { OutputPace } from './output-pace.ts';
import type { Frame, Reporter } from './reporter.ts';

/** What a stop may take before the process ends without it: longer than any drain that an actor is given. */
const STOP_DEADLINE_MS = 10_000;

/** Time between frames when there is no `[view]` to say so. */
const FRAME_INTERVAL_MS = 250;

/** A view that takes longer is not live; and a stop must not wait for it. */
const VIEW_DEADLINE_MS = 2_000;

/** Actors that an error names. */
const NAMED_MAX = 5;

/** States that an actor does not leave by itself. */
const ENDED: ReadonlySet<ActorState> = new Set<ActorState>(['stopped', 'completed', 'failed']);

export interface SessionOptions {
  readonly config: ApplicationConfig;
  readonly runtime: RuntimePort;
  readonly reporter: Reporter;
  /** End when every task has ended and every mailbox is empty. */
  readonly untilIdle: boolean;
  /** Hears of each grant that a component used or lacked. */
  readonly onNeeded?: (component: string, line: string) => void;
}

type Ending = 'interrupted' | 'idle' | 'stop-requested' | 'all-ended';

const STARTING: HealthInfo = {
  status: 'degraded',
  live: true,
  ready: false,
  reasons: [{ kind: 'starting-up', ms: 0 }],
  room: {},
};

/** One run of `troupe up`: from the control port to the last file removed. */
export class UpSession {
  readonly #context: CliContext;
  readonly #options: SessionOptions;
  readonly #ending = Promise.withResolvers<Ending>();
  readonly #limiter: EventLimiter;
  readonly #pace: OutputPace;
  #application: Application | undefined;
  #drawing: Promise<void> | undefined;
  /** The last view, which stays while the actor that gave it stops. */
  #lastView: Frame['view'];
  #stopping = false;

  constructor(context: CliContext, options: SessionOptions) {
    this.#context = context;
    this.#options = options;
    this.#limiter = new EventLimiter(context.clock, (event) => options.reporter.event(event));
    this.#pace = new OutputPace(context.clock, [context.stdout, context.stderr]);
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    const { config, reporter } = this.#options;
    const { interrupts } = this.#context;
    for (const notice of config.notices) reporter.notice(notice);
    interrupts.signal.addEventListener('abort', () => this.#ending.resolve('interrupted'), { once: true });
    // Before anything of the application runs: a second one of the same folder must not touch what the first works on.
    const control = await this.#serveControl();
    const monitoring = await this.#serveMonitoring(control);
    const forget = interrupts.onExit(() => control?.removeFiles());
    try {
      const application = await this.#start();
      if (application === undefined) return this.#interruptedExitCode();
      const addresses = { control: control?.address, monitoring: monitoring?.address };
      reporter.started(application.application(), addresses);
      return await this.#untilEnded(application);
    } finally {
      this.#limiter.release('end');
      reporter.end();
      await Promise.all([control?.close(), monitoring?.close()]);
      forget();
    }
  }

  async #serveControl(): Promise<ControlServer | undefined> {
    const { control } = this.#options.config;
    if (control.kind === 'off') return undefined;
    return serveControl({
      plane: this.#plane(),
      directory: control.directory,
      listen: control.kind === 'port' ? { port: control.port } : { socketPath: control.socketPath },
      tokens: control.tokens,
      clock: this.#context.clock,
    });
  }

  /** Also while it starts: then it is live, and not ready. */
  async #serveMonitoring(control: ControlServer | undefined): Promise<MonitoringServer | undefined> {
    const { monitoring } = this.#options.config;
    if (monitoring === undefined) return undefined;
    try {
      return await serveMonitoring({ plane: this.#plane(), listen: monitoring.listen });
    } catch (error) {
      await control?.close();
      throw error;
    }
  }

  /** The application as the control port sees it: until it has started it says so; a stop is this session's to do. */
  #plane(): ControlPlane {
    const running = () => {
      if (this.#application !== undefined) return this.#application;
      throw new RuntimeError('CONTROL_UNREACHABLE', 'The application is still starting: try again in a moment');
    };
    return {
      application: () => running().application(),
      actors: () => running().actors(),
      look: () => running().look(),
      operations: (name) => running().operations(name),
      ask: async (request) => running().ask(request),
      tell: (request) => running().tell(request),
      states: async () => running().states(),
      state: async (name) => running().state(name),
      removeState: async (name) => running().removeState(name),
      outbox: async () => running().outbox(),
      removeMessages: async (name) => running().removeMessages(name),
      deadLetters: () => running().deadLetters(),
      health: () => this.#application?.health() ?? STARTING,
      metrics: async (accept) => running().metrics(accept),
      permit: async (action) => this.#application?.permit(action),
      noteIntrusion: (path, holder) => this.#application?.noteIntrusion(path, holder),
      stop: async () => this.#ending.resolve('stop-requested'),
    };
  }

  /** Starts the application; `undefined` when it was interrupted meanwhile. */
  async #start(): Promise<Application | undefined> {
    const { config, runtime, onNeeded } = this.#options;
    const { interrupts } = this.#context;
    try {
      const onEvent = (event: ApplicationEvent) => this.#onEvent(event);
      this.#application = await runtime.startApplication(config, {
        onEvent,
        pace: () => this.#pace.take(),
        signal: interrupts.signal,
        ...(onNeeded && { onNeeded }),
      });
      return this.#application;
    } catch (error) {
      if (interrupts.interrupt !== undefined) return undefined;
      throw error;
    }
  }

  async #untilEnded(application: Application): Promise<number> {
    const { reporter, untilIdle, config } = this.#options;
    if (untilIdle) application.idle.then(() => this.#ending.resolve('idle'), this.#ending.reject);
    this.#endIfAllEnded();
    const stopDrawing = this.#drawEvery(config.view?.everyMs ?? FRAME_INTERVAL_MS);
    let ending: Ending;
    let failed: string[];
    let unfinished = 0;
    try {
      ending = await this.#ending.promise;
      await this.#draw();
      failed = application.actors().flatMap(({ name, state }) => (state === 'failed' ? [`"${name}"`] : []));
      this.#stopping = true;
      reporter.stopping();
      // Shows at once that the interrupt was heard, and goes on showing who is still at work.
      void this.#draw();
      unfinished = await this.#stop(application);
    } finally {
      stopDrawing();
    }
    await this.#draw();
    if (unfinished > 0) throw drainIncomplete(unfinished, config.drainMs);
    if (ending === 'interrupted') return this.#interruptedExitCode();
    if (failed.length === 0 || ending === 'stop-requested') return 0;
    const [who, rest] = [failed.slice(0, NAMED_MAX).join(', '), failed.length - NAMED_MAX];
    const more = rest > 0 ? ` and ${rest} more` : '';
    throw new RuntimeError('ACTOR_FAILED', `The application has ended with actors that were given up: ${who}${more}`);
  }

  /**
   * Stops the application, but waits no longer than the deadline. Asked to end by `SIGTERM`, it finishes first what it has
   * accepted; resolves with how many messages it did not finish.
   */
  async #stop(application: Application): Promise<number> {
    const { clock } = this.#context;
    const { drainMs, ingress } = this.#options.config;
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const isDrained = this.#context.interrupts.interrupt === 'SIGTERM' && drainMs > 0;
    const deadlineMs = STOP_DEADLINE_MS + (isDrained ? drainMs : 0) + (ingress?.limits.drainMs ?? 0);
    const lostBefore = lostMessages(application);
    const text = `The application did not stop within ${deadlineMs} ms; it was ended`;
    const timer = clock.after(deadlineMs, () => reject(new RuntimeError('ASK_TIMEOUT', text)), true);
    try {
      await Promise.race([application.stop(isDrained ? { drainMs } : {}), overdue]);
    } finally {
      timer.cancel();
    }
    return isDrained ? lostMessages(application) - lostBefore : 0;
  }

  #onEvent(event: ApplicationEvent): void {
    this.#limiter.take(event);
    if (event.type === 'stopped' || event.type === 'completed' || event.type === 'failed') this.#endIfAllEnded();
  }

  /** With nobody left to take a message there is nothing to wait for. */
  #endIfAllEnded(): void {
    const actors = this.#application?.actors() ?? [];
    if (actors.length > 0 && actors.every(({ state }) => ENDED.has(state))) this.#ending.resolve('all-ended');
  }

  /** Draws a frame now and every `intervalMs`; returns what ends it. One view is asked for at a time. */
  #drawEvery(intervalMs: number): () => void {
    const { clock } = this.#context;
    let ended = false;
    let timer = clock.after(0, tick, true);
    const session = this;
    function tick(): void {
      void session.#draw().finally(() => {
        if (!ended) timer = clock.after(intervalMs, tick, true);
      });
    }
    return () => {
      ended = true;
      timer.cancel();
    };
  }

  /** Draws one frame; joins a drawing that is under way, then draws a fresh one. Never rejects. */
  async #draw(): Promise<void> {
    const before = this.#drawing;
    const drawing = (async () => {
      await before;
      this.#limiter.release('due');
      const frame = await this.#frame();
      if (frame !== undefined) this.#options.reporter.frame(frame);
    })();
    this.#drawing = drawing;
    await drawing;
  }

  async #frame(): Promise<Frame | undefined> {
    const application = this.#application;
    if (application === undefined) return undefined;
    const view = await this.#view(application);
    return { application: application.application(), actors: application.actors(), view };
  }

  async #view(application: Application): Promise<Frame['view']> {
    if (!this.#stopping) this.#lastView = await this.#askView(application);
    return this.#lastView;
  }

  async #askView(application: Application): Promise<Frame['view']> {
    const { promise: overdue, resolve } = Promise.withResolvers<Frame['view']>();
    const failure = `no reply within ${VIEW_DEADLINE_MS} ms`;
    const timer = this.#context.clock.after(VIEW_DEADLINE_MS, () => resolve({ failure }), true);
    const asked = application.viewText().then(
      (text) => (text === undefined ? undefined : { text }),
      (error: unknown) => ({ failure: RuntimeError.from(error).message }),
    );
    try {
      return await Promise.race([asked, overdue]);
    } finally {
      timer.cancel();
    }
  }

  #interruptedExitCode(): number {
    return interruptExitCode(this.#context.interrupts.interrupt ?? 'SIGINT');
  }
}

/** Messages that nobody handled. That a task runs is no message of anybody. */
function lostMessages(application: Application): number {
  return application.actors().reduce((sum, { type, deadLetters }) => sum + (type === 'task' ? 0 : deadLetters), 0);
}

function drainIncomplete(messages: number, drainMs: number): RuntimeError {
  const text = `Cannot finish what was accepted within ${formatDuration(drainMs)}: ${count(messages, 'message')} lost`;
  const help = ['give it longer: [application] drain; and what started this process, too'];
  return new RuntimeError('DRAIN_INCOMPLETE', text, { details: { messages, help } });
}
