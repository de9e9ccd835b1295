import { SharedCount } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type IngressServer, type RequestRecord, serveIngress } from '../ingress/index.ts';
import type { Clock } from '../time/index.ts';
import type { Aside, ComponentKitchen } from '../worker/index.ts';
import type { FromIngress, ToIngress } from './ingress-messages.ts';

/** The server of a worker: serves the connections that the system gives it, by components of this worker alone. */
export class WorkerIngress implements Aside {
  say!: (message: FromIngress) => void;
  readonly #components: ComponentKitchen;
  readonly #clock: Clock;
  readonly #onRequest: ((record: RequestRecord) => void) | undefined;
  #server: IngressServer | undefined;

  /** @param onRequest Hears of every request that is over. */
  constructor(components: ComponentKitchen, clock: Clock, onRequest: ((record: RequestRecord) => void) | undefined) {
    this.#components = components;
    this.#clock = clock;
    this.#onRequest = onRequest;
  }

  hear(data: unknown): void {
    const message = data as ToIngress;
    if (message.kind === 'serve') void this.#serve(message);
    else void this.#close();
  }

  async #serve({ listen, limits, routes, inFlight, place }: Extract<ToIngress, { kind: 'serve' }>): Promise<void> {
    try {
      this.#server = await serveIngress({
        listen,
        limits,
        clock: this.#clock,
        onRequest: this.#onRequest,
        inFlight: new SharedCount(inFlight, place),
        routes: routes.map(({ name, component, ...route }) => ({
          ...route,
          target: { component: name, pool: () => this.#components.pool(component, name) },
        })),
      });
      this.say({ kind: 'serving' });
    } catch (error) {
      this.say({ kind: 'refused', error: RuntimeError.from(error).toWire() });
    }
  }

  async #close(): Promise<void> {
    await this.#server?.close();
    this.say({ kind: 'closed' });
  }
}
