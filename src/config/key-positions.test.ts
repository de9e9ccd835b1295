import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { type KeyPath, KeyPositions } from './key-positions.ts';

const TOML = `# a comment = 1
title = "x # y"
[a.b]
c = """
not = "a key"
""" # after
"d.e" = { f = 1, g = [1, { h = 2 }] }
i.j = 'lit'
[[list]]
k = 1
[[list]]
k = 2
[list.sub]
l = [
  "one", # first = 1
  "two",
]
`;

test('KeyPositions finds keys in tables, inline tables, arrays and arrays of tables', () => {
  const positions = new KeyPositions(TOML);
  const cases: readonly [KeyPath, number, number][] = [
    [['title'], 2, 1],
    [['a', 'b'], 3, 4],
    [['a', 'b', 'c'], 4, 1],
    [['a', 'b', 'd.e'], 7, 1],
    [['a', 'b', 'd.e', 'f'], 7, 11],
    [['a', 'b', 'd.e', 'g', 1, 'h'], 7, 28],
    [['a', 'b', 'i', 'j'], 8, 3],
    [['list', 0, 'k'], 10, 1],
    [['list', 1, 'k'], 12, 1],
    [['list', 1, 'sub', 'l', 1], 16, 3],
  ];
  for (const [path, line, column] of cases) assert.deepEqual(positions.find(path), { line, column }, path.join('.'));
});

test('KeyPositions answers with the nearest ancestor, and with nothing when there is none', () => {
  const positions = new KeyPositions(TOML);
  assert.deepEqual(positions.find(['a', 'b', 'missing', 'deep']), { line: 3, column: 4 });
  assert.equal(positions.find(['missing']), undefined);
  assert.equal(positions.find([]), undefined);
});

test('KeyPositions finds every key of any document that the parser takes', () => {
  const key = fc.stringMatching(/^[a-z]{1,4}$/);
  const scalar = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom('true', '"a=b"', "'[x]'", '"""\n[y]\nz = 1"""', '[1, 2]'),
  );
  const line = fc.tuple(key, scalar).map(([name, value]) => ({ name, value }));
  const section = fc.tuple(key, fc.uniqueArray(line, { selector: ({ name }) => name, maxLength: 4 }));
  const document = fc.uniqueArray(section, { selector: ([name]) => name, maxLength: 5 });
  fc.assert(
    fc.property(document, (sections) => {
      const text = sections
        .map(([name, lines]) => [`[${name}]`, ...lines.map((item) => `${item.name} = ${item.value}`)].join('\n'))
        .join('\n');
      parse(text);
      const positions = new KeyPositions(text);
      for (const [name, lines] of sections) {
        for (const item of lines) {
          const { line: found } = positions.find([name, item.name]) ?? { line: 0 };
          assert.equal(text.split('\n')[found - 1]?.startsWith(`${item.name} = `), true);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('KeyPositions ends on any text, however broken', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}="\'.,#\n a1\\'), maxLength: 60 }), (text) => {
      new KeyPositions(text).find(['a']);
    }),
    { numRuns: 2_000 },
  );
});
