import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActorRef } from '../actor/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import { type ComponentOptions, component, type HttpStats, type LoadOptions } from '../host/index.ts';
import { type IngressLimits, RequestHandler, RouteTable, toIngressLimits } from '../ingress/index.ts';
import { systemClock } from '../time/index.ts';
import { type ActorSystem, createActorSystem } from './actor-system.ts';

export interface HttpComponentOptions extends ComponentOptions, LoadOptions {
  readonly limits?: NonNullable<ComponentOptions['limits'] & LoadOptions['limits']>;
  /** Where its actor lives, so that it can ask others. Default: a system of its own, without others. */
  readonly system?: ActorSystem;
  /** Requests at once, and what one of them may have. */
  readonly requestLimits?: Partial<Pick<IngressLimits, 'inFlightMax' | 'bodyBytesMax' | 'headersMax'>>;
}

/** A component that handles the requests of somebody else's server. */
export interface HttpComponent extends AsyncDisposable {
  /** Handles one request, whatever its host and path. For `createServer`, or to be called by a router; needs no `this`. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Its actor. */
  readonly ref: ActorRef;
  readonly stats: HttpStats;
  /** Takes no more requests, and waits until those under way are over, or for the actor's `stopTimeoutMs`. Never rejects. */
  close(): Promise<void>;
}

/**
 * Makes an HTTP component the request listener of a `node:http` server: each request has an instance to itself, a fresh
 * one unless `http.maxInvocations` says otherwise, with nothing but what `grants` name.
 *
 * Connections and their limits are the server's. What the component cannot answer is answered with a problem document:
 * 503 when too many requests are under way, 504 after `deadlineMs`, 500 when it traps.
 *
 * @param source Path or URL of the `.wasm` file, or a component that is compiled already.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it does not export `wasi:http/incoming-handler`.
 * @throws {RuntimeError} `NAME_TAKEN`, and whatever {@link component} reports.
 * @throws {RangeError} (rejects) An option is out of range.
 *
 * @example Serve a plug-in below a path of your own server
 * ```ts
 * await using plugin = await httpComponent('./plugin.wasm', { grants: { clock: true }, deadlineMs: 2_000 });
 * const server = createServer((request, response) => {
 *   if (request.url?.startsWith('/plugin/')) plugin.listener(request, response);
 *   else response.end('ours');
 * });
 * server.listen(8080);
 * ```
 */
export async function httpComponent(
  source: string | URL | CompiledComponent,
  options: HttpComponentOptions = {},
): Promise<HttpComponent> {
  const { system, requestLimits, ...rest } = options;
  const type = await component(source, rest);
  if (type.shape.kind !== 'http') {
    throw new RuntimeError(
      'COMPONENT_UNSUPPORTED',
      `Cannot pass requests to "${type.name}": it does not export wasi:http/incoming-handler; use "component" for it`,
    );
  }
  const target = { component: type.name, pool: () => type.pool(ref.name) };
  const handler = new RequestHandler({
    limits: toIngressLimits(requestLimits),
    clock: systemClock,
    routes: new RouteTable([
      { path: { kind: 'prefix', path: '' }, host: { kind: 'any', host: '' }, methods: [], target },
    ]),
  });
  const own = system === undefined ? createActorSystem() : undefined;
  const ref = (system ?? (own as ActorSystem)).spawn(type, type.name);
  await ref.ready;
  const pool = type.pool(ref.name);
  assert(pool !== undefined, 'an actor that has started has its pool');
  const close = (): Promise<void> => own?.stop() ?? ref.stop();
  return {
    listener: (request, response) => handler.handle(request, response),
    ref,
    get stats() {
      return pool.stats;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
