import type { ReadStream, WriteStream } from 'node:tty';
import type { Clock } from '../time/index.ts';
import type { Interrupts } from './interrupts.ts';
import type { RuntimePort } from './runtime-port.ts';

/** Standard input, output and errors: a terminal's, a pipe's or a file's. */
export type InputStream = NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>;
export type OutputStream = NodeJS.WritableStream &
  Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'rows' | 'writableLength' | 'writableNeedDrain' | 'destroyed'>>;

/** Everything of the process that a command may touch. */
export interface CliContext {
  /** Without the program's own two. */
  readonly argv: readonly string[];
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly interrupts: Interrupts;
  loadRuntime(): Promise<RuntimePort>;
}
