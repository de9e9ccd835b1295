import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './process.ts';

const PROGRAM = ['/usr/sbin/rsyslogd', '/usr/bin/rsyslogd'].find((path) => existsSync(path));

/** Why tests with a syslog server cannot run here; `false`: they can. */
export const NO_RSYSLOG: string | false =
  PROGRAM !== undefined && spawnSync(PROGRAM, ['-v']).status === 0
    ? false
    : 'there is no rsyslogd: apt-get install rsyslog';

/** A real rsyslog that writes the messages which it gets into a file. */
export interface Rsyslog {
  readonly port: number;
  /** The messages, without their headers. */
  messages(): string[];
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, at the same port. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRsyslog(): Promise<Rsyslog> {
  const folder = mkdtempSync(join(tmpdir(), 'rsyslog-'));
  const output = join(folder, 'messages');
  const portFile = join(folder, 'port');
  let child: ChildProcess | undefined;
  const start = async (port: number): Promise<number> => {
    rmSync(portFile, { force: true });
    writeFileSync(join(folder, 'rsyslog.conf'), configuration({ folder, output, portFile, port }));
    const started = spawn(PROGRAM as string, ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')], {
      stdio: 'ignore',
    });
    child = started;
    // It says which port it got only where it chose.
    const isThere = async (): Promise<boolean> =>
      port === 0 ? readText(portFile).trim() !== '' : await isAnswering(port);
    await until(isThere, () => 'the port of rsyslog');
    return port === 0 ? Number(readText(portFile)) : port;
  };
  const kill = async (): Promise<void> => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    ending.once('exit', () => resolve());
    ending.kill('SIGKILL');
    await promise;
    // Else the next one takes it for a running one.
    rmSync(join(folder, 'pid'), { force: true });
  };
  const port = await start(0);
  return {
    port,
    messages: () => readText(output).split('\n').slice(0, -1),
    kill,
    restart: async () => void (await start(port)),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Places {
  readonly folder: string;
  readonly output: string;
  readonly portFile: string;
  readonly port: number;
}

function configuration({ folder, output, portFile, port }: Places): string {
  return `global(workDirectory="${folder}" maxMessageSize="256k")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="${port}" listenPortFileName="${portFile}")
template(name="line" type="string" string="%syslogfacility%.%syslogseverity% %app-name% %msgid% %msg%\\n")
action(type="omfile" file="${output}" template="line" flushOnTXEnd="on" asyncWriting="off")
`;
}

function isAnswering(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
