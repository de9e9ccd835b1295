import type { Socket } from 'node:net';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** What Linux takes for the times of keep-alive. */
const KEEP_ALIVE_SECONDS_MAX = 32_767n;
const KEEP_ALIVE_COUNT_MAX = 127;

/** Bytes of a buffer that a guest may name; the system cuts further. */
const BUFFER_BYTES_MAX = 4_194_304;

/** Connections that may wait to be accepted. What Node.js and Linux have is 511 and 4,096; a guest has fewer sockets. */
const BACKLOG_MAX = 128;

/** What a guest sets on a TCP socket. A copy goes to each connection that a listener accepts. */
export class TcpOptions {
  keepAlive = false;
  /** Defaults of Linux. */
  keepAliveIdleNs = 7_200n * NANOSECONDS_PER_SECOND;
  keepAliveIntervalNs = 75n * NANOSECONDS_PER_SECOND;
  keepAliveCount = 9;
  /** Only remembered: Node.js does not set it on TCP sockets. */
  receiveBufferBytes = 65_536;
  /** As `receiveBufferBytes`. */
  sendBufferBytes = 65_536;
  backlog = BACKLOG_MAX;

  copy(): TcpOptions {
    return Object.assign(new TcpOptions(), this);
  }

  /** Brings a connection in line with what was set. */
  apply(socket: Socket): void {
    // A socket that was never told to has no keep-alive; telling it costs a call to the system.
    if (!this.keepAlive) {
      socket.setKeepAlive(false);
      return;
    }
    socket.setKeepAlive({
      enable: true,
      initialDelay: toMs(this.keepAliveIdleNs),
      interval: toMs(this.keepAliveIntervalNs),
      count: this.keepAliveCount,
    });
  }
}

/** Whole seconds within what the system takes. */
export function clampKeepAliveTime(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / NANOSECONDS_PER_SECOND;
  const clamped = seconds < 1n ? 1n : seconds > KEEP_ALIVE_SECONDS_MAX ? KEEP_ALIVE_SECONDS_MAX : seconds;
  return clamped * NANOSECONDS_PER_SECOND;
}

export function clampKeepAliveCount(count: number): number {
  return Math.min(count, KEEP_ALIVE_COUNT_MAX);
}

export function clampBufferBytes(bytes: bigint): number {
  return bytes > BigInt(BUFFER_BYTES_MAX) ? BUFFER_BYTES_MAX : Number(bytes);
}

export function clampBacklog(connections: bigint): number {
  return connections > BigInt(BACKLOG_MAX) ? BACKLOG_MAX : Number(connections);
}

function toMs(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}
