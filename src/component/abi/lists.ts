const lengthGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!.get!;

/** The true length of a typed array, which a property of the object's own cannot hide. */
export const lengthOfTyped: (array: unknown) => number = Function.prototype.call.bind(lengthGetter);

/** The length of what can be passed as a list or tuple: an array, typed array or array-like object; −1 for all else. */
export function lengthOfList(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return -1;
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? -1 : lengthOfTyped(value);
  const { length } = value as { length?: unknown };
  return Number.isSafeInteger(length) && (length as number) >= 0 ? (length as number) : -1;
}
