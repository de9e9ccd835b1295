import { createServer, type Server } from 'node:net';
import { describe, type ListenAddress, listenError } from './ingress-server.ts';

/**
 * Makes sure that nobody else listens at an address that several servers of this process are to share, and finds a port if none
 * is named. Without it two processes that share the same address would get each other's requests, and neither would know.
 * Somebody may still come between this and the first server: then that one says so.
 *
 * @returns The address to give to each server. It is not `shared` where the system does not spread connections over those who
 *   listen (Windows, macOS): one server has to do there.
 * @throws {RuntimeError} (rejects) `PORT_IN_USE`, `CONFIG_INVALID` — as `serveIngress`, with the same `help`.
 */
export async function claimAddress({ host, port }: ListenAddress, help?: string): Promise<ListenAddress> {
  try {
    const free = await portThatIsFree({ host, port });
    return { host, port: free, shared: await isShareable({ host, port: free }) };
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, describe(host, port), help);
  }
}

function portThatIsFree(address: ListenAddress): Promise<number> {
  return listenBriefly({ ...address, exclusive: true });
}

async function isShareable(address: ListenAddress): Promise<boolean> {
  try {
    await listenBriefly({ ...address, reusePort: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTSUP') return false;
    throw error;
  }
}

/** The port that it got; nobody listens there any more. */
function listenBriefly(options: Parameters<Server['listen']>[0] & object): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(options, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
