import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import type { ResourceSymbol, ValueType } from '../binary/index.ts';
import { HostResourceType } from '../host.ts';
import { Handle, HandleTable } from './handles.ts';
import { exported, FakeGuest, imported, list, params, prim, thrownBy } from './harness.suite.ts';
import {
  compileExport,
  compileImport,
  disposeHandles,
  GuestResource,
  GuestResourceType,
  InstanceState,
  resourceDrop,
  resourceNew,
  resourceRep,
} from './index.ts';

const FILE = 0;
const COUNTER = 1;
const FOREIGN = 2;

function symbol(slot: number, name: string): ResourceSymbol {
  return { slot, name, origin: { kind: 'import', path: [name] } };
}

const file = symbol(FILE, 'file');
const counter = symbol(COUNTER, 'counter');
const foreign = symbol(FOREIGN, 'foreign');

const own = (resource: ResourceSymbol): ValueType => ({ kind: 'own', resource });
const borrow = (resource: ResourceSymbol): ValueType => ({ kind: 'borrow', resource });

/** A guest that knows a resource of the host's (0), one of its own (1), and one of another component (2). */
class Fixture {
  readonly guest = new FakeGuest();
  readonly state = this.guest.state;
  readonly other = new InstanceState();
  readonly dropped: unknown[] = [];
  readonly destroyed: number[] = [];
  readonly counterType = new GuestResourceType('counter', this.state);
  readonly foreignType = new GuestResourceType('foreign', this.other);

  constructor() {
    this.state.resourceTypes.push(
      new HostResourceType('file', (value) => this.dropped.push(value)),
      this.counterType,
      this.foreignType,
    );
    this.counterType.dtor = (rep) => this.destroyed.push(rep);
    this.foreignType.dtor = (rep) => this.destroyed.push(-rep);
  }

  /** Hands the guest an owned handle of `value`. */
  give(resource: ResourceSymbol, value: unknown): number {
    const stub = compileImport({ params: [], result: own(resource) }, 'utf8');
    return imported(this.guest.ctx, stub, () => value)() as number;
  }

  /** Passes flat values to an import of these parameters; gives what the host gets. */
  pass(types: readonly ValueType[], ...flats: number[]): unknown[] {
    let seen: unknown[] = [];
    const stub = compileImport({ params: params(...types), result: undefined }, 'utf8');
    imported(this.guest.ctx, stub, (...values) => {
      seen = values;
    })(...flats);
    return seen;
  }

  drop(resource: ResourceSymbol, handle: number): void {
    resourceDrop(this.state, resource.slot)(handle);
  }
}

function ruleOf(work: () => unknown): unknown {
  const error = thrownBy(work);
  assert.ok(RuntimeError.is(error, 'COMPONENT_TRAPPED'), String(error));
  return error.details.rule;
}

describe('HandleTable', () => {
  test('HandleTable never uses index 0, and uses the index that was freed last', () => {
    const table = new HandleTable();
    const handle = new Handle({}, 1, undefined);
    assert.deepEqual([table.add(handle), table.add(handle), table.add(handle)], [1, 2, 3]);
    table.remove(1);
    table.remove(3);
    assert.deepEqual([table.add(handle), table.add(handle), table.add(handle)], [3, 1, 4]);
    assert.equal(table.size, 4);
  });

  test('HandleTable refuses more handles than its limit', () => {
    const table = new HandleTable(2);
    const handle = new Handle({}, 1, undefined);
    table.add(handle);
    table.add(handle);
    const error = thrownBy(() => table.add(handle));
    assert.ok(RuntimeError.is(error, 'COMPONENT_LIMIT'));
    assert.deepEqual(error.details, { limit: 'handles', limitValue: 2 });
    table.remove(1);
    assert.equal(table.add(handle), 1);
  });
});

describe('host resources', () => {
  test('an object of the host passes as a handle and comes back as itself', () => {
    const fixture = new Fixture();
    const value = { path: '/a' };
    const handle = fixture.give(file, value);
    assert.equal(handle, 1);
    assert.deepEqual(fixture.pass([borrow(file)], handle), [value]);
    assert.equal(fixture.pass([own(file)], handle)[0], value);
    assert.equal(fixture.state.handles.size, 0);
    assert.deepEqual(fixture.dropped, [], 'what is given back is the host’s to drop');
  });

  test('resourceDrop runs the destructor of the host once', () => {
    const fixture = new Fixture();
    const value = {};
    const handle = fixture.give(file, value);
    fixture.drop(file, handle);
    assert.deepEqual(fixture.dropped, [value]);
    assert.equal(
      ruleOf(() => fixture.drop(file, handle)),
      'handle-missing',
    );
  });

  test('resourceDrop records what the destructor of the host throws', () => {
    const fixture = new Fixture();
    const fault = new Error('disk');
    fixture.state.resourceTypes[FILE] = new HostResourceType('file', () => {
      throw fault;
    });
    const handle = fixture.give(file, {});
    assert.throws(
      () => fixture.drop(file, handle),
      (error) => error === fault,
    );
    assert.ok(RuntimeError.is(fixture.state.failure, 'INTERNAL'));
  });

  test('ImportStub traps for handles that are missing, of another type, lent, or only borrowed', () => {
    const fixture = new Fixture();
    assert.equal(
      ruleOf(() => fixture.pass([own(file)], 0)),
      'handle-missing',
    );
    assert.equal(
      ruleOf(() => fixture.pass([borrow(file)], 1)),
      'handle-missing',
    );
    assert.equal(
      ruleOf(() => fixture.pass([borrow(file)], -1)),
      'handle-missing',
    );
    const handle = fixture.give(file, {});
    assert.equal(
      ruleOf(() => fixture.pass([own(counter)], handle)),
      'handle-type',
    );
    assert.equal(
      ruleOf(() => fixture.pass([borrow(file), own(file)], handle, handle)),
      'handle-lent',
    );
    assert.equal(
      ruleOf(() => fixture.pass([own(file), borrow(file)], handle, handle)),
      'handle-missing',
    );
  });

  test('ImportStub takes what is no object, or a resource of a guest, for no host resource', () => {
    for (const wrong of [undefined, null, 'text', 7, new GuestResource(new Fixture().counterType, 1)]) {
      const error = thrownBy(() => new Fixture().give(file, wrong));
      assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
      assert.match(error.message, /Cannot pass result: expected live resource "file"/);
    }
  });

  test('ImportStub lends for the time of the call: the guest cannot drop meanwhile, and can afterwards (A5)', () => {
    const fixture = new Fixture();
    const handle = fixture.give(file, {});
    let during: unknown;
    const stub = compileImport({ params: params(borrow(file)), result: undefined }, 'utf8');
    imported(fixture.guest.ctx, stub, () => {
      during = ruleOf(() => fixture.drop(file, handle));
    })(handle);
    assert.equal(during, 'handle-lent');
    fixture.drop(file, handle);
    assert.equal(fixture.dropped.length, 1);
  });

  test('ImportStub ends the lending also when the host throws', () => {
    const fixture = new Fixture();
    const handle = fixture.give(file, {});
    const stub = compileImport({ params: params(borrow(file)), result: undefined }, 'utf8');
    const core = imported(fixture.guest.ctx, stub, () => {
      throw new Error('host');
    });
    thrownBy(() => core(handle));
    assert.equal(fixture.state.lenders.length, 0);
    fixture.drop(file, handle);
  });

  test('disposeHandles drops what a dead instance owned, whatever the destructors throw', () => {
    const fixture = new Fixture();
    const fault = new Error('disk');
    const values = [{ at: 1 }, { at: 2 }, { at: 3 }];
    fixture.state.resourceTypes[FILE] = new HostResourceType<{ at: number }>('file', (value) => {
      fixture.dropped.push(value);
      if (value.at === 2) throw fault;
    });
    for (const value of values) fixture.give(file, value);
    fixture.give(counter, new GuestResource(fixture.counterType, 9));
    assert.deepEqual(disposeHandles(fixture.state), [fault]);
    assert.deepEqual(fixture.dropped, values);
    assert.deepEqual(fixture.destroyed, [], 'no code of a dead instance runs');
    assert.deepEqual(disposeHandles(fixture.state), []);
  });
});

describe('host resources of an instance that dies (A7)', () => {
  const opens = compileImport({ params: [], result: { kind: 'result', ok: own(file), error: prim('string') } }, 'utf8');

  test('disposeHandles drops what the guest gave away in a call that it did not survive', () => {
    const fixture = new Fixture();
    const value = {};
    const handle = fixture.give(file, value);
    assert.equal(
      ruleOf(() => fixture.pass([own(file), prim('string')], handle, 0, -1)),
      'string-length',
    );
    disposeHandles(fixture.state);
    assert.deepEqual(fixture.dropped, [value]);

    const other = new Fixture();
    const given = other.give(file, value);
    assert.equal(other.pass([own(file)], given)[0], value);
    disposeHandles(other.state);
    assert.deepEqual(other.dropped, [], 'the host has it');
  });

  test('ExportStub.lower leaves every resource in a call that traps to be dropped, once', () => {
    const { guest, state, dropped } = new Fixture();
    const values = [{}, {}];
    guest.answer = -1;
    const stub = compileExport({ params: params(own(file), prim('string'), own(file)), result: undefined }, 'utf8');
    assert.equal(
      ruleOf(() => stub.lower(guest.ctx, [values[0], 'text', values[1]], [])),
      'realloc-bounds',
    );
    disposeHandles(state);
    assert.deepEqual(dropped, [values[1], values[0]]);
  });

  test('ImportStub drops a resource that comes after the instance died', async () => {
    const fixture = new Fixture();
    const value = {};
    const { promise, resolve } = Promise.withResolvers<unknown>();
    opens.bind(fixture.guest.ctx, () => promise)(8);
    fixture.state.failure = new RuntimeError('COMPONENT_KILLED', 'Killed');
    resolve({ tag: 'ok', val: value });
    await assert.rejects(fixture.state.suspension.promise!, { code: 'COMPONENT_KILLED' });
    assert.deepEqual(fixture.dropped, [value]);
  });

  test('ImportStub drops a resource whose way into the guest traps', () => {
    const fixture = new Fixture();
    const values = [{}, {}];
    assert.equal(
      ruleOf(() => imported(fixture.guest.ctx, opens, () => ({ tag: 'ok', val: values[0] }))(2)),
      'pointer-align',
    );
    assert.deepEqual(fixture.dropped, [values[0]]);
    const many = compileImport(
      { params: [], result: { kind: 'tuple', types: [own(file), own(file), prim('u8')] } },
      'utf8',
    );
    const error = thrownBy(() => imported(fixture.guest.ctx, many, () => [values[0], values[1], 'no number'])(8));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    disposeHandles(fixture.state);
    assert.deepEqual(fixture.dropped, [values[0], values[0], values[1]], 'each once, by the table or by the stub');
  });
});

describe('guest resources', () => {
  test('resourceNew, resourceRep and resourceDrop keep a number of the guest’s', () => {
    const { state, destroyed } = new Fixture();
    const handle = resourceNew(state, COUNTER)(-5);
    assert.equal(resourceRep(state, COUNTER)(handle), -5);
    assert.equal(
      ruleOf(() => resourceRep(state, FILE)(handle)),
      'handle-type',
    );
    resourceDrop(state, COUNTER)(handle);
    assert.deepEqual(destroyed, [-5]);
    assert.equal(
      ruleOf(() => resourceRep(state, COUNTER)(handle)),
      'handle-missing',
    );
    assert.equal((state.failure as RuntimeError).details.rule, 'handle-type', 'the first reason is kept');
  });

  test('resourceNew and resourceDrop trap while the guest may not call out', () => {
    const { state } = new Fixture();
    const handle = resourceNew(state, COUNTER)(1);
    state.mayLeave = false;
    assert.equal(
      ruleOf(() => resourceNew(state, COUNTER)(1)),
      'cannot-leave',
    );
    assert.equal(
      ruleOf(() => resourceDrop(state, COUNTER)(handle)),
      'cannot-leave',
    );
    assert.equal(resourceRep(state, COUNTER)(handle), 1);
  });

  test('GuestResource comes out of a result, goes back as an argument, and is gone then', () => {
    const { guest, state, counterType } = new Fixture();
    const make = compileExport({ params: [], result: own(counter) }, 'utf8');
    const resource = exported(guest.ctx, make, () => resourceNew(state, COUNTER)(41))();
    assert.ok(resource instanceof GuestResource);
    assert.equal(resource.typeName, 'counter');
    assert.equal(resource.alive, true);
    assert.equal(state.handles.size, 0);

    const consume = compileExport({ params: params(own(counter)), result: undefined }, 'utf8');
    let rep: number | undefined;
    const core = (handle: number) => {
      rep = resourceRep(state, COUNTER)(handle);
    };
    exported(guest.ctx, consume, core)(resource);
    assert.equal(rep, 41);
    assert.equal(resource.alive, false);
    const error = thrownBy(() => consume.lower(guest.ctx, [resource], []));
    assert.ok(RuntimeError.is(error, 'VALUE_INVALID'));
    assert.match(error.message, /args\[0\]: expected live resource "counter"/);
    assert.equal(counterType.owner, state);
  });

  test('GuestResource cannot be given away twice in one call', () => {
    const { guest, state, counterType } = new Fixture();
    const resource = new GuestResource(counterType, 1);
    const message = 'Cannot pass args[1]: the resource "counter" cannot be given away and passed again';
    for (const [first, second] of [
      [own, own],
      [own, borrow],
      [borrow, own],
    ] as const) {
      const stub = compileExport({ params: params(first(counter), second(counter)), result: undefined }, 'utf8');
      assert.throws(() => stub.lower(guest.ctx, [resource, resource], []), { code: 'VALUE_INVALID', message });
      assert.deepEqual([resource.alive, resource.lends, state.handles.size, state.scope], [true, 0, 0, undefined]);
    }
    const both = compileExport({ params: params(borrow(counter), borrow(counter)), result: undefined }, 'utf8');
    both.lower(guest.ctx, [resource, resource], []);
    assert.equal(resource.lends, 2);
  });

  test('ExportStub.lower takes every handle back when a later argument is refused', () => {
    const fixture = new Fixture();
    const { guest, state, counterType, foreignType } = fixture;
    const resource = new GuestResource(foreignType, 2);
    const gone = new GuestResource(counterType, 1);
    const value = {
      length: 2,
      0: {},
      get 1() {
        gone.take(); // the second time that it is looked at, it is no more to be had
        return gone;
      },
    };
    const given: ValueType = { kind: 'tuple', types: [own(file), own(counter)] };
    const stub = compileExport({ params: params(own(foreign), borrow(file), given), result: undefined }, 'utf8');
    fixture.give(file, {});
    assert.throws(() => stub.lower(guest.ctx, [resource, {}, value], []), { code: 'VALUE_INVALID' });
    assert.deepEqual([resource.alive, state.handles.size, state.scope], [true, 1, undefined]);
    assert.equal(fixture.give(file, {}), 2, 'the next handle has the number that it would have had');
  });

  test('GuestResource.drop runs the destructor once, and not for a dead instance', () => {
    const { state, counterType, destroyed } = new Fixture();
    const resource = new GuestResource(counterType, 3);
    resource.drop();
    resource[Symbol.dispose]();
    assert.deepEqual(destroyed, [3]);
    const late = new GuestResource(counterType, 4);
    state.failure = new RuntimeError('COMPONENT_KILLED', 'Killed');
    assert.equal(late.alive, false);
    late.drop();
    assert.deepEqual(destroyed, [3]);
  });

  test('GuestResource.drop refuses while its component is in a call', () => {
    const { state, counterType, destroyed } = new Fixture();
    const resource = new GuestResource(counterType, 3);
    state.mayEnter = false;
    assert.throws(() => resource.drop(), { code: 'COMPONENT_BUSY' });
    state.mayEnter = true;
    resource.drop();
    assert.deepEqual(destroyed, [3]);
  });

  test('GuestResource.drop keeps the instance closed while the destructor runs, and for good if it traps', () => {
    const { state, counterType } = new Fixture();
    let during: boolean | undefined;
    counterType.dtor = () => {
      during = state.mayEnter;
    };
    new GuestResource(counterType, 1).drop();
    assert.deepEqual([during, state.mayEnter], [false, true]);
    const fault = new WebAssembly.RuntimeError('unreachable');
    counterType.dtor = () => {
      throw fault;
    };
    assert.throws(
      () => new GuestResource(counterType, 1).drop(),
      (error) => error === fault,
    );
    assert.ok(RuntimeError.is(state.failure, 'COMPONENT_TRAPPED'));
    assert.equal(state.mayEnter, false);
  });

  test('a resource that the guest lends to the host is gone when the call ends', () => {
    const fixture = new Fixture();
    const handle = resourceNew(fixture.state, COUNTER)(5);
    const [lent] = fixture.pass([borrow(counter)], handle) as [GuestResource];
    assert.equal(lent.alive, false);
    assert.equal(fixture.state.lenders.length, 0);
    fixture.drop(counter, handle);
    assert.deepEqual(fixture.destroyed, [5]);
  });

  test('resourceDrop of a resource of another component enters that component, also in a call', () => {
    const fixture = new Fixture();
    fixture.other.mayEnter = false; // as during a call: the host may not enter
    const handle = fixture.give(foreign, new GuestResource(fixture.foreignType, 7));
    fixture.drop(foreign, handle);
    assert.deepEqual(fixture.destroyed, [-7]);
    assert.equal(fixture.other.mayEnter, false);
  });

  test('resourceDrop traps when a destructor would enter the component again that waits for it', () => {
    const fixture = new Fixture();
    const { state, other } = fixture;
    other.resourceTypes[COUNTER] = fixture.counterType;
    const back = other.handles.add(new Handle(fixture.counterType, 1, undefined));
    fixture.foreignType.dtor = () => resourceDrop(other, COUNTER)(back);
    const handle = fixture.give(foreign, new GuestResource(fixture.foreignType, 7));
    assert.equal(
      ruleOf(() => fixture.drop(foreign, handle)),
      'reenter',
    );
    assert.equal((state.failure as RuntimeError).details.rule, 'reenter');
    assert.deepEqual(fixture.destroyed, []);
  });
});

describe('borrowed arguments of exports (A5)', () => {
  const takesFile = compileExport({ params: params(borrow(file)), result: undefined }, 'utf8');

  test('ExportStub lends a host resource, which the guest has to drop before it returns', () => {
    const fixture = new Fixture();
    exported(fixture.guest.ctx, takesFile, (handle: number) => fixture.drop(file, handle))({});
    assert.deepEqual(fixture.dropped, [], 'a borrow ends without the destructor');
    assert.equal(fixture.state.scope, undefined);
    assert.equal(
      ruleOf(() => exported(fixture.guest.ctx, takesFile, () => undefined)({})),
      'borrow-remains',
    );
  });

  test('ExportStub.lift checks the borrows of the call that ExportStub.lower began', () => {
    const fixture = new Fixture();
    const flats: number[] = [];
    takesFile.lower(fixture.guest.ctx, [{}], flats);
    assert.equal(
      ruleOf(() => takesFile.lift(fixture.guest.ctx, undefined)),
      'borrow-remains',
    );
    const again = new Fixture();
    takesFile.lower(again.guest.ctx, [{}], flats);
    again.drop(file, flats[0]!);
    takesFile.lift(again.guest.ctx, undefined);
  });

  test('a guest cannot give away what it only borrows', () => {
    const fixture = new Fixture();
    const core = (handle: number) => fixture.pass([own(file)], handle);
    assert.equal(
      ruleOf(() => exported(fixture.guest.ctx, takesFile, core)({})),
      'handle-not-own',
    );
  });

  test('a guest can lend on what it borrows, but not drop it meanwhile', () => {
    const fixture = new Fixture();
    const value = {};
    let seen: unknown;
    const core = (handle: number) => {
      [seen] = fixture.pass([borrow(file)], handle);
      fixture.drop(file, handle);
    };
    exported(fixture.guest.ctx, takesFile, core)(value);
    assert.equal(seen, value);
  });

  test('ExportStub gives the guest that defines the resource its own number, and keeps the host from dropping it', () => {
    const { guest, counterType, destroyed } = new Fixture();
    const resource = new GuestResource(counterType, 77);
    let rep: number | undefined;
    const stub = compileExport({ params: params(borrow(counter)), result: undefined }, 'utf8');
    const core = (value: number) => {
      rep = value;
      assert.throws(() => resource.drop(), { code: 'COMPONENT_BUSY' });
    };
    exported(guest.ctx, stub, core)(resource);
    assert.equal(rep, 77);
    assert.equal(resource.lends, 0);
    resource.drop();
    assert.deepEqual(destroyed, [77]);
  });

  test('ExportStub gives another guest a handle that ends with the call', () => {
    const fixture = new Fixture();
    const resource = new GuestResource(fixture.foreignType, 5);
    const stub = compileExport({ params: params(list(borrow(foreign))), result: prim('u32') }, 'utf8');
    const core = (ptr: number, length: number) => {
      const handles = [...new Uint32Array(fixture.guest.memory.buffer, ptr, length)];
      for (const handle of handles) fixture.drop(foreign, handle);
      return length;
    };
    assert.equal(exported(fixture.guest.ctx, stub, core)([resource, resource]), 2);
    assert.deepEqual([resource.alive, resource.lends], [true, 0]);
  });

  test('ExportStub.lower leaves no scope and no lend behind when an argument changes after it was checked', () => {
    const { guest, state, counterType } = new Fixture();
    const resource = new GuestResource(counterType, 1);
    let reads = 0;
    const shifty = {
      get x(): unknown {
        reads++;
        return reads === 1 ? 'text' : 7;
      },
    };
    const record: ValueType = { kind: 'record', fields: [{ name: 'x', type: prim('string') }] };
    const stub = compileExport({ params: params(borrow(counter), record), result: undefined }, 'utf8');
    assert.throws(() => stub.lower(guest.ctx, [resource, shifty], []), { code: 'VALUE_INVALID' });
    assert.deepEqual([state.scope, resource.lends], [undefined, 0]);
  });

  test('ExportStub.lower leaves no scope and no lend behind when an argument is refused', () => {
    const { guest, state, counterType } = new Fixture();
    const resource = new GuestResource(counterType, 1);
    const stub = compileExport({ params: params(borrow(counter), prim('string')), result: undefined }, 'utf8');
    assert.throws(() => stub.lower(guest.ctx, [resource, 7], []), { code: 'VALUE_INVALID' });
    assert.deepEqual([state.scope, resource.lends, state.handles.size], [undefined, 0, 0]);
  });
});
