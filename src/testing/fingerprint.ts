/** Members of a value that are looked at on each level, and levels. */
const MEMBERS_MAX = 64;
const DEPTH_MAX = 4;

/** A number that is the same for two runs in which the same happened: FNV-1a, of 32 bits. */
export class Fingerprint {
  #hash = 0x811c9dc5;

  get value(): number {
    return this.#hash >>> 0;
  }

  mix(text: string): void {
    let hash = this.#hash;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    // Two texts are not their sum.
    this.#hash = Math.imul(hash ^ 0xff, 0x01000193);
  }

  /** Takes in what is data in a value: of instances of classes, and of functions, their name. */
  mixValue(value: unknown, depth = 0): void {
    if (typeof value !== 'object' || value === null) {
      this.mix(typeof value === 'function' ? `function ${value.name}` : `${typeof value} ${String(value)}`);
      return;
    }
    try {
      this.#mixObject(value, depth);
    } catch {
      // A getter or a proxy that throws: it says the same every time, or the run differs by what follows.
      this.mix('unreadable');
    }
  }

  #mixObject(value: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if ('tellOp' in value && 'name' in value) this.mix(`actor ${String(value.name)}`);
    else if (value instanceof Date) this.mix(`date ${value.getTime()}`);
    else if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
      this.#mixMembers(value.constructor.name, [...value.entries()], depth);
    } else if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      this.mix(`bytes ${bytes.length} ${bytes.subarray(0, MEMBERS_MAX).join()}`);
    } else if (prototype === Object.prototype || prototype === null) {
      this.#mixMembers('data', Object.entries(value), depth);
    } else this.mix(`instance ${value.constructor.name}`);
  }

  #mixMembers(kind: string, members: readonly (readonly [unknown, unknown])[], depth: number): void {
    this.mix(`${kind} ${members.length}`);
    if (depth >= DEPTH_MAX) return;
    for (const [key, member] of members.slice(0, MEMBERS_MAX)) {
      this.mixValue(key, depth + 1);
      this.mixValue(member, depth + 1);
    }
  }
}
