import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type FilesystemRight, namesOfRequest, type RecordDecision } from '../../capability/index.ts';
import type { HostFunction } from '../../component/index.ts';
import { SystemClock } from '../../time/index.ts';
import { defineWasi, type Guest, type WasiLimits } from '../index.ts';
import type { Descriptor } from './descriptor.ts';

export const ALL_RIGHTS: readonly FilesystemRight[] = ['read', 'write', 'list', 'delete'];

interface SetUpOptions {
  readonly rights?: readonly FilesystemRight[];
  /** Patterns of what is there in the first folder. */
  readonly only?: readonly string[];
  /** Rights of a second folder, `/other`. */
  readonly otherRights?: readonly FilesystemRight[];
  readonly limits?: WasiLimits;
}

/** A guest with a folder of its own, `inside`, beside one that it must not reach, `outside`. */
export interface GuestFiles {
  readonly guest: Guest;
  readonly inside: string;
  readonly other: string;
  readonly outside: string;
  readonly root: Descriptor;
  readonly otherRoot: Descriptor;
  /** Calls a method of `descriptor`, or another function of `types` by its full name; rejects if it throws. */
  // biome-ignore lint/suspicious/noExplicitAny: each function has its own result
  call(name: string, ...args: unknown[]): Promise<any>;
  /** As {@link call}; the result's value, or the error code as a text. */
  // biome-ignore lint/suspicious/noExplicitAny: each function has its own result
  get(name: string, ...args: unknown[]): Promise<any>;
  /** `open-at` on `/`, following links. Flags by name. */
  // biome-ignore lint/suspicious/noExplicitAny: a descriptor or an error code
  open(path: string, ...flags: string[]): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: each function has its own result
  stream(name: string, ...args: unknown[]): Promise<any>;
  /** `filesystem-error-code`. */
  errorCode(error: unknown): Promise<string | undefined>;
  /** What was decided, as it is put on record. */
  readonly decisions: readonly string[];
  /** Descriptors of this process that are open below the test's folder. */
  openDescriptors(): string[];
}

const OPEN_FLAGS = ['create', 'directory', 'exclusive', 'truncate'];

export function setUpFiles(t: TestContext, options: SetUpOptions = {}): GuestFiles {
  const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'troupe-wasi-')));
  const [inside, other, outside] = ['inside', 'other', 'outside'].map((name) => path.join(top, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [inside, other, outside]) fs.mkdirSync(folder);
  fs.writeFileSync(path.join(outside, 'secret'), 'secret');
  const wasi = defineWasi({
    preopens: [
      {
        hostPath: inside,
        guestPath: '/',
        rights: options.rights ?? ALL_RIGHTS,
        ...(options.only && { only: options.only }),
      },
      { hostPath: other, guestPath: '/other', rights: options.otherRights ?? ALL_RIGHTS },
    ],
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const decisions: string[] = [];
  const record: RecordDecision = (request, decision) => {
    const { action, resource } = namesOfRequest(request);
    decisions.push(`${decision.effect} ${action} ${resource}`);
    return decision;
  };
  const guest = wasi.guest({ clock: new SystemClock(), record });
  t.after(async () => {
    await guest.dispose();
    fs.rmSync(top, { recursive: true, force: true });
  });
  const functions = wasi.interfaces as Record<string, Record<string, HostFunction>>;
  const directories = functions['wasi:filesystem/preopens']?.['get-directories']?.call(guest) as [Descriptor, string][];
  const [[root], [otherRoot]] = directories as [[Descriptor, string], [Descriptor, string]];
  const invoke = async (iface: string, name: string, args: unknown[]) => {
    const fn = functions[iface]?.[name];
    assert.ok(typeof fn === 'function', name);
    return await fn.call(guest, ...args);
  };
  const call: GuestFiles['call'] = (name, ...args) =>
    invoke('wasi:filesystem/types', /^filesystem|\[/.test(name) ? name : `[method]descriptor.${name}`, args);
  const get: GuestFiles['get'] = async (name, ...args) => valOf(await call(name, ...args));
  return {
    guest,
    inside,
    other,
    outside,
    root,
    otherRoot,
    decisions,
    call,
    get,
    open(file, ...flags) {
      const named = (wanted: readonly string[]) => Object.fromEntries(wanted.map((flag) => [flag, true]));
      const openFlags = named(flags.filter((flag) => OPEN_FLAGS.includes(flag)));
      const descriptorFlags = named(flags.filter((flag) => !OPEN_FLAGS.includes(flag)));
      const pathFlags = { symlinkFollow: !flags.includes('nofollow') };
      return get('open-at', root, pathFlags, file, openFlags, descriptorFlags);
    },
    stream: (name, ...args) => invoke('wasi:io/streams', `[method]${name}`, args),
    errorCode: (error) => call('filesystem-error-code', error),
    openDescriptors: () => descriptorsBelow(top),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: results of any function
export function valOf(result: any): any {
  return result.val;
}

function descriptorsBelow(top: string): string[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(top) ? [target] : [];
    } catch {
      // The descriptor that listed the folder is closed by now.
      return [];
    }
  });
}
