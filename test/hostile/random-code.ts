import type { SeededRandom } from '../../src/time/index.ts';

type NumberType = 'i32' | 'i64';

interface Signature {
  readonly params: readonly NumberType[];
  readonly results: readonly NumberType[];
}

/** What a branch to a label takes along. */
interface Label {
  readonly name: string;
  readonly types: readonly NumberType[];
}

interface Scope {
  readonly self: number;
  readonly locals: readonly NumberType[];
  readonly labels: readonly Label[];
}

/** Instructions inside of each other. */
const DEPTH_MAX = 5;
/** Loop iterations and calls of one run: what is left of them is in a global, so that every run ends. */
export const STEPS_MAX = 2_000;
const FUNCTIONS = 5;

const BINARY = {
  i32: 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split(' '),
  i64: 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split(' '),
};
const UNARY = {
  i32: ['clz', 'ctz', 'popcnt', 'extend8_s', 'extend16_s'],
  i64: ['clz', 'ctz', 'popcnt', 'extend8_s', 'extend16_s', 'extend32_s'],
};
const COMPARE = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');
const LOADS = {
  i32: ['load', 'load8_s', 'load8_u', 'load16_s', 'load16_u'],
  i64: ['load', 'load8_s', 'load8_u', 'load16_s', 'load32_s', 'load32_u'],
};
const STORES = { i32: ['store', 'store8', 'store16'], i64: ['store', 'store8', 'store16', 'store32'] };
const INTERESTING = [0, 1, -1, 2, 7, 64, 255, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31)];

/**
 * Writes core modules that are valid, always end, and use what compilers use: blocks, loops and branches of every kind with
 * several values, calls of every kind, memories, tables, globals, bulk instructions, exceptions, traps.
 *
 * Exports: functions `f0` and so on of two `i64`, `memory`, and the globals `steps` (what is left of {@link STEPS_MAX}),
 * `g32` and `g64`.
 */
export class RandomCode {
  readonly #random: SeededRandom;
  readonly #signatures: Signature[];
  #labels = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#signatures = Array.from({ length: FUNCTIONS }, (_, index) =>
      index < 2
        ? { params: ['i64', 'i64'], results: ['i64'] }
        : { params: this.#types(3), results: this.#types(this.#chance(0.3) ? 2 : 1) },
    );
  }

  /** The text of a module. */
  module(): string {
    const types = this.#signatures.map((signature, index) => `(type $t${index} (func ${form(signature)}))`);
    const functions = this.#signatures.map((_, index) => this.#function(index));
    const names = this.#signatures.map((_, index) => `$f${index}`);
    return `(module
      ${types.join('\n      ')}
      (memory (export "memory") 1 2)
      (table $table 8 funcref)
      (elem (table $table) (i32.const 0) func ${names.join(' ')})
      (elem $passive func ${names.join(' ')})
      (data $bytes "some bytes that are put where nobody looks")
      (tag $e (param i32))
      (tag $f)
      (global $steps (export "steps") (mut i32) (i32.const ${STEPS_MAX}))
      (global $g32 (export "g32") (mut i32) (i32.const 5))
      (global $g64 (export "g64") (mut i64) (i64.const 9))
      ${functions.join('\n      ')})`;
  }

  #function(index: number): string {
    const { params, results } = this.#signatures[index] as Signature;
    const own = this.#types(4);
    const scope = { self: index, locals: [...params, ...own], labels: [] };
    const exported = index < 2 ? ` (export "f${index}")` : '';
    const locals = own.length === 0 ? '' : `(local ${own.join(' ')})`;
    const body = [this.#step(), ...this.#statements(scope, 0), ...results.map((type) => this.#value(type, scope, 0))];
    return `(func $f${index}${exported} (type $t${index}) ${locals}\n        ${body.join('\n        ')})`;
  }

  /** Ends the run when its steps are used up. */
  #step(): string {
    return `(if (i32.le_s (global.get $steps) (i32.const 0)) (then unreachable))
        (global.set $steps (i32.sub (global.get $steps) (i32.const 1)))`;
  }

  #statements(scope: Scope, depth: number): string[] {
    return Array.from({ length: 1 + this.#below(4) }, () => this.#statement(scope, depth + 1));
  }

  #statement(scope: Scope, depth: number): string {
    const type = this.#type();
    const value = (of: NumberType = type): string => this.#value(of, scope, depth + 1);
    const simple = [
      () => (scope.locals.length === 0 ? 'nop' : this.#setLocal(scope, depth)),
      () => `(global.set ${type === 'i32' ? '$g32' : '$g64'} ${value()})`,
      () => `(${type}.${this.#one(STORES[type])} ${this.#offset()} ${this.#address(scope, depth)} ${value()})`,
      () => `(drop ${value()})`,
      () => `(memory.fill ${this.#address(scope, depth)} ${value('i32')} ${this.#length(scope, depth)})`,
      () => `(memory.copy ${this.#address(scope, depth)} ${this.#address(scope, depth)} ${this.#length(scope, depth)})`,
      () => `(memory.init $bytes ${this.#address(scope, depth)} (i32.const 2) (i32.const ${this.#below(45)}))`,
      () => `(table.copy (i32.const 0) (i32.const 0) (i32.const ${this.#below(9)}))`,
      () => `(table.init $passive (i32.const ${this.#below(4)}) (i32.const 0) (i32.const ${FUNCTIONS}))`,
    ];
    if (depth >= DEPTH_MAX || this.#chance(0.4)) return this.#one(simple)();
    return this.#one([
      () => `(block ${this.#inLabel(scope, [], (inside) => this.#statements(inside, depth).join(' '))})`,
      () => `(loop ${this.#loop(scope, depth)})`,
      () => `(if ${value('i32')} (then ${this.#statements(scope, depth).join(' ')}))`,
      () =>
        `(if ${value('i32')} (then ${this.#statements(scope, depth).join(' ')}) (else ${this.#statements(scope, depth).join(' ')}))`,
      () => this.#branch(scope, depth),
      () => this.#exception(scope, depth),
      () => this.#thrown(scope, depth),
      () => this.#call(scope, depth, (call, { results }) => `${call} ${results.map(() => '(drop)').join(' ')}`),
      () => (this.#chance(0.1) ? this.#leave(scope, depth) : 'nop'),
    ])();
  }

  #value(type: NumberType, scope: Scope, depth: number): string {
    const value = (of: NumberType = type): string => this.#value(of, scope, depth + 1);
    const places = scope.locals.flatMap((local, index) => (local === type ? [index] : []));
    const simple = [
      () => this.#constant(type),
      () => (places.length === 0 ? this.#constant(type) : `(local.get ${this.#one(places)})`),
      () => `(global.get ${type === 'i32' ? '$g32' : '$g64'})`,
    ];
    if (depth >= DEPTH_MAX || this.#chance(0.3)) return this.#one(simple)();
    const other = type === 'i32' ? 'i64' : 'i32';
    return this.#one([
      () => `(${type}.${this.#one(BINARY[type])} ${value()} ${value()})`,
      () => `(${type}.${this.#one(BINARY[type])} ${value()} ${value()})`,
      () => `(${type}.${this.#one(UNARY[type])} ${value()})`,
      () =>
        type === 'i32' ? `(i32.wrap_i64 ${value(other)})` : `(i64.extend_i32_${this.#one(['s', 'u'])} ${value(other)})`,
      () => (type === 'i32' ? `(${other}.${this.#one(COMPARE)} ${value(other)} ${value(other)})` : value()),
      () => `(${type}.${this.#one(LOADS[type])} ${this.#offset()} ${this.#address(scope, depth)})`,
      () => `(select ${value()} ${value()} ${value('i32')})`,
      () => (places.length === 0 ? value() : `(local.tee ${this.#one(places)} ${value()})`),
      () => (type === 'i32' ? '(memory.size)' : value()),
      () => (type === 'i32' ? `(memory.grow (i32.const ${this.#below(2)}))` : value()),
      () => `(if (result ${type}) ${value('i32')} (then ${value()}) (else ${value()}))`,
      () => `(block (result ${type}) ${this.#inLabel(scope, [type], (inside) => this.#inBlock(type, inside, depth))})`,
      () => `(loop (result ${type}) ${this.#loop(scope, depth)} ${value()})`,
      () => this.#pair(type, scope, depth),
      () =>
        this.#call(scope, depth, (call, { results }) =>
          results[0] === type ? this.#firstOf(call, results) : undefined,
        ) || value(),
    ])();
  }

  /** Only the last of the values that a call leaves is wanted where there are two; all but the first are dropped. */
  #firstOf(call: string, results: readonly NumberType[]): string {
    return `(block (result ${results[0]}) ${call} ${results
      .slice(1)
      .map(() => '(drop)')
      .join(' ')})`;
  }

  /** Two values out of one block. */
  #pair(type: NumberType, scope: Scope, depth: number): string {
    const value = (): string => this.#value(type, scope, depth + 1);
    const label = `$l${this.#labels++}`;
    const inside = { ...scope, labels: [...scope.labels, { name: label, types: [type, type] }] };
    return `(block (result ${type}) (block ${label} (result ${type} ${type}) ${this.#statements(inside, depth + 1).join(' ')} ${value()} ${value()}) (${type}.${this.#one(['add', 'xor', 'sub'])}))`;
  }

  #inBlock(type: NumberType, scope: Scope, depth: number): string {
    return `${this.#statements(scope, depth + 1).join(' ')} ${this.#value(type, scope, depth + 1)}`;
  }

  #inLabel(scope: Scope, types: readonly NumberType[], inside: (scope: Scope) => string): string {
    const name = `$l${this.#labels++}`;
    const content = inside({ ...scope, labels: [...scope.labels, { name, types }] });
    // The label stands before the type in the text: `(block $l (result i32) …)`; a block around it is the same.
    return types.length === 0 ? `(block ${name} ${content})` : `(block ${name} (result ${types.join(' ')}) ${content})`;
  }

  #loop(scope: Scope, depth: number): string {
    const name = `$l${this.#labels++}`;
    const inside = { ...scope, labels: [...scope.labels, { name, types: [] }] };
    return `(loop ${name} ${this.#step()} ${this.#statements(inside, depth + 1).join(' ')}
          (br_if ${name} (i32.and ${this.#value('i32', scope, depth + 1)} (i32.ne (i32.rem_u (global.get $steps) (i32.const 13)) (i32.const 0)))))`;
  }

  #branch(scope: Scope, depth: number): string {
    const label = scope.labels.length === 0 ? undefined : this.#one(scope.labels);
    if (label === undefined) return 'nop';
    const values = label.types.map((type) => this.#value(type, scope, depth + 1)).join(' ');
    const condition = this.#value('i32', scope, depth + 1);
    const alike = scope.labels.filter(({ types }) => types.join() === label.types.join()).map(({ name }) => name);
    const drops = label.types.map(() => '(drop)').join(' ');
    return this.#one([
      () => `(br_if ${label.name} ${values} ${condition}) ${drops}`,
      () => `(if ${condition} (then (br ${label.name} ${values})))`,
      () =>
        `(if ${condition} (then (br_table ${alike.join(' ')} ${label.name} ${values} ${this.#value('i32', scope, depth + 1)})))`,
    ])();
  }

  #exception(scope: Scope, depth: number): string {
    const statements = (): string => this.#statements(scope, depth + 1).join(' ');
    const condition = (): string => this.#value('i32', scope, depth + 1);
    const body = `${statements()} (if ${condition()} (then ${this.#one([`(throw $e ${condition()})`, '(throw $f)'])})) ${statements()}`;
    return this.#one([
      () =>
        `(block $c${this.#labels} (drop (block $h${this.#labels} (result i32) (try_table (catch $e $h${this.#labels}) (catch_all $c${this.#labels++}) ${body}) (i32.const 0))))`,
      () => `(block $c${this.#labels} (try_table (catch_all $c${this.#labels++}) ${body}))`,
    ])();
  }

  /** Legacy exceptions may not stand in one module with the others; so this is an exception that may leave the function. */
  #thrown(scope: Scope, depth: number): string {
    return this.#chance(0.2) ? `(if ${this.#value('i32', scope, depth + 1)} (then (throw $f)))` : 'nop';
  }

  /** A call; what becomes of its results `use` says. Empty where it says nothing. */
  #call(scope: Scope, depth: number, use: (call: string, signature: Signature) => string | undefined): string {
    // Mostly those that come later, so that most recursions end by themselves.
    const first = this.#chance(0.9) ? scope.self + 1 : 0;
    if (first >= FUNCTIONS) return '';
    const index = first + this.#below(FUNCTIONS - first);
    const signature = this.#signatures[index] as Signature;
    const args = signature.params.map((type) => this.#value(type, scope, depth + 2)).join(' ');
    const call = this.#one([
      `(call $f${index} ${args})`,
      `(call_indirect (type $t${index}) ${args} (i32.const ${this.#chance(0.9) ? index : this.#below(9)}))`,
    ]);
    return use(call, signature) ?? '';
  }

  /** Out of the function, by a return or another function's. */
  #leave(scope: Scope, depth: number): string {
    const { results } = this.#signatures[scope.self] as Signature;
    const condition = this.#value('i32', scope, depth + 1);
    const values = results.map((type) => this.#value(type, scope, depth + 1)).join(' ');
    const alike = this.#signatures.flatMap((other, index) => (other.results.join() === results.join() ? [index] : []));
    const callee = this.#one(alike);
    const args = this.#signatures[callee]?.params.map((type) => this.#value(type, scope, depth + 2)).join(' ');
    return this.#one([
      () => `(if ${condition} (then (return ${values})))`,
      () => `(if ${condition} (then (return_call $f${callee} ${args})))`,
      () => `(if ${condition} (then (return_call_indirect (type $t${callee}) ${args} (i32.const ${callee}))))`,
      () => `(if ${condition} (then unreachable))`,
    ])();
  }

  #setLocal(scope: Scope, depth: number): string {
    const index = this.#below(scope.locals.length);
    return `(local.set ${index} ${this.#value(scope.locals[index] as NumberType, scope, depth + 1)})`;
  }

  #address(scope: Scope, depth: number): string {
    const value = this.#value('i32', scope, depth + 1);
    return this.#chance(0.97) ? `(i32.and ${value} (i32.const 0xfff))` : value;
  }

  #length(scope: Scope, depth: number): string {
    const value = this.#value('i32', scope, depth + 1);
    return this.#chance(0.97) ? `(i32.and ${value} (i32.const 0xff))` : value;
  }

  #offset(): string {
    return this.#chance(0.5) ? '' : `offset=${this.#below(64)}`;
  }

  #constant(type: NumberType): string {
    const value = this.#chance(0.5) ? this.#one(INTERESTING) : this.#below(1_000) - 500;
    return `(${type}.const ${value})`;
  }

  #types(max: number): NumberType[] {
    return Array.from({ length: 1 + this.#below(max) }, () => this.#type());
  }

  #type(): NumberType {
    return this.#chance(0.6) ? 'i32' : 'i64';
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }
}

function form({ params, results }: Signature): string {
  return `(param ${params.join(' ')}) (result ${results.join(' ')})`;
}
