/** Modules that are small and make a compiler work or grow without measure: refused by name, or compiled, within a bound, elsewhere. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileFile } from '../../src/host/index.ts';
import { RuntimeError } from '../../src/index.ts';

/** What refuses a bomb by name. */
const REFUSALS = ['COMPONENT_LIMIT', 'COMPONENT_INVALID', 'COMPONENT_UNSUPPORTED'];

/** Milliseconds for all that is done of one, and for which nothing else may happen meanwhile; several times what a calm machine takes. */
const COMPILE_MS_MAX = 30_000;
const HELD_MS_MAX = 1_500;
const RESIDENT_BYTES_MAX = 1_073_741_824;

function leb(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

const bytes = (...parts: readonly (number | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
const sized = (content: Buffer): Buffer => bytes(leb(content.length), content);
const section = (id: number, content: Buffer): Buffer => bytes(id, sized(content));
const vector = (count: number, item: Buffer): Buffer => bytes(leb(count), Buffer.alloc(count * item.length, item));

const HEADER = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
const COMPONENT = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);
/** `func ()`. */
const PLAIN = Buffer.from([0x60, 0, 0]);
const END = 0x0b;

/** A module with so many functions of that body. */
function functions(count: number, body: Buffer): Buffer {
  return bytes(
    HEADER,
    section(1, vector(1, PLAIN)),
    section(3, vector(count, Buffer.from([0]))),
    section(10, vector(count, sized(body))),
  );
}

const MEMORY = section(5, vector(1, Buffer.from([0, 1])));
const TABLE = section(4, vector(1, Buffer.from([0x70, 0, 1])));

const BOMBS: readonly (readonly [what: string, module: () => Buffer])[] = [
  ['many functions', () => functions(1_000_000, bytes(0, END))],
  ['many locals in each function', () => functions(20_000, bytes(1, leb(50_000), 0x7e, END))],
  ['more locals than there may be', () => functions(1, bytes(1, leb(0xff_ff_ff_ff), 0x7e, END))],
  [
    'blocks in blocks',
    () => functions(4, bytes(0, Buffer.alloc(200_000, Buffer.from([0x02, 0x40])), Buffer.alloc(100_000, END), END)),
  ],
  [
    'loops in loops, each with a way back',
    () =>
      functions(
        2,
        bytes(
          0,
          Buffer.alloc(100_000, Buffer.from([0x03, 0x40])),
          Buffer.alloc(150_000, Buffer.from([0x0c, 0, END])),
          END,
        ),
      ),
  ],
  ['tables of branches', () => functions(200, bytes(0, 0x41, 0, 0x0e, vector(65_000, Buffer.from([0])), 0, END))],
  ['many types', () => bytes(HEADER, section(1, vector(2_000_000, PLAIN)))],
  [
    'types with many parameters',
    () => bytes(HEADER, section(1, vector(20_000, bytes(0x60, vector(1_000, Buffer.from([0x7e])), 0)))),
  ],
  ['many globals', () => bytes(HEADER, section(6, vector(1_000_000, Buffer.from([0x7f, 0, 0x41, 0, END]))))],
  ['many pieces of data', () => bytes(HEADER, MEMORY, section(11, vector(500_000, Buffer.from([0, 0x41, 0, END, 0]))))],
  ['many pieces of tables', () => bytes(HEADER, TABLE, section(9, vector(500_000, Buffer.from([0, 0x41, 0, END, 0]))))],
  [
    'many exports of one function',
    () => {
      const names = Array.from({ length: 200_000 }, (_, at) => bytes(sized(Buffer.from(at.toString(36))), 0, 0));
      return bytes(
        HEADER,
        section(1, vector(1, PLAIN)),
        section(3, vector(1, Buffer.from([0]))),
        section(7, bytes(leb(names.length), Buffer.concat(names))),
        section(10, vector(1, sized(bytes(0, END)))),
      );
    },
  ],
  [
    'one function of constants that are dropped',
    () => functions(1, bytes(0, Buffer.alloc(3_000_000, Buffer.from([0x41, 1, 0x1a])), END)),
  ],
  ['a count without what is counted', () => bytes(HEADER, section(1, leb(0xff_ff_ff_ff)))],
];

describe('Hostile components: bombs for compilers', () => {
  for (const [what, make] of BOMBS) {
    test(`${what} are refused by name or compiled, in bounded time and memory, and hold nobody up`, {
      timeout: 90_000,
    }, async () => {
      const module = make();
      const component = bytes(COMPONENT, section(1, module), section(2, Buffer.from([1, 0, 0, 0])));
      const before = process.memoryUsage.rss();
      const watch = watchHolds();
      const startMs = performance.now();
      const code = await compileFile(component, 'bomb.wasm').then(
        () => 'compiled',
        (error: unknown) => (RuntimeError.is(error) ? error.code : String(error)),
      );
      const tookMs = performance.now() - startMs;
      const heldMs = watch.stop();
      assert.ok(code === 'compiled' || REFUSALS.includes(code), code);
      assert.ok(tookMs < COMPILE_MS_MAX, `${Math.round(tookMs)} ms`);
      assert.ok(heldMs < HELD_MS_MAX, `nothing else happened for ${Math.round(heldMs)} ms`);
      assert.ok(process.memoryUsage.rss() - before < RESIDENT_BYTES_MAX, 'memory');
    });
  }
});

/** Measures for how long the event loop stands still at most. */
function watchHolds(): { stop(): number } {
  let lastMs = performance.now();
  let mostMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    mostMs = Math.max(mostMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 5);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(mostMs, performance.now() - lastMs);
    },
  };
}
