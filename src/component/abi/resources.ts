import { assert, RuntimeError } from '../../errors/index.ts';
import { CallScope, Handle } from './handles.ts';
import { HANDLE_BYTES } from './limits.ts';
import { charge, GuestResourceType, type InstanceState, pay, type ResourceType } from './state.ts';
import { mismatch, toFailure, trap } from './trap.ts';

/** Whose the resource is: the host's to drop, lent to the host for one call, or nobody's any more. */
type Ownership = 'owned' | 'lent' | 'gone';

/**
 * A resource that a guest defined, in the hands of the host. Give it back to the guest that defined it (or to another
 * one that knows its type) as an argument, or drop it.
 *
 * One that was given away, dropped, or lent for a call that has ended is gone: using it is an error.
 */
export class GuestResource {
  /** Calls under way that it was lent to. Changed by the engine only. */
  lends = 0;
  private readonly type: GuestResourceType;
  private readonly rep: number;
  private ownership: Ownership;

  /** Called by the engine only. */
  constructor(type: GuestResourceType, rep: number, ownership: Ownership = 'owned') {
    this.type = type;
    this.rep = rep;
    this.ownership = ownership;
  }

  /** The WIT name of its type. */
  get typeName(): string {
    return this.type.name;
  }

  /** True until it is given away or dropped, or its instance dies. */
  get alive(): boolean {
    return this.ownership !== 'gone' && this.type.owner.failure === undefined;
  }

  /** Tells whether it can be passed as a value of `type`. Called by the engine only. */
  fits(type: ResourceType | undefined, mode: 'own' | 'borrow'): boolean {
    if (this.type !== type || !this.alive) return false;
    return mode === 'borrow' || (this.ownership === 'owned' && this.lends === 0);
  }

  /** Gives its number and ends it. Called by the engine only. */
  take(): number {
    this.ownership = 'gone';
    return this.rep;
  }

  /** Undoes {@link take}. Called by the engine only. */
  giveBack(): void {
    this.ownership = 'owned';
  }

  /** Gives its number. Called by the engine only. */
  peek(): number {
    return this.rep;
  }

  /**
   * Runs the guest's destructor. Dropping a second time, and dropping what a dead instance defined, does nothing.
   *
   * @throws {RuntimeError} `COMPONENT_BUSY` — the instance is in a call, or the resource is lent to one; drop it later.
   * @throws {RuntimeError} `VALUE_INVALID` — it was only lent; it is not yours to drop.
   * @throws {RuntimeError} `COMPONENT_TRAPPED` — the destructor trapped; the instance is dead.
   */
  drop(): void {
    if (!this.alive) return;
    const { name, owner } = this.type;
    if (this.ownership === 'lent') {
      throw new RuntimeError('VALUE_INVALID', `Cannot drop the resource "${name}": it was lent for one call`);
    }
    if (this.lends > 0 || !owner.mayEnter) {
      throw new RuntimeError('COMPONENT_BUSY', `Cannot drop the resource "${name}" while its component is in a call`);
    }
    destroyGuest(this.type, this.take());
  }

  [Symbol.dispose](): void {
    this.drop();
  }
}

/** Enters the instance that defines the resource, to run its destructor. */
function destroyGuest(type: GuestResourceType, rep: number): void {
  const { owner, dtor } = type;
  if (dtor === undefined) return;
  const { mayEnter } = owner;
  owner.mayEnter = false;
  try {
    dtor(rep);
  } catch (thrown) {
    owner.failure ??= toFailure(thrown);
    throw thrown;
  }
  owner.mayEnter = mayEnter;
}

/** Takes an owned handle out of the guest's table. */
export function liftOwn(state: InstanceState, index: number, slot: number): unknown {
  const { handles } = state;
  const type = state.resourceTypes[slot];
  const handle = handles.get(index >>> 0, type);
  if (handle.lends !== 0) trap('handle-lent', `The component gave away handle ${index >>> 0}, which is lent to a call`);
  if (handle.scope !== undefined)
    trap('handle-not-own', `The component gave away handle ${index >>> 0}, which it only borrows`);
  charge(state, HANDLE_BYTES);
  handles.remove(index >>> 0);
  state.taken.push(handle);
  return type instanceof GuestResourceType ? new GuestResource(type, handle.rep as number) : handle.rep;
}

/** Lends what a handle stands for to the call of an import. {@link releaseLends} ends it. */
export function liftBorrow(state: InstanceState, index: number, slot: number): unknown {
  const type = state.resourceTypes[slot];
  const handle = state.handles.get(index >>> 0, type);
  charge(state, HANDLE_BYTES);
  handle.lends++;
  state.lenders.push(handle);
  if (!(type instanceof GuestResourceType)) return handle.rep;
  const lent = new GuestResource(type, handle.rep as number, 'lent');
  state.lenders.push(new LentHandle(type, lent));
  return lent;
}

/** Stands in the list of lenders for what the host was given for one call, and ends that with the call. */
class LentHandle extends Handle {
  constructor(type: GuestResourceType, resource: GuestResource) {
    super(type, resource, undefined);
    this.lends = 1;
  }
}

/** Ends the lending of everything that was lent since `state.lenders` had `base` entries. */
export function releaseLends(state: InstanceState, base: number): void {
  const { lenders } = state;
  while (lenders.length > base) {
    const handle = lenders.pop()!;
    handle.lends--;
    if (handle.rep instanceof GuestResource) handle.rep.take();
  }
}

/** Puts an owned handle into the guest's table, for a result. */
export function lowerOwn(state: InstanceState, slot: number, value: unknown): number {
  const type = state.resourceTypes[slot];
  if (type === undefined || !fitsResource(type, value, 'own')) mismatch();
  const rep = value instanceof GuestResource ? value.take() : value;
  return state.handles.add(new Handle(type, rep, undefined));
}

/** Does {@link lowerOwn} for an argument: {@link takeBack} undoes it. */
export function giveOwn(state: InstanceState, slot: number, value: unknown): number {
  const index = lowerOwn(state, slot, value);
  scopeOf(state).made.push({ index, given: value instanceof GuestResource ? value : undefined });
  return index;
}

/** Lends a resource to the guest for the call of an export; the guest that defines it gets its own number. */
export function lowerBorrow(state: InstanceState, slot: number, value: unknown): number {
  const type = state.resourceTypes[slot];
  if (type === undefined || !fitsResource(type, value, 'borrow')) mismatch();
  const scope = scopeOf(state);
  let rep: unknown = value;
  if (value instanceof GuestResource) {
    value.lends++;
    scope.lent.push(value);
    rep = value.peek();
    if ((type as GuestResourceType).owner === state) return rep as number;
  }
  const index = state.handles.add(new Handle(type, rep, scope));
  scope.made.push({ index, given: undefined });
  scope.borrows++;
  return index;
}

/** Tells whether `value` can be passed as a handle of `type`: any object of the host's, or a live guest resource. */
export function fitsResource(type: ResourceType | undefined, value: unknown, mode: 'own' | 'borrow'): boolean {
  if (type instanceof GuestResourceType) return value instanceof GuestResource && value.fits(type, mode);
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return type !== undefined && isObject && !(value instanceof GuestResource);
}

/** Opens the scope of a call of an export that takes resources. */
export function openScope(state: InstanceState): void {
  state.scope = new CallScope();
}

function scopeOf(state: InstanceState): CallScope {
  assert(state.scope !== undefined, 'a call that takes resources has a scope until it ends');
  return state.scope;
}

/** Ends the scope of a call that returned. */
export function closeScope(state: InstanceState): void {
  const scope = endScope(state);
  if (scope.borrows !== 0) {
    trap(
      'borrow-remains',
      `The component returned and still holds ${scope.borrows} handles that it had borrowed for the call`,
    );
  }
}

/** Ends the scope of a call whose arguments were refused: the guest never saw it, and its handles are as before. */
export function takeBack(state: InstanceState): void {
  for (const { index, given } of endScope(state).made.reverse()) {
    state.handles.remove(index);
    given?.giveBack();
  }
}

function endScope(state: InstanceState): CallScope {
  const scope = scopeOf(state);
  for (const resource of scope.lent) resource.lends--;
  state.scope = undefined;
  return scope;
}

function checkMayLeave(state: InstanceState): void {
  if (!state.mayLeave) cannotLeave();
}

/** Refuses a call out of code that may not call out. */
export function cannotLeave(): never {
  trap('cannot-leave', 'The component called out while it allocated memory or cleaned up');
}

/** Makes the core function of `canon resource.new`. */
export function resourceNew(state: InstanceState, slot: number): (rep: number) => number {
  return (rep) => {
    try {
      checkMayLeave(state);
      const type = state.resourceTypes[slot];
      assert(type !== undefined, 'the linker filled every slot');
      return state.handles.add(new Handle(type, rep | 0, undefined));
    } catch (thrown) {
      throw fail(state, thrown);
    }
  };
}

/** Makes the core function of `canon resource.rep`. */
export function resourceRep(state: InstanceState, slot: number): (index: number) => number {
  return (index) => {
    try {
      return state.handles.get(index >>> 0, state.resourceTypes[slot]).rep as number;
    } catch (thrown) {
      throw fail(state, thrown);
    }
  };
}

/**
 * Makes the core function of `canon resource.drop`: runs the host's `drop`, or the guest's destructor. It returns 1 when the
 * guest has to wait for its turn, since that took long.
 */
export function resourceDrop(state: InstanceState, slot: number): (index: number) => 0 | 1 {
  return (index) => {
    try {
      checkMayLeave(state);
      dropHandle(state, index >>> 0, slot);
    } catch (thrown) {
      throw fail(state, thrown);
    }
    return pay(state);
  };
}

function dropHandle(state: InstanceState, index: number, slot: number): void {
  const type = state.resourceTypes[slot];
  const handle = state.handles.get(index, type);
  if (handle.lends !== 0) trap('handle-lent', `The component dropped handle ${index}, which is lent to a call`);
  state.handles.remove(index);
  if (handle.scope !== undefined) {
    handle.scope.borrows--;
  } else if (!(type instanceof GuestResourceType)) {
    type!.dropValue(handle.rep as object);
  } else if (type.owner === state) {
    type.dtor?.(handle.rep as number);
  } else if (type.owner.failure === undefined) {
    if (type.owner.isDropping) trap('reenter', `The component dropped a "${type.name}" whose component is in a call`);
    state.isDropping = true;
    destroyGuest(type, handle.rep as number);
    state.isDropping = false;
  }
}

/** Records why the instance dies, and gives back what has to be thrown. */
export function fail(state: InstanceState, thrown: unknown): unknown {
  state.failure ??= toFailure(thrown);
  return thrown;
}

/**
 * Drops every host resource that a dead instance still owned, or gave away in a call that it did not survive. Never
 * throws.
 *
 * @returns What the destructors threw.
 */
export function disposeHandles(state: InstanceState): unknown[] {
  const errors: unknown[] = [];
  state.lenders.length = 0;
  for (const handle of [...state.handles.takeAll(), ...state.taken.splice(0)]) {
    if (handle.scope !== undefined || handle.type instanceof GuestResourceType) continue;
    try {
      (handle.type as Exclude<ResourceType, GuestResourceType>).dropValue(handle.rep as object);
    } catch (error) {
      errors.push(error); // the caller logs them; the others still have to be dropped
    }
  }
  return errors;
}
