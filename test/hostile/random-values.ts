/** Random values of WIT types, and hosts that answer with them. Deterministic: everything comes from one seed. */
import {
  type CompiledComponent,
  type HostImports,
  HostResourceType,
  type ValueType,
} from '../../src/component/index.ts';

/** mulberry32: small, fast, and the same everywhere. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * sides);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.roll(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)] as T;
  }
}

const STRANGE: readonly unknown[] = [
  undefined,
  null,
  -1,
  1.5,
  Number.NaN,
  '',
  'x',
  2n ** 70n,
  [],
  {},
  true,
  Symbol('x'),
];
const TEXTS: readonly string[] = ['', 'a', 'text', 'é☃🍰', '\ud800', 'x'.repeat(300), 'count', 'echo', 'ERR', '\0'];
const INTEGERS: Readonly<Record<string, readonly [bits: number, signed: boolean]>> = {
  u8: [8, false],
  s8: [8, true],
  u16: [16, false],
  s16: [16, true],
  u32: [32, false],
  s32: [32, true],
};

function integer(dice: Dice, [bits, signed]: readonly [number, boolean]): number {
  const number = dice.pick([0, 1, 2, 7, 255, 65_535, 2 ** 31 - 1, 2 ** 32 - 1, dice.roll(2 ** 32)]) % 2 ** bits;
  return signed && number >= 2 ** (bits - 1) ? number - 2 ** bits : number;
}

/** What makes handles for a type; `undefined` where there are none to be had. */
type Handles = (type: Extract<ValueType, { kind: 'own' | 'borrow' }>) => unknown;

/** A value that mostly has the type. */
export function randomValue(dice: Dice, type: ValueType, handles: Handles): unknown {
  if (dice.once(60)) return dice.pick(STRANGE);
  const inner = (part: ValueType): unknown => randomValue(dice, part, handles);
  switch (type.kind) {
    case 'bool':
      return dice.once(2);
    case 'u64':
      return BigInt.asUintN(64, BigInt(dice.roll(2 ** 32)) ** 2n);
    case 's64':
      return BigInt.asIntN(64, BigInt(dice.roll(2 ** 32)) ** 2n);
    case 'f32':
    case 'f64':
      return dice.pick([0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300]);
    case 'char':
      return dice.pick(['a', '\0', 'é', '🍰']);
    case 'string':
      return dice.pick(TEXTS);
    case 'list':
      if (type.element.kind === 'u8' && !dice.once(8)) return new Uint8Array(dice.roll(100)).fill(dice.roll(256));
      return Array.from({ length: dice.roll(dice.once(20) ? 500 : 6) }, () => inner(type.element));
    case 'tuple':
      return type.types.map(inner);
    case 'record':
      return Object.fromEntries(type.fields.map((field) => [camel(field.name), inner(field.type)]));
    case 'flags':
      return Object.fromEntries(type.names.map((name) => [camel(name), dice.once(2)]));
    case 'enum':
      return dice.pick(type.names);
    case 'option':
      return randomOption(dice, type.some, inner);
    case 'result': {
      const tag = dice.pick(['ok', 'err'] as const);
      const part = tag === 'ok' ? type.ok : type.error;
      return part === undefined ? { tag } : { tag, val: inner(part) };
    }
    case 'variant': {
      const item = dice.pick(type.cases);
      return item.type === undefined ? { tag: item.name } : { tag: item.name, val: inner(item.type) };
    }
    case 'own':
    case 'borrow':
      return handles(type);
    default:
      return integer(dice, INTEGERS[type.kind] as readonly [number, boolean]);
  }
}

function randomOption(dice: Dice, some: ValueType, inner: (type: ValueType) => unknown): unknown {
  const isSome = dice.once(2);
  if (some.kind === 'option') return isSome ? { tag: 'some', val: inner(some) } : { tag: 'none' };
  return isSome ? inner(some) : undefined;
}

function camel(label: string): string {
  return label.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Counts what a host handed out and got back. */
export interface Ledger {
  made: number;
  dropped: number;
}

/** Offers everything that `component` imports; functions answer with random values, and now and then late or never. */
export function randomHost(dice: Dice, component: CompiledComponent, ledger: Ledger): HostImports {
  const resource = new HostResourceType<{ drops: number }>('any', (item) => {
    if (typeof item.drops !== 'number') return; // some other object, which fits as any object does
    item.drops++;
    if (item.drops > 1) throw new Error('dropped twice');
    ledger.dropped++;
  });
  const handles: Handles = ({ kind }) => {
    if (kind === 'own') ledger.made++;
    return { drops: 0 };
  };
  const offer: Record<string, unknown> = {};
  for (const [name, extern] of component.type.imports) {
    if (extern.kind === 'func') offer[name] = answer(dice, extern.type.result, handles);
    if (extern.kind !== 'instance') continue;
    const inner: Record<string, unknown> = {};
    for (const [key, item] of extern.type.exports) {
      if (item.kind === 'func') inner[key] = answer(dice, item.type.result, handles);
      else if (item.kind === 'type' && item.type.kind === 'resource') inner[key] = resource;
    }
    offer[name] = inner;
  }
  return offer as HostImports;
}

function answer(dice: Dice, result: ValueType | undefined, handles: Handles): () => unknown {
  return () => {
    const value = result === undefined ? undefined : randomValue(dice, result, handles);
    return dice.once(5) ? Promise.resolve(value) : value;
  };
}
