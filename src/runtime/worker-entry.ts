/** Entry of a worker: where actors live that the main thread supervises. */
import { takeSharedRoom } from '../component/index.ts';
import type { RequestRecord } from '../ingress/index.ts';
import { machineOffsetMs, systemClock } from '../time/index.ts';
import { ComponentKitchen, type ComponentOrder, createWorkerSide, joinMain, moduleKitchen } from '../worker/index.ts';
import { INGRESS_TOPIC } from './ingress-messages.ts';
import { COMPONENTS_TOPIC, type WorkerData } from './system-workers.ts';
import { WorkerIngress } from './worker-ingress.ts';
import { TELEMETRY_TOPIC, WorkerTelemetry } from './worker-telemetry.ts';

const { link, data, ready } = await joinMain(systemClock);
const { machineOffsetMs: mainOffsetMs, place, room, isMeasured } = data as WorkerData;
if (room !== undefined) takeSharedRoom(room, place);
const components = new ComponentKitchen(systemClock, place);
const telemetry = new WorkerTelemetry(systemClock);
const onRequest = isMeasured ? (record: RequestRecord) => telemetry.noteRequest(record) : undefined;
const ingress = new WorkerIngress(components, systemClock, onRequest);
const system = createWorkerSide({
  link,
  clockOffsetMs: mainOffsetMs - machineOffsetMs(systemClock),
  isTimed: isMeasured,
  kitchens: { component: (order) => components.make(order as ComponentOrder), module: moduleKitchen },
  asides: { [COMPONENTS_TOPIC]: components, [INGRESS_TOPIC]: ingress, [TELEMETRY_TOPIC]: telemetry },
});
components.actors = () => system.actors();
if (isMeasured) telemetry.begin(system);
ready();
