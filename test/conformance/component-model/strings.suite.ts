/** Strings in the three encodings: what is read, what is written, what traps. */
import assert from 'node:assert/strict';
import { assertCall, breaks, bytes, type Case, type Group, instantiate, lifted, lowered, segment } from './kit.ts';

type Encoding = 'utf8' | 'utf16' | 'latin1+utf16';

/** Set in a length of the compact encoding whose string is UTF-16. */
const TAG = 0x80000000;
const PAGE = 65_536;

/** Bytes at `at`, and the guest's count; `expect` is the string or what must go wrong. */
interface ReadRow {
  readonly encoding: Encoding;
  readonly hex: string;
  readonly length: number;
  readonly expect: unknown;
  /** Default: 0x400, which is aligned. */
  readonly at?: number;
}

const READ: readonly ReadRow[] = [
  { encoding: 'utf8', hex: '', length: 0, expect: '' },
  { encoding: 'utf8', hex: '61', length: 1, expect: 'a' },
  { encoding: 'utf8', hex: '00', length: 1, expect: '\0' },
  { encoding: 'utf8', hex: 'e29883 c3b6', length: 5, expect: '☃ö' },
  { encoding: 'utf8', hex: 'f09f8db0', length: 4, expect: '🍰' },
  { encoding: 'utf8', hex: 'f48fbfbf', length: 4, expect: '\u{10ffff}' },
  { encoding: 'utf8', hex: 'efbbbf61', length: 4, expect: '\ufeffa' },
  { encoding: 'utf8', hex: '61626364656667686970717273747576', length: 16, expect: 'abcdefghipqrstuv' },
  { encoding: 'utf8', hex: '6162636465666768697071727374757677', length: 17, expect: 'abcdefghipqrstuvw' },
  { encoding: 'utf8', hex: '61'.repeat(97), length: 97, expect: 'a'.repeat(97) },
  { encoding: 'utf8', hex: `${'61'.repeat(96)}c3a9`, length: 98, expect: `${'a'.repeat(96)}é` },
  { encoding: 'utf8', hex: '6f6b', at: PAGE - 2, length: 2, expect: 'ok' },
  { encoding: 'utf8', hex: '', at: PAGE, length: 0, expect: '' },
  { encoding: 'utf8', hex: '', at: 1, length: 0, expect: '' },
  { encoding: 'utf8', hex: '', at: PAGE + 1, length: 0, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: '', at: 0xffffffff, length: 0, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: '', at: PAGE - 1, length: 2, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: '', at: 0x80000000, length: 1, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: '', at: 0xffffffff, length: 2, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: '', at: 0, length: 0x7fffffff, expect: breaks('string-length') },
  { encoding: 'utf8', hex: '', at: 0, length: 0xffffffff, expect: breaks('string-length') },
  { encoding: 'utf8', hex: '', at: 0, length: 2 ** 28, expect: breaks('string-length') },
  { encoding: 'utf8', hex: '', at: 0, length: 2 ** 28 - 1, expect: breaks('string-bounds') },
  { encoding: 'utf8', hex: 'ff', length: 1, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: '80', length: 1, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'c3', length: 1, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'c0af', length: 2, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'e08080', length: 3, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'eda080', length: 3, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'edbfbf', length: 3, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'f4908080', length: 4, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: 'f09f8d', length: 3, expect: breaks('string-utf8') },
  { encoding: 'utf8', hex: `${'61'.repeat(100)}ff`, length: 101, expect: breaks('string-utf8') },
  { encoding: 'utf16', hex: '', length: 0, expect: '' },
  { encoding: 'utf16', hex: '6100', length: 1, expect: 'a' },
  { encoding: 'utf16', hex: '03 26 f600', length: 2, expect: '☃ö' },
  { encoding: 'utf16', hex: '3cd870df', length: 2, expect: '🍰' },
  { encoding: 'utf16', hex: 'fffe', length: 1, expect: '\ufeff' },
  { encoding: 'utf16', hex: '6f006b00', at: PAGE - 4, length: 2, expect: 'ok' },
  { encoding: 'utf16', hex: '', at: PAGE, length: 0, expect: '' },
  { encoding: 'utf16', hex: '', at: 1, length: 0, expect: breaks('string-align') },
  { encoding: 'utf16', hex: '', at: 0x401, length: 1, expect: breaks('string-align') },
  { encoding: 'utf16', hex: '', at: PAGE - 2, length: 2, expect: breaks('string-bounds') },
  { encoding: 'utf16', hex: '', at: PAGE - 16, length: 10, expect: breaks('string-bounds') },
  { encoding: 'utf16', hex: '', at: 0, length: 0x3fffffff, expect: breaks('string-length') },
  { encoding: 'utf16', hex: '', at: 0, length: 0x80000000, expect: breaks('string-length') },
  { encoding: 'utf16', hex: '00d8', length: 1, expect: breaks('string-utf16') },
  { encoding: 'utf16', hex: '00dc', length: 1, expect: breaks('string-utf16') },
  { encoding: 'utf16', hex: '00dc00d8', length: 2, expect: breaks('string-utf16') },
  { encoding: 'utf16', hex: '00d86100', length: 2, expect: breaks('string-utf16') },
  { encoding: 'latin1+utf16', hex: '', length: 0, expect: '' },
  { encoding: 'latin1+utf16', hex: '61e9ff80', length: 4, expect: 'aéÿ\x80' },
  { encoding: 'latin1+utf16', hex: 'e9'.repeat(40), length: 40, expect: 'é'.repeat(40) },
  { encoding: 'latin1+utf16', hex: '6100e900', length: TAG + 2, expect: 'aé' },
  { encoding: 'latin1+utf16', hex: '3cd870df', length: TAG + 2, expect: '🍰' },
  { encoding: 'latin1+utf16', hex: '', length: TAG, expect: '' },
  { encoding: 'latin1+utf16', hex: '', at: PAGE, length: TAG, expect: '' },
  { encoding: 'latin1+utf16', hex: '', at: 1, length: 0, expect: breaks('string-align') },
  { encoding: 'latin1+utf16', hex: '', at: 1, length: TAG, expect: breaks('string-align') },
  { encoding: 'latin1+utf16', hex: '', at: PAGE - 2, length: 3, expect: breaks('string-bounds') },
  { encoding: 'latin1+utf16', hex: '', at: PAGE - 2, length: TAG + 2, expect: breaks('string-bounds') },
  { encoding: 'latin1+utf16', hex: '', at: 0, length: 0x7fffffff, expect: breaks('string-length') },
  { encoding: 'latin1+utf16', hex: '', at: 0, length: 0xffffffff, expect: breaks('string-length') },
  { encoding: 'latin1+utf16', hex: '00d8', length: TAG + 1, expect: breaks('string-utf16') },
];

/** Every length up to where another way of reading or writing begins; each character is another one. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';
const LENGTHS = Array.from({ length: 21 }, (_, length) => length);
const hexOf = (text: string, encoding: 'latin1' | 'utf16le'): string => Buffer.from(text, encoding).toString('hex');

const READ_LENGTHS: readonly ReadRow[] = LENGTHS.flatMap((length): ReadRow[] => {
  const text = ALPHABET.slice(0, length);
  return [
    { encoding: 'utf8', hex: hexOf(text, 'latin1'), length, expect: text },
    { encoding: 'utf16', hex: hexOf(text, 'utf16le'), length, expect: text },
    { encoding: 'latin1+utf16', hex: hexOf(text, 'latin1'), length, expect: text },
  ];
});

function readCases(row: ReadRow): Case[] {
  const { encoding, hex, length, expect, at = 0x400 } = row;
  const data = hex === '' ? [] : ([[at, segment(hex)]] as const);
  const title = `${encoding} ${hex.length > 40 ? `${hex.slice(0, 20)}…` : hex} at ${at}, length ${length}`;
  const pair = `(i32.const ${at}) (i32.const ${length})`;
  const store = `(i32.store (i32.const 64) (i32.const ${at})) (i32.store (i32.const 68) (i32.const ${length}))`;
  const heard = async (wat: string, value: unknown): Promise<void> => {
    const got: unknown[] = [];
    const instance = await instantiate(wat, { host: { f: (text: unknown) => void got.push(text) } });
    if (typeof expect !== 'string') return assertCall(instance, ['f'], expect);
    await instance.call('f');
    assert.deepEqual(got, [value]);
  };
  return [
    {
      name: `${title}, for the host`,
      run: () =>
        heard(lowered('(param "x" string)', '(param i32 i32)', { encoding, data, func: `(call $f ${pair})` }), expect),
    },
    {
      name: `${title}, in a list for the host`,
      run: () => {
        const func = `${store} (call $f (i32.const 64) (i32.const 1))`;
        return heard(lowered('(param "x" (list string))', '(param i32 i32)', { encoding, data, func }), [expect]);
      },
    },
    {
      name: `${title}, as a result`,
      run: async () => {
        const wat = lifted('(result string)', `(result i32) ${store} (i32.const 64)`, { encoding, data });
        await assertCall(await instantiate(wat), ['f'], expect);
      },
    },
  ];
}

const WRITE: readonly (readonly [encoding: Encoding, text: string, hex: string, length: number])[] = [
  ['utf8', '', '', 0],
  ['utf8', 'a', '61', 1],
  ['utf8', 'abcdefgh', '6162636465666768', 8],
  ['utf8', 'abcdefghi', '616263646566676869', 9],
  ['utf8', '\0', '00', 1],
  ['utf8', 'é', 'c3a9', 2],
  ['utf8', '☃ö', 'e29883c3b6', 5],
  ['utf8', '🍰', 'f09f8db0', 4],
  ['utf8', '\ud800', 'efbfbd', 3],
  ['utf8', 'a\udc00b', '61efbfbd62', 5],
  ['utf8', '\udc00\ud800', 'efbfbdefbfbd', 6],
  ['utf16', '', '', 0],
  ['utf16', 'a', '6100', 1],
  ['utf16', '☃ö', '0326f600', 2],
  ['utf16', '🍰', '3cd870df', 2],
  ['utf16', '\ud800', 'fdff', 1],
  ['utf16', 'abcdefghij', '6100620063006400650066006700680069006a00', 10],
  ['latin1+utf16', '', '', 0],
  ['latin1+utf16', 'aéÿ', '61e9ff', 3],
  ['latin1+utf16', 'abcdefghé', '6162636465666768e9', 9],
  ['latin1+utf16', 'aĀ', '61000001', TAG + 2],
  ['latin1+utf16', '🍰', '3cd870df', TAG + 2],
  ['latin1+utf16', '\udfff', 'fdff', TAG + 1],
];

const WRITE_LENGTHS: typeof WRITE = LENGTHS.flatMap((length): (typeof WRITE)[number][] => {
  const text = ALPHABET.slice(0, length);
  return [
    ['utf8', text, hexOf(text, 'latin1'), length],
    ['utf16', text, hexOf(text, 'utf16le'), length],
    ['latin1+utf16', text, hexOf(text, 'latin1'), length],
  ];
});

/** What stands where the allocator gives memory: nothing may be written beyond what was asked for. */
const UNTOUCHED = 'aa';

function writeCases([encoding, text, hex, length]: (typeof WRITE)[number]): Case[] {
  const title = `${encoding} ${JSON.stringify(text)} is ${hex}, length ${length}`;
  const result = '(result (tuple u32 (list u8)))';
  const answer = (ptr: string, count: string): string =>
    `(i32.store (i32.const 64) ${count}) (i32.store (i32.const 68) ${ptr}) (i32.store (i32.const 72) (i32.const ${hex.length / 2 + 1})) (i32.const 64)`;
  const expected = [length, bytes(`${hex}${UNTOUCHED}`)];
  const data = [[0x8000, segment(UNTOUCHED.repeat(64))]] as const;
  return [
    {
      name: `${title}, for the guest`,
      run: async () => {
        const func = `(param i32 i32) (result i32) ${answer('(local.get 0)', '(local.get 1)')}`;
        const instance = await instantiate(lifted(`(param "x" string) ${result}`, func, { encoding, data }));
        await assertCall(instance, ['f', text], expected);
      },
    },
    {
      name: `${title}, as a result of the host`,
      run: async () => {
        const func = `(result i32) (call $f (i32.const 16)) ${answer('(i32.load (i32.const 16))', '(i32.load (i32.const 20))')}`;
        const wat = lowered('(result string)', '(param i32)', { encoding, data, func, result });
        await assertCall(await instantiate(wat, { host: { f: () => text } }), ['f'], expected);
      },
    },
  ];
}

export const STRINGS: readonly Group[] = [
  { name: 'Strings read', cases: [...READ, ...READ_LENGTHS].flatMap(readCases) },
  { name: 'Strings written', cases: [...WRITE, ...WRITE_LENGTHS].flatMap(writeCases) },
];
