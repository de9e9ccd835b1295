import type { ValueType } from '../binary/index.ts';
import { alternativesOf, isTaggedOption, layoutOf, partsOf } from './layout.ts';
import { propertyNames, propertyOf } from './names.ts';
import { fitsResource } from './resources.ts';
import { GuestResourceType, type InstanceState } from './state.ts';

/**
 * Drops the host resources in a result or in arguments that the guest never received, because the instance dies. Never
 * throws: what is no value of the type holds nothing that could be dropped.
 */
export function dropUnreceived(state: InstanceState, type: ValueType, value: unknown): void {
  const received = state.handles.reps();
  const drop = (slot: number, owned: unknown): void => {
    const resource = state.resourceTypes[slot];
    if (resource === undefined || resource instanceof GuestResourceType) return;
    if (received.has(owned) || !fitsResource(resource, owned, 'own')) return;
    received.add(owned);
    try {
      resource.dropValue(owned as object);
    } catch {
      // The instance is dead for another reason, which is the one to report.
    }
  };
  try {
    eachOwned(type, value, drop);
  } catch {
    // The value cannot be read; see above.
  }
}

function eachOwned(type: ValueType, value: unknown, visit: (slot: number, owned: unknown) => void): void {
  if (!layoutOf(type).hasHandle || value === undefined || value === null) return;
  switch (type.kind) {
    case 'own':
      visit(type.resource.slot, value);
      break;
    case 'list':
      for (const item of value as unknown[]) eachOwned(type.element, item, visit);
      break;
    case 'record': {
      const names = propertyNames(type.fields.map((field) => field.name));
      for (const [at, part] of partsOf(type).entries()) {
        eachOwned(part, propertyOf(value, names[at]!), visit);
      }
      break;
    }
    case 'tuple':
      for (const [at, part] of type.types.entries()) eachOwned(part, (value as unknown[])[at], visit);
      break;
    case 'option':
    case 'result':
    case 'variant':
      eachOwnedPayload(type, value, visit);
      break;
    default:
      break; // nothing else holds a handle that is owned
  }
}

function eachOwnedPayload(
  type: ValueType & { kind: 'option' | 'result' | 'variant' },
  value: unknown,
  visit: (slot: number, owned: unknown) => void,
): void {
  if (type.kind === 'option' && !isTaggedOption(type)) {
    eachOwned(type.some, value, visit);
    return;
  }
  const { tag, val } = value as { tag?: unknown; val?: unknown };
  const entry = alternativesOf(type).find((candidate) => candidate.tag === tag);
  if (entry?.type !== undefined) eachOwned(entry.type, val, visit);
}
