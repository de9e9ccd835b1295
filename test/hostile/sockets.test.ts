/** Sockets in any order, with any arguments: a guest gets an answer or its end, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../src/errors/index.ts';
import { address, openDescriptors, SocketGuest } from '../kit/sockets.ts';

// biome-ignore lint/suspicious/noExplicitAny: values of the interface, by their WIT names
type Any = any;

const TCP = [
  ...['start-bind', 'finish-bind', 'start-connect', 'finish-connect', 'start-listen', 'finish-listen', 'accept'],
  ...['local-address', 'remote-address', 'is-listening', 'shutdown', 'subscribe', 'set-keep-alive-enabled', 'drop'],
];
const UDP = ['start-bind', 'finish-bind', 'stream', 'local-address', 'remote-address', 'subscribe', 'drop'];

interface Step {
  readonly kind: 'tcp' | 'udp' | 'stream' | 'turn';
  readonly at: number;
  readonly method: number;
  readonly port: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('tcp', 'tcp', 'tcp', 'udp', 'udp', 'stream', 'stream', 'turn'),
  at: fc.nat(7),
  method: fc.nat(100),
  port: fc.constantFrom(0, 0, 0, 1, 2),
});

/** One guest with whatever it has been given so far. */
class Stranger {
  readonly host = new SocketGuest({ socketsMax: 6 });
  readonly sockets = { tcp: [] as Any[], udp: [] as Any[] };
  readonly streams: Any[] = [];
  /** Ports that something of its own was bound to. */
  readonly ports: number[] = [];

  async take({ kind, at, method, port }: Step): Promise<void> {
    if (kind === 'turn') return this.host.guest.turn();
    if (kind === 'stream') return this.#stream(at, method);
    const held = this.sockets[kind];
    if (held.length <= at) {
      const made = this.host.call(`${kind}-create-socket.create-${kind}-socket`, 'ipv4');
      if (made.tag === 'ok') held.push(made.val);
      return;
    }
    const names = kind === 'tcp' ? TCP : UDP;
    const name = names[method % names.length] as string;
    const socket = held[at];
    if (name === 'drop') {
      held.splice(at, 1);
      socket.drop();
      return;
    }
    const where = address('ipv4', port === 0 ? 0 : (this.ports.at(-port) ?? 9));
    const answer = await this.host[kind](name, socket, ...this.#arguments(kind, name, where));
    this.#keep(answer, kind);
  }

  #arguments(kind: 'tcp' | 'udp', name: string, where: Any): readonly Any[] {
    if (name === 'start-bind' || name === 'start-connect') return [this.host.network, where];
    if (name === 'stream') return [where.val.port === 0 ? undefined : where];
    if (name === 'shutdown') return [['receive', 'send', 'both'][where.val.port % 3]];
    return kind === 'tcp' ? [true] : [];
  }

  #keep(answer: Any, kind: 'tcp' | 'udp'): void {
    if (answer?.tag !== 'ok') {
      if (answer?.tag === 'err') assert.match(answer.val, /^[a-z]+(-[a-z]+)*$/);
      return;
    }
    const { val } = answer;
    if (val?.tag === 'ipv4') this.ports.push(val.val.port);
    if (!Array.isArray(val)) return;
    if (val.length === 3) this.sockets.tcp.push(val[0]);
    this.streams.push(...val.slice(-2).map((stream) => ({ stream, kind })));
  }

  async #stream(at: number, method: number): Promise<void> {
    const held = this.streams[at];
    if (held === undefined) return;
    const { stream, kind } = held;
    const isInput = /^In|^Incoming/.test(stream.constructor.name);
    if (method % 8 === 0) {
      this.streams.splice(at, 1);
      stream.drop();
    } else if (kind === 'tcp') {
      if (isInput) await this.host.call('streams.input-stream.read', stream, 1_000n);
      else {
        const permit = await this.host.call('streams.output-stream.check-write', stream);
        if (permit.tag === 'ok' && permit.val > 0n)
          await this.host.call('streams.output-stream.write', stream, new Uint8Array(Number(permit.val)));
      }
    } else if (isInput) {
      await this.host.call('udp.incoming-datagram-stream.receive', stream, BigInt(method));
    } else {
      const permit = await this.host.call('udp.outgoing-datagram-stream.check-send', stream);
      const to = this.ports.length === 0 ? undefined : address('ipv4', this.ports.at(-1) as number);
      if (permit.tag === 'ok')
        await this.host.call('udp.outgoing-datagram-stream.send', stream, [
          { data: new Uint8Array(method * 700), remoteAddress: method % 2 === 0 ? to : undefined },
        ]);
    }
  }
}

test('S4: sockets give an answer in every order of calls, and leave no descriptor behind', async () => {
  const warm = new SocketGuest();
  await warm.listener();
  await warm.dispose();
  await warm.guest.turn().catch(() => undefined);
  const before = openDescriptors();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), async (steps) => {
      const stranger = new Stranger();
      try {
        for (const next of steps) await stranger.take(next);
      } catch (error) {
        if (!RuntimeError.is(error, 'COMPONENT_TRAPPED')) throw error;
      }
      assert.ok(stranger.host.table.size <= 6);
      await stranger.host.dispose();
      assert.equal(stranger.host.table.size, 0);
    }),
    { numRuns: 150 },
  );
  const settle = new SocketGuest();
  for (let turns = 0; turns < 50 && openDescriptors() > before; turns++) await settle.guest.turn();
  await settle.dispose();
  assert.equal(openDescriptors(), before);
});
