/**
 * Streams under a name of their own, for the time of the build.
 *
 * The tool for QuickJS starts the component once, to take its picture, with a real `wasi:io` for the packages that it
 * knows and dummies for all others. A dummy that speaks of streams (`wasi:http`) then does not fit: its streams are not
 * the real ones. So what other packages use of `wasi:io` is called `wasx:io` meanwhile, of which everything is a dummy.
 * The right name, of the same length, is put back afterwards; another patch version keeps it apart from the import that
 * is there already, and both mean the same to every host (0.2.x).
 */
const REAL = { name: 'wasi:io/', version: '0.2.12' } as const;
const MEANWHILE = { name: 'wasx:io/', version: '0.2.11' } as const;

/** Packages that the tool has the real thing for; they use the real streams. */
const KNOWN = /^package wasi:(io|cli|clocks|filesystem|random|sockets)@/;

/** Gives the packages that need it streams of their own. */
export function separateStreams(packages: readonly string[]): readonly string[] {
  const users = packages.filter((text) => !KNOWN.test(text) && text.includes(REAL.name));
  if (users.length === 0) return packages;
  const streams = packages.find((text) => text.startsWith(`package wasi:io@${REAL.version}`)) ?? '';
  return [
    ...packages.map((text) => (users.includes(text) ? renamed(text) : text)),
    renamed(streams).replace(`package wasi:io@${REAL.version}`, `package wasx:io@${MEANWHILE.version}`),
  ];
}

function renamed(text: string): string {
  const reference = /wasi:io\/([a-z-]+)@0\.2\.\d+/g;
  return text.replace(reference, `${MEANWHILE.name}$1@${MEANWHILE.version}`);
}

/** Puts the right name back, wherever it stands. */
export function restoreStreams(component: Uint8Array): Uint8Array {
  const bytes = Buffer.from(component);
  const [from, to] = [Buffer.from(MEANWHILE.name), Buffer.from(REAL.name)];
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at)) to.copy(bytes, at);
  return bytes;
}
