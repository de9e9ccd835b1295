#!/usr/bin/env node
/**
 * Entry of the command line. It must parse and say one clear line on any Node.js, so it imports nothing before it has
 * looked, and uses no syntax that is newer than modules themselves.
 */

/** Oldest major version whose WebAssembly can suspend by default. */
const NODE_MAJOR_MIN = 24;

/** Exit code of errors of kind `invalid`; the table itself may need a newer Node.js to load. */
const EXIT_INVALID = 64;

const version = process.versions.node;
const webAssembly = Reflect.get(globalThis, 'WebAssembly');
const suspends = typeof webAssembly === 'object' && typeof Reflect.get(webAssembly, 'Suspending') === 'function';

if (Number.parseInt(version, 10) < NODE_MAJOR_MIN || !suspends) {
  const reason = suspends ? '' : ': its WebAssembly cannot suspend (JSPI)';
  process.stderr.write(
    `error[RUNTIME_UNSUPPORTED]: Troupe needs Node.js ${NODE_MAJOR_MIN} or newer; this is ${version}${reason}\n`,
  );
  process.exitCode = EXIT_INVALID;
} else {
  const { startProcess } = await import('./start-process.ts');
  await startProcess();
}
