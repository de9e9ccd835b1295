import * as handles from 'troupe:guest/handles@0.1.0';

const DROPS = {
  pollable: handles.dropPollable,
  'http-pollable': handles.dropHttpPollable,
  'input-stream': handles.dropInputStream,
  'output-stream': handles.dropOutputStream,
} as const;

/** As the bindings of QuickJS keep the number of a handle. */
interface Held {
  readonly __cqjs_handle: number;
}

/**
 * Gives a resource of the host back. The bindings of QuickJS have no way to: without this a handle would stay until the
 * instance ends, and a body whose stream is still held could not be finished.
 */
export function drop(kind: keyof typeof DROPS, resource: object): void {
  DROPS[kind]((resource as Held).__cqjs_handle);
}
