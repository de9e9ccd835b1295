/** Entry of a worker: where actors live that the main thread supervises. */
import { takeSharedRoom } from '../component/index.ts';
import { machineOffsetMs, systemClock } from '../time/index.ts';
import { ComponentKitchen, type ComponentOrder, createWorkerSide, joinMain, moduleKitchen } from '../worker/index.ts';
import { INGRESS_TOPIC } from './ingress-messages.ts';
import { COMPONENTS_TOPIC, type WorkerData } from './system-workers.ts';
import { WorkerIngress } from './worker-ingress.ts';

const { link, data, ready } = await joinMain(systemClock);
const { machineOffsetMs: mainOffsetMs, place, room } = data as WorkerData;
if (room !== undefined) takeSharedRoom(room, place);
const components = new ComponentKitchen(systemClock, place);
const ingress = new WorkerIngress(components, systemClock);
const system = createWorkerSide({
  link,
  clockOffsetMs: mainOffsetMs - machineOffsetMs(systemClock),
  kitchens: { component: (order) => components.make(order as ComponentOrder), module: moduleKitchen },
  asides: { [COMPONENTS_TOPIC]: components, [INGRESS_TOPIC]: ingress },
});
components.actors = () => system.actors();
ready();
