import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Authority, type Decision, type Grants } from '../../src/capability/index.ts';
import type { Clock } from '../../src/time/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { AUTHORITY, ON_DENIED } from '../../src/wasi/authority/index.ts';
import { Guest } from '../../src/wasi/guest/index.ts';
import { IO_INTERFACES, type Pollable } from '../../src/wasi/io/index.ts';
import { SOCKET_INTERFACES, SOCKET_SETTINGS, SOCKETS } from '../../src/wasi/sockets/index.ts';

export type Family = 'ipv4' | 'ipv6';

// biome-ignore lint/suspicious/noExplicitAny: values of the interface, by their WIT names
type Any = any;

const WAIT_MS = 5_000;

/** Everything on this machine: the grants of most tests. */
export const LOCAL: Grants = {
  network: {
    connect: ['tcp://localhost:*', 'udp://localhost:*', 'tcp://0.0.0.0/0:*', 'udp://0.0.0.0/0:*', 'tcp://[::]/0:*'],
    listen: ['tcp://*:*', 'udp://*:*'],
  },
};

export function address(family: Family, port: number, parts?: readonly number[]): Any {
  if (family === 'ipv4') return { tag: 'ipv4', val: { port, address: parts ?? [127, 0, 0, 1] } };
  return { tag: 'ipv6', val: { port, flowInfo: 0, address: parts ?? [0, 0, 0, 0, 0, 0, 0, 1], scopeId: 0 } };
}

export const fails = (code: string) => ({ tag: 'err', val: code });

/** A guest of `wasi:sockets`, called by the names of WIT. */
export class SocketGuest {
  readonly guest: Guest;
  readonly denials: Decision[] = [];
  readonly network: unknown;

  constructor({
    grants = LOCAL,
    socketsMax = 64,
    clock = systemClock,
  }: { grants?: Grants; socketsMax?: number; clock?: Clock } = {}) {
    this.guest = new Guest({ clock, resourcesMax: 10_000 });
    this.guest.provide(AUTHORITY, new Authority(grants, this.guest.clock));
    this.guest.provide(ON_DENIED, (decision) => this.denials.push(decision));
    this.guest.provide(SOCKET_SETTINGS, { socketsMax, drainMs: 1_000 });
    this.network = this.call('instance-network.instance-network');
  }

  get table() {
    return this.guest.part(SOCKETS);
  }

  /** `tcp.tcp-socket.start-bind`, `streams.input-stream.read`: a function of `wasi:sockets` or `wasi:io`. */
  call(name: string, ...args: unknown[]): Any {
    const [part = '', ...rest] = name.split('.');
    const functions = IO_INTERFACES[`wasi:io/${part}`] ?? SOCKET_INTERFACES[`wasi:sockets/${part}`];
    const item = functions?.[rest.length === 2 ? `[method]${rest.join('.')}` : (rest[0] as string)];
    assert.ok(typeof item === 'function', name);
    return item.call(this.guest, ...args);
  }

  tcp(method: string, socket: unknown, ...args: unknown[]): Any {
    return this.call(`tcp.tcp-socket.${method}`, socket, ...args);
  }

  udp(method: string, socket: unknown, ...args: unknown[]): Any {
    return this.call(`udp.udp-socket.${method}`, socket, ...args);
  }

  createTcp(family: Family = 'ipv4'): Any {
    return ok(this.call('tcp-create-socket.create-tcp-socket', family));
  }

  createUdp(family: Family = 'ipv4'): Any {
    return ok(this.call('udp-create-socket.create-udp-socket', family));
  }

  /** Waits until `pollable` is ready, for a bounded time. */
  async block(pollable: Pollable): Promise<void> {
    let timer: { cancel(): void } | undefined;
    try {
      await Promise.race([
        this.guest.wait((done) => {
          const cancel = pollable.watch(() => {
            if (pollable.ready()) done();
          });
          if (pollable.ready()) done();
          return cancel;
        }),
        new Promise((_, reject) => {
          timer = systemClock.after(WAIT_MS, () => reject(new Error('The pollable did not become ready')), true);
        }),
      ]);
    } finally {
      timer?.cancel();
      pollable.drop();
    }
  }

  /** Repeats `attempt` until it answers something else than `would-block`. */
  async until(socket: unknown, attempt: () => Any): Promise<Any> {
    for (;;) {
      const answer = await attempt();
      if (answer.tag !== 'err' || answer.val !== 'would-block') return answer;
      await this.block(this.tcp('subscribe', socket));
    }
  }

  async bind(socket: unknown, where: Any): Promise<Any> {
    const started = this.tcp('start-bind', socket, this.network, where);
    return started.tag === 'err' ? started : this.until(socket, () => this.tcp('finish-bind', socket));
  }

  async bindUdp(socket: unknown, where: Any): Promise<Any> {
    const started = this.udp('start-bind', socket, this.network, where);
    return started.tag === 'err' ? started : this.udp('finish-bind', socket);
  }

  async connect(socket: unknown, where: Any): Promise<Any> {
    const started = this.tcp('start-connect', socket, this.network, where);
    return started.tag === 'err' ? started : this.until(socket, () => this.tcp('finish-connect', socket));
  }

  async startListening(socket: unknown): Promise<Any> {
    const started = this.tcp('start-listen', socket);
    return started.tag === 'err' ? started : this.until(socket, () => this.tcp('finish-listen', socket));
  }

  /** A socket that listens at a free port, and where. */
  async listener(family: Family = 'ipv4'): Promise<{ socket: Any; at: Any }> {
    const socket = this.createTcp(family);
    ok(await this.bind(socket, address(family, 0)));
    ok(await this.startListening(socket));
    return { socket, at: ok(this.tcp('local-address', socket)) };
  }

  async accept(listener: unknown): Promise<Connected> {
    const [socket, input, output] = ok(await this.until(listener, () => this.tcp('accept', listener)));
    return { socket, input, output };
  }

  /** Two ends of a connection through loopback. */
  async pair(family: Family = 'ipv4'): Promise<{ server: Connected; client: Connected; listener: Any }> {
    const { socket: listener, at } = await this.listener(family);
    const socket = this.createTcp(family);
    const [input, output] = ok(await this.connect(socket, at));
    return { listener, server: await this.accept(listener), client: { socket, input, output } };
  }

  async write(output: unknown, bytes: Uint8Array | string): Promise<Any> {
    const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    for (let at = 0; at < data.length; at += 4_096) {
      const written = await this.call(
        'streams.output-stream.blocking-write-and-flush',
        output,
        data.slice(at, at + 4_096),
      );
      if (written.tag === 'err') return written;
    }
    return { tag: 'ok', val: undefined };
  }

  async readAll(input: unknown): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const read = await this.call('streams.input-stream.blocking-read', input, 65_536n);
      if (read.tag === 'err') {
        assert.equal(read.val.tag, 'closed');
        return Buffer.concat(chunks);
      }
      chunks.push(read.val);
    }
  }

  async dispose(): Promise<void> {
    await this.guest.dispose();
  }
}

export interface Connected {
  readonly socket: Any;
  readonly input: Any;
  readonly output: Any;
}

/** The value of a success. */
export function ok(result: Any): Any {
  assert.equal(result.tag, 'ok', `expected a success, got ${String(result.val)}`);
  return result.val;
}

/** Sockets that keep this process alive. */
export function openHandles(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Connect|Shutdown|Write/.test(name)).length;
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
