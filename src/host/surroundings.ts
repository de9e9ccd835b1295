import type { BehaviorContext } from '../actor/index.ts';
import { type Decision, type Grants, NO_GRANTS } from '../capability/index.ts';
import type { CompiledComponent, HostImports } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { type ByteSink, type ByteSource, createWasi } from '../wasi/index.ts';
import type { Surroundings } from './behavior.ts';
import { messagingInterface } from './messaging.ts';

/** Standard streams of one actor. */
export interface ActorStdio {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

interface SurroundingsOptions {
  readonly compiled: CompiledComponent;
  readonly grants: Grants;
  readonly context: BehaviorContext;
  readonly options: {
    readonly name?: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly stdio?: (name: string) => Partial<ActorStdio>;
    readonly onDenied?: (actor: string, decision: Decision) => void;
  };
}

/** Key under which `messaging` is offered to every 0.1.x of our package. */
const MESSAGING = 'troupe:actor/messaging@0.1.0';

let everything: HostImports | undefined;

/** Every interface that an incarnation could be given, to look for names in; nothing of it is ever called. */
export function offeredInterfaces(): HostImports {
  everything ??= {
    ...createWasi({ clock: systemClock, clockGranted: true, randomGranted: true }).interfaces,
    [MESSAGING]: messagingInterface({
      grants: NO_GRANTS,
      onDenied: () => undefined,
      context: () => {
        throw new RuntimeError('INTERNAL', 'Broken invariant: nothing of it is called');
      },
    }),
  };
  return everything;
}

/** What one incarnation of a component actor sees of the world: exactly what its grants give it. */
export function surroundings({ compiled, grants, context, options }: SurroundingsOptions): Surroundings {
  const { name } = context.self;
  const messaging = messagingInterface({
    grants,
    context: () => context,
    onDenied: (decision) => options.onDenied?.(name, decision),
  });
  const needsWasi = compiled.needs.some((item) => item.startsWith('wasi:'));
  if (!needsWasi) return { imports: { [MESSAGING]: messaging }, dispose: () => undefined };
  const streams = options.stdio?.(name) ?? {};
  const stdio = grants.stdio;
  const env = Object.fromEntries(Object.entries(options.env ?? {}).filter(([key]) => grants.env?.includes(key)));
  const wasi = createWasi({
    clock: context.clock,
    clockGranted: grants.clock === true,
    randomGranted: grants.random === true,
    args: [options.name ?? 'component', ...(options.args ?? [])],
    env,
    ...(stdio?.stdin === true && streams.stdin !== undefined && { stdin: streams.stdin }),
    ...(stdio?.stdout === true && streams.stdout !== undefined && { stdout: streams.stdout }),
    ...(stdio?.stderr === true && streams.stderr !== undefined && { stderr: streams.stderr }),
    preopens: grants.filesystem ?? [],
  });
  return { imports: { ...wasi.interfaces, [MESSAGING]: messaging }, dispose: () => void wasi.dispose() };
}
