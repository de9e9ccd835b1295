import { connect, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { AuditRecord } from '../audit/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Clock, systemClock } from '../time/index.ts';
import type { Destination } from './shipper.ts';

/** "Log audit" of RFC 5424. */
const FACILITY = 13;
const SEVERITIES = { deny: 4, 'would-deny': 5, failed: 3, allow: 6, done: 6 } as const;
/** Milliseconds for a connection, and for a batch to be taken. */
const SEND_TIMEOUT_MS = 10_000;

export interface SyslogOptions {
  readonly host: string;
  readonly port: number;
  /** Over TLS, with certificates that these sign, in PEM, or by those that everybody trusts. Default: not over TLS. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  readonly clock?: Clock;
}

/** A record as a message of RFC 5424, framed by its length (RFC 6587): its text is the line of the log. */
export function toSyslogFrame(record: AuditRecord, host: string): string {
  const severity = SEVERITIES[record.outcome] ?? SEVERITIES.done;
  const header = `<${FACILITY * 8 + severity}>1 ${record.time} ${printable(host, 255)} troupe ${process.pid} ${printable(record.kind, 32)} -`;
  const message = `${header} ${JSON.stringify(record)}`;
  return `${Buffer.byteLength(message)} ${message}`;
}

/** Sends to a syslog server over TCP, or TLS. The system's word that it has the bytes counts: syslog has no answers. */
export function syslogDestination(options: SyslogOptions): Destination {
  return new SyslogDestination(options);
}

class SyslogDestination implements Destination {
  readonly #options: SyslogOptions;
  readonly #host = hostname();
  #socket: Socket | undefined;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  async send(records: readonly AuditRecord[], signal: AbortSignal): Promise<void> {
    const { clock = systemClock, host, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string, cause?: unknown): void =>
      reject(new RuntimeError('AUDIT_UNSENT', `Cannot send records to ${host}:${port}: ${why}`, { cause }));
    const timer = clock.after(SEND_TIMEOUT_MS, () => fail(`they were not taken within ${SEND_TIMEOUT_MS} ms`));
    const onAbort = (): void => fail('the process ends');
    const onError = (error: NodeJS.ErrnoException): void =>
      fail(`the system says ${error.code ?? error.message}`, error);
    const onClose = (): void => fail('it closed the connection');
    signal.addEventListener('abort', onAbort, { once: true });
    const socket = this.#connected();
    socket.on('error', onError).on('close', onClose);
    try {
      socket.write(records.map((record) => toSyslogFrame(record, this.#host)).join(''), (error) => {
        if (error == null) resolve();
      });
      await promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose);
    }
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connected(): Socket {
    const known = this.#socket;
    if (known !== undefined && !known.destroyed && known.writable) return known;
    const { host, port, tls } = this.#options;
    const socket =
      tls === undefined
        ? connect({ host, port })
        : connectTls({
            host,
            port,
            ...(isIP(host) === 0 && { servername: host }),
            ...(tls.ca !== undefined && { ca: tls.ca }),
          });
    // Between two batches nobody listens: that it broke is found by the next. An end is heard only by who reads.
    socket.on('error', () => undefined).on('end', () => socket.destroy());
    socket.resume();
    socket.unref();
    this.#socket = socket;
    return socket;
  }
}

/** Without what ends a field; `-` is none. */
function printable(text: string, length: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, length) || '-';
}
