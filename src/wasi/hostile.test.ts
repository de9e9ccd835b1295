import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type HostFunction, HostResourceType } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { SeededRandom, SystemClock } from '../time/index.ts';
import { bufferSink, bufferSource, defineWasi, type Guest, type Wasi } from './index.ts';

const CALLS = 2_000;

const ONE_IN_TEN = [true, ...new Array<boolean>(9).fill(false)];

/** Milliseconds after which a call that waits for what never comes is left alone. */
const PATIENCE_MS = 20;

/** What a guest may be ended with. Anything else is a fault of ours. */
const ENDS = new Set(['COMPONENT_TRAPPED', 'COMPONENT_EXITED', 'COMPONENT_LIMIT', 'COMPONENT_KILLED']);

const NAMES = [
  'f',
  'f',
  'f',
  'g',
  'new',
  'dir',
  'dir/b',
  '.',
  '..',
  '../x',
  '/',
  'link',
  'loop',
  'out/secret',
  'f/',
  '',
].concat('x\0', 'n'.repeat(300));

const INTEGERS = [0n, 1n, 2n, 100n, 4_096n, 70_000n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
/** What a guest can pass as another type of number than the interface declares. */
const MISTYPED = [-1n, -5n, -(2n ** 63n), -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 7];
const FLAGS = [
  {},
  { symlinkFollow: true, read: true },
  { create: true, write: true },
  { create: true, read: true, write: true },
  { create: true, exclusive: true },
  { read: true, write: true, truncate: true },
  { directory: true },
  { mutateDirectory: true, fileIntegritySync: true },
];
const TIMES = [
  { tag: 'now', val: undefined },
  { tag: 'no-change', val: undefined },
  { tag: 'timestamp', val: { seconds: 5n, nanoseconds: 5 } },
  { tag: 'timestamp', val: { seconds: 2n ** 64n - 1n, nanoseconds: 2 ** 32 - 1 } },
  { tag: 'timestamp', val: { seconds: -1n, nanoseconds: 0 } },
  { tag: 'timestamp', val: { seconds: 1n, nanoseconds: Number.NaN } },
];
const BYTES = [0, 1, 5_000, 70_000].map((length) => new Uint8Array(length));

/** What a function of these names takes after its resource: u64, text, bytes, flags, time, Descriptor, InputStream. */
const SIGNATURES: Readonly<Record<string, string>> = {
  'descriptor.read-via-stream': 'u',
  'descriptor.write-via-stream': 'u',
  'descriptor.advise': 'uut',
  'descriptor.set-size': 'u',
  'descriptor.set-times': 'TT',
  'descriptor.read': 'uu',
  'descriptor.write': 'bu',
  'descriptor.create-directory-at': 't',
  'descriptor.stat-at': 'ft',
  'descriptor.set-times-at': 'ftTT',
  'descriptor.link-at': 'ftDt',
  'descriptor.open-at': 'ftff',
  'descriptor.readlink-at': 't',
  'descriptor.remove-directory-at': 't',
  'descriptor.rename-at': 'tDt',
  'descriptor.symlink-at': 'tt',
  'descriptor.unlink-file-at': 't',
  'descriptor.is-same-object': 'D',
  'descriptor.metadata-hash-at': 'ft',
  'input-stream.read': 'u',
  'input-stream.blocking-read': 'u',
  'input-stream.skip': 'u',
  'input-stream.blocking-skip': 'u',
  'output-stream.write': 'b',
  'output-stream.blocking-write-and-flush': 'b',
  'output-stream.write-zeroes': 'u',
  'output-stream.blocking-write-zeroes-and-flush': 'u',
  'output-stream.splice': 'Iu',
  'output-stream.blocking-splice': 'Iu',
  'subscribe-instant': 'u',
  'subscribe-duration': 'u',
  'get-random-bytes': 'u',
  'filesystem-error-code': 'E',
  poll: 'P',
};

/** Classes that stand behind the resources' names. */
const CLASSES: Readonly<Record<string, string>> = {
  descriptor: 'Descriptor',
  'directory-entry-stream': 'DirectoryStream',
  error: 'IoError',
  'input-stream': 'InputStream',
  'output-stream': 'OutputStream',
  pollable: 'Pollable',
};

test('W1, W3: a guest that calls anything with anything gets results, errors or its end, and leaves nothing behind', async () => {
  const seed = 20_260_101;
  const random = new SeededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'troupe-hostile-')));
  fs.mkdirSync(path.join(top, 'outside'));
  fs.writeFileSync(path.join(top, 'outside/secret'), 'secret');
  const clock = new SystemClock();
  try {
    for (let life = 0; life < 3; life += 1) {
      const inside = path.join(top, `inside-${life}`);
      fs.mkdirSync(path.join(inside, 'dir'), { recursive: true });
      for (const name of ['f', 'g']) fs.writeFileSync(path.join(inside, name), 'content');
      for (const [target, name] of [
        ['dir', 'link'],
        ['loop', 'loop'],
        ['../outside', 'out'],
      ] as const) {
        fs.symlinkSync(target, path.join(inside, name));
      }
      const wasi = defineWasi({
        clockGranted: true,
        randomGranted: true,
        preopens: [{ hostPath: inside, guestPath: '/', rights: ['read', 'write', 'list', 'delete'] }],
        limits: { openFilesMax: 8, resourcesMax: 200, drainMs: 1 },
      });
      const stdio = { stdin: bufferSource('input'), stdout: bufferSink(1_000_000) };
      const guest = wasi.guest({ clock, stdio });
      try {
        await misuse({ functions: functionsOf(wasi, guest), pick, patience: () => turn(clock) });
      } finally {
        await guest.dispose();
      }
      assert.deepEqual(openBelow(inside), [], `seed ${seed}, life ${life}`);
    }
    assert.deepEqual(fs.readdirSync(path.join(top, 'outside')), ['secret']);
    assert.equal(fs.readFileSync(path.join(top, 'outside/secret'), 'utf8'), 'secret');
  } finally {
    fs.rmSync(top, { recursive: true, force: true });
  }
});

interface Misuse {
  readonly functions: readonly [string, (...args: unknown[]) => unknown][];
  readonly pick: <T>(list: readonly T[]) => T;
  readonly patience: () => Promise<void>;
}

/** Calls functions at random, mostly with values of the right type and with what they gave before; drops some of it. */
async function misuse({ functions, pick, patience }: Misuse): Promise<void> {
  const held: Droppable[] = [];
  const succeeded = new Set<string>();
  const faults: unknown[] = [];
  const openers = functions.filter(([name]) => /open-at|get-directories/.test(name));
  const survive = async (name: string, run: () => unknown): Promise<void> => {
    try {
      const result = await Promise.race([run(), patience()]);
      keep(held, result);
      if (!(typeof result === 'object' && result !== null && 'tag' in result && result.tag === 'err'))
        succeeded.add(name);
    } catch (error) {
      if (!RuntimeError.is(error) || !ENDS.has(error.code)) faults.push(error);
    }
  };
  for (let count = 0; count < CALLS; count += 1) {
    const [name, fn] = pick(pick(ONE_IN_TEN) ? openers : functions);
    const args = argumentsFor(name, held, pick);
    await survive(name, () => fn(...args));
    if (held.length > 60 || pick(ONE_IN_TEN)) {
      const [dropped] = held.splice(pick([...held.keys(), 0]), 1);
      await survive('drop', () => dropped?.drop());
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(succeeded.size > 40, `only ${succeeded.size} functions of ${functions.length} succeeded ever`);
}

interface Droppable {
  drop(): void;
}

function keep(held: Droppable[], value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) keep(held, item);
  } else if (typeof value === 'object' && value !== null) {
    if ('drop' in value) held.push(value as Droppable);
    else if ('val' in value) keep(held, value.val);
  }
}

function argumentsFor(name: string, held: readonly Droppable[], pick: Misuse['pick']): unknown[] {
  const ofClass = (wanted: string) => pick(held.filter((item) => item.constructor.name === wanted));
  const kinds: Record<string, () => unknown> = {
    u: () => pick(INTEGERS),
    m: () => pick(MISTYPED),
    t: () => pick(NAMES),
    b: () => pick(BYTES),
    f: () => pick(FLAGS),
    T: () => pick(TIMES),
    D: () => ofClass('Descriptor'),
    I: () => ofClass('InputStream'),
    E: () => ofClass('IoError'),
    P: () => [ofClass('Pollable'), ofClass('Pollable')].filter((item) => item !== undefined),
  };
  const bare = name.replace('[method]', '');
  const [resource = ''] = bare.split('.');
  const args = [...(SIGNATURES[bare] ?? '')].map((kind) => kinds[kind]?.());
  if (name !== bare) args.unshift(ofClass(CLASSES[resource] ?? ''));
  // One call in ten has an argument of another type than the interface says.
  if (args.length > 0 && pick(ONE_IN_TEN)) args[pick([...args.keys()])] = kinds[pick('utbfTDIEPm'.split(''))]?.();
  return args;
}

function functionsOf({ interfaces }: Wasi, guest: Guest): Misuse['functions'] {
  return Object.values(interfaces).flatMap((functions) =>
    Object.entries(functions).flatMap(([name, item]) =>
      item instanceof HostResourceType ? [] : [[name, (item as HostFunction).bind(guest)] as const],
    ),
  );
}

function turn(clock: SystemClock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(PATIENCE_MS, resolve, true);
  });
}

function openBelow(folder: string): string[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      // The descriptor that listed the folder is closed by now.
      return [];
    }
  });
}
