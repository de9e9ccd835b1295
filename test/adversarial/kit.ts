/** What the attempts have in common: guests with grants, and what is put on record of them. */
import type { AuditEvent, AuditSink } from '../../src/audit/index.ts';
import type { Grants } from '../../src/capability/index.ts';
import type { CompiledComponent } from '../../src/component/index.ts';
import { type ComponentOptions, componentActor, loadComponent } from '../../src/host/index.ts';
import { ActorSystem, type RuntimeError } from '../../src/index.ts';

const compiled = new Map<string, Promise<CompiledComponent>>();

/** A component of the fixtures, compiled once: `echo`, `http/tour`. */
export function fixture(name: string): Promise<CompiledComponent> {
  const file = new URL(
    `../../fixtures/components/${name.includes('/') ? name : `${name}/${name}`}.wasm`,
    import.meta.url,
  );
  const known = compiled.get(name) ?? loadComponent(file);
  compiled.set(name, known);
  return known;
}

/** An audit log in memory. */
export class Record implements AuditSink {
  readonly events: AuditEvent[] = [];
  readonly failure = undefined;
  readonly counting = new Set<{ flush(): void }>();

  watch(listener: (failure: RuntimeError | undefined) => void): () => void {
    listener(undefined);
    return () => undefined;
  }

  note(event: AuditEvent): void {
    this.events.push(event);
  }

  /** What was decided of guests, denials as `!action resource`. */
  get decisions(): string[] {
    return this.events
      .filter(({ kind, actor }) => kind === 'capability' && actor !== undefined)
      .map(({ action, resource, outcome }) => `${outcome === 'deny' ? '!' : ''}${action} ${resource ?? ''}`.trimEnd());
  }
}

/** What came of an attempt: what the guest said, and what is on record. */
export interface Outcome {
  readonly said: string;
  readonly decisions: readonly string[];
}

/** Asks an actor of a component one thing. */
export async function askGuest(
  name: string,
  { grants, op, payload, more = {} }: { grants: Grants; op: string; payload: string; more?: ComponentOptions },
): Promise<Outcome> {
  const record = new Record();
  await using system = await ActorSystem.create();
  const ref = system.spawn(
    componentActor(await fixture(name), { name: 'guest', grants, audit: record, ...more }),
    'guest',
  );
  const said = await ref.askOp(op, payload).then(
    (reply) => new TextDecoder().decode(reply as Uint8Array),
    (error: RuntimeError) => `${error.code}: ${error.message}`,
  );
  return { said, decisions: record.decisions };
}

/** Runs a program to its end: what it printed. */
export async function runGuest(
  name: string,
  { grants, args, env }: { grants: Grants; args: readonly string[]; env?: Readonly<{ [name: string]: string }> },
): Promise<Outcome> {
  const record = new Record();
  const printed: Uint8Array[] = [];
  const sink = { write: (bytes: Uint8Array) => void printed.push(bytes.slice()) };
  await using system = await ActorSystem.create();
  const type = componentActor(await fixture(name), {
    name: 'guest',
    grants: { clock: true, random: true, stdio: { stdin: false, stdout: true, stderr: true }, ...grants },
    args,
    ...(env && { env }),
    audit: record,
    stdio: () => ({ stdout: sink, stderr: sink }),
  });
  const ref = system.spawn(type, 'guest', { supervision: { restart: 'temporary' } });
  await ref.terminated;
  return { said: Buffer.concat(printed).toString(), decisions: record.decisions };
}
