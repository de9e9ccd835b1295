import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRingMemory, RECORDS, RingReader, RingWriter } from './ring.ts';

const RING_BYTES = 1_024;

test('a ring is a queue: any interleaving of writes, publishings, reads and wraps', () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), bytes: fc.integer({ min: 0, max: 256 }) }),
    fc.record({
      kind: fc.constantFrom('publish' as const, 'read' as const, 'release' as const),
      bytes: fc.constant(0),
    }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
      const memory = createRingMemory(RING_BYTES);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const written: number[] = [];
      const published: number[] = [];
      for (const { kind, bytes } of commands) {
        if (kind === 'write') {
          const frame = writer.reserve(bytes);
          if (frame === undefined) {
            assert.ok(written.length + published.length > 0, 'an empty ring refuses a record');
            continue;
          }
          assert.equal(frame.start % 8, 0);
          frame.bytes.fill(bytes, frame.start, frame.end);
          writer.commit(RECORDS.data, bytes, ~bytes);
          written.push(bytes);
        } else if (kind === 'publish') {
          writer.publish();
          published.push(...written.splice(0));
        } else if (kind === 'read') {
          assert.equal(reader.next(), published.length > 0);
          const expected = published.shift();
          if (expected === undefined) continue;
          const { bytes: memoryBytes, start, end } = reader.frame;
          assert.deepEqual([reader.kind, reader.stamp, end - start], [RECORDS.data, ~expected, expected]);
          assert.ok(memoryBytes.subarray(start, end).every((byte) => byte === (expected & 255)));
          reader.take();
          reader.release();
        } else reader.release();
      }
    }),
    { numRuns: 300 },
  );
});

test('RingReader finds records or garbage in whatever stands in the memory, and ends', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 400 }), fc.integer(), (words, head) => {
      const memory = createRingMemory(RING_BYTES);
      const cells = new Int32Array(memory);
      cells.set(words.slice(0, cells.length - 128), 128);
      cells[0] = head % 3 === 0 ? head : (Math.abs(head) % (2 * RING_BYTES)) & ~7;
      const reader = new RingReader(memory);
      let records = 0;
      while (reader.next() === true) {
        const { bytes, start, end } = reader.frame;
        assert.ok(start >= 0 && end >= start && end <= bytes.length);
        reader.take();
        assert.ok(++records <= RING_BYTES / 8, 'a ring holds more records than fit');
      }
    }),
    { numRuns: 500 },
  );
});

/** What both sides do to the shared words when one sleeps and the other publishes, as single steps, in any order. */
test('a reader never sleeps beside a published record, in any order of the steps of both sides', () => {
  const interleavings: boolean[][] = [];
  const choose = (steps: readonly boolean[]): void => {
    if (steps.length === 6) interleavings.push([...steps]);
    else for (const writes of [true, false]) choose([...steps, writes]);
  };
  choose([]);
  for (const order of interleavings) {
    const shared = { head: 0, asleep: 0, rings: 0 };
    let seen = 0;
    const writer = [
      () => {
        shared.head = 1;
      },
      () => {
        seen = shared.asleep;
      },
      () => {
        // compareExchange: one step.
        if (seen === 1 && shared.asleep === 1) {
          shared.asleep = 0;
          shared.rings++;
        }
      },
    ];
    let awake = false;
    const reader = [
      () => {
        shared.asleep = 1;
      },
      () => {
        awake = shared.head !== 0;
      },
      () => {
        if (awake) shared.asleep = 0;
      },
    ];
    for (const writes of order) (writes ? writer : reader).shift()?.();
    for (const step of [...writer, ...reader]) step();
    assert.ok(awake || shared.rings > 0, `the reader sleeps through ${order}`);
  }
});
