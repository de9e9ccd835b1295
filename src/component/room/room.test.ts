import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { NodeRoom } from './room.ts';

/** More than this process uses of anything but of what a test limits. */
const MACHINE = { memories: 1_000, mappings: 1_000_000, residentBytes: 2 ** 50 };

function refusal(work: () => void): RuntimeError {
  try {
    work();
  } catch (error) {
    assert.ok(RuntimeError.is(error, 'NODE_LIMIT'));
    return error;
  }
  throw new assert.AssertionError({ message: 'it was not refused' });
}

test('NodeRoom refuses an instance beyond the memories, with what is used and the limit', () => {
  const room = new NodeRoom(MACHINE);
  room.limit({ memoriesMax: 10 });
  room.enter(10, 'new');
  const { details, kind, message } = refusal(() => room.enter(1, 'new'));
  assert.deepEqual([kind, details.resource, details.used, details.limit], ['overload', 'linear memories', 10, 10]);
  assert.match(message, /uses 10 linear memories, and 10 are its limit; stop some instances/);
  assert.equal(room.use.memories, 10);
  room.leave(3);
  room.enter(3, 'new');
});

test('NodeRoom keeps the last part of the memories for restarts', () => {
  const room = new NodeRoom(MACHINE);
  room.limit({ memoriesMax: 100 });
  room.enter(98, 'new');
  refusal(() => room.enter(1, 'new'));
  room.enter(1, 'restart');
  room.enter(1, 'restart');
  refusal(() => room.enter(1, 'restart'));
});

test('NodeRoom keeps a quarter of the memories from what nobody needs yet', () => {
  const room = new NodeRoom(MACHINE);
  room.limit({ memoriesMax: 100 });
  room.enter(75, 'spare');
  refusal(() => room.enter(1, 'spare'));
  room.enter(1, 'new');
});

test('NodeRoom counts the memories of all threads that share it', () => {
  const room = new NodeRoom(MACHINE);
  const other = new NodeRoom(MACHINE, room.shared);
  for (const each of [room, other]) each.limit({ memoriesMax: 10 });
  other.enter(6, 'new');
  refusal(() => room.enter(5, 'new'));
  other.leave(6);
  room.enter(5, 'new');
});

test('NodeRoom refuses an instance and ends a guest before the mappings are used up', () => {
  const room = new NodeRoom(MACHINE);
  const { mappings } = room.use;
  const most = 2 * mappings;
  room.limit({ mappingsMax: most });
  let memories = 0;
  const { details } = refusal(() => {
    for (; ; memories++) room.enter(1, 'new');
  });
  assert.equal(details.resource, 'mappings');
  // Room for guests that wait is left.
  assert.ok(memories > 0 && mappings + 2 * memories < most * 0.86);
  let waiting = 0;
  refusal(() => {
    for (; ; waiting++) room.suspend();
  });
  assert.ok(waiting > 0);
  room.resume();
  room.suspend();
});

test('NodeRoom refuses an instance when the process has more resident memory than it may', () => {
  const room = new NodeRoom(MACHINE);
  room.limit({ residentBytesMax: 1_000_000 });
  const { details } = refusal(() => room.enter(1, 'new'));
  assert.deepEqual([details.resource, details.limit], ['bytes', 1_000_000]);
  assert.ok(Number(details.used) > 1_000_000);
});

test('NodeRoom refuses limits that are nonsense or above the machine, with what is allowed', () => {
  const room = new NodeRoom(MACHINE);
  for (const memoriesMax of [-1, 0, Number.NaN, 1_001])
    assert.throws(() => room.limit({ memoriesMax }), /memoriesMax = .*: the machine allows 1 to 1000/);
  assert.throws(() => room.limit({ cpuMax: 2 }), RangeError);
  assert.throws(() => room.limit({ mappingsMax: 1_000_001 }), RangeError);
  assert.throws(() => room.limit({ residentBytesMax: 2 ** 51 }), RangeError);
});
