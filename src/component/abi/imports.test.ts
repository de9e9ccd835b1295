import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import type { ResourceSymbol, ValueType } from '../binary/index.ts';
import { HostResourceType } from '../host.ts';
import { FakeGuest, imported, params, prim, thrownBy } from './harness.suite.ts';
import { compileImport } from './index.ts';

const text = prim('string');
const echo = compileImport({ params: params(text), result: text }, 'utf8');
const size = compileImport({ params: params(text), result: prim('u32') }, 'utf8');
const notify = compileImport({ params: [], result: undefined }, 'utf8');
const file: ResourceSymbol = { slot: 0, name: 'file', origin: { kind: 'import', path: ['file'] } };

function textAt(guest: FakeGuest, out: number): string {
  const [ptr, length] = new Uint32Array(guest.memory.buffer, out, 2) as unknown as [number, number];
  return Buffer.from(guest.bytes.subarray(ptr, ptr + length)).toString();
}

describe('ImportStub.bind (A6)', () => {
  test('bind records and throws what the host throws', () => {
    const guest = new FakeGuest();
    const denied = new RuntimeError('CAPABILITY_DENIED', 'Denied');
    const core = notify.bind(guest.ctx, () => {
      throw denied;
    });
    assert.throws(
      () => core(),
      (error) => error === denied,
    );
    assert.equal(guest.state.failure, denied);
    const fault = new TypeError('bug');
    const other = new FakeGuest();
    const broken = notify.bind(other.ctx, () => {
      throw fault;
    });
    assert.throws(
      () => broken(),
      (error) => error === fault,
    );
    assert.ok(RuntimeError.is(other.state.failure, 'INTERNAL'));
    assert.equal(other.state.failure.cause, fault);
  });

  test('bind keeps the first reason', () => {
    const guest = new FakeGuest();
    const first = new RuntimeError('COMPONENT_KILLED', 'Killed');
    guest.state.failure = first;
    const core = notify.bind(guest.ctx, () => {
      throw new Error('second');
    });
    thrownBy(() => core());
    assert.equal(guest.state.failure, first);
  });

  test('bind records what a hostile result throws while it is read', () => {
    const guest = new FakeGuest();
    guest.state.resourceTypes.push(new HostResourceType('file'));
    const type: ValueType = { kind: 'tuple', types: [{ kind: 'own', resource: file }, text] };
    const hostile = new Proxy([], {
      get() {
        throw new Error('hostile');
      },
    });
    const core = compileImport({ params: [], result: type }, 'utf8').bind(guest.ctx, () => hostile);
    assert.throws(() => core(8), { message: 'hostile' });
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bind names the place in a wrong result', () => {
    const guest = new FakeGuest();
    const type: ValueType = { kind: 'result', ok: { kind: 'tuple', types: [text, prim('u8')] }, error: undefined };
    const core = compileImport({ params: [], result: type }, 'utf8').bind(guest.ctx, () => ({
      tag: 'ok',
      val: ['a', -1],
    }));
    const error = thrownBy(() => core(64));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    assert.equal(error.message, 'Cannot pass result.val[1]: expected integer from 0 to 255, got another number');
    assert.equal(guest.state.failure, error);
  });

  test('bind reads its arguments from the memory as it is when it is called', () => {
    const guest = new FakeGuest();
    const seen: unknown[] = [];
    const core = size.bind(guest.ctx, (value: string) => seen.push(value));
    guest.memory.grow(1);
    guest.bytes.set(Buffer.from('new'), 70_000);
    core(70_000, 3);
    assert.deepEqual(seen, ['new']);
  });

  test('bind returns 0 and leaves the flat result when the host does not wait', () => {
    const guest = new FakeGuest();
    assert.equal(size.bind(guest.ctx, () => 7)(0, 0), 0);
    assert.equal(guest.state.suspension.value, 7);
    assert.equal(guest.state.suspension.promise, undefined);
    assert.equal(echo.bind(guest.ctx, () => 'done')(0, 0, 8), 0);
    assert.equal(textAt(guest, 8), 'done');
  });

  test('bind returns 1 and a promise that settles when the results are in memory', async () => {
    const guest = new FakeGuest();
    const reply = Promise.withResolvers<string>();
    assert.equal(echo.bind(guest.ctx, () => reply.promise)(0, 0, 8), 1);
    guest.memory.grow(1);
    reply.resolve('later');
    await guest.state.suspension.promise;
    assert.equal(textAt(guest, 8), 'later');
    assert.equal(guest.state.failure, undefined);

    const number = Promise.withResolvers<number>();
    assert.equal(size.bind(guest.ctx, () => number.promise)(0, 0), 1);
    number.resolve(9);
    await guest.state.suspension.promise;
    assert.equal(guest.state.suspension.value, 9);
  });

  test('bind rejects and records when the host rejects, or resolves with a wrong value', async () => {
    const guest = new FakeGuest();
    const fault = new RuntimeError('ASK_TIMEOUT', 'Late');
    echo.bind(guest.ctx, () => Promise.reject(fault))(0, 0, 8);
    await assert.rejects(guest.state.suspension.promise!, fault);
    assert.equal(guest.state.failure, fault);

    const other = new FakeGuest();
    echo.bind(other.ctx, async () => 7)(0, 0, 8);
    await assert.rejects(other.state.suspension.promise!, { code: 'VALUE_INVALID' });
    assert.ok(RuntimeError.is(other.state.failure, 'VALUE_INVALID'));
  });

  test('bind does nothing to the guest when it died meanwhile', async () => {
    const guest = new FakeGuest();
    const reply = Promise.withResolvers<string>();
    echo.bind(guest.ctx, () => reply.promise)(0, 0, 8);
    const before = guest.bytes.slice();
    const killed = new RuntimeError('COMPONENT_KILLED', 'Killed');
    guest.state.failure = killed;
    reply.resolve('late');
    await assert.rejects(guest.state.suspension.promise!, killed);
    assert.equal(guest.allocations, 0);
    assert.deepEqual(guest.bytes, before);
    assert.equal(guest.state.failure, killed);
  });

  test('bind lets nobody hear of a rejection without ending the process', async () => {
    const guest = new FakeGuest();
    notify.bind(guest.ctx, () => Promise.reject(new Error('unheard')))();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bind takes any thenable, also one that throws', async () => {
    const guest = new FakeGuest();
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    const thenable = { then: (resolve: (value: string) => void) => resolve('odd') };
    echo.bind(guest.ctx, () => thenable)(0, 0, 8);
    await guest.state.suspension.promise;
    assert.equal(textAt(guest, 8), 'odd');
    const hostile = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then() {
        throw new Error('hostile');
      },
    };
    assert.equal(echo.bind(guest.ctx, () => hostile)(0, 0, 8), 1);
    await assert.rejects(guest.state.suspension.promise!, { message: 'hostile' });
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bind takes no promise for a resource, whatever is wrong with it', () => {
    const guest = new FakeGuest();
    const dropped: unknown[] = [];
    guest.state.resourceTypes.push(new HostResourceType('file', (value) => dropped.push(value)));
    const open = compileImport({ params: [], result: { kind: 'own', resource: file } }, 'utf8');
    const hostile = Object.defineProperty(Promise.resolve({}), 'constructor', {
      get() {
        throw new Error('hostile');
      },
    });
    assert.throws(() => open.bind(guest.ctx, () => hostile)(), { message: 'hostile' });
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
    assert.deepEqual(dropped, []);
  });

  test('bind lowers nothing into a guest that the host killed before it returned', () => {
    const guest = new FakeGuest();
    const killed = new RuntimeError('COMPONENT_KILLED', 'Killed');
    const core = echo.bind(guest.ctx, () => {
      guest.state.failure = killed;
      guest.state.mayLeave = false;
      return 'late';
    });
    assert.throws(
      () => core(0, 0, 8),
      (error) => error === killed,
    );
    assert.equal(guest.allocations, 0);
  });

  test('bind keeps the guest from calling out when the host kills it while its result is read', () => {
    const guest = new FakeGuest();
    const pair: ValueType = { kind: 'tuple', types: [text, text] };
    const core = compileImport({ params: [], result: pair }, 'utf8').bind(guest.ctx, () => ({
      length: 2,
      0: 'first',
      get 1() {
        guest.state.failure = new RuntimeError('COMPONENT_KILLED', 'Killed');
        guest.state.mayLeave = false;
        return 'second';
      },
    }));
    core(8);
    assert.equal(guest.state.mayLeave, false);
  });

  test('bind lends until the promise settles, whichever way', async () => {
    const take = compileImport({ params: params({ kind: 'borrow', resource: file }), result: undefined }, 'utf8');
    const open = compileImport({ params: [], result: { kind: 'own', resource: file } }, 'utf8');
    for (const settle of ['resolve', 'reject'] as const) {
      const guest = new FakeGuest();
      guest.state.resourceTypes.push(new HostResourceType('file'));
      const handle = imported(guest.ctx, open, () => ({}))() as number;
      const reply = Promise.withResolvers<unknown>();
      take.bind(guest.ctx, () => reply.promise)(handle);
      assert.equal(guest.state.lenders.length, 1);
      reply[settle](undefined);
      await guest.state.suspension.promise?.catch(() => {});
      assert.equal(guest.state.lenders.length, 0);
    }
  });
});
