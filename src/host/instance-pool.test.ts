import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CompiledComponent, type ComponentInstance, compileComponent } from '../component/index.ts';
import { parseWat } from '../component/tooling/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { InstancePool } from './instance-pool.ts';

const COUNTER = `(component
  (core module $M (memory 1) (func (export "next") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (i32.load (i32.const 0)))
    (func (export "grow") (drop (memory.grow (i32.const 1)))))
  (core instance $m (instantiate $M))
  (func (export "next") (result u32) (canon lift (core func $m "next")))
  (func (export "grow") (canon lift (core func $m "grow"))))`;

describe('InstancePool', () => {
  let component: CompiledComponent;

  before(async () => {
    component = await compileComponent(await parseWat(COUNTER));
  });

  function poolOf(size: number, refuse: () => boolean = () => false) {
    const clock = new ManualClock();
    const made: ComponentInstance[] = [];
    let forgotten = 0;
    const pool = new InstancePool({
      size,
      clock,
      make: () => {
        if (refuse()) throw new RuntimeError('NODE_LIMIT', 'Full');
        const instance = component.prepare({}, { rewindable: true });
        instance.linkAhead();
        made.push(instance);
        return instance;
      },
      forget: () => forgotten++,
    });
    const take = (): ComponentInstance => {
      const instance = pool.take();
      assert.ok(instance !== undefined);
      assert.equal(instance.begin({}), undefined);
      return instance;
    };
    return { pool, clock, made, take, timesForgotten: () => forgotten };
  }

  test('take gives what was made after others had the thread, and has it replaced', async () => {
    const { pool, clock, made, take } = poolOf(3);
    pool.enter();
    assert.equal(pool.take(), undefined);
    await clock.advance(0);
    assert.deepEqual([pool.size, made.length], [3, 3]);
    assert.equal(await take().call('next'), 1);
    await clock.advance(999);
    assert.equal(pool.size, 2);
    await clock.advance(1);
    assert.equal(pool.size, 3);
    // With less than half left, at once.
    for (let at = 0; at < 2; at++) take();
    await clock.advance(0);
    assert.equal(pool.size, 3);
  });

  test('take makes nothing for what comes back within a second', async () => {
    const { pool, clock, made, take } = poolOf(3);
    pool.enter();
    await clock.advance(0);
    for (let life = 0; life < 10; life++) {
      const instance = take();
      await clock.advance(90);
      assert.ok(pool.give(instance));
    }
    await clock.advance(1_000);
    assert.equal(made.length, 3);
  });

  test('give keeps, as new, what was used, and it is taken first', async () => {
    const { pool, clock, take } = poolOf(2);
    pool.enter();
    await clock.advance(0);
    const [first, second] = [take(), take()];
    for (const instance of [first, second]) await instance.call('next');
    assert.ok(pool.give(first));
    assert.ok(pool.give(second));
    await clock.advance(0);
    assert.equal(pool.size, 2);
    assert.equal(take(), second);
    assert.equal(await second.call('next'), 1);
  });

  test('give refuses what cannot be as new, what is not needed, and what comes after the end', async () => {
    const { pool, clock, take } = poolOf(2);
    pool.enter();
    await clock.advance(0);
    const grown = take();
    await grown.call('grow');
    assert.equal(pool.give(grown), false);
    const spare = take();
    await clock.advance(0);
    assert.equal(pool.give(spare), false);
    const last = take();
    pool.close();
    assert.equal(pool.give(last), false);
    assert.equal(last.failure, undefined);
  });

  test('close ends what waits, and no more is made', async () => {
    const { pool, clock, made } = poolOf(2);
    pool.enter();
    await clock.advance(0);
    pool.take();
    pool.close();
    await clock.advance(0);
    assert.equal(made.length, 2);
    assert.equal(made[0]?.failure?.code, 'COMPONENT_KILLED');
    assert.equal(pool.size, 0);
  });

  test('a pool is let go 10 s after its last actor, unless another one comes', async () => {
    const { pool, clock, timesForgotten } = poolOf(2);
    pool.enter();
    pool.leave();
    await clock.advance(9_999);
    pool.enter();
    await clock.advance(10_000);
    assert.deepEqual([pool.size, timesForgotten()], [2, 0]);
    pool.leave();
    await clock.advance(10_000);
    assert.deepEqual([pool.size, timesForgotten()], [0, 1]);
  });

  test('a pool that has no room for more tries again when one is taken', async () => {
    let isFull = false;
    const { pool, clock, made } = poolOf(4, () => isFull || made.length >= 2);
    pool.enter();
    await clock.advance(0);
    assert.equal(pool.size, 2);
    isFull = true;
    pool.take();
    await clock.advance(0);
    assert.equal(pool.size, 1);
    isFull = false;
    made.length = 0;
    pool.take();
    await clock.advance(0);
    assert.equal(pool.size, 2);
  });
});
