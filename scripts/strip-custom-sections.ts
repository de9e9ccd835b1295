/**
 * Leaves out of a WebAssembly binary what no engine needs: names, producers, debug information. Components are stripped
 * with the modules and components inside them.
 */

/** Magic and version of every binary. */
const PREAMBLE_BYTES = 8;
/** Byte 6 of a preamble: 0 is a core module, 1 a component. */
const LAYER_OFFSET = 6;
const CUSTOM_SECTION = 0;
/** Sections of a component that hold a whole binary: a core module, a component. */
const NESTED_SECTIONS: readonly number[] = [1, 4];

/**
 * @param bytes A valid core module or component.
 * @param keep Tells by its name which custom section stays. Default: none.
 */
export function stripCustomSections(bytes: Uint8Array, keep: (name: string) => boolean = () => false): Uint8Array {
  const isComponent = bytes[LAYER_OFFSET] === 1;
  const parts: Uint8Array[] = [bytes.subarray(0, PREAMBLE_BYTES)];
  let at = PREAMBLE_BYTES;
  while (at < bytes.length) {
    const id = bytes[at] as number;
    const size = readLeb(bytes, at + 1);
    const body = bytes.subarray(size.end, size.end + size.value);
    if (id === CUSTOM_SECTION) {
      if (keep(nameOf(body))) parts.push(bytes.subarray(at, size.end + size.value));
    } else if (isComponent && NESTED_SECTIONS.includes(id)) {
      const nested = stripCustomSections(body, keep);
      parts.push(Uint8Array.of(id, ...toLeb(nested.length)), nested);
    } else {
      parts.push(bytes.subarray(at, size.end + size.value));
    }
    at = size.end + size.value;
  }
  return Buffer.concat(parts);
}

function nameOf(body: Uint8Array): string {
  const length = readLeb(body, 0);
  return Buffer.from(body.subarray(length.end, length.end + length.value)).toString('utf8');
}

function readLeb(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let shift = 0;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, end: at + 1 };
    shift += 7;
  }
}

function toLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}
