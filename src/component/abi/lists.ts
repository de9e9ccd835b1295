const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const readLength = Function.prototype.call.bind(Object.getOwnPropertyDescriptor(typedArray, 'length')!.get!);
const readFirst = Function.prototype.call.bind(typedArray.at);

/**
 * The true length of a typed array, which a property of the object's own cannot hide.
 *
 * @throws {TypeError} Its buffer is detached, or too small for it; such an array says that its length is 0.
 */
export function lengthOfTyped(array: unknown): number {
  const length: number = readLength(array);
  if (length === 0) readFirst(array);
  return length;
}

/** The length of what can be passed as a list or tuple: an array, typed array or array-like object; −1 for all else. */
export function lengthOfList(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return -1;
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? -1 : lengthOfTyped(value);
  const { length } = value as { length?: unknown };
  return Number.isSafeInteger(length) && (length as number) >= 0 ? (length as number) : -1;
}
