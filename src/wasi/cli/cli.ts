import { type HostInstance, HostResourceType } from '../../component/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { asRecord, asU32, type Guest, Token } from '../guest/index.ts';
import { type ByteSink, type ByteSource, InputStream, OutputStream, Reader, Writer } from '../io/index.ts';

export interface CliOptions {
  /** The program's name first, as in C's `argv`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Which of the streams are terminals: programs choose colours and buffering by it. */
  readonly terminals: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
}

interface Cli {
  readonly interfaces: Record<string, HostInstance>;
  /** The streams that may still hold bytes when the guest has ended. */
  readonly writers: readonly Writer[];
}

/** `wasi:cli` for one guest, but `run`, which is the guest's export. */
export function createCli(guest: Guest, options: CliOptions): Cli {
  const environment = Object.entries(options.env);
  const stdin = new Reader(guest, options.stdin);
  const stdout = new Writer(guest, options.stdout);
  const stderr = new Writer(guest, options.stderr);
  const interfaces: Record<string, HostInstance> = {
    'wasi:cli/environment': {
      'get-environment': () => environment,
      'get-arguments': () => options.args,
      'initial-cwd': () => undefined,
    },
    'wasi:cli/exit': EXIT,
    'wasi:cli/stdin': { 'get-stdin': () => new InputStream({ guest, core: stdin }) },
    'wasi:cli/stdout': { 'get-stdout': () => new OutputStream({ guest, core: stdout }) },
    'wasi:cli/stderr': { 'get-stderr': () => new OutputStream({ guest, core: stderr }) },
    ...TERMINAL_TYPES,
    ...terminalInterfaces(guest, options.terminals),
  };
  return { interfaces, writers: [stdout, stderr] };
}

/** Ends the guest; to the outside it has ended itself. */
function exit(status: number): never {
  throw new RuntimeError('COMPONENT_EXITED', `The component ended itself with status ${status}`, {
    details: { status },
  });
}

const EXIT: HostInstance = Object.freeze({
  exit: (status) => exit(asRecord(status).tag === 'ok' ? 0 : 1),
  'exit-with-code': (status) => exit(asU32(status)),
} as HostInstance);

/** The `terminal-input` and `terminal-output` resources: all that a guest can do with one is to have it. */
class Terminal extends Token {}

const dropTerminal = (terminal: Terminal) => terminal.drop();

const TERMINAL_TYPES: Readonly<Record<string, HostInstance>> = Object.freeze({
  'wasi:cli/terminal-input': { 'terminal-input': new HostResourceType<Terminal>('terminal-input', dropTerminal) },
  'wasi:cli/terminal-output': { 'terminal-output': new HostResourceType<Terminal>('terminal-output', dropTerminal) },
});

function terminalInterfaces(guest: Guest, terminals: CliOptions['terminals']): Record<string, HostInstance> {
  const terminalIf = (isTerminal: boolean) => () => (isTerminal ? new Terminal(guest) : undefined);
  return {
    'wasi:cli/terminal-stdin': { 'get-terminal-stdin': terminalIf(terminals.stdin) },
    'wasi:cli/terminal-stdout': { 'get-terminal-stdout': terminalIf(terminals.stdout) },
    'wasi:cli/terminal-stderr': { 'get-terminal-stderr': terminalIf(terminals.stderr) },
  };
}
