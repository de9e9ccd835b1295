/** Attempts to have another actor do what one may not do oneself. Each has a form that succeeds. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Grants } from '../../src/capability/index.ts';
import { type CompiledComponent, compileComponent } from '../../src/component/index.ts';
import { ActorSystem, component, implement, protocol, RuntimeError, type } from '../../src/index.ts';
import { makeForwarder } from '../kit/guests.ts';
import { askGuest, fixture, Record } from './kit.ts';

const WIT = `package test:vault@1.0.0;
interface secrets { read: func(name: string) -> string; }
world w { import secrets; export secrets; }`;
const READ = 'test:vault/secrets#read';
const Vault = protocol('test:vault', {
  ask: { [READ]: { in: type<readonly [name: string]>(), out: type<string>() } },
});

/** One that does for the actor called `friend` what it does for nobody else. */
const vault = implement(Vault, {
  init: () => null,
  ask: {
    [READ]: (ctx, [name]) => {
      if (ctx.sender?.name !== 'friend') throw ctx.refuse('only for friends');
      return `the ${name}`;
    },
  },
});

let forwarder: CompiledComponent;
before(async () => {
  forwarder = await compileComponent(await makeForwarder(WIT));
});

/** What a guest of that name is answered by the actor that its import is linked to. */
async function read(name: string, target = 'vault'): Promise<string> {
  await using system = await ActorSystem.create();
  system.spawn(vault, 'vault');
  const type = await component(forwarder, { name: 'guest', links: { 'test:vault/secrets': target } });
  const ref = system.spawn(type, name, { supervision: { restart: 'temporary' } });
  return await ref.askOp(READ, ['key']).then(String, (error: RuntimeError) => error.code);
}

describe('deputies', () => {
  test('who answers a link knows who asks, and no guest can be another: the one that is a friend is served', async () => {
    assert.equal(await read('friend'), 'the key');
    for (const name of ['stranger', 'friend-2', 'friends']) assert.equal(await read(name), 'ACTOR_FAILED');
  });

  test('a link gives its function and nothing else: no message to its target without a grant, and none beside it with one', async () => {
    const ask = (grants: Grants) => askGuest('echo', { grants, op: 'ask', payload: `vault ${READ} 500\nx` });
    const { said, decisions } = await ask({});
    assert.match(said, /^ANSWER_DENIED/);
    assert.deepEqual(decisions, ['!messaging.ask vault']);
    const allowed = await ask({ messaging: { ask: ['vault'] } });
    assert.deepEqual(allowed.decisions, ['messaging.ask vault']);
  });

  test('an import without a link is no way to anybody: such a component is refused before it runs', async () => {
    await assert.rejects(component(forwarder, { name: 'guest' }), { code: 'COMPONENT_IMPORT_MISSING' });
    await assert.rejects(component(forwarder, { name: 'guest', links: { 'test:vault/other': 'vault' } }));
    assert.ok(await component(forwarder, { name: 'guest', links: { 'test:vault/secrets': 'vault' } }));
  });

  test('a guest cannot say whom its link leads to: who takes the name later has it, who has another has not', async () => {
    assert.equal(await read('friend', 'nobody'), 'ACTOR_FAILED');
    assert.equal(await read('friend', 'vault'), 'the key');
  });

  test('a guest that is asked by a friend is no friend: it asks in its own name', async () => {
    const record = new Record();
    await using system = await ActorSystem.create();
    system.spawn(vault, 'vault');
    const guest = await component(forwarder, {
      name: 'guest',
      links: { 'test:vault/secrets': 'vault' },
      audit: record,
    });
    system.spawn(guest, 'deputy', { supervision: { restart: 'temporary' } });
    const Friend = protocol('test:friend', { ask: { go: { in: type<string>(), out: type<string>() } } });
    const friend = implement(Friend, {
      init: () => null,
      ask: {
        go: async (ctx, through) => {
          const ref = ctx.lookup(through);
          return String(await ref?.askOp(READ, ['key']).catch((error: unknown) => RuntimeError.from(error).code));
        },
      },
    });
    const ref = system.spawn(friend, 'friend');
    assert.equal(await ref.ask.go('deputy'), 'ACTOR_FAILED');
    assert.equal(await ref.ask.go('vault'), 'the key');
  });

  test('what a guest answers is its own: a denial of the host cannot be forged', async () => {
    const { said } = await askGuest('echo', { grants: {}, op: 'fail', payload: 'No grant covers anything' });
    assert.match(said, /^(ANSWER_|MESSAGE_REFUSED|REFUSED)/);
    assert.ok(await fixture('echo'));
  });
});
