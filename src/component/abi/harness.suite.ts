import assert from 'node:assert/strict';
import type { CanonOptions, ValueType } from '../binary/index.ts';
import type { HostFunction } from '../host.ts';
import { CanonContext, type ExportStub, type ImportStub, InstanceState } from './index.ts';
import { ReferenceContext } from './reference.suite.ts';

export const ENCODINGS: readonly CanonOptions['encoding'][] = ['utf8', 'utf16', 'latin1+utf16'];

const PAGE_BYTES = 65_536;

/** Grows to here at most, so that a test can make many. */
const PAGES_MAX = 64;

/** Guest memory with an allocator, seen by the compiled code and by the reference. No guest code runs. */
export class FakeGuest {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX });
  readonly state = new InstanceState();
  readonly ctx = new CanonContext(this.state);
  readonly reference: ReferenceContext;
  /** Calls of the allocator so far. */
  allocations = 0;
  /** What the allocator answers instead of a good pointer. */
  answer: number | undefined;
  private next = 16;

  constructor(encoding: CanonOptions['encoding'] = 'utf8') {
    this.ctx.setMemory(this.memory);
    this.ctx.setRealloc((...args) => this.allocate(args[2], args[3]));
    this.reference = new ReferenceContext({
      memory: () => this.bytes,
      encoding,
      allocate: (align, size) => this.allocate(align, size),
    });
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** Every third allocation makes the memory grow, so that views that are kept too long are found out. */
  allocate(align: number, size: number): number {
    this.allocations++;
    if (this.answer !== undefined) return this.answer | 0;
    const pages = this.memory.buffer.byteLength / PAGE_BYTES;
    const ptr = Math.ceil(this.next / align) * align;
    this.next = ptr + size;
    if ((this.allocations % 3 === 0 && pages < PAGES_MAX / 2) || this.next > this.memory.buffer.byteLength) {
      this.memory.grow(Math.max(1, Math.ceil((this.next - this.memory.buffer.byteLength) / PAGE_BYTES)));
    }
    return ptr | 0; // as wasm hands an i32 to JavaScript
  }
}

type FlatValue = number | bigint;

/** Makes an import callable as core code sees it: flat values in, the flat result out. The host must not wait. */
export function imported(
  ctx: CanonContext,
  stub: ImportStub,
  host: HostFunction,
): (...flats: FlatValue[]) => FlatValue | undefined {
  const core = stub.bind(ctx, host);
  return (...flats) => {
    assert.equal(core(...flats), 0);
    return ctx.state.suspension.value;
  };
}

/** Makes a core function callable as the host sees it. */
export function exported(
  ctx: CanonContext,
  stub: ExportStub,
  core: (...flats: never[]) => unknown,
): (...args: unknown[]) => unknown {
  return (...args) => {
    const flats: FlatValue[] = [];
    stub.lower(ctx, args, flats);
    return stub.lift(ctx, core(...(flats as never[])) as FlatValue | undefined);
  };
}

/** Parameters `a`, `b`… of these types. */
export function params(...types: ValueType[]): { name: string; type: ValueType }[] {
  return types.map((type, at) => ({ name: String.fromCharCode(97 + at), type }));
}

/** The type that holds nothing else. */
export function prim(
  kind: 'bool' | 'char' | 'string' | 's8' | 'u8' | 'u16' | 's32' | 'u32' | 's64' | 'u64' | 'f32' | 'f64',
): ValueType {
  return { kind };
}

export function list(element: ValueType): ValueType {
  return { kind: 'list', element };
}

/** The error that `work` throws. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
