/** Attempts to reach actors, topics, buckets, variables and sockets that are not granted. Each has a form that succeeds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { Grants } from '../../src/capability/index.ts';
import { componentActor } from '../../src/host/index.ts';
import { ActorSystem, implement, openStore, protocol, type } from '../../src/index.ts';
import { askGuest, fixture, Record, runGuest } from './kit.ts';

const Desk = protocol('test:desk', { tell: { note: type<Uint8Array>() } });

/** What a guest says of one message to `target`, who has got it, and what is on record. */
async function send(op: 'tell' | 'ask' | 'publish', target: string, messaging: NonNullable<Grants['messaging']>) {
  const record = new Record();
  const got: string[] = [];
  await using system = await ActorSystem.create();
  const desk = (name: string) =>
    implement(Desk, {
      init: () => null,
      tell: {
        note(ctx) {
          got.push(`${name} from ${ctx.sender?.name}`);
        },
      },
    });
  for (const name of ['report', 'vault', 'guest-2']) system.spawn(desk(name), name);
  const guest = componentActor(await fixture('echo'), { name: 'guest', grants: { messaging }, audit: record });
  const ref = system.spawn(guest, 'guest');
  const head = op === 'publish' ? target : op === 'ask' ? `${target} note 500` : `${target} note`;
  const said = await ref.askOp(op, `${head}\nx`).then(
    (reply) => `said ${new TextDecoder().decode(reply as Uint8Array)}`,
    (error: Error) => error.message,
  );
  await system.drain();
  return { said, got, decisions: record.decisions };
}

const TARGETS: readonly (readonly [what: string, target: string])[] = [
  ['another actor', 'vault'],
  ['another case', 'Report'],
  ['a letter of another script', 'rep\u043ert'],
  ['a letter with an accent', 'repórt'],
  ['a zero byte', 'report\0'],
  ['a zero byte and another name', 'vault\0report'],
  ['a pattern', '*'],
  ['a pattern for numbered actors', 'report/*'],
  ['a path', '../vault'],
  ['a percent sign', 'report%00'],
  ['a name of every object', '__proto__'],
  ['a constructor', 'constructor'],
  ['the name of one without a name', '~1'],
  ['an over-long name', 'r'.repeat(4_000)],
  ['an empty label', 'report/'],
];

describe('actors that are not granted', () => {
  for (const [what, target] of TARGETS) {
    test(`nobody sends to another by ${what}; what is granted arrives`, async () => {
      for (const op of ['tell', 'ask'] as const) {
        const { said, got, decisions } = await send(op, target, { [op]: ['report'] });
        assert.doesNotMatch(said, /^said /);
        assert.deepEqual(got, []);
        assert.ok(
          decisions.some((line) => line.startsWith(`!messaging.${op} `)),
          decisions.join('\n'),
        );
      }
      const { got, decisions } = await send('tell', 'report', { tell: ['report'] });
      assert.deepEqual([got, decisions], [['report from guest'], ['messaging.tell report']]);
    });
  }

  test('a guest cannot speak for another: who is told learns the name of the guest itself', async () => {
    const { got } = await send('tell', 'guest-2', { tell: ['*'] });
    assert.deepEqual(got, ['guest-2 from guest']);
  });
});

const TOPICS: readonly (readonly [what: string, topic: string])[] = [
  ['a topic beside', 'orders.paid'],
  ['a topic above', 'orders'],
  ['a topic below', 'orders.created.eu'],
  ['a pattern of one token', 'orders.*'],
  ['a pattern of all', '>'],
  ['an empty token', 'orders..created'],
  ['a dot in front', '.orders.created'],
  ['another case', 'Orders.created'],
  ['a topic of the system', '$SYS.created'],
  ['a zero byte', 'orders.created\0'],
  ['a letter of another script', '\u043erders.created'],
];

describe('topics that are not granted', () => {
  for (const [what, topic] of TOPICS) {
    test(`nobody publishes to ${what}; what is granted is published`, async () => {
      const { said, decisions } = await send('publish', topic, { publish: ['orders.created'] });
      assert.doesNotMatch(said, /^said /);
      assert.ok(
        decisions.some((line) => line.startsWith('!messaging.publish ')),
        decisions.join('\n'),
      );
      const allowed = await send('publish', 'orders.created', { publish: ['orders.created'] });
      assert.deepEqual([allowed.said, allowed.decisions], ['said 0', ['messaging.publish orders.created']]);
    });
  }
});

const BUCKETS: readonly (readonly [what: string, bucket: string])[] = [
  ['another bucket', 'other'],
  ['a path', 'mine/../other'],
  ['a slash', 'mine/'],
  ['another case', 'MINE'],
  ['a pattern', '*'],
  ['no name', ''],
  ['a zero byte', 'mine\0'],
  ['a percent sign', 'mine%2f..%2fother'],
  ['a name of every object', '__proto__'],
  ['an over-long name', 'm'.repeat(5_000)],
  ['a letter of another script', 'm\u0456ne'],
];

describe('buckets that are not granted', () => {
  for (const [what, bucket] of BUCKETS) {
    test(`nobody opens ${what}; the bucket that is granted keeps what it is given`, async () => {
      await using store = await openStore();
      const more = { store };
      const grants = { keyvalue: ['mine'] };
      await askGuest('services', { grants: { keyvalue: ['other'] }, op: '1 set', payload: 'other\nkey\nhidden', more });
      for (const op of ['1 get', '2 get']) {
        const { said, decisions } = await askGuest('services', { grants, op, payload: `${bucket}\nkey`, more });
        assert.match(said, /^ANSWER_(DENIED|NOT_FOUND)/);
        assert.doesNotMatch(said, /hidden/);
        // What is the name of no bucket is nobody's, and nothing is decided of it.
        if (said.startsWith('ANSWER_DENIED')) assert.ok(decisions.some((line) => line.startsWith('!keyvalue.open')));
      }
      await askGuest('services', { grants, op: '1 set', payload: 'mine\nkey\nours', more });
      const { said, decisions } = await askGuest('services', { grants, op: '2 get', payload: 'mine\nkey', more });
      assert.deepEqual([said, decisions], ['ours', ['keyvalue.open mine']]);
    });
  }
});

describe('variables that are not granted', () => {
  const env = { MINE: 'ours', HIDDEN: 'the-secret', __proto__x: 'the-secret' };
  for (const name of ['HIDDEN', 'PATH', 'mine', '__proto__', 'constructor', 'MINE=']) {
    test(`nobody reads ${name}; the variable that is granted can be read`, async () => {
      const grants = { env: ['MINE'] };
      const { said } = await runGuest('wasi-tour', { grants, env, args: ['env', name, '--', 'environ'] });
      assert.doesNotMatch(said, /the-secret|\/usr\/bin|function/);
      const all = await runGuest('wasi-tour', { grants, env, args: ['environ'] });
      assert.match(all.said, /MINE=ours/);
      assert.doesNotMatch(all.said, /the-secret/);
    });
  }
});

describe('sockets that are not granted', () => {
  async function withServer(use: (port: number) => Promise<void>): Promise<void> {
    const server = createServer((socket) => socket.end('answered'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await use((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  }

  const CASES: readonly (readonly [
    what: string,
    args: (port: number) => string[],
    network: (port: number) => NonNullable<Grants['network']>,
  ])[] = [
    ['without a grant', (port) => ['tcp-send', '127.0.0.1', String(port), 'x'], () => ({})],
    [
      'at another port',
      (port) => ['tcp-send', '127.0.0.1', String(port), 'x'],
      (port) => ({ connect: [`tcp://127.0.0.1:${port + 1}`] }),
    ],
    [
      'by a grant for datagrams',
      (port) => ['tcp-send', '127.0.0.1', String(port), 'x'],
      (port) => ({ connect: [`udp://127.0.0.1:${port}`] }),
    ],
    [
      'by a grant for every name',
      (port) => ['tcp-send', '127.0.0.1', String(port), 'x'],
      () => ({ connect: ['tcp://*:*'] }),
    ],
    [
      'by a grant to listen',
      (port) => ['tcp-send', '127.0.0.1', String(port), 'x'],
      () => ({ listen: ['tcp://127.0.0.1:*'] }),
    ],
    [
      'by a range beside',
      (port) => ['tcp-send', '127.0.0.1', String(port), 'x'],
      () => ({ connect: ['tcp://128.0.0.0/8:*'] }),
    ],
    [
      'by a datagram',
      (port) => ['udp-send', '127.0.0.1', String(port), 'x'],
      (port) => ({ connect: [`tcp://127.0.0.1:${port}`] }),
    ],
    ['to listen', () => ['tcp-serve', '0', '0'], (port) => ({ connect: [`tcp://127.0.0.1:${port}`] })],
    ['to look a name up', () => ['resolve', 'localhost'], (port) => ({ connect: [`tcp://127.0.0.1:${port}`] })],
  ];
  for (const [what, args, network] of CASES) {
    test(`nobody uses the network ${what}; what is granted is answered`, async () => {
      await withServer(async (port) => {
        const { said, decisions } = await runGuest('sockets', { grants: { network: network(port) }, args: args(port) });
        assert.match(said, /access-denied/);
        assert.doesNotMatch(said, /answered/);
        assert.ok(
          decisions.some((line) => line.startsWith('!network.')),
          decisions.join('\n'),
        );
        const granted = { network: { connect: [`tcp://127.0.0.1:${port}`] } };
        const allowed = await runGuest('sockets', {
          grants: granted,
          args: ['tcp-send', '127.0.0.1', String(port), 'x'],
        });
        assert.match(allowed.said, /answered/);
        assert.ok(allowed.decisions.includes(`network.connect tcp://127.0.0.1:${port}`), allowed.decisions.join('\n'));
      });
    });
  }
});
