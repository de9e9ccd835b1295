import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HealthTrouble } from '../api/index.ts';
import type { AuditLog } from '../audit/index.ts';
import type { AuditConfig, ShipConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { AuditShipper, type Destination, elasticsearchDestination, syslogDestination } from '../observe/index.ts';
import { systemClock } from '../time/index.ts';

/** Milliseconds that a receiver may be away before health says so: it is started again now and then. */
const TOLERATED_MS = 30_000;

/** Sends the records of an application's log to where its `troupe.toml` says. */
export class AuditShipping {
  readonly #shippers: readonly { readonly to: string; readonly shipper: AuditShipper }[];

  /** @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE` — certificates, or what to authorize with. */
  constructor({ directory, ship }: AuditConfig, log: AuditLog) {
    this.#shippers = ship.map((place) => {
      const name = createHash('sha256').update(place.to).digest('hex').slice(0, 12);
      const destination = destinationOf(place);
      const acknowledged = (): number => log.status.seq;
      return { to: place.to, shipper: new AuditShipper({ directory, name, destination, acknowledged }) };
    });
  }

  start(): void {
    for (const { shipper } of this.#shippers) shipper.start();
  }

  /** What does not arrive. */
  health(): HealthTrouble[] {
    return this.#shippers.flatMap(({ shipper }) => {
      const { failure } = shipper.status;
      const ms = failure === undefined ? 0 : systemClock.nowMs() - failure.sinceMs;
      if (failure === undefined || ms < TOLERATED_MS) return [];
      return [{ kind: 'audit-shipping' as const, ms: Math.round(ms), text: failure.error.message }];
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#shippers.map(({ shipper }) => shipper.close()));
  }
}

function destinationOf({ to, authorizationFile, caFile }: ShipConfig): Destination {
  const url = new URL(to);
  const ca = caFile === undefined ? undefined : readText(caFile);
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    if (authorizationFile === undefined) return elasticsearchDestination({ url, ca });
    readText(authorizationFile);
    const authorization = (): string => readText(authorizationFile).split('\n', 1)[0]?.trim() ?? '';
    return elasticsearchDestination({ url, ca, authorization });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return syslogDestination({ host, port: Number(url.port), ...(url.protocol === 'syslogs:' && { tls: { ca } }) });
}

/** A few hundred bytes, of a file that only the operator names. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const text = `Cannot read "${path}", which [[audit.ship]] names: the system says ${code ?? 'nothing more'}`;
    throw new RuntimeError(code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE', text, { cause });
  }
}
