import { HostResourceType } from '../../component/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { asRecord, asU32, defineInterfaces, type Eventually, type Guest, PartKey, Token } from '../guest/index.ts';
import { type ByteSink, type ByteSource, InputStream, OutputStream, Reader, Writer } from '../io/index.ts';
import { DISCARD_SINK, EMPTY_SOURCE } from './stdio.ts';

/** What programs are started with; the same for all guests of one component. */
export interface CliSettings {
  /** The program's name first, as in C's `argv`. */
  readonly args: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Milliseconds for which disposing waits for standard output to take what it holds. */
  readonly drainMs: number;
}

/** The standard streams of one guest. */
export interface Stdio {
  /** Default: at its end. */
  readonly stdin?: ByteSource;
  /** Default: takes everything and keeps nothing. */
  readonly stdout?: ByteSink;
  /** Default: takes everything and keeps nothing. */
  readonly stderr?: ByteSink;
  /** Which of them are terminals: programs choose colours and buffering by it. Default none. */
  readonly terminals?: { readonly stdin?: boolean; readonly stdout?: boolean; readonly stderr?: boolean };
}

const NO_STDIO: Stdio = Object.freeze({});

/** Has to be given to every guest. */
export const CLI_SETTINGS = new PartKey<CliSettings>('cli settings');

/** Given to guests that have standard streams. */
export const STDIO = new PartKey<Stdio>('stdio', { make: () => NO_STDIO });

const STDIN = new PartKey<Reader>('stdin', {
  make: (guest) => new Reader(guest, guest.part(STDIO).stdin ?? EMPTY_SOURCE),
});

const STDOUT = new PartKey<Output>('stdout', {
  make: (guest) => new Output(guest, guest.part(STDIO).stdout),
  dispose: (output) => output.drain(),
});

const STDERR = new PartKey<Output>('stderr', {
  make: (guest) => new Output(guest, guest.part(STDIO).stderr),
  dispose: (output) => output.drain(),
});

/** A stream that may still hold bytes when the guest has ended. */
class Output {
  readonly writer: Writer;
  readonly #guest: Guest;

  constructor(guest: Guest, sink: ByteSink = DISCARD_SINK) {
    this.#guest = guest;
    this.writer = new Writer(guest, sink);
  }

  stream(): OutputStream {
    return new OutputStream({ guest: this.#guest, core: this.writer });
  }

  /** Ends the stream when its sink has taken everything, at once if it has, or when the time for that is over. */
  drain(): Eventually<void> {
    const { writer } = this;
    if (writer.idle) return writer.end();
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        cancel();
        writer.end();
        resolve();
      };
      const timer = this.#guest.clock.after(this.#guest.part(CLI_SETTINGS).drainMs, end, true);
      const cancel = writer.watch(() => {
        if (writer.idle) end();
      });
    });
  }
}

/** Ends the guest; to the outside it has ended itself. */
function exit(status: number): never {
  throw new RuntimeError('COMPONENT_EXITED', `The component ended itself with status ${status}`, {
    details: { status },
  });
}

/** The `terminal-input` and `terminal-output` resources: all that a guest can do with one is to have it. */
class Terminal extends Token {}

const dropTerminal = (terminal: Terminal) => terminal.drop();

function terminal(guest: Guest, stream: 'stdin' | 'stdout' | 'stderr'): Terminal | undefined {
  return guest.part(STDIO).terminals?.[stream] === true ? new Terminal(guest) : undefined;
}

/** `wasi:cli` but `run`, which is the guest's export. */
export const CLI_INTERFACES = defineInterfaces({
  'wasi:cli/environment': {
    'get-environment'(this: Guest) {
      return this.part(CLI_SETTINGS).env;
    },
    'get-arguments'(this: Guest) {
      return this.part(CLI_SETTINGS).args;
    },
    'initial-cwd': () => undefined,
  },
  'wasi:cli/exit': {
    exit: (status) => exit(asRecord(status).tag === 'ok' ? 0 : 1),
    'exit-with-code': (status) => exit(asU32(status)),
  },
  'wasi:cli/stdin': {
    'get-stdin'(this: Guest) {
      return new InputStream({ guest: this, core: this.part(STDIN) });
    },
  },
  'wasi:cli/stdout': {
    'get-stdout'(this: Guest) {
      return this.part(STDOUT).stream();
    },
  },
  'wasi:cli/stderr': {
    'get-stderr'(this: Guest) {
      return this.part(STDERR).stream();
    },
  },
  'wasi:cli/terminal-input': { 'terminal-input': new HostResourceType<Terminal>('terminal-input', dropTerminal) },
  'wasi:cli/terminal-output': { 'terminal-output': new HostResourceType<Terminal>('terminal-output', dropTerminal) },
  'wasi:cli/terminal-stdin': {
    'get-terminal-stdin'(this: Guest) {
      return terminal(this, 'stdin');
    },
  },
  'wasi:cli/terminal-stdout': {
    'get-terminal-stdout'(this: Guest) {
      return terminal(this, 'stdout');
    },
  },
  'wasi:cli/terminal-stderr': {
    'get-terminal-stderr'(this: Guest) {
      return terminal(this, 'stderr');
    },
  },
});
