import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseNames, toPascalCase } from './type-names.ts';

const at = (path: string, name: string) => ({ path, name });

test('chooseNames takes the shortest name that is unique: its own, with its interface, with its package, with a number', () => {
  const names = chooseNames(
    [
      at('demo:one/shapes@1.0.0', 'point'),
      at('demo:one/shapes@1.0.0', 'size'),
      at('demo:one/areas@1.0.0', 'size'),
      at('demo:two/areas@1.0.0', 'size'),
      at('demo:two/areas@2.0.0', 'size'),
      at('', 'size'),
    ],
    'App',
  );
  assert.deepEqual(names, [
    'Point',
    'ShapesSize',
    'DemoOneAreasSize',
    'DemoTwoAreasSize2',
    'DemoTwoAreasSize3',
    'WorldSize',
  ]);
  assert.equal(new Set(names).size, names.length);
});

test('chooseNames gives none the name of the whole, nor one that is used in the text', () => {
  const wanted = [at('demo:a/ops', 'app'), at('demo:a/ops', 'type'), at('demo:a/ops', 'big-int64-array')];
  assert.deepEqual(chooseNames(wanted, 'App'), ['OpsApp', 'OpsType', 'OpsBigInt64Array']);
});

test('toPascalCase makes one word of words', () => {
  assert.deepEqual(['http-STATUS', 'a.b c', '☃', '2nd'].map(toPascalCase), ['HttpStatus', 'ABC', '', '2nd']);
});
