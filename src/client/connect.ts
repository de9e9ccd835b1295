import { RuntimeError } from '../errors/index.ts';
import { ControlClient } from './control-client.ts';
import { createFetchTransport } from './fetch-transport.ts';

/** How to reach an application: by its folder (or `troupe.toml`), by its socket, or by the URL of its port. */
export type ConnectOptions =
  | { readonly dir: string }
  | { readonly socketPath: string; readonly token: string }
  | { readonly url: string; readonly token: string };

/**
 * Makes a client of a running application's control port. Nothing is sent before the first call.
 *
 * @throws {RuntimeError} `CONTROL_UNREACHABLE` — with `dir`: no application runs there.
 *
 * @example
 * ```ts
 * const client = await connectControl({ dir: './examples/birdstrikes' });
 * for (const actor of await client.actors()) process.stdout.write(`${actor.name} ${actor.state}\n`);
 * ```
 */
export async function connectControl(options: ConnectOptions): Promise<ControlClient> {
  if ('url' in options) {
    if (!URL.canParse(options.url)) throw new RuntimeError('USAGE_INVALID', `Cannot use "${options.url}" as a URL`);
    return new ControlClient(createFetchTransport(options.url), options.token);
  }
  // Loaded on demand, so that a browser never meets it.
  const node = await import('./node-transport.ts');
  if ('socketPath' in options) return new ControlClient(node.createSocketTransport(options.socketPath), options.token);
  const { transport, token } = await node.locateApplication(options.dir);
  return new ControlClient(transport, token);
}
