/** Points of each member on the ring: shares then differ by about a tenth. */
const POINTS = 128;

/**
 * Members on a circle of 2³² places, each at {@link POINTS} of them. A key belongs to the member at the next point, so that
 * one that comes takes keys over, and one that goes gives its keys away, and no other key moves.
 *
 * ```
 *        key ─► next point clockwise
 *   ──a───b──────a────c───b──c──►  (and round)
 * ```
 */
export class HashRing<T> {
  readonly #places: Uint32Array;
  readonly #owners: readonly T[];

  /** @param members With names that they keep: their points follow from these. */
  constructor(members: Iterable<readonly [name: string, member: T]>) {
    const points: { readonly place: number; readonly member: T }[] = [];
    for (const [name, member] of members) {
      for (let i = 0; i < POINTS; i++) points.push({ place: hashOf(`${name}#${i}`), member });
    }
    points.sort((one, other) => one.place - other.place);
    this.#places = Uint32Array.from(points, ({ place }) => place);
    this.#owners = points.map(({ member }) => member);
  }

  /** The member that `key` belongs to, of those that are `wanted`; `undefined` when none is. */
  find(key: string, wanted: (member: T) => boolean): T | undefined {
    const owners = this.#owners;
    const first = this.#indexOf(hashOf(key));
    for (let i = 0; i < owners.length; i++) {
      const owner = owners[(first + i) % owners.length] as T;
      if (wanted(owner)) return owner;
    }
    return undefined;
  }

  #indexOf(place: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** FNV-1a of the UTF-16 code units, then mixed as MurmurHash3 ends: keys that differ in a character are far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
