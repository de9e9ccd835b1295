import {
  type CompiledComponent,
  describeFunc,
  describeType,
  type ExportedFunction,
  type FuncType,
  partsOf,
  type ValueType,
  valuesOf,
} from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';

const FAILURE =
  'record { kind: enum { invalid, denied, not-found, conflict, overload, timeout, unavailable, cancelled, internal }, code: string, message: string }';

/** Types of the functions that we and components call of each other, as `wit/actor.wit` and WASI give them. */
const CONTRACT = {
  handle: `func(message: record { delivery: enum { tell, ask, topic }, subject: string, payload: list<u8>, sender: option<string>, remaining-ms: option<u32> }) -> result<option<list<u8>>, ${FAILURE}>`,
  start: 'func(config: list<u8>) -> result<_, string>',
  stop: 'func()',
  health: 'func() -> variant { healthy, degraded(string), unhealthy(string) }',
  snapshot: 'func() -> list<u8>',
  restore: 'func(state: list<u8>) -> result<_, string>',
  run: 'func() -> result',
  tell: `func(to: string, op: string, payload: list<u8>) -> result<_, ${FAILURE}>`,
  ask: `func(to: string, op: string, payload: list<u8>, timeout-ms: u32) -> result<list<u8>, ${FAILURE}>`,
  publish: `func(topic: string, payload: list<u8>) -> result<u32, ${FAILURE}>`,
  self: 'func() -> string',
} as const;

export type ContractFunction = keyof typeof CONTRACT;

/** Whether the import of that name is one of our own interfaces. */
export function isOurs(name: string): boolean {
  return /^troupe:actor\/(messaging|types)@0\.1\.\d+$/.test(name);
}

/** Whether `type` is `failure` of `troupe:actor/types`, under whatever name. */
export function isFailure(type: ValueType): boolean {
  return describeType(type) === FAILURE && !holdsHandle(type);
}

/** Our interface for sending, in any version that is compatible with ours. */
const MESSAGING = /^troupe:actor\/messaging@0\.1\.\d+$/;

/**
 * A component may call anything by one of our names; only what has the right type is one.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — the type that it has, and the one that it must have.
 */
export function checkContract(item: { readonly name: string; readonly type: FuncType }, name: ContractFunction): void {
  // A resource may be called "string", and is described by its name.
  if (describeFunc(item.type) === CONTRACT[name] && !holdsResources(item.type)) return;
  refuseType(item, CONTRACT[name]);
}

function refuseType(item: { readonly name: string; readonly type: FuncType }, expected: string): never {
  const type = describeFunc(item.type);
  const shown = type.length > 200 ? `${type.slice(0, 200)}…` : type;
  throw new RuntimeError(
    'COMPONENT_UNSUPPORTED',
    `Cannot host the component: "${item.name}" has the type ${shown} and must have ${expected}`,
    { details: { function: item.name, expected } },
  );
}

/**
 * Checks the types of what the component imports of `troupe:actor/messaging`: the functions behind it trust them.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — as {@link checkContract}.
 */
export function checkMessaging(component: CompiledComponent): void {
  for (const [name, item] of component.type.imports) {
    if (item.kind !== 'instance' || !MESSAGING.test(name)) continue;
    for (const [inner, func] of item.type.exports) {
      if (func.kind !== 'func' || !Object.hasOwn(CONTRACT, inner)) continue;
      checkContract({ name: `${name}#${inner}`, type: func.type }, inner as ContractFunction);
    }
  }
}

/** Where a component gets the resources from that `incoming-handler#handle` is called with. */
const HTTP_TYPES = /^wasi:http\/types@0\.2\.\d+$/;
const INCOMING_HANDLER = 'func(request: incoming-request, response-out: response-outparam)';

/**
 * Checks the type of `wasi:http/incoming-handler#handle`: both parameters are owned resources of the `wasi:http/types`
 * that the component imports, and not others of the same names.
 *
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — as {@link checkContract}.
 */
export function checkIncomingHandler(component: CompiledComponent, item: ExportedFunction): void {
  const { params, result } = item.type;
  const [request, responseOut] = params;
  const fits =
    params.length === 2 &&
    result === undefined &&
    isOwnedImport(component, request?.type, 'incoming-request') &&
    isOwnedImport(component, responseOut?.type, 'response-outparam');
  if (!fits) refuseType(item, INCOMING_HANDLER);
}

function isOwnedImport(component: CompiledComponent, type: ValueType | undefined, name: string): boolean {
  if (type?.kind !== 'own') return false;
  for (const [key, item] of component.type.imports) {
    if (item.kind !== 'instance' || !HTTP_TYPES.test(key)) continue;
    const found = item.type.exports.get(name);
    if (found?.kind === 'type' && found.type.kind === 'resource' && sameResource(found.type.resource, type.resource))
      return true;
  }
  return false;
}

/** A component within the component has symbols of its own; the slot says which resource one is. */
function sameResource(a: { readonly slot: number }, b: { readonly slot: number }): boolean {
  return a === b || (a.slot >= 0 && a.slot === b.slot);
}

/** Tells whether a parameter or the result of `type` is, or holds, a handle. */
export function holdsResources(type: FuncType): boolean {
  return valuesOf(type).some(holdsHandle);
}

function holdsHandle(type: ValueType): boolean {
  return type.kind === 'own' || type.kind === 'borrow' || partsOf(type).some(holdsHandle);
}
