import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import type { ResourceSymbol, ValueType } from '../binary/index.ts';
import { HostResourceType } from '../host.ts';
import { FakeGuest, params, prim, thrownBy } from './harness.suite.ts';
import { compileImport } from './index.ts';

const text = prim('string');
const echo = compileImport({ params: params(text), result: text }, 'utf8');
const size = compileImport({ params: params(text), result: prim('u32') }, 'utf8');
const notify = compileImport({ params: [], result: undefined }, 'utf8');

/** A promise with its ends in the hand. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  return Promise.withResolvers<T>();
}

function textAt(guest: FakeGuest, out: number): string {
  const [ptr, length] = new Uint32Array(guest.memory.buffer, out, 2) as unknown as [number, number];
  return Buffer.from(guest.bytes.subarray(ptr, ptr + length)).toString();
}

describe('ImportStub.bindSync', () => {
  test('bindSync records and throws what the host throws', () => {
    const guest = new FakeGuest();
    const denied = new RuntimeError('CAPABILITY_DENIED', 'Denied');
    const core = notify.bindSync(guest.ctx, () => {
      throw denied;
    });
    assert.equal(
      thrownBy(() => core()),
      denied,
    );
    assert.equal(guest.state.failure, denied);
    const fault = new TypeError('bug');
    const other = new FakeGuest();
    const broken = notify.bindSync(other.ctx, () => {
      throw fault;
    });
    assert.equal(
      thrownBy(() => broken()),
      fault,
    );
    assert.ok(RuntimeError.is(other.state.failure, 'INTERNAL'));
    assert.equal(other.state.failure.cause, fault);
  });

  test('bindSync keeps the first reason', () => {
    const guest = new FakeGuest();
    const first = new RuntimeError('COMPONENT_KILLED', 'Killed');
    guest.state.failure = first;
    const core = notify.bindSync(guest.ctx, () => {
      throw new Error('second');
    });
    thrownBy(() => core());
    assert.equal(guest.state.failure, first);
  });

  test('bindSync refuses a promise, by the name of the function', async () => {
    for (const stub of [notify, size, echo]) {
      const guest = new FakeGuest();
      const core = stub.bindSync(guest.ctx, async function readAll() {
        throw new Error('nobody hears this');
      });
      const error = thrownBy(() => core(0, 0, 8));
      assert.ok(RuntimeError.is(error, 'INTERNAL'));
      assert.match(error.message, /"readAll" returned a promise/);
      assert.equal(guest.state.failure, error);
    }
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would end the process here
  });

  test('bindSync records what a hostile result throws while it is read', () => {
    const guest = new FakeGuest();
    guest.state.resourceTypes.push(new HostResourceType('file'));
    const resource: ResourceSymbol = { slot: 0, name: 'file', origin: { kind: 'import', path: ['file'] } };
    const type: ValueType = { kind: 'tuple', types: [{ kind: 'own', resource }, text] };
    const hostile = new Proxy([], {
      get() {
        throw new Error('hostile');
      },
    });
    const core = compileImport({ params: [], result: type }, 'utf8').bindSync(guest.ctx, () => hostile);
    assert.throws(() => core(8), { message: 'hostile' });
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bindSync names the place in a wrong result', () => {
    const guest = new FakeGuest();
    const type: ValueType = { kind: 'result', ok: { kind: 'tuple', types: [text, prim('u8')] }, error: undefined };
    const core = compileImport({ params: [], result: type }, 'utf8').bindSync(guest.ctx, () => ({
      tag: 'ok',
      val: ['a', -1],
    }));
    const error = thrownBy(() => core(64));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    assert.equal(error.message, 'Cannot pass result.val[1]: expected integer from 0 to 255, got another number');
    assert.equal(guest.state.failure, error);
  });

  test('bindSync reads its arguments from the memory as it is when it is called', () => {
    const guest = new FakeGuest();
    const seen: unknown[] = [];
    const core = size.bindSync(guest.ctx, (value: string) => seen.push(value));
    guest.memory.grow(1);
    guest.bytes.set(Buffer.from('new'), 70_000);
    assert.equal(core(70_000, 3), 1);
    assert.deepEqual(seen, ['new']);
  });
});

describe('ImportStub.bindBlocking', () => {
  test('bindBlocking returns 0 and leaves the flat result when the host does not wait', () => {
    const guest = new FakeGuest();
    assert.equal(size.bindBlocking(guest.ctx, () => 7)(0, 0), 0);
    assert.equal(guest.state.suspension.value, 7);
    assert.equal(guest.state.suspension.promise, undefined);
    assert.equal(echo.bindBlocking(guest.ctx, () => 'done')(0, 0, 8), 0);
    assert.equal(textAt(guest, 8), 'done');
  });

  test('bindBlocking returns 1 and a promise that settles when the results are in memory', async () => {
    const guest = new FakeGuest();
    const reply = deferred<string>();
    assert.equal(echo.bindBlocking(guest.ctx, () => reply.promise)(0, 0, 8), 1);
    guest.memory.grow(1);
    reply.resolve('later');
    await guest.state.suspension.promise;
    assert.equal(textAt(guest, 8), 'later');
    assert.equal(guest.state.failure, undefined);

    const number = deferred<number>();
    assert.equal(size.bindBlocking(guest.ctx, () => number.promise)(0, 0), 1);
    number.resolve(9);
    await guest.state.suspension.promise;
    assert.equal(guest.state.suspension.value, 9);
  });

  test('bindBlocking rejects and records when the host rejects, or resolves with a wrong value', async () => {
    const guest = new FakeGuest();
    const fault = new RuntimeError('ASK_TIMEOUT', 'Late');
    echo.bindBlocking(guest.ctx, () => Promise.reject(fault))(0, 0, 8);
    await assert.rejects(guest.state.suspension.promise!, fault);
    assert.equal(guest.state.failure, fault);

    const other = new FakeGuest();
    echo.bindBlocking(other.ctx, async () => 7)(0, 0, 8);
    await assert.rejects(other.state.suspension.promise!, { code: 'VALUE_INVALID' });
    assert.ok(RuntimeError.is(other.state.failure, 'VALUE_INVALID'));
  });

  test('bindBlocking does nothing to the guest when it died meanwhile', async () => {
    const guest = new FakeGuest();
    const reply = deferred<string>();
    echo.bindBlocking(guest.ctx, () => reply.promise)(0, 0, 8);
    const before = guest.bytes.slice();
    const killed = new RuntimeError('COMPONENT_KILLED', 'Killed');
    guest.state.failure = killed;
    reply.resolve('late');
    await assert.rejects(guest.state.suspension.promise!, killed);
    assert.equal(guest.allocations, 0);
    assert.deepEqual(guest.bytes, before);
    assert.equal(guest.state.failure, killed);
  });

  test('bindBlocking lets nobody hear of a rejection without ending the process', async () => {
    const guest = new FakeGuest();
    notify.bindBlocking(guest.ctx, () => Promise.reject(new Error('unheard')))();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bindBlocking takes any thenable, also one that throws', async () => {
    const guest = new FakeGuest();
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    const thenable = { then: (resolve: (value: string) => void) => resolve('odd') };
    echo.bindBlocking(guest.ctx, () => thenable)(0, 0, 8);
    await guest.state.suspension.promise;
    assert.equal(textAt(guest, 8), 'odd');
    const hostile = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then() {
        throw new Error('hostile');
      },
    };
    assert.equal(echo.bindBlocking(guest.ctx, () => hostile)(0, 0, 8), 1);
    await assert.rejects(guest.state.suspension.promise!, { message: 'hostile' });
    assert.ok(RuntimeError.is(guest.state.failure, 'INTERNAL'));
  });

  test('bindBlocking lends until the promise settles, whichever way', async () => {
    const resource: ResourceSymbol = { slot: 0, name: 'file', origin: { kind: 'import', path: ['file'] } };
    const take = compileImport({ params: params({ kind: 'borrow', resource }), result: undefined }, 'utf8');
    const open = compileImport({ params: [], result: { kind: 'own', resource } }, 'utf8');
    for (const settle of ['resolve', 'reject'] as const) {
      const guest = new FakeGuest();
      guest.state.resourceTypes.push(new HostResourceType('file'));
      const handle = open.bindSync(guest.ctx, () => ({}))() as number;
      const reply = deferred<unknown>();
      take.bindBlocking(guest.ctx, () => reply.promise)(handle);
      assert.equal(guest.state.lenders.length, 1);
      reply[settle](undefined);
      await guest.state.suspension.promise?.catch(() => {});
      assert.equal(guest.state.lenders.length, 0);
    }
  });
});
