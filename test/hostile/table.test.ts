/** Hostile code of any shape at any place ends with a named failure, and hurts nobody: a selection; `npm run hostile` has all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { judge } from './table/cell.ts';
import { PLACES } from './table/places.ts';
import { SHAPES } from './table/shapes.ts';

/** Each shape once and each place several times: two cells of each column, and of each row two or more. */
const isSelected = (place: number, shape: number): boolean =>
  shape % PLACES.length === place || (shape * 5 + 3) % PLACES.length === place;

for (const [row, place] of PLACES.entries()) {
  for (const [column, shape] of SHAPES.entries()) {
    if (!isSelected(row, column)) continue;
    test(`Hostile code in ${place.name}: ${shape.name}`, async () => {
      const { wrong } = await judge(place, shape);
      assert.deepEqual(wrong, []);
    });
  }
}

for (const name of ['loop: br', 'recursion', 'handles', 'exit']) {
  test(`Hostile code on another thread fails by the same name: ${name}`, async () => {
    const shape = SHAPES.find((one) => one.name === name);
    assert.ok(shape);
    const { wrong } = await judge(PLACES[0] as (typeof PLACES)[number], shape, 'thread');
    assert.deepEqual(wrong, []);
  });
}

test('Hostile code in an async callback is refused by name', async () => {
  const wat = `(component
    (core module $M (func (export "f") (result i32) (loop (br 0)) (unreachable))
      (func (export "callback") (param i32 i32 i32) (result i32) (loop (br 0)) (unreachable)))
    (core instance $m (instantiate $M))
    (func (export "f") async (canon lift (core func $m "f") async (callback (func $m "callback")))))`;
  await assert.rejects(
    async () => compileComponent(await parseWat(wat), { metered: true }),
    (error) => {
      failsWith('COMPONENT_UNSUPPORTED')(error);
      return true;
    },
  );
});
