import type { Cell, Services } from './cell.ts';

/**
 * Who is whose child. Each cell has a place in one list, its parent's or the system's, and knows which: to come and to go
 * costs as little with a million siblings as with none. The lists are in no order; ids are.
 */
function siblingsOf({ parent, profile }: Cell): Cell[] {
  if (parent === null) return profile.services.roots;
  parent.children ??= [];
  return parent.children;
}

/** From now on `cell` lives. */
export function enter(cell: Cell): void {
  const siblings = siblingsOf(cell);
  cell.index = siblings.length;
  siblings.push(cell);
  cell.profile.services.size++;
}

/** `cell` lives no more. */
export function retire(cell: Cell): void {
  const { services } = cell.profile;
  const siblings = siblingsOf(cell);
  const last = siblings.pop() as Cell;
  if (last !== cell) {
    siblings[cell.index] = last;
    last.index = cell.index;
  }
  services.size--;
  cell.profile.tally.noteEnd(cell);
  services.onRetired();
}

/** Every living cell, parents before their children. One that begins or ends meanwhile may be left out. */
export function* everyCell({ roots }: Services): IterableIterator<Cell> {
  // With a list instead of recursion: a tree may be deeper than the call stack.
  const levels = [{ cells: roots, left: roots.length }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    // Backwards: a cell that ends has its place taken by the last one, which has been seen.
    level.left = Math.min(level.left, level.cells.length) - 1;
    const cell = level.cells[level.left];
    if (cell === undefined) {
      levels.pop();
      continue;
    }
    if (cell.children !== null) levels.push({ cells: cell.children, left: cell.children.length });
    yield cell;
  }
}
