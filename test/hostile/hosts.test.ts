/** Kills, exits and hosts that misbehave: the guest never sees them, and whoever waits for it always hears. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ComponentInstance, GuestResource } from '../../src/component/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { assertDead, assertEnds, compile, type End, exported, GUARDS, type Guest, hostOf, start } from './kit.ts';

const never = (): Promise<never> => new Promise(() => {});
const killed: End = { code: 'COMPONENT_KILLED' };

/** Each way of waiting: a name of the host's function, and what the guest does. After it, it would call `number`. */
const WAITS: readonly (readonly [name: string, attack: string])[] = [
  ['call', '(call $call)'],
  ['number', '(drop (call $number (i32.const 1)))'],
  ['text', '(call $text (i32.const 0) (i32.const 4))'],
  ['numbers', '(call $numbers (i32.const 0) (i32.const 4))'],
  ['char', '(call $char (i32.const 65))'],
  ['choice', '(call $choice (i32.const 1) (i32.const 1))'],
  ['get', '(call $get (i32.const 64))'],
  ['get-many', '(call $get-many (i32.const 64))'],
  ['pair', '(call $pair (i32.const 64))'],
  ['make', '(drop (call $make))'],
  ['take', '(call $take (call $make))'],
  ['use', '(call $use (call $make))'],
];

/** Starts `f` and gives its end; the event loop turns until the guest waits. */
async function waiting(instance: ComponentInstance): Promise<{ ended: Promise<unknown> }> {
  const ended = instance.call('f');
  ended.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(instance.busy, true);
  return { ended };
}

const after = (guest: Guest): Guest => ({ ...guest, fields: '(global $after (mut i32) (i32.const 0))' });

describe('Hostile guests: killed while they wait', () => {
  for (const [name, attack] of WAITS) {
    for (const guard of GUARDS) {
      test(`in "${name}" (${guard})`, async () => {
        const host = hostOf({ [name]: never });
        // Whatever it catches, it would go on to make a resource.
        const instance = await start(after({ attack: `${attack} (drop (call $make))` }), guard, { host });
        const { ended } = await waiting(instance);
        const before = host.log.filter((entry) => entry !== 'drop').length;
        instance.kill();
        await assertEnds(() => ended, killed);
        await assertDead(instance, killed);
        assert.equal(host.log.filter((entry) => entry !== 'drop').length, before, 'no more of its code ran');
      });
    }
  }

  test('what it owned is dropped, and what it had lent', async () => {
    const host = hostOf({ use: never });
    const instance = await start({ attack: '(drop (call $make)) (call $use (call $make))' }, 'plain', { host });
    const { ended } = await waiting(instance);
    instance.kill();
    await assertEnds(() => ended, killed);
    assert.deepEqual(host.log.slice(-2), ['drop', 'drop']);
  });

  test('with a reason of the killer’s', async () => {
    const instance = await start({ attack: '(call $call)' }, 'plain', { host: hostOf({ call: never }) });
    const { ended } = await waiting(instance);
    const reason = new RuntimeError('COMPONENT_DEADLINE', 'It took too long');
    instance.kill(reason);
    assert.equal(await ended.catch((error: unknown) => error), reason);
  });

  test('the host’s promise may settle later and changes nothing', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const host = hostOf({ get: () => promise });
    const instance = await start({ attack: '(call $get (i32.const 64)) (call $call)' }, 'plain', { host });
    const { ended } = await waiting(instance);
    instance.kill();
    resolve('late');
    await assertEnds(() => ended, killed);
    assert.deepEqual(host.log, ['get']);
  });

  test('the host’s promise may be rejected later and hurts nobody', async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    const instance = await start({ attack: '(call $get (i32.const 64))' }, 'plain', {
      host: hostOf({ get: () => promise }),
    });
    const { ended } = await waiting(instance);
    instance.kill();
    await assertEnds(() => ended, killed);
    reject(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('at the moment the host’s promise settles', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const host = hostOf({ call: () => promise });
    const instance = await start({ attack: '(call $call) (drop (call $make))' }, 'plain', { host });
    const { ended } = await waiting(instance);
    resolve();
    instance.kill();
    await assertEnds(() => ended, killed);
    assert.deepEqual(host.log, ['call']);
  });

  test('a hundred at once', async () => {
    const host = hostOf({ call: never });
    const instances = await Promise.all(
      Array.from({ length: 100 }, () => start({ attack: '(call $call)' }, 'legacy catch_all', { host })),
    );
    const ends = await Promise.all(instances.map(waiting));
    for (const instance of instances) instance.kill();
    for (const { ended } of ends) await assertEnds(() => ended, killed);
  });
});

describe('Hostile guests: killed by what they call', () => {
  for (const guard of GUARDS) {
    test(`nothing of it runs afterwards (${guard})`, async () => {
      let instance: ComponentInstance | undefined;
      const host = hostOf({ call: () => instance?.kill() });
      instance = await start({ attack: '(call $call) (drop (call $make))' }, guard, { host });
      await assertEnds(() => instance?.call('f'), killed);
      await assertDead(instance, killed);
      assert.deepEqual(host.log, ['call']);
    });

    test(`also when the host then waits for ever (${guard})`, async () => {
      let instance: ComponentInstance | undefined;
      const host = hostOf({
        call: () => {
          instance?.kill();
          return never();
        },
      });
      instance = await start({ attack: '(call $call) (drop (call $make))' }, guard, { host });
      await assertEnds(() => instance?.call('f'), killed);
      await assertDead(instance, killed);
      assert.deepEqual(host.log, ['call']);
    });

    test(`exit goes through every guard (${guard})`, async () => {
      const exit = (): never => {
        throw new RuntimeError('COMPONENT_EXITED', 'The component ended itself', { details: { status: 3 } });
      };
      const host = hostOf({ call: exit });
      const instance = await start({ attack: '(call $call) (drop (call $make))' }, guard, { host });
      await assertEnds(() => instance.call('f'), { code: 'COMPONENT_EXITED', details: { status: 3 } });
      await assertDead(instance, { code: 'COMPONENT_EXITED' });
      assert.deepEqual(host.log, ['call']);
    });
  }

  test('between two calls', async () => {
    const instance = await start({ attack: '' }, 'plain');
    await instance.call('f');
    instance.kill();
    await assertDead(instance, killed);
  });

  test('by the source of a turn', async () => {
    for (const moment of ['next', 'second next', 'done', 'empty next'] as const) {
      const host = hostOf();
      const component = await compile({ attack: '(call $call)' }, 'plain');
      const instance = await component.instantiate({ host: host.functions });
      const func = exported(component, 'f');
      let taken = 0;
      const source = {
        next: () => {
          taken++;
          if (moment === 'next' || (moment === 'second next' && taken === 2)) instance.kill();
          if (moment === 'empty next' && taken === 2) {
            instance.kill();
            return undefined;
          }
          return { func, args: [] };
        },
        done: () => {
          if (moment === 'done') instance.kill();
        },
        invalid: () => undefined,
      };
      await assertEnds(async () => instance.pump(source), killed);
      await assertDead(instance, killed);
      assert.equal(host.log.length, moment === 'next' ? 0 : 1, moment);
    }
  });

  test('a source that throws ends the instance', async () => {
    for (const at of [1, 2]) {
      const component = await compile({ attack: '' }, 'plain');
      const instance = await component.instantiate({ host: hostOf().functions });
      const func = exported(component, 'f');
      let taken = 0;
      const next = () => {
        if (++taken === at) throw new TypeError('no more');
        return { func, args: [] };
      };
      const source = { next, done: () => undefined, invalid: () => undefined };
      await assertEnds(async () => instance.pump(source), { code: 'INTERNAL' });
      await assertDead(instance, { code: 'INTERNAL' });
    }
  });
});

/** An object that is treated as a promise. */
const thenable = (then: (resolve: (value: unknown) => void) => void): object => Object.fromEntries([['then', then]]);

/** What a host function does, and how the guest must end. */
const BAD_HOSTS: readonly (readonly [what: string, result: () => unknown, end: End])[] = [
  [
    'throws',
    () => {
      throw new TypeError('a bug');
    },
    { code: 'INTERNAL' },
  ],
  [
    'throws a string',
    () => {
      throw 'a string';
    },
    { code: 'INTERNAL' },
  ],
  [
    'throws nothing',
    () => {
      throw undefined;
    },
    { code: 'INTERNAL' },
  ],
  [
    'throws an object without a prototype',
    () => {
      throw Object.create(null);
    },
    { code: 'INTERNAL' },
  ],
  [
    'throws what cannot be shown',
    () => {
      throw {
        toString: () => {
          throw new Error('no');
        },
      };
    },
    { code: 'INTERNAL' },
  ],
  [
    'throws a proxy that throws',
    () => {
      throw hostileProxy();
    },
    { code: 'INTERNAL' },
  ],
  [
    'recurs for ever',
    function again(): unknown {
      return again();
    },
    { code: 'COMPONENT_TRAPPED', details: { trap: 'stack-overflow' } },
  ],
  ['rejects', () => Promise.reject(new TypeError('a bug')), { code: 'INTERNAL' }],
  ['rejects with nothing', () => Promise.reject(), { code: 'INTERNAL' }],
  ['gives a number', () => 3, { code: 'VALUE_INVALID' }],
  ['gives nothing', () => undefined, { code: 'VALUE_INVALID' }],
  ['gives a boxed string', () => Object('text'), { code: 'VALUE_INVALID' }],
  ['gives a symbol', () => Symbol('text'), { code: 'VALUE_INVALID' }],
  ['gives a promise of a number', () => Promise.resolve(3), { code: 'VALUE_INVALID' }],
  ['gives a proxy that throws', () => hostileProxy(), { code: 'INTERNAL' }],
  [
    'gives a thenable that throws',
    () =>
      thenable(() => {
        throw new TypeError('a bug');
      }),
    { code: 'INTERNAL' },
  ],
  [
    'gives a `then` that throws when read',
    () =>
      Object.defineProperty({}, 'then', {
        get: () => {
          throw new TypeError('a bug');
        },
      }),
    { code: 'INTERNAL' },
  ],
];

function hostileProxy(): object {
  const refuse = (): never => {
    throw new TypeError('a trap of the proxy');
  };
  return new Proxy(
    {},
    { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse },
  );
}

describe('Hostile guests: hosts that misbehave', () => {
  for (const [what, result, end] of BAD_HOSTS) {
    for (const guard of GUARDS) {
      test(`a host function ${what} (${guard})`, async () => {
        const host = hostOf({ get: result });
        const instance = await start({ attack: '(call $get (i32.const 64)) (call $call)' }, guard, { host });
        await assertEnds(() => instance.call('f'), end);
        await assertDead(instance, end);
        assert.deepEqual(host.log, ['get'], 'the guest did not go on');
      });
    }
  }

  test('a thenable that settles twice and later throws', async () => {
    const twice = thenable((resolve) => {
      resolve('one');
      resolve('two');
      throw new Error('three');
    });
    const instance = await start({ attack: '(call $get (i32.const 64))' }, 'plain', {
      host: hostOf({ get: () => twice }),
    });
    await instance.call('f');
    assert.equal(instance.failure, undefined);
  });

  test('an overflow of the stack below a deep host is the caller’s too', async () => {
    const instance = await start({ attack: '' }, 'plain');
    const deep = (left: number): Promise<unknown> => (left === 0 ? instance.call('echo', ['deep']) : deep(left - 1));
    assert.equal(await deep(2000), 'deep');
  });
});

describe('Hostile guests: resources of the dead', () => {
  for (const guard of GUARDS) {
    test(`what an instance made is gone with it (${guard})`, async () => {
      const instance = await start({ attack: '(unreachable)', dtor: '(call $call)' }, guard);
      const resource = await instance.call('mine');
      assert.ok(resource instanceof GuestResource);
      await assertEnds(() => instance.call('f'), { code: 'COMPONENT_TRAPPED' });
      assert.equal(resource.alive, false);
      resource.drop();
    });

    test(`a destructor that traps ends its instance (${guard})`, async () => {
      const instance = await start({ attack: '', dtor: '(unreachable)' }, guard);
      const resource = (await instance.call('mine')) as GuestResource;
      const end = { code: 'COMPONENT_TRAPPED', details: { trap: 'unreachable' } } as const;
      await assertEnds(() => resource.drop(), end);
      await assertDead(instance, end);
      resource.drop();
    });

    test(`a destructor cannot wait (${guard})`, async () => {
      const host = hostOf({ call: never });
      const instance = await start({ attack: '', dtor: '(call $call)' }, guard, { host });
      const resource = (await instance.call('mine')) as GuestResource;
      const end = { code: 'COMPONENT_TRAPPED', details: { trap: 'cannot-suspend' } } as const;
      await assertEnds(() => resource.drop(), end);
      await assertDead(instance, end);
    });

    test(`a destructor cannot wait during a call either (${guard})`, async () => {
      const host = hostOf({ call: never });
      const attack = '(call $drop-mine (call $new-mine (i32.const 1)))';
      const instance = await start({ attack, dtor: '(call $call)' }, guard, { host });
      const end = { code: 'COMPONENT_TRAPPED', details: { trap: 'cannot-suspend' } } as const;
      await assertEnds(() => instance.call('f'), end);
      await assertDead(instance, end);
    });
  }
});
