import type { Readable, Writable } from 'node:stream';
import type { ControlPlane } from '../admin/index.ts';
import type { ComponentReport } from '../api/index.ts';
import type { ApplicationConfig } from '../config/index.ts';
import type { WireError } from '../errors/index.ts';

/** What the command line needs of the runtime. Loaded on demand: `--help` and `ps` do without the engine. */
export interface RuntimePort {
  startApplication(config: ApplicationConfig, options: StartOptions): Promise<Application>;
  /** Runs a `wasi:cli/run` component to its end and resolves with its exit code, 0 to 255. */
  runCommand(options: RunCommandOptions): Promise<number>;
  inspectComponent(file: string): Promise<ComponentReport>;
}

export interface StartOptions {
  onEvent(event: ApplicationEvent): void;
  /** Gives up the start; nothing half-started is left. */
  readonly signal?: AbortSignal;
}

/** A running application. */
export interface Application extends ControlPlane, AsyncDisposable {
  /** Resolves when every task has ended and every mailbox is empty. */
  readonly idle: Promise<void>;
  /** The text of `[view]`; `undefined` when there is none. */
  viewText(): Promise<string | undefined>;
}

/** Something that happened, for people and logs. Texts may come from a guest. */
export interface ApplicationEvent {
  readonly type:
    | 'compiling'
    | 'compiled'
    | 'started'
    | 'failed'
    | 'restarted'
    | 'stopped'
    | 'completed'
    | 'output'
    | 'dead-letter';
  readonly actor?: string;
  readonly component?: string;
  readonly text?: string;
  readonly stream?: 'stdout' | 'stderr';
  readonly error?: WireError;
  readonly durationMs?: number;
}

export interface RunCommandOptions {
  readonly file: string;
  /** What follows the program's name; the name itself is the file's. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly dirs: readonly { readonly hostPath: string; readonly guestPath: string }[];
  readonly memoryBytes?: number;
  readonly timeoutMs?: number;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly signal?: AbortSignal;
}
