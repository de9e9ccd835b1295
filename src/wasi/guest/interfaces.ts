import type { HostInstance, HostResourceType } from '../../component/index.ts';
import type { Guest } from './guest.ts';

/** A function of a WASI interface. `this` is the guest that calls it. */
// biome-ignore lint/suspicious/noExplicitAny: each function has the parameters that its WIT type gives it
type GuestFunction = (this: Guest, ...args: any[]) => unknown;

/** Interfaces of one package, by name without version. */
// biome-ignore lint/suspicious/noExplicitAny: the representation is known to the interface alone
type Interfaces = Readonly<Record<string, Readonly<Record<string, GuestFunction | HostResourceType<any>>>>>;

/** Interfaces as all guests have them: one set of functions, which never changes. */
export function defineInterfaces(interfaces: Interfaces): Readonly<Record<string, HostInstance>> {
  for (const functions of Object.values(interfaces)) Object.freeze(functions);
  return Object.freeze(interfaces);
}
