/** Entry of a worker: where actors live that the main thread supervises. */
import { machineOffsetMs, systemClock } from '../time/index.ts';
import { ComponentKitchen, type ComponentOrder, createWorkerSide, joinMain, moduleKitchen } from '../worker/index.ts';
import type { WorkerData } from './system-workers.ts';

const { link, data, ready } = await joinMain(systemClock);
const components = new ComponentKitchen(systemClock);
const system = createWorkerSide({
  link,
  clockOffsetMs: (data as WorkerData).machineOffsetMs - machineOffsetMs(systemClock),
  kitchens: { component: (order) => components.make(order as ComponentOrder), module: moduleKitchen },
  aside: components,
});
components.actors = () => system.actors();
ready();
