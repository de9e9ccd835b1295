import { GRANT_LINES } from '../capability/index.ts';

/** What an imported interface needs before a component that imports it can run. */
export interface InterfaceNeed {
  /**
   * Absent: its functions can say no through their own results, so it is always linked, with as little authority as the
   * grants give. Present: they cannot, so it is linked only with this grant, which `line` gives.
   */
  readonly grant?: { readonly kind: 'clock' | 'random'; readonly line: string };
}

const FREE: InterfaceNeed = Object.freeze({});
const CLOCK: InterfaceNeed = Object.freeze({
  grant: Object.freeze({ kind: 'clock', line: GRANT_LINES.clock }),
});
const RANDOM: InterfaceNeed = Object.freeze({
  grant: Object.freeze({ kind: 'random', line: GRANT_LINES.random }),
});

const NEEDS: Readonly<Record<string, InterfaceNeed>> = Object.freeze({
  'wasi:cli/environment': FREE,
  'wasi:cli/exit': FREE,
  'wasi:cli/stdin': FREE,
  'wasi:cli/stdout': FREE,
  'wasi:cli/stderr': FREE,
  'wasi:cli/terminal-input': FREE,
  'wasi:cli/terminal-output': FREE,
  'wasi:cli/terminal-stdin': FREE,
  'wasi:cli/terminal-stdout': FREE,
  'wasi:cli/terminal-stderr': FREE,
  'wasi:clocks/monotonic-clock': CLOCK,
  'wasi:clocks/wall-clock': CLOCK,
  'wasi:filesystem/preopens': FREE,
  'wasi:filesystem/types': FREE,
  'wasi:http/outgoing-handler': FREE,
  'wasi:http/types': FREE,
  'wasi:io/error': FREE,
  'wasi:io/poll': FREE,
  'wasi:io/streams': FREE,
  'wasi:random/insecure': RANDOM,
  'wasi:random/insecure-seed': RANDOM,
  'wasi:random/random': RANDOM,
  'wasi:sockets/instance-network': FREE,
  'wasi:sockets/ip-name-lookup': FREE,
  'wasi:sockets/network': FREE,
  'wasi:sockets/tcp': FREE,
  'wasi:sockets/tcp-create-socket': FREE,
  'wasi:sockets/udp': FREE,
  'wasi:sockets/udp-create-socket': FREE,
});

/** Interfaces whose versions are drafts: each is served under these very names. They can say no, or harm nobody. */
const DRAFTS: readonly string[] = Object.freeze([
  'wasi:config/runtime@0.2.0-draft',
  'wasi:config/store@0.2.0-draft',
  'wasi:config/store@0.2.0-rc.1',
  'wasi:keyvalue/atomics@0.2.0-draft',
  'wasi:keyvalue/atomics@0.2.0-draft2',
  'wasi:keyvalue/batch@0.2.0-draft',
  'wasi:keyvalue/batch@0.2.0-draft2',
  'wasi:keyvalue/store@0.2.0-draft',
  'wasi:keyvalue/store@0.2.0-draft2',
  'wasi:logging/logging',
  'wasi:logging/logging@0.1.0-draft',
]);

/** Names of the interfaces that {@link defineWasi} can offer, those of stable 0.2 without version, sorted. */
export const WASI_INTERFACES: readonly string[] = Object.freeze([...Object.keys(NEEDS), ...DRAFTS].sort());

/** `namespace:package/interface`, and a version after `@` if there is one. */
const IMPORT_NAME = /^([^@]+)(?:@(.+))?$/;

/** Stable 0.2, whatever the patch; a pre-release of it is something else. */
const SERVED_VERSION = /^0\.2\.\d+$/;

/**
 * Says what an imported interface needs.
 *
 * @param importName As the component names it: `'wasi:clocks/wall-clock@0.2.3'`. Any 0.2.x is served, and a name
 *   without version; of drafts, those that are named here.
 * @returns Nothing for an interface, or a version, that WASI here does not have.
 */
export function neededGrants(importName: string): InterfaceNeed | undefined {
  if (DRAFTS.includes(importName)) return FREE;
  const [, name = '', version] = IMPORT_NAME.exec(importName) ?? [];
  if (version !== undefined && !SERVED_VERSION.test(version)) return undefined;
  return Object.hasOwn(NEEDS, name) ? NEEDS[name] : undefined;
}
