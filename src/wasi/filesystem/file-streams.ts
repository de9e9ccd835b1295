import fs from 'node:fs';
import { OK, ok } from '../guest/index.ts';
import { type ByteSink, type ByteSource, InputStream, OutputStream, Reader, Writer } from '../io/index.ts';
import {
  attempt,
  attemptNow,
  type Descriptor,
  demand,
  demandFile,
  type FileSystem,
  STREAMS_MAX,
} from './descriptor.ts';
import { type FileResult, refuse } from './error-code.ts';
import { descriptorPath } from './host-files.ts';
import type { OpenFile } from './open-files.ts';

/** `descriptor.read-via-stream`. */
export function readViaStream(descriptor: Descriptor, offset: bigint): FileResult<InputStream> {
  return attemptNow(() => {
    demandFile(descriptor, 'is-directory');
    demand(descriptor, 'read');
    if (!descriptor.access.read) refuse('bad-descriptor');
    const { system } = descriptor;
    const { guest } = system;
    const { file, onDrop } = holdForStream(system, () => descriptor.hold());
    return ok(new InputStream({ guest, core: new Reader(guest, fileSource(system, file, offset)), onDrop }));
  });
}

/** `descriptor.write-via-stream`. */
export function writeViaStream(descriptor: Descriptor, offset: bigint): FileResult<OutputStream> {
  return attemptNow(() => {
    demandWritable(descriptor);
    const { system } = descriptor;
    const { file, onDrop } = holdForStream(system, () => descriptor.hold());
    return ok(outputStream(system, fileSink(system, file, offset), onDrop));
  });
}

/**
 * `descriptor.append-via-stream`. Opens the file once more, for appending: the operating system then finds the end
 * anew for each write, also when others write too.
 */
export function appendViaStream(descriptor: Descriptor): Promise<FileResult<OutputStream>> {
  return attempt(async () => {
    demandWritable(descriptor);
    const { system } = descriptor;
    const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_NONBLOCK;
    const appending = await descriptor.use((fd) => system.open.openFile(descriptorPath(fd), flags));
    const { file, onDrop } = holdForStream(system, () => appending);
    return ok(outputStream(system, fileSink(system, file, null), onDrop));
  });
}

/** Ends the operation unless bytes may be written through the descriptor. */
export function demandWritable(descriptor: Descriptor): void {
  demandFile(descriptor);
  demand(descriptor, 'write');
  if (!descriptor.access.write) refuse('bad-descriptor');
}

/** `result<_>` of an operation that gives nothing. */
export async function done(operation: Promise<void>): Promise<typeof OK> {
  await operation;
  return OK;
}

function outputStream(system: FileSystem, sink: ByteSink, onDrop: () => void): OutputStream {
  const { guest } = system;
  return new OutputStream({ guest, core: new Writer(guest, sink), onDrop });
}

function holdForStream(system: FileSystem, hold: () => OpenFile): { file: OpenFile; onDrop: () => void } {
  const file = hold();
  if (system.streams >= STREAMS_MAX) {
    file.release();
    refuse('insufficient-memory');
  }
  system.streams += 1;
  const onDrop = () => {
    system.streams -= 1;
    file.release();
  };
  return { file, onDrop };
}

/** Reads on from `offset`. Nothing is read ahead: what a guest reads is what the file holds at that time. */
function fileSource({ files }: FileSystem, file: OpenFile, offset: bigint): ByteSource {
  let position = offset;
  return {
    read: (maxBytes) =>
      file.during(async (fd) => {
        const bytes = Buffer.allocUnsafeSlow(maxBytes);
        const length = await files.read(fd, bytes, position);
        position += BigInt(length);
        return length === 0 ? undefined : bytes.subarray(0, length);
      }),
  };
}

/** @param offset Where the first byte goes; `null` appends. */
function fileSink(system: FileSystem, file: OpenFile, offset: bigint | null): ByteSink {
  let position = offset;
  return {
    write: (bytes) =>
      file.during(async (fd) => {
        let rest = bytes;
        while (rest.length > 0) {
          const written = await writeAt(system, { fd, bytes: rest, position });
          if (position !== null) position += BigInt(written);
          rest = rest.subarray(written);
        }
      }),
  };
}

interface Write {
  readonly fd: number;
  readonly bytes: Uint8Array;
  /** `null` appends. */
  readonly position: bigint | null;
}

/** Writes what the operating system takes at once, at least one byte. Gives how many bytes that was. */
export async function writeAt({ files }: FileSystem, { fd, bytes, position }: Write): Promise<number> {
  // Node.js takes positions as numbers; beyond what they hold exactly, no file system goes.
  if (position !== null && position + BigInt(bytes.length) > BigInt(Number.MAX_SAFE_INTEGER)) throw fileTooLarge();
  const written = await files.write(fd, bytes, position === null ? null : Number(position));
  if (written === 0 && bytes.length > 0) throw Object.assign(new Error('No byte was written'), { code: 'EIO' });
  return written;
}

function fileTooLarge(): Error {
  return Object.assign(new Error('The position is beyond any file'), { code: 'EFBIG' });
}
