import assert from 'node:assert/strict';
import { test } from 'node:test';
import { implement, protocol, type } from '../actor/index.ts';
import type { AuditEvent, AuditSink } from '../audit/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { actorAuthority } from './actor-authority.ts';
import { ActorSystem } from './actor-system.ts';

const Desk = protocol('test:desk', {
  tell: { note: type<string>() },
  ask: { echo: { in: type<string>(), out: type<string>() } },
});
const Clerk = protocol('test:clerk', { ask: { act: { in: type<string[]>(), out: type<unknown>() } } });

class Sink implements AuditSink {
  readonly events: AuditEvent[] = [];
  failure: RuntimeError | undefined;
  readonly counting = new Set<{ flush(): void }>();
  watch(): () => void {
    return () => undefined;
  }
  note(event: AuditEvent): void {
    this.events.push(event);
  }
}

const textOf = ({ code, message }: RuntimeError): string => `${code}: ${message}`;

async function withClerk(
  use: (act: (...what: string[]) => Promise<unknown>, sink: Sink, got: string[]) => Promise<void>,
) {
  const sink = new Sink();
  const got: string[] = [];
  const authority = actorAuthority({
    name: 'office',
    grants: {
      messaging: { tell: ['report'], ask: ['report'], publish: ['news.*'] },
      env: ['LANG', 'toString'],
      http: ['https://api.example.com'],
    },
    env: { LANG: 'C', HIDDEN: 'x' },
    audit: sink,
  });
  const desk = implement(Desk, {
    init: () => null,
    tell: {
      note(ctx, text) {
        got.push(`${text} from ${ctx.sender?.name}`);
      },
    },
    ask: { echo: (_, text) => text },
  });
  const clerk = implement(Clerk, {
    init: (ctx) => authority.of(ctx),
    ask: {
      act: async ({ state: held }, [what = '', target = '']) => {
        try {
          if (what === 'tell') {
            const sent = held.tell(target, 'note', 'a page');
            return sent.ok ? 'told' : textOf(sent.error);
          }
          if (what === 'ask') return await held.ask(target, 'echo', { payload: 'a question', timeoutMs: 1_000 });
          if (what === 'publish') return held.publish(target, 'x');
          if (what === 'env') return held.env(target) ?? 'none';
          return String(held.request(target));
        } catch (error) {
          return textOf(RuntimeError.from(error));
        }
      },
    },
  });
  await using system = await ActorSystem.create();
  system.spawn(desk, 'report');
  system.spawn(desk, 'vault');
  const ref = system.spawn(clerk, 'clerk');
  await use((...what) => ref.ask.act(what), sink, got);
  await system.drain();
}

test('actorAuthority holds an actor in TypeScript to its grants, in its own name, and puts every decision on record', async () => {
  await withClerk(async (act, sink, got) => {
    assert.equal(await act('tell', 'report'), 'told');
    assert.equal(await act('ask', 'report'), 'a question');
    assert.equal(await act('publish', 'news.local'), 0);
    assert.equal(await act('env', 'LANG'), 'C');
    assert.equal(await act('env', 'toString'), 'none');
    assert.equal(await act('request', 'https://api.example.com/v1?x'), 'https://api.example.com/v1?x');
    assert.deepEqual(got, ['a page from clerk']);
    assert.match(
      String(await act('tell', 'vault')),
      /^CAPABILITY_DENIED: .*to allow it, add messaging = \{ tell = \["vault"\] \}/,
    );
    assert.match(String(await act('ask', 'nobody')), /^CAPABILITY_DENIED: .*ask = \["nobody"\]/);
    assert.match(String(await act('publish', 'olds')), /^CAPABILITY_DENIED: .*publish = \["olds"\]/);
    assert.match(String(await act('env', 'HIDDEN')), /^CAPABILITY_DENIED: .*env = \["HIDDEN"\]/);
    for (const address of [
      'http://api.example.com',
      'https://api.example.com:8443',
      'https://127.1/',
      'https://[::1]/',
    ])
      assert.match(String(await act('request', address)), /^CAPABILITY_DENIED: .*No grant covers/);
    for (const address of ['file:///etc/passwd', 'https://user@api.example.com/', 'nonsense', 'javascript:0'])
      assert.match(String(await act('request', address)), /^CAPABILITY_DENIED: .*no address of HTTP/);
    const decided = sink.events.filter(({ kind }) => kind === 'capability');
    assert.ok(decided.every(({ component, actor }) => component === 'office' && actor === 'clerk'));
    assert.deepEqual(
      decided.slice(0, 3).map(({ action, outcome, resource, rule }) => [action, outcome, resource, rule]),
      [
        ['messaging.tell', 'allow', 'report', 'messaging = { tell = ["report"] }'],
        ['messaging.ask', 'allow', 'report', 'messaging = { ask = ["report"] }'],
        ['messaging.publish', 'allow', 'news.local', 'messaging = { publish = ["news.*"] }'],
      ],
    );
    assert.equal(decided.filter(({ outcome }) => outcome === 'deny').length, 8);
  });
});

test('actorAuthority denies what cannot be put on record', async () => {
  await withClerk(async (act, sink) => {
    assert.equal(await act('tell', 'report'), 'told');
    sink.failure = new RuntimeError('AUDIT_UNAVAILABLE', 'The disk is full');
    assert.match(String(await act('tell', 'report')), /^CAPABILITY_DENIED: .*not done: The disk is full/);
    sink.failure = undefined;
    assert.equal(await act('tell', 'report'), 'told');
  });
});
