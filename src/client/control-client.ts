import {
  type ActorInfo,
  type ApplicationInfo,
  type DeadLetterInfo,
  fromProblem,
  type HealthInfo,
  type OperationInfo,
  type OutboxList,
  type Payload,
  parsePayload,
  ROUTES,
  type RouteName,
  routePath,
  type StateList,
  type StateReport,
} from '../api/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** One HTTP exchange with the control port. Adapters: `fetch` in browsers, `node:http` over a Unix socket. */
export type ControlTransport = (request: TransportRequest) => Promise<TransportResponse>;

export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token: string;
  readonly body?: string;
  /** Aborts the exchange; holds the deadline too. */
  readonly signal: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  readonly body: string;
}

/** Milliseconds for an exchange that waits for no actor. */
const EXCHANGE_TIMEOUT_MS = 10_000;

/** What an ask's exchange may take beyond the ask's own deadline, which the server keeps. */
const ASK_GRACE_MS = 5_000;

interface AskOptions {
  /** Milliseconds, 1 to 3,600,000. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Default of {@link ControlClient.ask}'s `timeoutMs`: that of every ask. */
export const ASK_TIMEOUT_MS = 5_000;

/**
 * Talks to one running application. Every method rejects with a `RuntimeError`: the application's own, or
 * `CONTROL_UNREACHABLE`, `CONTROL_UNAUTHORIZED`, `ASK_TIMEOUT`, `ASK_CANCELLED`.
 */
export class ControlClient {
  readonly #transport: ControlTransport;
  readonly #token: string;

  constructor(transport: ControlTransport, token: string) {
    this.#transport = transport;
    this.#token = token;
  }

  async application(signal?: AbortSignal): Promise<ApplicationInfo> {
    return (await this.#exchange('application', { signal })) as ApplicationInfo;
  }

  async actors(signal?: AbortSignal): Promise<readonly ActorInfo[]> {
    return ((await this.#exchange('actors', { signal })) as { actors: ActorInfo[] }).actors;
  }

  async operations(actor: string, signal?: AbortSignal): Promise<readonly OperationInfo[]> {
    return ((await this.#exchange('operations', { actor, signal })) as { operations: OperationInfo[] }).operations;
  }

  /** Asks an actor and resolves with its reply. */
  async ask(request: { actor: string; op: string; payload: Payload } & AskOptions): Promise<Payload> {
    const { actor, op, payload, signal, timeoutMs = ASK_TIMEOUT_MS } = request;
    const body = { op, payload, timeoutMs };
    const answer = await this.#exchange('ask', { actor, body, signal, timeoutMs: timeoutMs + ASK_GRACE_MS });
    return parsePayload((answer as { payload?: unknown }).payload);
  }

  /** Resolves when the actor's mailbox has taken the message. */
  async tell(request: { actor: string; op: string; payload: Payload; signal?: AbortSignal }): Promise<void> {
    const { actor, op, payload, signal } = request;
    await this.#exchange('tell', { actor, body: { op, payload }, signal });
  }

  /** What is kept of its actors. */
  async states(signal?: AbortSignal): Promise<StateList> {
    return (await this.#exchange('states', { signal })) as StateList;
  }

  async state(actor: string, signal?: AbortSignal): Promise<StateReport> {
    return (await this.#exchange('state', { actor, signal })) as StateReport;
  }

  /** Forgets what is kept of an actor that does not live. */
  async removeState(actor: string, signal?: AbortSignal): Promise<void> {
    await this.#exchange('removeState', { actor, signal });
  }

  /** For whom messages are kept until they are handled. */
  async outbox(signal?: AbortSignal): Promise<OutboxList> {
    return (await this.#exchange('outbox', { signal })) as OutboxList;
  }

  /** Makes dead letters of the messages that are kept for one name; resolves with how many. */
  async removeMessages(actor: string, signal?: AbortSignal): Promise<number> {
    return ((await this.#exchange('removeMessages', { actor, signal })) as { removed: number }).removed;
  }

  /** The last dead letters, those that came last first. */
  async deadLetters(signal?: AbortSignal): Promise<readonly DeadLetterInfo[]> {
    return ((await this.#exchange('deadLetters', { signal })) as { deadLetters: DeadLetterInfo[] }).deadLetters;
  }

  async health(signal?: AbortSignal): Promise<HealthInfo> {
    return (await this.#exchange('health', { signal })) as HealthInfo;
  }

  /** Resolves when the application has begun to stop. */
  async stop(signal?: AbortSignal): Promise<void> {
    await this.#exchange('stop', { signal });
  }

  async #exchange(route: RouteName, options: ExchangeOptions): Promise<object> {
    const deadline = AbortSignal.timeout(options.timeoutMs ?? EXCHANGE_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const response = await this.#transport({
      method: ROUTES[route].method,
      path: routePath(route, options.actor),
      token: this.#token,
      signal,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    }).catch((error: unknown) => {
      throw toClientError(error, { deadline, given: options.signal });
    });
    const body = parseJson(response.body);
    if (response.status < 200 || response.status > 299) throw fromProblem(body, response.status);
    if (typeof body === 'object' && body !== null) return body;
    throw new RuntimeError(
      'INTERNAL_REMOTE',
      `The control port answered ${ROUTES[route].path} with something else than JSON`,
    );
  }
}

interface ExchangeOptions {
  readonly actor?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told by the caller, which knows the status that came with it.
    return undefined;
  }
}

function toClientError(
  error: unknown,
  signals: { deadline: AbortSignal; given: AbortSignal | undefined },
): RuntimeError {
  if (RuntimeError.is(error)) return error;
  if (signals.given?.aborted) return new RuntimeError('ASK_CANCELLED', 'The request to the control port was given up');
  if (signals.deadline.aborted) return new RuntimeError('ASK_TIMEOUT', 'The control port did not answer in time');
  const reason = error instanceof Error ? error.message : String(error);
  return new RuntimeError('CONTROL_UNREACHABLE', `Cannot reach the control port: ${reason}`, { cause: error });
}
