import { type HostInstance, HostResourceType } from '../../component/index.ts';
import {
  asBytes,
  asLength,
  asRecord,
  asResource,
  asText,
  asU64,
  defineInterfaces,
  type Guest,
} from '../guest/index.ts';
import { IoError } from '../io/index.ts';
import { Descriptor } from './descriptor.ts';
import { DirectoryStream, readDirectory } from './directory-stream.ts';
import {
  createDirectoryAt,
  linkAt,
  readlinkAt,
  removeDirectoryAt,
  renameAt,
  symlinkAt,
  unlinkFileAt,
} from './entries.ts';
import { toErrorCode } from './error-code.ts';
import * as file from './file.ts';
import { appendViaStream, readViaStream, writeViaStream } from './file-streams.ts';
import { type OpenRequest, openAt } from './opening.ts';
import { metadataHashAt, setTimesAt, statAt } from './paths.ts';
import { PREOPENS } from './preopens.ts';

const asDescriptor = (value: unknown) => asResource(value, Descriptor);
const asTransferLength = (value: unknown) => asLength(value, file.TRANSFER_BYTES_MAX);
const isSet = (flags: unknown, name: string) => asRecord(flags)[name] === true;
const asPath = (flags: unknown, path: unknown) => ({ path: asText(path), follow: isSet(flags, 'symlinkFollow') });

/** Functions of what is open. */
function openFileFunctions(): HostInstance {
  return {
    '[method]descriptor.read-via-stream': (self, offset) => readViaStream(asDescriptor(self), asU64(offset)),
    '[method]descriptor.write-via-stream': (self, offset) => writeViaStream(asDescriptor(self), asU64(offset)),
    '[method]descriptor.append-via-stream': (self) => appendViaStream(asDescriptor(self)),
    '[method]descriptor.advise': (self) => file.advise(asDescriptor(self)),
    '[method]descriptor.sync-data': (self) => file.sync(asDescriptor(self), true),
    '[method]descriptor.sync': (self) => file.sync(asDescriptor(self), false),
    '[method]descriptor.get-flags': (self) => file.getFlags(asDescriptor(self)),
    '[method]descriptor.get-type': (self) => file.getType(asDescriptor(self)),
    '[method]descriptor.set-size': (self, size) => file.setSize(asDescriptor(self), asU64(size)),
    '[method]descriptor.set-times': (self, accessed, modified) => file.setTimes(asDescriptor(self), accessed, modified),
    '[method]descriptor.read': (self, length, offset) =>
      file.read(asDescriptor(self), asTransferLength(length), asU64(offset)),
    '[method]descriptor.write': (self, bytes, offset) => file.write(asDescriptor(self), asBytes(bytes), asU64(offset)),
    '[method]descriptor.read-directory': (self) => readDirectory(asDescriptor(self)),
    '[method]descriptor.stat': (self) => file.stat(asDescriptor(self)),
    '[method]descriptor.metadata-hash': (self) => file.metadataHash(asDescriptor(self)),
    '[method]descriptor.is-same-object': (self, other) => file.isSameObject(asDescriptor(self), asDescriptor(other)),
  };
}

/** Functions that follow a path to a file. */
function pathFunctions(): HostInstance {
  return {
    '[method]descriptor.stat-at': (self, flags, path) => statAt(asDescriptor(self), asPath(flags, path)),
    '[method]descriptor.metadata-hash-at': (self, flags, path) =>
      metadataHashAt(asDescriptor(self), asPath(flags, path)),
    '[method]descriptor.set-times-at': (...[self, flags, path, accessed, modified]) =>
      setTimesAt(asDescriptor(self), asPath(flags, path), { accessed, modified }),
    '[method]descriptor.open-at': (...[self, pathFlags, path, openFlags, flags]) =>
      openAt(asDescriptor(self), asPath(pathFlags, path), toOpenRequest(openFlags, flags)),
  };
}

/** Functions on the names in directories. */
function entryFunctions(): HostInstance {
  return {
    '[method]descriptor.create-directory-at': (self, path) => createDirectoryAt(asDescriptor(self), asText(path)),
    '[method]descriptor.remove-directory-at': (self, path) => removeDirectoryAt(asDescriptor(self), asText(path)),
    '[method]descriptor.unlink-file-at': (self, path) => unlinkFileAt(asDescriptor(self), asText(path)),
    '[method]descriptor.readlink-at': (self, path) => readlinkAt(asDescriptor(self), asText(path)),
    '[method]descriptor.symlink-at': (self, target, path) =>
      symlinkAt(asDescriptor(self), asText(target), asText(path)),
    '[method]descriptor.link-at': (...[self, flags, path, base, newPath]) =>
      linkAt(asDescriptor(self), asPath(flags, path), { base: asDescriptor(base), path: asText(newPath) }),
    '[method]descriptor.rename-at': (...[self, path, base, newPath]) =>
      renameAt(asDescriptor(self), asText(path), { base: asDescriptor(base), path: asText(newPath) }),
  };
}

function toOpenRequest(openFlags: unknown, flags: unknown): OpenRequest {
  return {
    create: isSet(openFlags, 'create'),
    directory: isSet(openFlags, 'directory'),
    exclusive: isSet(openFlags, 'exclusive'),
    truncate: isSet(openFlags, 'truncate'),
    read: isSet(flags, 'read'),
    write: isSet(flags, 'write'),
    fileIntegritySync: isSet(flags, 'fileIntegritySync'),
    dataIntegritySync: isSet(flags, 'dataIntegritySync'),
    requestedWriteSync: isSet(flags, 'requestedWriteSync'),
    mutateDirectory: isSet(flags, 'mutateDirectory'),
  };
}

/** `wasi:filesystem/types` and `wasi:filesystem/preopens`. */
export const FILESYSTEM_INTERFACES = defineInterfaces({
  'wasi:filesystem/preopens': {
    'get-directories'(this: Guest) {
      return this.part(PREOPENS).directories();
    },
  },
  'wasi:filesystem/types': {
    descriptor: new HostResourceType<Descriptor>('descriptor', (descriptor) => descriptor.drop()),
    'directory-entry-stream': new HostResourceType<DirectoryStream>('directory-entry-stream', (stream) =>
      stream.drop(),
    ),
    ...openFileFunctions(),
    ...pathFunctions(),
    ...entryFunctions(),
    '[method]directory-entry-stream.read-directory-entry': (self) => asResource(self, DirectoryStream).next(),
    'filesystem-error-code': (error) => {
      const { errno } = asResource(error, IoError);
      return errno === undefined ? undefined : toErrorCode(errno);
    },
  },
});
