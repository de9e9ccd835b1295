import { isIPv6, type LookupFunction, type Socket } from 'node:net';
import type { Agent, buildConnector } from 'undici';
import type { Decision, HttpRequest } from '../../capability/index.ts';
import { isPromise } from '../guest/index.ts';
import { SYSTEM_RESOLVER } from '../names/index.ts';
import type { ClientCall, ClientEvents, ClientRequest, Endpoint, HttpClient } from './client.ts';
import { AddressDenied } from './failures.ts';
import { RESPONSE_HEAD_BYTES_MAX } from './limits.ts';
import { type ConnectionQueue, UndiciCall } from './undici-call.ts';

/** Connections to one origin at once; a request more waits for one of them. Browsers have 6, proxies about this. */
const CONNECTIONS_PER_ORIGIN_MAX = 32;

/** Origins with connections at once; a request to one more is refused. */
const ORIGINS_MAX = 64;

/** Requests that wait or are under way; one more is refused. Each is some kilobytes besides its bodies. */
const REQUESTS_MAX = 1_024;

/** Milliseconds that a connection waits for another request: undici's default, which few servers undercut. */
const KEEP_ALIVE_MS = 4_000;

type Undici = typeof import('undici');

/** Says whether a connection may lead to `request.address`. */
type Decide = (request: HttpRequest) => Decision;

const NOBODY_WAITS: Error = Object.assign(new Error('Nobody waits for the connection any more'), {
  code: 'ECONNABORTED',
});

/** One origin while requests wait for a connection to it, or one is being made. */
class Origin implements ConnectionQueue {
  readonly endpoint: Endpoint;
  readonly connecting = new Set<Socket>();
  waiting = 0;
  private readonly onIdle: () => void;

  constructor(endpoint: Endpoint, onIdle: () => void) {
    this.endpoint = endpoint;
    this.onIdle = onIdle;
  }

  enter(): void {
    this.waiting += 1;
  }

  /** The last one who leaves ends the attempts to connect. */
  leave(): void {
    this.waiting -= 1;
    if (this.waiting === 0) for (const socket of this.connecting) socket.destroy(NOBODY_WAITS);
    this.check();
  }

  /** A connection is being made; `connected` follows. */
  connects(socket: Socket): void {
    this.connecting.add(socket);
  }

  connected(socket: Socket): void {
    this.connecting.delete(socket);
    this.check();
  }

  private check(): void {
    if (this.waiting === 0 && this.connecting.size === 0) this.onIdle();
  }
}

/**
 * Sends requests with undici: HTTP/1.1, no redirects, bodies as they are. Its connections are kept for further requests;
 * idle ones keep no process alive. undici is loaded with the first request.
 */
export class UndiciClient implements HttpClient {
  readonly #decide: Decide;
  readonly #origins = new Map<string, Origin>();
  #agent: Agent | Promise<Agent> | undefined;
  #requests = 0;

  /** @param decide Asked for every address that a name leads to, before it is connected to. */
  constructor(decide: Decide) {
    this.#decide = decide;
  }

  send(request: ClientRequest, events: ClientEvents): ClientCall {
    if (this.#requests >= REQUESTS_MAX) {
      events.onFailure({ tag: 'connection-limit-reached' });
      events.onEnd();
      return NO_CALL;
    }
    this.#requests += 1;
    const key = originText(request.endpoint);
    const call = new UndiciCall(request, this.#originAt(key, request.endpoint), {
      onResponse: (head) => events.onResponse(head),
      onFailure: (errorCode, denied) => events.onFailure(errorCode, denied),
      onEnd: () => {
        this.#requests -= 1;
        events.onEnd();
      },
    });
    this.#agent ??= this.#load();
    if (!isPromise(this.#agent)) {
      call.dispatch(this.#agent, key);
      return call;
    }
    this.#agent.then(
      (agent) => call.dispatch(agent, key),
      (error) => call.onResponseError(undefined, error),
    );
    return call;
  }

  #originAt(key: string, endpoint: Endpoint): Origin {
    let origin = this.#origins.get(key);
    if (origin === undefined) {
      origin = new Origin(endpoint, () => this.#origins.delete(key));
      this.#origins.set(key, origin);
    }
    return origin;
  }

  async #load(): Promise<Agent> {
    const undici = await import('undici');
    const agent = new undici.Agent({
      factory: (origin, options) =>
        new undici.Pool(origin, { ...options, connect: this.#connector(undici, String(origin)) }),
      allowH2: false,
      pipelining: 1,
      connections: CONNECTIONS_PER_ORIGIN_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: RESPONSE_HEAD_BYTES_MAX,
      maxOrigins: ORIGINS_MAX,
    });
    this.#agent = agent;
    return agent;
  }

  /** Makes the connections of one origin, as long as somebody waits for them. */
  #connector(undici: Undici, key: string): buildConnector.connector {
    const endpoint = this.#origins.get(key)?.endpoint as Endpoint;
    // No time limit here: every request that waits has its own.
    const connect = undici.buildConnector({
      allowH2: false,
      timeout: 0,
      lookup: grantedLookup({
        decide: (address) => this.#decide({ kind: 'http', ...endpoint, address }),
        isWanted: () => (this.#origins.get(key)?.waiting ?? 0) > 0,
      }),
    } as buildConnector.BuildOptions);
    return (options, callback) => {
      const origin = this.#origins.get(key);
      if (origin === undefined || origin.waiting === 0) throw NOBODY_WAITS;
      // It returns the socket, which its types do not say.
      const socket: unknown = connect(options, (...outcome) => {
        origin.connected(socket as Socket);
        callback(...outcome);
      });
      origin.connects(socket as Socket);
    };
  }
}

const NO_CALL: ClientCall = Object.freeze({ abort: () => undefined });

function originText({ scheme, host, port }: Endpoint): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface LookupRules {
  /** Whether the name may lead to that address. */
  decide(address: string): Decision;
  /** Whether somebody still waits for it. */
  isWanted(): boolean;
}

/** Finds the addresses of a name, and keeps those that it may lead to. */
function grantedLookup({ decide, isWanted }: LookupRules): LookupFunction {
  const find = async (hostname: string): Promise<{ address: string; family: number }[]> => {
    const addresses = await SYSTEM_RESOLVER.resolve(hostname, isWanted);
    const decisions = addresses.map(decide);
    const allowed = addresses.filter((_, at) => decisions[at]?.effect === 'allow');
    if (allowed.length === 0) throw decisions[0] === undefined ? NOBODY_WAITS : new AddressDenied(decisions[0]);
    return allowed.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  };
  return (hostname, options, callback) => {
    find(hostname).then(
      (allowed) => {
        const [{ address, family }] = allowed as [{ address: string; family: number }];
        if (options.all === true) callback(null, allowed);
        else callback(null, address, family);
      },
      (error: Error) => callback(error, '', 0),
    );
  };
}
