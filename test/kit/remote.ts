import {
  type ActorRef,
  ActorSystem,
  type ActorSystemOptions,
  type ActorType,
  type DeadLetter,
  defineRemoteType,
  type FailureReport,
  type Protocol,
} from '../../src/actor/index.ts';
import { Broker } from '../../src/broker/index.ts';
import { Registry } from '../../src/registry/index.ts';
import { ManualClock } from '../../src/time/index.ts';
import { createWorkerSide, type LinkPair, linkPair, MainSide, PlacedActor } from '../../src/worker/index.ts';

/** A system and a worker on one thread, with a link between them whose time is in the test's hands. */
export function remoteSystem(options: ActorSystemOptions & { readonly ringBytes?: number } = {}) {
  const { ringBytes, ...rest } = options;
  const clock = new ManualClock();
  const names = new Registry();
  const topics = new Broker();
  const letters: DeadLetter[] = [];
  const failures: FailureReport[] = [];
  const system = new ActorSystem(
    {
      ...rest,
      clock,
      onDeadLetter: (letter) => void letters.push(letter),
      onFailure: (report) => void failures.push(report),
    },
    { names, topics },
  );
  const types: ActorType[] = [];
  const kitchens = { local: (index: unknown) => types[index as number] as ActorType };
  const workers: { pair: LinkPair; side: MainSide; worker: ActorSystem }[] = [];
  const startWorker = () => {
    const pair = linkPair({ clock, ...(ringBytes !== undefined && { ringBytes }) });
    const worker = createWorkerSide({ link: pair.worker, clock, kitchens });
    const side = new MainSide(pair.main, { system, names, topics, clock }, () => {
      workers.splice(workers.indexOf(started), 1);
    });
    const started = { pair, side, worker };
    workers.push(started);
    return started;
  };
  const workplaces = { choose: () => (workers[0] ?? startWorker()).side.peer };
  startWorker();
  /** `type`, to be run behind the link; references speak `protocol`. */
  const behindLink = <P extends Protocol>(type: ActorType<P>, protocol: P): ActorType<P> => {
    types.push(type as unknown as ActorType);
    const recipe = { kind: 'local', data: types.length - 1 };
    const connect = (actor: ConstructorParameters<typeof PlacedActor>[0]) =>
      new PlacedActor(actor, { recipe, workplaces });
    return defineRemoteType({ name: type.name, speaks: protocol, connect });
  };
  /** Stops all of it. */
  const close = async (): Promise<void> => {
    const stopped = system.stop();
    await clock.elapse(20_000);
    await stopped;
    for (const { side } of [...workers]) side.close();
    await clock.elapse(20_000);
  };
  const place = <P extends Protocol>(type: ActorType<P>, protocol: P, name?: string): ActorRef<P> =>
    system.spawn(behindLink(type, protocol), name);
  return { clock, system, letters, failures, workers, behindLink, place, close };
}
