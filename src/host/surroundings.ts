import type { BehaviorContext } from '../actor/index.ts';
import type { Decision, Grants } from '../capability/index.ts';
import type { CompiledComponent } from '../component/index.ts';
import { type ByteSink, type ByteSource, createWasi } from '../wasi/index.ts';
import type { Surroundings } from './behavior.ts';
import { messagingInterface } from './messaging.ts';

/** Standard streams of one actor. */
export interface ActorStdio {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Called when the incarnation has ended: nothing more is written. */
  end(): void;
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

/** What one incarnation of a component actor sees of the world: exactly what its grants give it. */
export function surroundings({ compiled, grants, context, options }: SurroundingsOptions): Surroundings {
  const { name } = context.self;
  const messaging = messagingInterface({
    grants,
    context: () => context,
    onDenied: (decision) => options.onDenied?.(name, decision),
  });
  const needsWasi = [...compiled.type.imports.keys()].some((item) => item.startsWith('wasi:'));
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
  const dispose = () => {
    void wasi.dispose();
    streams.end?.();
  };
  return { imports: { ...wasi.interfaces, [MESSAGING]: messaging }, dispose };
}
