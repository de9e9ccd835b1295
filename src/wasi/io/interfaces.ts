import { type HostInstance, HostResourceType } from '../../component/index.ts';
import { asBytes, asLength, asListOf, asResource, asU64, defineInterfaces } from '../guest/index.ts';
import { IoError } from './io-error.ts';
import { block, isReady, Pollable, poll } from './pollable.ts';
import { InputStream, OutputStream, READ_BYTES_MAX } from './streams.ts';

const asPollable = (value: unknown) => asResource(value, Pollable);

function inputStreamFunctions() {
  const asInput = (value: unknown) => asResource(value, InputStream);
  const asReadLength = (value: unknown) => asLength(value, READ_BYTES_MAX);
  return {
    'input-stream': new HostResourceType<InputStream>('input-stream', (stream) => stream.drop()),
    '[method]input-stream.read': (self, length) => asInput(self).read(asReadLength(length)),
    '[method]input-stream.blocking-read': (self, length) => asInput(self).blockingRead(asReadLength(length)),
    '[method]input-stream.skip': (self, length) => asInput(self).skip(asReadLength(length)),
    '[method]input-stream.blocking-skip': (self, length) => asInput(self).blockingSkip(asReadLength(length)),
    '[method]input-stream.subscribe': (self) => asInput(self).subscribe(),
  } satisfies HostInstance;
}

function outputStreamFunctions() {
  const asOutput = (value: unknown) => asResource(value, OutputStream);
  const asSource = (value: unknown) => asResource(value, InputStream);
  const asSpliceLength = (value: unknown) => asLength(value, READ_BYTES_MAX);
  return {
    'output-stream': new HostResourceType<OutputStream>('output-stream', (stream) => stream.drop()),
    '[method]output-stream.check-write': (self) => asOutput(self).checkWrite(),
    '[method]output-stream.write': (self, contents) => asOutput(self).write(asBytes(contents)),
    '[method]output-stream.blocking-write-and-flush': (self, contents) =>
      asOutput(self).blockingWriteAndFlush(asBytes(contents)),
    '[method]output-stream.flush': (self) => asOutput(self).flush(),
    '[method]output-stream.blocking-flush': (self) => asOutput(self).blockingFlush(),
    '[method]output-stream.subscribe': (self) => asOutput(self).subscribe(),
    '[method]output-stream.write-zeroes': (self, length) => asOutput(self).writeZeroes(asU64(length)),
    '[method]output-stream.blocking-write-zeroes-and-flush': (self, length) =>
      asOutput(self).blockingWriteZeroesAndFlush(asU64(length)),
    '[method]output-stream.splice': (self, source, length) =>
      asOutput(self).splice(asSource(source), asSpliceLength(length)),
    '[method]output-stream.blocking-splice': (self, source, length) =>
      asOutput(self).blockingSplice(asSource(source), asSpliceLength(length)),
  } satisfies HostInstance;
}

/** `wasi:io/error`, `wasi:io/poll` and `wasi:io/streams`: the same for every guest, since each resource knows its own. */
export const IO_INTERFACES = defineInterfaces({
  'wasi:io/error': {
    error: new HostResourceType<IoError>('error', (error) => error.drop()),
    '[method]error.to-debug-string': (self) => asResource(self, IoError).toDebugString(),
  },
  'wasi:io/poll': {
    pollable: new HostResourceType<Pollable>('pollable', (pollable) => pollable.drop()),
    '[method]pollable.ready': (self) => isReady(asPollable(self)),
    '[method]pollable.block': (self) => block(asPollable(self)),
    poll: (list) => poll(asListOf(list, asPollable)),
  },
  'wasi:io/streams': { ...inputStreamFunctions(), ...outputStreamFunctions() },
});
