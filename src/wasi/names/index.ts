/**
 * Names of hosts, looked up for guests.
 *
 * Guarantees
 *   NM1  Two names at most are looked up at once, whatever guests do: the threads that files need are never all taken.
 *   NM2  A name that nobody waits for any more is not looked up when its turn comes.
 * Limits      the resolver of the operating system, which sets its own time limit; whoever waits has a limit of its own.
 * Not here    where a name may lead (capability/), what guests see of it (sockets/, http/).
 *
 * @module
 */
export { NAME_RESOLVER, type NameResolver, SYSTEM_RESOLVER } from './resolver.ts';
