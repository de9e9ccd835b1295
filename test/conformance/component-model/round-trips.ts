/**
 * Makes cases of rows: one value of one type in its two canonical forms, as bytes in memory or as flat core values. A
 * row is tried in every position where the Canonical ABI uses that form, in both directions.
 */
import assert from 'node:assert/strict';
import { assertCall, bytes, type Case, instantiate, isFailure, lifted, lowered, plain, segment } from './kit.ts';

/** A value as it lies in linear memory, padding included as zeros. */
export interface MemoryRow {
  readonly type: string;
  readonly value: unknown;
  readonly hex: string;
  /** Definitions of the named types `$t0`, `$t1`, …. */
  readonly types?: readonly string[];
  /** Set for a type of more than one flat value: it is then tried as a result too, which goes through a pointer. */
  readonly wide?: boolean;
  /** Set where memory that means the value is not what lowering it would write. */
  readonly liftOnly?: boolean;
  readonly encoding?: string;
}

/** A value as core values: `'i32 5'`, `'i64 -1'`, `'f32 1.5'`, `'f64 inf'`. */
export interface FlatRow {
  readonly type: string;
  readonly value: unknown;
  readonly flats: readonly string[];
  readonly types?: readonly string[];
  /** Set where the core values mean the value but lowering it gives others. */
  readonly liftOnly?: boolean;
}

const ADDRESS = 16;
const RESULT = 0x100;

const sizeOf = (hex: string): number => hex.replaceAll(/\s/g, '').length / 2;
const titleOf = (row: { type: string; types?: readonly string[] | undefined }): string =>
  row.type.replaceAll(/\$t(\d+)/g, (_, at) => row.types?.[Number(at)] ?? '').replaceAll(/\s+/g, ' ');

function shown(value: unknown): string {
  if (isFailure(value)) return JSON.stringify(value.details?.rule ?? value.code);
  const text = JSON.stringify(plain(value), (_, item) => {
    if (typeof item === 'bigint') return `${item}n`;
    return typeof item === 'number' && !Number.isFinite(item) ? String(item) : item;
  });
  return Object.is(value, -0) ? '-0' : (text ?? 'none');
}

/** Core instructions that return a list of `size` bytes at the address on the stack. */
function returnBytes(address: string, size: number): string {
  return `(i32.store (i32.const ${RESULT}) ${address}) (i32.store (i32.const ${RESULT + 4}) (i32.const ${size})) (i32.const ${RESULT})`;
}

/** Calls `f` of a component that passes its one value to the host, and asserts what the host got. */
async function assertPassed(wat: (type: string) => string, row: { type: string; value: unknown }, asList: boolean) {
  const got: unknown[] = [];
  const f = (value: unknown) => void got.push(value);
  const instance = await instantiate(wat(asList ? `(list ${row.type})` : row.type), { host: { f } });
  if (isFailure(row.value)) return assertCall(instance, ['f'], row.value);
  await instance.call('f');
  assert.deepEqual(plain(got), plain([asList ? [row.value] : row.value]));
}

function memoryLifts(row: MemoryRow): Case[] {
  const { type, value, types, encoding } = row;
  const data = [[ADDRESS, segment(row.hex)]] as const;
  const options = { types, data, encoding };
  const title = `${titleOf(row)} ${row.hex} is ${shown(value)}`;
  const cases = [
    {
      name: `${title}, in a list for the host`,
      run: () =>
        assertPassed(
          (param) =>
            lowered(`(param "x" ${param})`, '(param i32 i32)', {
              ...options,
              func: `(call $f (i32.const ${ADDRESS}) (i32.const 1))`,
            }),
          row,
          true,
        ),
    },
  ];
  if (row.wide) {
    cases.push({
      name: `${title}, as a result`,
      run: async () =>
        assertCall(
          await instantiate(lifted(`(result ${type})`, `(result i32) (i32.const ${ADDRESS})`, options)),
          ['f'],
          value,
        ),
    });
  }
  return cases;
}

function memoryLowers(row: MemoryRow): Case[] {
  const { type, value, types, encoding } = row;
  const size = sizeOf(row.hex);
  const title = `${titleOf(row)} ${shown(value)} is ${row.hex}`;
  const cases = [
    {
      name: `${title}, in a list for the guest`,
      run: async () => {
        const func = `(param i32 i32) (result i32) ${returnBytes('(local.get 0)', size)}`;
        const wat = lifted(`(param "x" (list ${type})) (result (list u8))`, func, { types, encoding });
        await assertCall(await instantiate(wat), ['f', [value]], bytes(row.hex));
      },
    },
  ];
  if (row.wide) {
    cases.push({
      name: `${title}, as a result of the host`,
      run: async () => {
        const func = `(result i32) (call $f (i32.const ${ADDRESS})) ${returnBytes(`(i32.const ${ADDRESS})`, size)}`;
        const wat = lowered(`(result ${type})`, '(param i32)', { types, encoding, func, result: '(result (list u8))' });
        await assertCall(await instantiate(wat, { host: { f: () => value } }), ['f'], bytes(row.hex));
      },
    });
  }
  return cases;
}

/** Two to four cases of each row. */
export function memoryCases(rows: readonly MemoryRow[]): Case[] {
  return rows.flatMap((row) => [...memoryLifts(row), ...(row.liftOnly ? [] : memoryLowers(row))]);
}

const coreTypes = (flats: readonly string[]): string[] => flats.map((flat) => flat.split(' ', 1)[0] as string);

function constant(flat: string): string {
  const [type, literal] = flat.split(' ');
  return `(${type}.const ${literal})`;
}

/** The bytes of core values stored one after the other, eight for each. */
function encodeFlats(flats: readonly string[]): number[] {
  const view = new DataView(new ArrayBuffer(8 * flats.length));
  flats.forEach((flat, at) => {
    const [type, literal] = flat.split(' ') as [string, string];
    const number = Number(literal.replace('inf', 'Infinity').replace('nan', 'NaN'));
    if (type === 'i32') view.setUint32(8 * at, number >>> 0, true);
    else if (type === 'i64') view.setBigInt64(8 * at, BigInt.asIntN(64, BigInt(literal)), true);
    else if (type === 'f32') view.setFloat32(8 * at, number, true);
    else view.setFloat64(8 * at, number, true);
  });
  return Array.from(new Uint8Array(view.buffer));
}

function flatLifts(row: FlatRow): Case[] {
  const { type, value, types, flats } = row;
  const title = `${titleOf(row)} ${flats.join(', ')} is ${shown(value)}`;
  const cases = [
    {
      name: `${title}, for the host`,
      run: () =>
        assertPassed(
          (param) =>
            lowered(`(param "x" ${param})`, `(param ${coreTypes(flats).join(' ')})`, {
              types,
              func: `(call $f ${flats.map(constant).join(' ')})`,
            }),
          row,
          false,
        ),
    },
  ];
  if (flats.length === 1) {
    const flat = flats[0] as string;
    cases.push({
      name: `${title}, as a result`,
      run: async () =>
        assertCall(
          await instantiate(lifted(`(result ${type})`, `(result ${coreTypes(flats)}) ${constant(flat)}`, { types })),
          ['f'],
          value,
        ),
    });
  }
  return cases;
}

function flatLowers(row: FlatRow): Case[] {
  const { type, value, types, flats } = row;
  const title = `${titleOf(row)} ${shown(value)} is ${flats.join(', ')}`;
  const stores = (locals: readonly string[]) =>
    coreTypes(flats)
      .map((core, at) => `(${core}.store (i32.const ${0x200 + 8 * at}) ${locals[at]})`)
      .join(' ');
  const expected = encodeFlats(flats);
  const answer = returnBytes('(i32.const 0x200)', expected.length);
  const locals = flats.map((_, at) => `(local.get ${at})`);
  const cases = [
    {
      name: `${title}, for the guest`,
      run: async () => {
        const func = `(param ${coreTypes(flats).join(' ')}) (result i32) ${stores(locals)} ${answer}`;
        const wat = lifted(`(param "x" ${type}) (result (list u8))`, func, { types });
        await assertCall(await instantiate(wat), ['f', value], expected);
      },
    },
  ];
  if (flats.length === 1) {
    cases.push({
      name: `${title}, as a result of the host`,
      run: async () => {
        const func = `(result i32) ${stores(['(call $f)'])} ${answer}`;
        const wat = lowered(`(result ${type})`, `(result ${coreTypes(flats)})`, {
          types,
          func,
          result: '(result (list u8))',
        });
        await assertCall(await instantiate(wat, { host: { f: () => value } }), ['f'], expected);
      },
    });
  }
  return cases;
}

/** One to four cases of each row. */
export function flatCases(rows: readonly FlatRow[]): Case[] {
  return rows.flatMap((row) => [...flatLifts(row), ...(row.liftOnly ? [] : flatLowers(row))]);
}
