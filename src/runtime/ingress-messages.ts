import type { WireError } from '../errors/index.ts';
import type { HttpTarget, IngressLimits, ListenAddress, Route } from '../ingress/index.ts';

/** What is said between the ingress of the main thread and the server of a worker goes by this. */
export const INGRESS_TOPIC = 'ingress';

/** What a worker is told. */
export type ToIngress =
  | {
      readonly kind: 'serve';
      readonly listen: ListenAddress;
      readonly limits: Partial<IngressLimits>;
      readonly routes: readonly WorkerRoute[];
      /** Requests under way, one count for each worker. */
      readonly inFlight: Int32Array;
      /** Which of the counts is its own. */
      readonly place: number;
    }
  | { readonly kind: 'close' };

/** A route to a component that handles requests on the worker. */
export interface WorkerRoute extends Omit<Route<HttpTarget>, 'target'> {
  /** Name of the component, and of its actor. */
  readonly name: string;
  /** Of its order. */
  readonly component: number;
}

/** What it says. */
export type FromIngress =
  | { readonly kind: 'serving' }
  | { readonly kind: 'refused'; readonly error: WireError }
  | { readonly kind: 'closed' };
