/** What a guest had goes back to the process when it ends, however it ends, and whoever still holds its instance. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ComponentInstance } from '../../src/component/index.ts';
import { compile, type Guest, hostOf } from './kit.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** More than there can be linear memories in one process at a time. */
const MANY = 17_000;

const never = (): Promise<never> => new Promise(() => {});

/** A way to end; gives what the test holds on to afterwards. */
interface Ending {
  readonly name: string;
  readonly guest: Guest;
  readonly host?: Parameters<typeof hostOf>[0];
  readonly end: (instance: ComponentInstance) => Promise<unknown> | unknown;
}

const ENDINGS: readonly Ending[] = [
  { name: 'trapped', guest: { attack: '(unreachable)' }, end: (instance) => instance.call('f').catch(() => instance) },
  {
    name: 'killed between calls',
    guest: { attack: '' },
    end: async (instance) => {
      await instance.call('f');
      instance.kill();
      return instance;
    },
  },
  {
    name: 'killed while it waited',
    guest: { attack: '(call $call)' },
    host: { call: never },
    end: async (instance) => {
      const ended = instance.call('f').catch(() => undefined);
      instance.kill();
      await ended;
      return instance;
    },
  },
  {
    name: 'gone while the host holds a resource of its',
    guest: { attack: '' },
    end: async (instance) => {
      const resource = await instance.call('mine');
      instance.kill();
      return resource;
    },
  },
];

/** The linear memory of an instance, which nothing outside of it can see. */
function memoryOf(instance: ComponentInstance): WeakRef<WebAssembly.Memory> {
  const { cores } = instance as unknown as { cores: Record<string, unknown>[] };
  const memory = cores.flatMap((core) => Object.values(core)).find((item) => item instanceof WebAssembly.Memory);
  assert.ok(memory instanceof WebAssembly.Memory);
  return new WeakRef(memory);
}

describe('Hostile guests: nothing is left of them', () => {
  for (const { name, guest, host, end } of ENDINGS) {
    test(`the memory of one that is ${name}`, async () => {
      const component = await compile(guest, 'legacy catch_all');
      const held: unknown[] = [];
      const memories: WeakRef<WebAssembly.Memory>[] = [];
      for (let count = 0; count < 50; count++) {
        const instance = await component.instantiate({ host: hostOf(host).functions });
        memories.push(memoryOf(instance));
        held.push(await end(instance));
      }
      for (let round = 0; round < 10 && memories.some((memory) => memory.deref() !== undefined); round++) {
        await new Promise((resolve) => setImmediate(resolve));
        collect();
      }
      assert.equal(memories.filter((memory) => memory.deref() !== undefined).length, 0);
      assert.equal(held.length, 50);
    });
  }

  test('the process has room for thousands, one after the other', async () => {
    const component = await compile({ attack: '(unreachable)' }, 'plain');
    const { functions } = hostOf();
    const held: ComponentInstance[] = [];
    for (let count = 0; count < MANY; count++) {
      const instance = await component.instantiate({ host: functions });
      instance.kill();
      held.push(instance);
    }
    assert.ok(held.every((instance) => instance.failure?.code === 'COMPONENT_KILLED'));
  });

  test('stacks of guests that were killed while they waited', async () => {
    const component = await compile({ attack: '(call $call)' }, 'try_table catch_all');
    const { functions } = hostOf({ call: never });
    const round = async (): Promise<number> => {
      for (let count = 0; count < 300; count++) {
        const instance = await component.instantiate({ host: functions });
        const ended = instance.call('f').catch(() => undefined);
        instance.kill();
        await ended;
      }
      collect();
      return process.memoryUsage().rss;
    };
    await round();
    const before = await round();
    for (let times = 0; times < 4; times++) await round();
    const grown = (await round()) - before;
    // A suspended stack that is lost takes eight kilobytes or more: 1,500 of them would be twelve megabytes.
    assert.ok(grown < 8 * 2 ** 20, `${grown} bytes more after 1,500 guests`);
  });
});
