/** What an instruction does to the flow of control, as far as charging for it has to know. */
export const FLOW = {
  next: 0,
  block: 1,
  loop: 2,
  if: 3,
  else: 4,
  end: 5,
  branch: 6,
  branchIf: 7,
  branchTable: 8,
  return: 9,
  /** An exception. */
  throw: 10,
  call: 11,
  tailCall: 12,
  try: 13,
  catch: 14,
  delegate: 15,
  tryTable: 16,
  /** 0xfc: the next number says which. */
  prefixed: 17,
  trap: 18,
  /** `memory.grow`, which may be refused. */
  grow: 19,
} as const;

/** Instructions with a flow of their own; all others go on with the next one. */
const FLOW_OF: readonly (readonly [first: number, last: number, flow: number])[] = [
  [0x00, 0x00, FLOW.trap], // unreachable
  [0x02, 0x02, FLOW.block],
  [0x03, 0x03, FLOW.loop],
  [0x04, 0x04, FLOW.if],
  [0x05, 0x05, FLOW.else],
  [0x06, 0x06, FLOW.try],
  [0x07, 0x07, FLOW.catch],
  [0x08, 0x0a, FLOW.throw], // throw, rethrow, throw_ref
  [0x0b, 0x0b, FLOW.end],
  [0x0c, 0x0c, FLOW.branch],
  [0x0d, 0x0d, FLOW.branchIf],
  [0x0e, 0x0e, FLOW.branchTable],
  [0x0f, 0x0f, FLOW.return],
  [0x10, 0x11, FLOW.call],
  [0x12, 0x13, FLOW.tailCall],
  [0x14, 0x14, FLOW.call], // call_ref
  [0x15, 0x15, FLOW.tailCall], // return_call_ref
  [0x18, 0x18, FLOW.delegate],
  [0x19, 0x19, FLOW.catch], // catch_all
  [0x1f, 0x1f, FLOW.tryTable],
  [0x40, 0x40, FLOW.grow],
  [0xd5, 0xd6, FLOW.branchIf], // br_on_null, br_on_non_null
  [0xfc, 0xfc, FLOW.prefixed],
];

/**
 * Units of fuel by opcode, where it is not one. A unit is about what a simple instruction takes: half of them are no
 * instruction of the machine at all, so that it is 0.03 to 0.1 ns. A call pays for a callee of up to {@link CALLEE_FREE_MAX}
 * units besides itself; growing a memory or a table detaches what the host holds of it.
 */
const COST_OF: readonly (readonly [first: number, last: number, units: number])[] = [
  [0x01, 0x03, 0], // nop, block, loop
  [0x05, 0x06, 0], // else, try
  [0x0b, 0x0b, 0], // end
  [0x08, 0x0a, 20_000], // throw, rethrow, throw_ref
  [0x10, 0x15, 8], // calls
  [0x1a, 0x1a, 0], // drop
  [0x40, 0x40, 20_000], // memory.grow
  [0x6d, 0x70, 10], // 32-bit division
  [0x7f, 0x82, 10], // 64-bit division
  [0x91, 0x91, 10], // f32.sqrt
  [0x95, 0x95, 10], // f32.div
  [0x9f, 0x9f, 10], // f64.sqrt
  [0xa3, 0xa3, 10], // f64.div
];

/** Units of a function without loops and calls up to which whoever calls it pays for it: a charge would cost as much as it. */
export const CALLEE_FREE_MAX = 24;

/** Units of `table.grow`, as {@link COST_OF} memory.grow. */
export const TABLE_GROW_UNITS = 20_000;

export const FLOWS = new Uint8Array(256);
for (const [first, last, flow] of FLOW_OF) FLOWS.fill(flow, first, last + 1);

export const COSTS = new Uint16Array(256).fill(1);
for (const [first, last, units] of COST_OF) COSTS.fill(units, first, last + 1);
