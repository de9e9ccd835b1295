/** The entry of a thread that answers the requests of an address that it shares with others. Told to close, it does. */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { type ComponentArtifact, compileComponent } from '../../src/component/index.ts';
import { componentActor } from '../../src/host/index.ts';
import { type ListenAddress, serveIngress } from '../../src/ingress/index.ts';
import { createActorSystem } from '../../src/runtime/index.ts';
import { systemClock } from '../../src/time/index.ts';

export interface IngressThreadData {
  readonly bytes: Uint8Array;
  readonly artifact: ComponentArtifact;
  readonly listen: ListenAddress;
}

/** What it says after a request, and when it listens. */
export type FromIngressThread = { readonly thread: number; readonly status?: number };

const { bytes, artifact, listen } = workerData as IngressThreadData;
const component = await compileComponent(bytes, { artifact });
const type = componentActor(component, { name: 'web', grants: { clock: true } });
const system = createActorSystem();
await system.spawn(type, 'web').ready;
const server = await serveIngress({
  listen,
  clock: systemClock,
  onRequest: ({ status }) => say({ thread: threadId, status }),
  routes: [
    {
      path: { kind: 'prefix', path: '' },
      host: { kind: 'any', host: '' },
      methods: [],
      target: { component: 'web', pool: () => type.pool('web') },
    },
  ],
});
parentPort?.once('message', async () => {
  await server.close();
  await system.stop();
});
say({ thread: threadId });

function say(message: FromIngressThread): void {
  parentPort?.postMessage(message);
}
